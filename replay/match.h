/* match: whether a client has said what the recorded one said.
 *
 * Never compared: the name in EHLO, HELO and LHLO; the values of SIZE=, ENVID=
 * and AUTH= of MAIL; the octets of BDAT; credentials, which were not recorded;
 * mail content. Letters of verbs and parameter names match in any case; all
 * else is compared as it is, parameters in their order. Pure. */
#ifndef REPLAY_MATCH_H
#define REPLAY_MATCH_H

#include "replay/script.h"

/* ev is a COMMAND, CREDENTIAL or END_OF_DATA; so is the tile, or it does not
 * match. verbs: compare nothing but the verb. */
bool match_line(const struct script *, const struct script_tile *,
    const struct smtp_event *ev, bool verbs);

#endif
