/* replies: reads a server's replies from a socket, one whole reply at a time.
 *
 * At most SMTP_LINE_MAX octets of a line are held and REPLIES_KEEP of a reply;
 * what is beyond is read and dropped. One thread. */
#ifndef REPLAY_REPLIES_H
#define REPLAY_REPLIES_H

#include "replay/compare.h"
#include "replay/link.h"
#include "record/text.h"

#define REPLIES_KEEP (256 * 1024)	/* octets */

struct replies {
	struct smtp_session smtp;	/* sees this side only: finds the lines */
	struct text lines;	/* of the reply under way, or given out last */
	bool given;		/* lines have been given out */
	size_t n;		/* octets in in that were not read yet */
	char in[2 * SMTP_LINE_MAX];
};

void replies_init(struct replies *);
void replies_fini(struct replies *);

/* Take what has come, without waiting. *n: octets. */
enum net_result replies_read(struct replies *, struct link *, size_t *n);

/* Forget what has come and was not given out. True: there was something. */
bool replies_forget(struct replies *);

/* The next whole reply, or line that is none (code 0); verb is left NONE. Its
 * lines are good until the next call. False: read more. */
bool replies_next(struct replies *, struct compare_reply *);

#endif
