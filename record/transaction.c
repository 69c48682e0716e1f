#include "record/transaction.h"

#include <stdlib.h>

#include "inspect/smtp.h"

#define REPLY_MAX 1024		/* octets of a reply kept in a row */

void
transaction_free(struct transaction *t)
{
	text_free(&t->strings);
	free(t->rcpts);
	*t = (struct transaction){ .seq = t->seq };
}

static size_t
keep(struct text *strings, struct span s)
{
	size_t at = strings->n;

	if (s.n > REPLY_MAX)
		s.n = REPLY_MAX;
	text_printable(strings, s);
	text_put(strings, "", 1);
	return at;
}

void
transaction_begin(struct transaction *t, struct span reverse_path)
{
	t->open = true;
	t->seq++;
	t->n = 0;
	text_clear(&t->strings);
	(void)keep(&t->strings, reverse_path);
}

static void
set_reply(struct transaction *t, struct transaction_rcpt *r,
    const struct transaction_reply *reply)
{
	r->code = reply->code;
	r->enhanced = keep(&t->strings, reply->enhanced);
	r->reply = keep(&t->strings, reply->text);
}

void
transaction_rcpt(struct transaction *t, struct span address,
    const struct transaction_reply *reply)
{
	struct transaction_rcpt *more;
	unsigned room = t->room ? t->room * 2 : 4;

	if (!t->open || t->n == TRANSACTION_RCPT_MAX)
		return;
	if (t->n == t->room) {
		more = realloc(t->rcpts, room * sizeof *more);
		if (more == NULL)
			return;
		t->rcpts = more;
		t->room = room;
	}
	t->rcpts[t->n].address = keep(&t->strings, address);
	set_reply(t, &t->rcpts[t->n++], reply);
}

void
transaction_rcpt_final(struct transaction *t, unsigned n,
    const struct transaction_reply *reply)
{
	for (unsigned i = 0; i < t->n; i++) {
		if (t->rcpts[i].code / 100 != 2)
			continue;
		if (n-- == 0) {
			set_reply(t, &t->rcpts[i], reply);
			return;
		}
	}
}

static struct span
string_at(const struct transaction *t, size_t at)
{
	return span_of(t->strings.p + at);
}

/* [[address, code, enhanced, reply], ...] */
static size_t
put_recipients(const struct transaction *t, struct text *out)
{
	size_t at = out->n;

	text_put(out, "[", 1);
	for (unsigned i = 0; i < t->n; i++) {
		const struct transaction_rcpt *r = &t->rcpts[i];

		text_str(out, i ? ",[" : "[");
		text_json(out, string_at(t, r->address));
		text_put(out, ",", 1);
		text_int(out, r->code);
		text_put(out, ",", 1);
		if (t->strings.p[r->enhanced])
			text_json(out, string_at(t, r->enhanced));
		else
			text_str(out, "null");
		text_put(out, ",", 1);
		text_json(out, string_at(t, r->reply));
		text_put(out, "]", 1);
	}
	text_put(out, "]", 2);	/* with the NUL */
	return at;
}

/* The fields of a message by where they are in its strings; -1: unknown. */
enum { FROM, RCPTS, SUBJECT, H_FROM, H_TO, MESSAGE_ID, DATE, ENHANCED, REPLY,
	QUEUE_ID, STRINGS };

static void
gather(const struct transaction *t, const struct content *content,
    const struct transaction_reply *reply, struct text *out, long at[STRINGS])
{
	struct span queue_id = smtp_queue_id(reply->text);

	for (int i = 0; i < STRINGS; i++)
		at[i] = -1;
	at[FROM] = (long)keep(out, string_at(t, 0));
	at[RCPTS] = (long)put_recipients(t, out);
	if (content) {
		at[SUBJECT] = content_field(content, "Subject", out);
		at[H_FROM] = content_field(content, "From", out);
		at[H_TO] = content_field(content, "To", out);
		at[MESSAGE_ID] = content_field(content, "Message-ID", out);
		at[DATE] = content_field(content, "Date", out);
	}
	if (reply->code == 0)
		return;
	at[REPLY] = (long)keep(out, reply->text);
	if (reply->enhanced.n)
		at[ENHANCED] = (long)keep(out, reply->enhanced);
	if (queue_id.n)
		at[QUEUE_ID] = (long)keep(out, queue_id);
}

/* One allocation holds the message and its strings. */
static struct recorder_message *
allocate(const struct text *strings, const long at[STRINGS])
{
	struct recorder_message *m;
	const char *p[STRINGS];
	char *copy;

	if (strings->failed)
		return NULL;
	m = calloc(1, sizeof *m + strings->n);
	if (m == NULL)
		return NULL;
	copy = memcpy(m + 1, strings->p, strings->n);
	for (int i = 0; i < STRINGS; i++)
		p[i] = at[i] < 0 ? NULL : copy + at[i];
	m->mail_from = p[FROM];
	m->recipients = p[RCPTS];
	m->subject = p[SUBJECT];
	m->header_from = p[H_FROM];
	m->header_to = p[H_TO];
	m->message_id = p[MESSAGE_ID];
	m->date = p[DATE];
	m->enhanced = p[ENHANCED];
	m->reply = p[REPLY];
	m->queue_id = p[QUEUE_ID];
	return m;
}

struct recorder_message *
transaction_end(struct transaction *t, struct content *content, bool accepted,
    const struct transaction_reply *reply)
{
	struct text strings = { 0 };
	struct recorder_message *m = NULL;
	long at[STRINGS];

	if (!t->strings.failed) {
		gather(t, content, reply, &strings, at);
		m = allocate(&strings, at);
	}
	text_free(&strings);
	t->open = false;
	t->n = 0;
	text_clear(&t->strings);
	if (m == NULL)
		return NULL;
	m->seq = t->seq;
	m->accepted = accepted;
	m->code = reply->code;
	m->content = content != NULL;
	if (content) {
		m->size = content->size;
		content_digest(content, m->sha256);
	}
	return m;
}
