#include "record/delivery.h"

void
delivery_free(struct delivery *d)
{
	transaction_free(&d->tx);
	content_free(d->content);
	d->content = NULL;
}

static void
emit_message(struct delivery *d, struct content *content,
    const struct transaction_reply *reply, struct ledger *to)
{
	struct recorder_message *m;

	if (!d->tx.open)
		return;
	m = transaction_end(&d->tx, content, d->any_accepted, reply);
	d->any_accepted = false;
	if (m == NULL)
		return;
	d->size = m->size;
	text_copy(d->queue_id, sizeof d->queue_id,
	    span_of(m->queue_id ? m->queue_id : ""));
	*to->messages = m;
	to->messages = &m->next;
}

void
delivery_left(struct delivery *d, struct ledger *to)
{
	struct transaction_reply none = { 0 };

	d->any_accepted = false;
	emit_message(d, NULL, &none, to);
}

void
delivery_begins(struct delivery *d, struct span reverse_path,
    struct ledger *to)
{
	delivery_left(d, to);
	transaction_begin(&d->tx, reverse_path);
	text_copy(d->mail_from, sizeof d->mail_from, reverse_path);
	d->nrcpt = 0;
	d->size = 0;
	d->queue_id[0] = '\0';
}

void
delivery_rcpt(struct delivery *d, struct span address, bool accepted,
    const struct transaction_reply *reply)
{
	d->nrcpt += accepted;
	transaction_rcpt(&d->tx, address, reply);
}

void
delivery_content_dropped(struct delivery *d)
{
	content_free(d->content);
	d->content = NULL;
	d->holed = false;
}

void
delivery_content_begins(struct delivery *d)
{
	delivery_content_dropped(d);
	d->content = content_new(d->digest);
}

void
delivery_given(struct delivery *d, struct span bytes)
{
	if (d->edited && d->content)
		content_put(d->content, bytes, d->stuffed);
}

void
delivery_given_all(struct delivery *d)
{
	d->edited = false;
}

void
delivery_content(struct delivery *d, const struct smtp_event *ev,
    enum tap_fate fate)
{
	if (d->content == NULL)
		d->content = content_new(d->digest);
	d->stuffed = ev->verb == SMTP_DATA;
	d->edited = fate == TAP_EDITED;
	if (d->content && fate == TAP_FORWARDED)
		content_put(d->content, ev->raw, d->stuffed);
}

void
delivery_gap(struct delivery *d)
{
	d->holed = true;
}

struct content *
delivery_content_over(struct delivery *d)
{
	struct content *content;

	if (d->holed)
		delivery_content_dropped(d);
	else if (d->content == NULL)
		d->content = content_new(d->digest);
	content = d->content;
	d->content = NULL;
	return content;
}

void
delivery_over(struct delivery *d, const struct transaction_reply *reply,
    struct content *content, struct recorder_session *facts, struct ledger *to)
{
	if (reply->code == 0)
		d->any_accepted = false;
	else if (!d->tx.open)
		transaction_begin(&d->tx, SPAN(""));
	facts->messages += d->any_accepted;
	emit_message(d, content, reply, to);
}

void
delivery_answered(struct delivery *d, const struct smtp_event *ev,
    const struct transaction_reply *reply, struct content *content,
    struct recorder_session *facts, struct ledger *to)
{
	if (!d->tx.open)
		transaction_begin(&d->tx, SPAN(""));
	if (ev->per_rcpt)
		transaction_rcpt_final(&d->tx, ev->rcpt, reply);
	d->any_accepted |= ev->fact == SMTP_FACT_TX_COMMITTED;
	if (ev->answered)
		delivery_over(d, reply, content, facts, to);
}
