/* gating: what the files of the gate share; private to inspect/.
 *
 * gate.c opens, tells and queues; gate_command.c, gate_content.c and gate_reply.c
 * decide on an event, each on its kind; gate_tx.c tells one transaction from the
 * next; gate_step.c hands the decision out. judge.c says which rules fire,
 * greeting.c and keywords.c how a reply changes, newline.c what mail content
 * becomes. */
#ifndef INSPECT_GATING_H
#define INSPECT_GATING_H

#include "inspect/gate.h"

/* The rules that command, credential, reply or end of data set off. What is
 * told is queued; the one to act on, or NULL. */
const struct policy_rule *judge_event(struct gate *, const struct smtp_event *,
    int64_t now_us);

/* The same for a find in mail content, and for what a message measures. */
const struct policy_rule *judge_find(struct gate *, const struct mime_find *);
const struct policy_rule *judge_measures(struct gate *);

/* The same for a keyword of a reply to EHLO. tells: queue what is told, else
 * only look. */
const struct policy_rule *judge_keyword(struct gate *, struct span keyword,
    bool tells);

/* A name said with EHLO is one of those. */
bool judge_helo(struct policy_words, struct span name);

/* Queue that a rule has fired. */
void gate_tell(struct gate *, const char *rule, enum policy_action,
    struct span detail);

/* The same for one of the edits, once a session. */
void gate_tell_edit(struct gate *, enum gate_told, const char *rule,
    struct span detail);

/* The session ends with that rule; the event it fired on goes nowhere. */
void gate_finish(struct gate *, const struct policy_rule *);

/* Change a part of the line: out lies in g->raw, in is good until the next event.
 * In order; what does not fit is left as it is. False: it is the same already. */
bool gate_edit(struct gate *, struct span out, struct span in);

/* The same, also where the policy is only tried: of what is no part of it. */
void gate_change(struct gate *, struct span out, struct span in);

/* Room for octets of ours, good until the next event; n = 0: there is none. */
struct span gate_make(struct gate *, const char *bytes, size_t n);
struct span gate_number(struct gate *, uint64_t);

/* Decide on an event of that kind. */
void gate_command(struct gate *, struct smtp_session *,
    const struct smtp_event *, int64_t now_us);
void gate_credential(struct gate *, struct smtp_session *,
    const struct smtp_event *, int64_t now_us);
void gate_content(struct gate *, struct smtp_session *,
    const struct smtp_event *, int64_t now_us);
void gate_end_of_data(struct gate *, struct smtp_session *,
    const struct smtp_event *, int64_t now_us);
void gate_reply(struct gate *, struct smtp_session *,
    const struct smtp_event *, int64_t now_us);
void gate_opaque(struct gate *, const struct smtp_event *, int64_t now_us);

/* Where TLS ends here: may the next event be read; what is done about a command
 * (true: something) and a reply; what EHLO's reply hides and adds. */
bool tls_ready(struct gate *, const struct smtp_session *, enum smtp_side,
    struct span in, bool ended);
bool tls_command(struct gate *, struct smtp_session *,
    const struct smtp_event *);
void tls_reply(struct gate *, struct smtp_session *, const struct smtp_event *);
bool tls_ends_here(const struct gate *);
bool tls_hides(const struct gate *, struct span keyword);
void tls_hide(struct gate *, struct span keyword);	/* the line with it */
bool tls_offers(const struct gate *);

/* Nothing is decided yet on these bytes. */
void gate_begin(struct gate *, struct span raw);

/* All of this event goes to nobody; of a command, too, and no reply to it is due
 * from the server. */
void gate_withhold(struct gate *);
void gate_withhold_unit(struct gate *, struct smtp_session *,
    const struct smtp_event *);

/* A reply of ours takes its place behind so many of the server's. */
void gate_queue(struct gate *, unsigned behind, struct span reply, bool closes,
    const char *rule);

/* The session ends with this reply, whatever else was to be said. */
void gate_close_with(struct gate *, struct span reply, const char *rule);

/* A reply has come: content is refused, and the server owes no other any more. */
void gate_leave_late(struct gate *, const struct smtp_session *);

/* Content begins anew with each message: with 354, or its first chunk. */
void gate_begin_content(struct gate *, bool stuffed);

/* A transaction and what begins one: a command that is to be judged; what became
 * of it, was: g->tx before it was said; a reply. */
void gate_tx_command(struct gate *, struct smtp_session *,
    const struct smtp_event *);
void gate_tx_passed(struct gate *, const struct smtp_event *,
    const struct gate_tx *was);
void gate_tx_refused(struct gate *, struct smtp_session *,
    const struct smtp_event *, const struct gate_tx *was);
void gate_tx_reply(struct gate *, struct smtp_session *,
    const struct smtp_event *);

/* What the client says next is a chunk, and only the server can tell whether it is
 * of the message that has some already. */
bool gate_tx_waits(const struct gate *, struct span in);

/* BDAT, or octets of it. */
bool gate_is_chunk(const struct smtp_event *);

/* Whose policy counts, by what is known of the session. */
void gate_choose_policy(struct gate *);

void gate_keep_name(struct gate_name *, struct span);

/* Nothing is done about this event: it is told only. */
bool gate_is_dry(const struct gate *);

/* Edit a line of the reply that greets. */
void greeting_edit(struct gate *, const struct smtp_event *);

/* This verb is answered with keywords, by who accepts it (4.1.1.1, RFC 2033 4.1). */
bool keywords_asked(enum smtp_verb);

/* Edit a line of a reply to EHLO; then, behind any other edit of it, add lines
 * of ours if it is the last that goes out. */
void keywords_edit(struct gate *, const struct smtp_event *);
void keywords_add(struct gate *, const struct smtp_event *);

/* in, at whose front a line of a reply to EHLO stands, is enough to decide on
 * that line; and what was found out. */
bool keywords_ready(struct gate *, const struct smtp_session *, struct span in,
    bool ended);

/* Does a whole reply to EHLO stand in front? found: that is one of its keywords. */
bool keywords_find(struct span in, const char *keyword, bool *found);

/* How many octets at the front of rest, which is the end of raw, stay as they
 * are; and what becomes of the one behind them: a blank instead, or a dot behind
 * it. at: where raw begins. Strict engines only: a CRLF is never in two pieces,
 * nor is a line of one dot with CR and NUL behind it. */
enum newline_what { NEWLINE_BLANK, NEWLINE_STUFF };
size_t newline_next(struct span raw, struct span rest, enum newline_at at,
    enum newline_what *);

/* Where what follows raw begins. */
enum newline_at newline_behind(struct span raw, enum newline_at at);

/* Where content first has an octet that REJECT does not let through; content.n
 * if nowhere. */
size_t newline_first(struct span content);

#endif
