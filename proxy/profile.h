/* profile: the built-in policies; proxy/profiles/NAME.conf is their text. */
#ifndef PROXY_PROFILE_H
#define PROXY_PROFILE_H

/* A configuration with one policy section of that name. NULL: there is none. */
const char *profile_text(const char *name);

/* The i-th name, from 0, sorted. NULL: there are no more. */
const char *profile_name(unsigned i);

#endif
