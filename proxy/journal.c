#include "proxy/journal.h"

#include "proxy/log.h"

void
journal_start(const struct conn *c)
{
	struct log_line line;

	if (!log_is(LOG_VERBOSE))
		return;
	line.n = 0;
	log_uuid(&line, "sid", c->tap.facts.uuid);
	log_str(&line, "listener", c->tap.facts.listener);
	log_str(&line, "client", c->tap.facts.client);
	log_str(&line, "upstream", c->tap.facts.upstream);
	log_str(&line, "start", "connected");
	log_write(&line);
}

static const char *
how_recorded(const struct conn *c)
{
	if (c->tap.port == NULL)
		return "no";
	return c->tap.facts.gap ? "gap" : "yes";
}

void
journal_end(const struct conn *c, int64_t now)
{
	const struct tap *t = &c->tap;
	const struct recorder_session *s = &t->facts;
	struct log_line line;

	if (!log_is(LOG_INFO))
		return;
	line.n = 0;
	log_uuid(&line, "sid", s->uuid);
	log_str(&line, "listener", s->listener);
	log_str(&line, "client", s->client);
	log_str(&line, "orig-dst", s->original_dst);
	log_str(&line, "upstream", s->upstream);
	log_str(&line, "tls", s->tls_client);
	log_str(&line, "helo", s->helo);
	log_str(&line, "auth", s->auth_user);
	log_str(&line, "from", t->mail_from);
	log_uint(&line, "nrcpt", t->nrcpt);
	log_uint(&line, "size", t->size);
	log_uint(&line, "code", (uint64_t)s->last_code);
	log_str(&line, "esc", t->enhanced);
	log_str(&line, "qid", t->queue_id);
	log_uint(&line, "events", s->events);
	log_uint(&line, "rewritten", s->rewritten);
	log_seconds(&line, "dur", now - t->start_ns);
	log_uint(&line, "in", s->bytes_in);
	log_uint(&line, "out", s->bytes_out);
	log_str(&line, "recorded", how_recorded(c));
	log_str(&line, "end", c->ended_by);
	log_write(&line);
}
