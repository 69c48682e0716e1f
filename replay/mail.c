#include "replay/mail.h"

#include <stdlib.h>

#include "replay/print.h"

static void
begin(struct mail *m)
{
	text_clear(&m->under_way);
	memcpy(m->tail, "\r\n", 2);
}

void
mail_open(struct mail *m, bool keep)
{
	*m = (struct mail){ .keep = keep };
	m->end = &m->messages;
	begin(m);
	account_open(&m->account, true);
}

void
mail_close(struct mail *m)
{
	struct recorder_message *next;

	account_free(&m->account);
	text_free(&m->exchanges);
	text_free(&m->events);
	text_free(&m->under_way);
	for (; m->messages; m->messages = next) {
		next = m->messages->next;
		free(m->messages);
	}
	for (size_t i = 0; i < m->n; i++)
		text_free(&m->contents[i].bytes);
	free(m->contents);
}

/* The engine begins a new piece at every dot on a line start. */
static void
put(struct mail *m, struct span piece, bool stuffed)
{
	struct span meant = piece;

	if (stuffed && piece.p[0] == '.' && memcmp(m->tail, "\r\n", 2) == 0)
		meant = span_from(piece, 1);
	text_span(&m->under_way, meant);
	m->tail[0] = piece.n > 1 ? piece.p[piece.n - 2] : m->tail[1];
	m->tail[1] = piece.p[piece.n - 1];
}

static void
over(struct mail *m)
{
	if (m->n == m->room) {
		m->room = m->room ? 2 * m->room : 4;
		m->contents = reallocarray(m->contents, m->room,
		    sizeof(*m->contents));
	}
	if (!m->contents || m->under_way.failed)
		exit(complain(EXIT_UNREADABLE, "out of memory"));
	m->contents[m->n++] = (struct mail_content){ .bytes = m->under_way };
	m->under_way = (struct text){ 0 };
	begin(m);
}

/* The content begins, goes on and ends as in record/account.c. */
static void
keep_content(struct mail *m, const struct walk_unit *u)
{
	const struct smtp_event *ev = &u->ev;

	switch (ev->tile) {
	case SMTP_COMMAND:
		if (ev->verb == SMTP_BDAT_LAST && ev->last)
			over(m);
		else if (ev->verb == SMTP_MAIL || ev->verb == SMTP_RSET ||
		    ev->verb == SMTP_EHLO || ev->verb == SMTP_HELO ||
		    ev->verb == SMTP_LHLO)
			begin(m);
		break;
	case SMTP_CONTENT:
		for (size_t i = 0; i < u->run.n; i++)
			if (u->run.pieces[i].fate != TRACK_WITHHELD)
				put(m, u->run.pieces[i].bytes,
				    ev->verb == SMTP_DATA);
		if (ev->verb == SMTP_BDAT_LAST && ev->last)
			over(m);
		break;
	case SMTP_END_OF_DATA:
		over(m);
		break;
	default:
		if (ev->fact == SMTP_FACT_DATA_BEGINS &&
		    ev->verb == SMTP_DATA)
			begin(m);
		break;
	}
}

/* A message has been decided: the oldest content of its size is its own. */
static void
claim(struct mail *m, const struct recorder_message *message)
{
	for (size_t i = 0; message->content && i < m->n; i++)
		if (m->contents[i].seq == 0 &&
		    m->contents[i].bytes.n == message->size) {
			m->contents[i].seq = message->seq;
			return;
		}
}

static void
take_decided(struct mail *m, const struct ledger *ledger)
{
	for (; m->end != ledger->messages; m->end = &(*m->end)->next)
		claim(m, *m->end);
}

/* As the recorder's tap enters it. */
static void
enter(struct mail *m, const struct walk_unit *u, struct ledger *ledger)
{
	account_event(&m->account, &u->ev, u->fate, u->t_us, &m->facts,
	    ledger);
	if (u->fate != TAP_EDITED)
		return;
	account_changed(&m->account, &m->facts);
	for (size_t i = 0; i < u->run.n; i++)
		if (u->run.pieces[i].fate != TRACK_WITHHELD)
			account_given(&m->account, u->run.pieces[i].bytes);
}

void
mail_add(struct mail *m, const struct walk_unit *u)
{
	struct ledger ledger = { &m->exchanges, &m->events, m->end };

	switch (u->what) {
	case WALK_TILE:
		if (m->keep)
			keep_content(m, u);
		enter(m, u, &ledger);
		break;
	case WALK_OWN:
		if (u->side == SMTP_SERVER)
			account_own(&m->account, u->ev.raw, u->t_us,
			    &m->facts, &ledger);
		else
			account_said(&m->account, u->ev.raw, u->t_us);
		break;
	case WALK_GAP:
		m->gap = true;
		break;
	case WALK_HEARD:
	case WALK_SECURED:
	case WALK_FIN:
	case WALK_RESET:
		break;
	}
	take_decided(m, &ledger);
}

void
mail_end(struct mail *m)
{
	struct ledger ledger = { &m->exchanges, &m->events, m->end };

	account_end(&m->account, m->facts.duration_us, &m->facts, &ledger);
	take_decided(m, &ledger);
}

const struct mail_content *
mail_find(const struct mail *m, unsigned seq)
{
	for (size_t i = 0; i < m->n; i++)
		if (seq && m->contents[i].seq == seq)
			return &m->contents[i];
	return NULL;
}
