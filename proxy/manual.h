/* manual: what smtptapd prints of its configuration instead of running. */
#ifndef PROXY_MANUAL_H
#define PROXY_MANUAL_H

#include "proxy/options.h"

/* --check, --print-profile, --print-sample, --print-manual. */
bool manual_asked(const struct options *);

/* Print it, and give the status to exit with. host: as config_read(). */
int manual_answer(const struct options *, const char *host);

#endif
