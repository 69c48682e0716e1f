/* hostname: host names and addresses within a line of text.
 *
 * Pure. What counts as a letter of a name: ASCII letters and digits, - and _, and
 * any octet above 127 (RFC 6531); case never counts. */
#ifndef INSPECT_HOSTNAME_H
#define INSPECT_HOSTNAME_H

#include "inspect/span.h"

/* Octets of the labels and dots at the front, without a dot at their end, or of
 * an address literal with its brackets (RFC 5321 4.1.3). They need not be a
 * host's: see scrub_host(). */
size_t hostname_length(struct span text);

/* This name or address stands at `at`, and is not part of a longer one: neither
 * "amx.example" nor "mx.example.net" holds "mx.example". A dot that ends a
 * sentence is of no name. name is not empty. */
bool hostname_stands(struct span text, size_t at, struct span name);

/* The n octets at `at` are all there is in an address literal: *inside is what is
 * between the brackets, "IPv6:" included. False: they are in none; *inside is
 * then only they. */
bool hostname_in_literal(struct span text, size_t at, size_t n,
    struct span *inside);

#endif
