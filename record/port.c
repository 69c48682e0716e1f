#include "record/port.h"

#include <stdlib.h>
#include <time.h>

#define SPARE_SHARE	8	/* of the queue's bound, kept for use again */
#define DROP_TIMES	2	/* that bound: parts that end a session are dropped */
#define ROOMY		16384	/* octets: smaller buffers are never too big */

int64_t
monotonic_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t
wall_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct recorder_port *
recorder_port(struct recorder *r, void (*drained)(void *arg), void *arg)
{
	struct recorder_port *port = calloc(1, sizeof(*port));

	if (!port)
		return NULL;
	port->recorder = r;
	port->drained = drained;
	port->arg = arg;
	port->next = atomic_load(&r->ports);
	while (!atomic_compare_exchange_weak(&r->ports, &port->next, port))
		;
	return port;
}

uint64_t
recorder_next_id(struct recorder_port *port)
{
	return atomic_fetch_add(&port->recorder->next_id, 1);
}

struct recorder_part *
recorder_part(struct recorder_port *port)
{
	struct recorder_part *part;

	if (!port->empty) {
		port->empty = queue_take(&port->spare);
		atomic_store(&port->spare_octets, 0);
	}
	part = port->empty;
	if (!part) {
		part = calloc(1, sizeof(*part));
		if (part)
			part->port = port;
		return part;
	}
	port->empty = part->next;
	part->next = NULL;
	return part;
}

static void
free_messages(struct recorder_part *part)
{
	struct recorder_message *next;

	for (; part->messages; part->messages = next) {
		next = part->messages->next;
		free(part->messages);
	}
}

static void
free_tls(struct recorder_part *part)
{
	struct recorder_tls *next;

	for (; part->tls; part->tls = next) {
		next = part->tls->next;
		text_free(&part->tls->chain);
		free(part->tls);
	}
}

void
recorder_part_free(struct recorder_part *part)
{
	if (!part)
		return;
	free_messages(part);
	free_tls(part);
	text_free(&part->wire);
	text_free(&part->exchanges);
	text_free(&part->events);
	free(part);
}

void
port_free(struct recorder_part *list)
{
	struct recorder_part *next;

	for (; list; list = next) {
		next = list->next;
		recorder_part_free(list);
	}
}

/* A buffer much larger than what it last held would fill the queue with
 * nothing. */
static bool
oversized(const struct text *t)
{
	return t->room > ROOMY && t->room / 4 > t->n;
}

static void
clear(struct recorder_part *part)
{
	struct recorder_part kept = { .port = part->port, .wire = part->wire,
	    .exchanges = part->exchanges, .events = part->events };

	text_clear(&kept.wire);
	text_clear(&kept.exchanges);
	text_clear(&kept.events);
	*part = kept;
}

void
port_recycle(struct recorder_part *list)
{
	struct recorder_part *part, *next;

	for (part = list; part; part = next) {
		struct recorder_port *port = part->port;
		size_t bound = port->recorder->limits.queue_octets / SPARE_SHARE;

		next = part->next;
		if (oversized(&part->wire) || oversized(&part->exchanges) ||
		    oversized(&part->events) ||
		    atomic_load(&port->spare_octets) + part->octets > bound) {
			recorder_part_free(part);
			continue;
		}
		free_messages(part);
		free_tls(part);
		atomic_fetch_add(&port->spare_octets, part->octets);
		clear(part);
		queue_push(&port->spare, part);
	}
}

static size_t
string_octets(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

static size_t
message_octets(const struct recorder_message *m)
{
	return sizeof(*m) + string_octets(m->mail_from) +
	    string_octets(m->recipients) + string_octets(m->subject) +
	    string_octets(m->header_from) + string_octets(m->header_to) +
	    string_octets(m->message_id) + string_octets(m->date) +
	    string_octets(m->enhanced) + string_octets(m->reply) +
	    string_octets(m->queue_id);
}

static size_t
part_octets(const struct recorder_part *part)
{
	size_t octets = sizeof(*part) + part->wire.room +
	    part->exchanges.room + part->events.room;

	for (const struct recorder_message *m = part->messages; m; m = m->next)
		octets += message_octets(m);
	for (const struct recorder_tls *t = part->tls; t; t = t->next)
		octets += sizeof(*t) + t->chain.room;
	return octets;
}

bool
recorder_ready(struct recorder_port *port)
{
	struct recorder *r = port->recorder;

	if (atomic_load(&r->octets) < r->limits.queue_octets)
		return true;
	/* Say so before looking again, or the writer may have emptied the
	 * queue in between and drained() would never come. */
	atomic_store(&port->waiting, true);
	if (atomic_load(&r->octets) >= r->limits.queue_octets)
		return false;
	atomic_store(&port->waiting, false);
	return true;
}

static void
drop(struct recorder *r, struct recorder_part *part)
{
	int64_t none = 0;

	(void)atomic_compare_exchange_strong(&r->dropped_us, &none, wall_us());
	atomic_fetch_add(&r->dropped, 1);
	recorder_part_free(part);
}

void
recorder_put(struct recorder_port *port, struct recorder_part *part)
{
	struct recorder *r = port->recorder;
	size_t half = r->limits.queue_octets / 2, before, octets;

	/* A writer that is only slow gets everything: the sessions that end
	 * meanwhile are bounded by their number. */
	if (part->last && recorder_failing(port) &&
	    atomic_load(&r->octets) > r->limits.queue_octets * DROP_TIMES) {
		drop(r, part);
		return;
	}

	/* The part is the writer's once it is pushed. */
	octets = part->octets = part_octets(part);
	before = atomic_fetch_add(&r->octets, octets);
	queue_push(&port->put, part);
	if (atomic_exchange(&r->asleep, false) || r->limits.commit ||
	    (before <= half && before + octets > half))
		bell_ring(&r->bell);
}
