/* journal: what the log says of a session: that it begins (-v) and how it was.
 *
 * The line of the end has these keys, always all of them, in this order; a
 * value that is not known is empty (log.h says how values are written):
 *	sid		id of the session, as in the record
 *	listener	where it came in: its name, or the address if it has none
 *	client		where it came from
 *	orig-dst	where it was meant to go, if it was redirected
 *	upstream	the mail server's address
 *	tls		version and cipher, or opaque
 *	helo auth from	as said by the client, and accepted
 *	nrcpt size qid	of the last transaction: recipients accepted, octets of
 *			mail, and the mail server's queue id
 *	code esc	of the last reply; of the last transaction's reply
 *	events		departures from the protocol
 *	rewritten	lines that were changed
 *	dur		seconds
 *	in out		octets from the client, from the server
 *	recorded	yes, no, or gap
 *	end		who ended it: client, server, smtptap:WHY
 */
#ifndef PROXY_JOURNAL_H
#define PROXY_JOURNAL_H

#include "proxy/conn.h"

void journal_start(const struct conn *);

/* After tap_close(), which completes the facts. */
void journal_end(const struct conn *, int64_t now_ns);

#endif
