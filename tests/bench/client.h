/* client: one connection of the load generator, and what they all share.
 *
 * What it says is in dialogue.c. A client obeys the EHLO reply: it pipelines, sends BDAT, SIZE= and BODY= only
 * where they are offered. Its latency counts from connect() to the reply to
 * QUIT; then it waits for the server to close, so that no port of ours is left
 * in TIME_WAIT. One thread. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <netinet/in.h>

#include "tests/bench/body.h"
#include "tests/bench/outbox.h"

#define CLIENT_REPLY_MAX 512	/* octets of a reply line */

enum grouping {
	LOCKSTEP,		/* a command, its reply, the next command */
	WITHIN_MESSAGE,		/* MAIL, RCPT and DATA or all BDAT as one group */
	ACROSS_MESSAGES,	/* and the next message behind the end of data */
};

/* What every client is to do. */
struct plan {
	struct sockaddr_in server;
	unsigned messages;	/* per session */
	struct body body;
	enum grouping grouping;
	bool bdat;
	size_t chunk;		/* octets; 0: the whole body in one */
	bool idle;		/* say nothing after EHLO until told */
	size_t slow_octets;	/* send so many at a time ... */
	uint64_t slow_us;	/* ... so far apart; 0: at full speed */
	uint64_t octets_max;	/* of content to begin; 0: no bound */
	uint64_t stop_us;	/* no message begins after; 0: no bound */
};

/* What came of it. */
struct tally {
	uint64_t sessions, ok, failed, messages, body_octets, begun_octets;
	uint64_t at_connect, at_end, at_reply, at_stall;	/* of failed */
	char error[160];	/* the first; fit for JSON */
	uint32_t next_id;
	bool pipelined, chunked;
	uint32_t *latency_us;	/* [ok] */
	size_t latency_room;
	unsigned idle;		/* clients that wait after EHLO */
};

struct client {
	int fd;			/* -1: not in use */
	bool blocked;		/* the socket takes no more; EPOLLOUT is on */
	bool paced;		/* in the queue of slow senders */
	bool pipelining, chunking, size, eightbit;	/* offered */
	bool finished;		/* QUIT is answered */
	bool waiting;		/* idle after EHLO */
	unsigned started;	/* messages */
	uint32_t id;		/* of the message under way */
	uint64_t start_us, due_us;
	struct client *next;	/* free, or paced */
	size_t offered;		/* octets of the body put into BDAT */
	char head[BODY_HEAD];	/* first line of the body, with the id */
	struct outbox out;
	unsigned char places[OUTBOX_CHUNKS + 16];
	size_t place, places_n;	/* replies [place, places_n) are awaited */
	char line[CLIENT_REPLY_MAX];
	size_t line_n;
};

struct load {
	struct plan plan;
	struct tally tally;
	int epoll;
	unsigned live;			/* clients in use */
	struct client *vacant;		/* clients not in use */
	struct client *paced, **paced_end;
};

uint64_t clock_us(void);

/* No message is to begin any more: time or octets are spent. */
bool plan_spent(const struct load *);

void client_start(struct load *, struct client *);
void client_readable(struct load *, struct client *);
void client_flush(struct load *, struct client *);

/* The reply to QUIT has come. */
void client_finish(struct load *, struct client *);

/* Give up, count it under *counter. */
void client_fail(struct load *, struct client *, uint64_t *counter,
    const char *why);

/* Let the slow senders that are due send; ms until the next is, -1: none. */
int client_pace(struct load *);

#endif
