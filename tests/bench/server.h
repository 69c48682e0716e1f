/* server: one SMTP session of the sink, which accepts everything and checks it.
 *
 * Offers PIPELINING, SIZE, 8BITMIME, CHUNKING. If the expected body is known,
 * every octet of mail content is compared with what the id named in RCPT TO
 * says must come. Pure: bytes in, replies out; one thread. */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include "tests/bench/body.h"

#define SERVER_LINE_MAX	1024	/* octets of a command */
#define SERVER_HEADROOM	2	/* octets server_take() may need before its input */

struct server_tally {
	uint64_t messages, body_octets;
	uint64_t bad;		/* messages that are not what was sent */
	uint64_t id_sum;	/* of the ids of all messages */
	uint64_t odd_commands, cut_short;
};

enum server_phase { EXPECT_COMMAND, EXPECT_DATA, EXPECT_CHUNK };

struct server {
	enum server_phase phase;
	bool closing;		/* QUIT, or too long a line */
	bool bad, identified;	/* of the message under way */
	bool last_chunk;
	char digits[BODY_ID_DIGITS];
	uint32_t id;
	size_t octets;		/* of this message so far */
	uint64_t chunk_left;
	char tail[2];		/* last octets of the content so far */
	char held[SERVER_HEADROOM];	/* start of what may be the final dot */
	size_t held_n;
	char line[SERVER_LINE_MAX];
	size_t line_n;
	char *replies;		/* to be sent */
	size_t replies_n, replies_room;
};

/* Greets. */
void server_init(struct server *);
void server_fini(struct server *, struct server_tally *);

/* n octets have come; SERVER_HEADROOM octets before them may be overwritten.
 * body: what is expected; NULL: nothing is compared. */
void server_take(struct server *, const struct body *, struct server_tally *,
    char *p, size_t n);

/* The first n octets of replies have been sent. */
void server_sent(struct server *, size_t n);

#endif
