/* dialogue: what a client of the load generator says, and after which reply. */
#ifndef BENCH_DIALOGUE_H
#define BENCH_DIALOGUE_H

#include "tests/bench/client.h"

/* The client has connected. */
void dialogue_begin(struct client *);

/* A reply line has come, in c->line, NUL-terminated, without its line end. */
void dialogue_reply(struct load *, struct client *);

/* Say QUIT; for clients that wait idle. */
void dialogue_quit(struct load *, struct client *);

#endif
