/* client_part: the client that is played, and its coming to TLS. Private to the
 * client. */
#ifndef REPLAY_CLIENT_PART_H
#define REPLAY_CLIENT_PART_H

#include "replay/client.h"
#include "replay/guard.h"
#include "replay/replies.h"

#define CLIENT_OUT_MAX	65536	/* octets taken from the script at a time */

struct client {
	const struct script *script;
	const struct client_options *options;
	struct verdict *verdict;
	struct link *link;
	struct stage stage;
	bool skips;		/* what was before TLS is not played */
	bool secured;		/* we are in TLS, or never shall be */
	bool closed;		/* the server has ended its stream */
	bool mute;		/* writing has failed; what it said may come yet */
	bool over;		/* nothing of the script is sent any more */
	size_t step, tile, at;	/* next to be sent; octets of the tile sent */
	bool due_known;
	int64_t due, deadline;	/* of the next step; for any progress */
	size_t came;		/* whole replies */
	int code;		/* of the last of them */
	struct guard guard;
	size_t out_at, out_n;
	char out[CLIENT_OUT_MAX];
	struct replies replies;
};

/* There was progress: patience begins anew. */
void client_progress(struct client *);

/* Nothing more of the script is sent. */
void client_stop(struct client *, enum exit_status, const char *why);

/* The server's next reply. */
void client_take(struct client *, const struct compare_reply *);

/* What is to be done about TLS before the script. */
void client_begin_tls(struct client *);

/* Where the recording came to TLS, do so; or go on behind that, if what was
 * before it is not played. False: that has to wait, or has failed. */
bool client_pass_tls(struct client *);

#endif
