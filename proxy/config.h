/* config: the configuration file of smtptapd, as settings.
 *
 * Read with libconfuse; options.def says which options there are, and
 * smtptap.conf(5) is made from it. A file is used whole or not at all: every
 * error that can be found in one go is reported, a line each,
 *
 *	FILE:LINE: OPTION VALUE: what is accepted
 *
 * Opens files, resolves no names. libconfuse has one lexer: one thread at a
 * time, the main one. */
#ifndef PROXY_CONFIG_H
#define PROXY_CONFIG_H

#include "proxy/policies.h"
#include "proxy/report.h"
#include "proxy/settings.h"

/* The settings of a file, with one user; not resolved. NULL: errors says why.
 * host: what this machine is called, where a policy does not say. */
struct settings *config_read(const char *path, const char *host,
    struct config_report *);

/* The policies of a text in memory that has nothing but policy sections. NULL:
 * errors says why. */
struct policies *config_policies(const char *text, const char *host,
    struct config_report *);

#endif
