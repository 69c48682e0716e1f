/* script: a recorded session, ready to be played from either side.
 *
 * The engine has read it once. The client's stream is cut twice: into tiles
 * (what the bytes are: a command, content) and into steps (when they came: a
 * segment, and how many whole replies had come before it). The server's stream
 * is cut into replies. Steps and replies are in order of arrival.
 *
 * It is the session as the client had it: what the client said, whether it was
 * passed on or not, and what it was told, by the server or by smtptap; in TLS
 * where it was (of the server's side nothing is known here).
 *
 * In memory twice while it is read, once after; at most SCRIPT_MAX tiles,
 * steps and replies each. Pure but for malloc; one thread. */
#ifndef REPLAY_SCRIPT_H
#define REPLAY_SCRIPT_H

#include "record/store.h"

#define SCRIPT_MAX (1u << 20)

struct script_tile {
	size_t from, n;		/* octets of the client's stream */
	unsigned text_at, text_n;	/* a command's argument in it */
	unsigned char tile, verb;	/* enum smtp_tile, smtp_verb */
	bool unit;		/* a reply is due behind this tile */
	size_t edit_at, edit_n;	/* what to send instead, in edits; n = 0: as it is */
};

struct script_step {
	size_t to;		/* the client's stream up to here */
	size_t replies;		/* that had come before */
	int64_t t_us;		/* since the session's start */
};

struct script_reply {
	enum smtp_verb verb;	/* what it answers; NONE: nothing */
	int code;		/* 0: a line that is no reply */
	struct span lines;	/* all of them, line ends included */
	size_t unit;		/* it answers the unit of this number, from 1; the
				 * greeting has 0; one that answers nothing has the
				 * number of the unit answered last */
	int64_t t_us;
};

/* How the client came to TLS. */
enum script_tls {
	SCRIPT_CLEAR,		/* not at all */
	SCRIPT_STARTTLS,
	SCRIPT_TLS,		/* with the connection */
};

struct script {
	struct text client, server, edits;
	struct script_tile *tiles;
	struct script_step *steps;
	struct script_reply *replies;
	size_t ntiles, nsteps, nreplies;
	enum script_tls tls;
	struct {		/* how many of each there were before TLS */
		size_t tiles, steps, replies, units;
	} secured;
	bool server_closed;	/* before the client did */
	const char *unservable;	/* why its server cannot be played, or NULL */
};

/* Read a recording. False and a sentence if it cannot be played: bytes were
 * not recorded, or TLS hides them. The wire may be freed afterwards. In either
 * case free the script. */
bool script_read(struct script *, const struct store_wire *,
    char error[RECORD_ERROR_MAX]);
void script_free(struct script *);

/* The bytes of a tile as they were recorded. */
struct span script_raw(const struct script *, const struct script_tile *);

/* The argument of a command. */
struct span script_text(const struct script *, const struct script_tile *);

/* What to send for a tile. */
struct span script_sent(const struct script *, const struct script_tile *);

/* Who follows a client or plays one meets the same units: ev ends a unit of the
 * client's stream, so that a reply is due. */
bool script_unit(const struct smtp_event *ev);

#endif
