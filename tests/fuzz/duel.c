#include "tests/fuzz/duel.h"

#include <stdio.h>
#include <stdlib.h>

#define WAITING_MAX	128	/* commands the client has in flight */
#define CLIENT_JUNK	127	/* of the input: octets follow */
#define SERVER_JUNK	254

/* What the client awaits the reply to. */
enum awaited { PLAIN, TO_DATA, TO_AUTH, TO_GREETING };

struct client {
	struct { enum awaited what; unsigned number; } waiting[WAITING_MAX];
	unsigned n, first, number;
	bool waits;		/* says nothing before its last reply */
	bool in_data, in_auth, closed;
	int code;		/* of the reply under way */
};

struct server {
	char line[4096];
	size_t n;
	size_t chunk;		/* octets of BDAT still to come */
	bool in_data, in_auth, quit;
	char tail[5];		/* of content */
	char answers[WAITING_MAX][24];	/* what is to be answered */
	unsigned n_answers, first;
};

struct duel {
	struct duel_outcome *o;
	struct smtp_session smtp;
	struct gate gate;
	struct mime mime;
	const struct policy *policy;
	struct client client;
	struct server server;
	struct { char p[DUEL_OUT_MAX]; size_t n; } in[2];
	size_t piece;
	size_t ahead[2];	/* octets sent on already */
	bool over, left;
	bool numbered;		/* replies tell what they answer */
	bool junk;		/* a side has spoken no SMTP: no more counting */
};

unsigned
duel_octet(struct duel_input *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->p++;
}

/* A promise that holds whatever is said. */
static void
find(struct duel *d, const char *what)
{
	if (d->o->finding == NULL)
		d->o->finding = what;
	d->over = true;
}

/* One that only holds between those who keep to the protocol. */
static void
find_out_of_step(struct duel *d, const char *what)
{
	if (!d->junk)
		find(d, what);
}

/* The server's number in a line, or 0. */
static unsigned
number_in(const char *p, size_t n)
{
	unsigned number = 0;

	for (size_t i = 0; i + 1 < n; i++) {
		if (p[i] != '#')
			continue;
		for (i++; i < n && p[i] >= '0' && p[i] <= '9'; i++)
			number = number * 10 + (unsigned)(p[i] - '0');
		return number;
	}
	return 0;
}

static void
await(struct client *c, enum awaited what, unsigned number)
{
	c->waiting[(c->first + c->n++) % WAITING_MAX].what = what;
	c->waiting[(c->first + c->n - 1) % WAITING_MAX].number = number;
}

/* A whole reply: to the command that has waited longest. */
static void
client_answered(struct duel *d, int code, unsigned number)
{
	struct client *c = &d->client;
	unsigned due = c->waiting[c->first].number;
	enum awaited what = c->waiting[c->first].what;

	if (c->n == 0) {
		if (code != 421)
			find_out_of_step(d, "a reply to no command");
		return;
	}
	if (d->numbered && number && due && number != due)
		find_out_of_step(d, "a reply to another command");
	c->first = (c->first + 1) % WAITING_MAX;
	c->n--;
	if (what == TO_DATA && code == 354)
		c->in_data = true;
	if (what == TO_AUTH && code == 334)
		c->in_auth = true;
	if (c->n == 0)
		c->waits = false;
}

static void
client_hears(struct duel *d, struct span line)
{
	struct client *c = &d->client;
	int code = 0;

	if (line.n < 5)
		return;
	for (int i = 0; i < 3; i++)
		code = code * 10 + (line.p[i] - '0');
	if (code < 200 || code > 599)
		find_out_of_step(d, "no code at the start of a reply");
	if (c->code && c->code != code && code != 421 && code / 100 != 5)
		find_out_of_step(d, "a reply with two codes");
	c->code = line.p[3] == '-' ? code : 0;
	if (line.p[3] != '-')
		client_answered(d, code, number_in(line.p, line.n));
}

static void
queue_answer(struct duel *d, struct span line)
{
	struct server *s = &d->server;
	char *to = s->answers[(s->first + s->n_answers) % WAITING_MAX];

	if (s->n_answers == WAITING_MAX) {
		d->over = true;
		return;
	}
	s->n_answers++;
	(void)snprintf(to, sizeof(s->answers[0]), "%.4s%u",
	    line.n >= 4 ? line.p : "    ", number_in(line.p, line.n));
}

static void
server_line(struct duel *d, struct span line)
{
	struct server *s = &d->server;
	size_t size = 0;

	s->in_auth = false;
	queue_answer(d, line);
	if (line.n > 5 && memcmp(line.p, "BDAT ", 5) == 0) {
		for (size_t i = 5; i < line.n && line.p[i] >= '0' &&
		    line.p[i] <= '9'; i++)
			size = size * 10 + (size_t)(line.p[i] - '0');
		s->chunk = size;
	}
}

static void
server_octet(struct duel *d, char octet)
{
	struct server *s = &d->server;

	if (s->chunk) {
		s->chunk--;
		return;
	}
	if (s->in_data) {
		memmove(s->tail, s->tail + 1, 4);
		s->tail[4] = octet;
		if (memcmp(s->tail, "\r\n.\r\n", 5) != 0)
			return;
		s->in_data = false;
		queue_answer(d, SPAN("END "));
		return;
	}
	if (s->n == sizeof(s->line)) {
		d->over = true;
		return;
	}
	s->line[s->n++] = octet;
	if (octet != '\n')
		return;
	server_line(d, (struct span){ s->line, s->n });
	s->n = 0;
}

/* Bytes have gone out to a side. */
static void
deliver(struct duel *d, enum smtp_side to, struct span bytes)
{
	struct duel_outcome *o = d->o;

	if (bytes.n > DUEL_OUT_MAX - o->n[to]) {
		d->over = o->doubted = true;
		return;
	}
	memcpy(o->out[to] + o->n[to], bytes.p, bytes.n);
	for (size_t i = 0; i < bytes.n; i++, o->n[to]++) {
		size_t start = o->n[to];

		if (to == SMTP_SERVER) {
			server_octet(d, bytes.p[i]);
			continue;
		}
		if (bytes.p[i] != '\n')
			continue;
		while (start && o->out[to][start - 1] != '\n')
			start--;
		client_hears(d, (struct span){ o->out[to] + start,
		    o->n[to] + 1 - start });
	}
}

static void
take_step(struct duel *d, enum smtp_side side, const struct gate_step *step,
    size_t *gone)
{
	enum smtp_side to = side == SMTP_CLIENT ? SMTP_SERVER : SMTP_CLIENT;
	struct span bytes = step->bytes;

	switch (step->move) {
	case GATE_PASS:
	case GATE_MAKE:
		if (to == SMTP_SERVER && d->left && step->bytes.n)
			find(d, "octets for a server that has been left");
		(void)span_cut(&bytes, bytes.n < *gone ? bytes.n : *gone);
		*gone -= step->bytes.n - bytes.n;
		deliver(d, to, bytes);
		break;
	case GATE_REPLY:
		deliver(d, SMTP_CLIENT, step->bytes);
		break;
	case GATE_LEAVE:
		d->left = d->o->ended = true;
		break;
	case GATE_CLOSE:
	case GATE_RESET:
		d->client.closed = d->over = d->o->ended = true;
		break;
	case GATE_WITHHOLD:
	case GATE_TELL:
	case GATE_ASK:		/* of TLS: these policies know none */
	case GATE_REJOIN:
	case GATE_SECURE_SERVER:
	case GATE_SECURE_CLIENT:
		break;
	}
}

/* One event of a side through the gate. */
static bool
pass_event(struct duel *d, enum smtp_side side)
{
	struct span in = { d->in[side].p, d->in[side].n };
	struct gate_step step;
	struct smtp_event ev;
	const char *at;
	size_t gone;

	if (!gate_ready(&d->gate, &d->smtp, side, in, false) ||
	    smtp_next(&d->smtp, side, &in, &ev) != SMTP_EVENT)
		return false;
	gone = d->ahead[side];
	d->ahead[side] -= gone < ev.raw.n ? gone : ev.raw.n;
	gate_event(&d->gate, &d->smtp, &ev, gone, 0);
	at = ev.raw.p;
	while (gate_next(&d->gate, &step)) {
		if (step.move == GATE_PASS || step.move == GATE_WITHHOLD) {
			if (step.bytes.p != at)
				find(d, "steps that do not tile");
			at += step.bytes.n;
		}
		if (!d->over)
			take_step(d, side, &step, &gone);
	}
	if (at != ev.raw.p + ev.raw.n)
		find(d, "steps that leave octets out");
	d->in[side].n = in.n;
	memmove(d->in[side].p, in.p, in.n);
	return !d->over;
}

static void
settle(struct duel *d, enum smtp_side side)
{
	for (int quiet = 0; quiet < 3 && !d->over; quiet++) {
		while (pass_event(d, side))
			quiet = 0;
		side = side == SMTP_CLIENT ? SMTP_SERVER : SMTP_CLIENT;
	}
}

/* What waits only to know where a message ends is sent on. */
static void
send_doubtful(struct duel *d, enum smtp_side side)
{
	struct span in = { d->in[side].p, d->in[side].n };

	if (d->over || d->left || !smtp_doubts_content(&d->smtp))
		return;
	while (side == SMTP_SERVER && in.n && in.p[in.n - 1] != '\n')
		in.n--;
	if (in.n <= d->ahead[side])
		return;
	in = span_from(in, d->ahead[side]);
	d->ahead[side] += in.n;
	d->o->doubted = true;
	deliver(d, side == SMTP_CLIENT ? SMTP_SERVER : SMTP_CLIENT, in);
}

static void
say(struct duel *d, enum smtp_side side, const char *p, size_t n)
{
	while (n && !d->over) {
		size_t piece = d->piece && d->piece < n ? d->piece : n;

		if (piece > DUEL_OUT_MAX - d->in[side].n) {
			d->over = d->o->doubted = true;
			return;
		}
		memcpy(d->in[side].p + d->in[side].n, p, piece);
		d->in[side].n += piece;
		p += piece;
		n -= piece;
		settle(d, side);
		send_doubtful(d, SMTP_CLIENT);
		send_doubtful(d, SMTP_SERVER);
	}
}

static const struct {
	const char *text;	/* %u: its number */
	enum awaited what;
	bool waits;		/* the client must await the reply */
	size_t octets;		/* that follow */
} commands[] = {
	{ "EHLO #%u\r\n", PLAIN, true, 0 },
	{ "HELO #%u\r\n", PLAIN, true, 0 },
	{ "MAIL FROM:<a#%u@x>\r\n", PLAIN, false, 0 },
	{ "MAIL FROM:<a#%u@x> SIZE=99999\r\n", PLAIN, false, 0 },
	{ "RCPT TO:<b#%u@y>\r\n", PLAIN, false, 0 },
	{ "RCPT TO:<b|#%u@spam.example>\r\n", PLAIN, false, 0 },
	{ "DATA\r\n", TO_DATA, true, 0 },
	{ "BDAT 11\r\n", PLAIN, false, 11 },
	{ "BDAT 11 LAST\r\n", PLAIN, false, 11 },
	{ "BDAT 0 LAST\r\n", PLAIN, false, 0 },
	{ "RSET\r\n", PLAIN, false, 0 },
	{ "NOOP #%u\r\n", PLAIN, false, 0 },
	{ "VRFY #%u\r\n", PLAIN, false, 0 },
	{ "EXPN #%u\r\n", PLAIN, false, 0 },
	{ "HELP #%u\r\n", PLAIN, false, 0 },
	{ "XFOO #%u\r\n", PLAIN, false, 0 },
	{ "AUTH LOGIN\r\n", TO_AUTH, true, 0 },
	{ "ETRN #%u\r\n", PLAIN, false, 0 },
	{ " NOOP #%u\r\n", PLAIN, false, 0 },
	{ "NOOP #%u\n", PLAIN, false, 0 },
	{ "NO\\OP\r #%u\r\n", PLAIN, false, 0 },
	{ "QUIT\r\n", PLAIN, true, 0 },
};

/* None of them, nor two together, hold the end of data. */
static const char *const contents[] = {
	"Subject: x\r\nTo: a@b, c@d\r\n\r\nbody\r\n", "a\nb", "a\r\rb\r\n",
	"\n.\n", "\n.\r\n", "\r\n.\n", "\r\n.\r\r\n", "\r\n..\r\n", "\rx",
	"NOOP\r\nVRFY x\r\n", "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	"--b\r\nContent-Disposition: attachment; filename=\"x.exe\"\r\n"
	"Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n", "\r\n",
	"\r\n.x\r\n", "\r\n\0.\r\n", "caf\xc3\xa9\r\n",
};

static void
client_command(struct duel *d, unsigned which)
{
	struct client *c = &d->client;
	char line[128];
	int n;

	which %= sizeof(commands) / sizeof(*commands);
	if (c->n == WAITING_MAX - 1)
		return;
	c->number++;
	n = snprintf(line, sizeof(line), commands[which].text, c->number);
	await(c, commands[which].what,
	    strchr(commands[which].text, '#') ? c->number : 0);
	c->waits = commands[which].waits;
	say(d, SMTP_CLIENT, line, (size_t)n);
	if (commands[which].octets && !d->over)
		say(d, SMTP_CLIENT, "VRFY a\r\n.\r\n", commands[which].octets);
}

static void
client_turn(struct duel *d, unsigned octet)
{
	struct client *c = &d->client;
	const char *content;

	if (c->closed || c->waits)
		return;
	if (c->in_auth) {
		c->in_auth = false;
		await(c, PLAIN, 0);
		c->waits = true;
		say(d, SMTP_CLIENT, "VRFY\r\n", 6);
	} else if (c->in_data && octet % 8 == 0) {
		c->in_data = false;
		await(c, PLAIN, 0);
		say(d, SMTP_CLIENT, "\r\n.\r\n", 5);
	} else if (c->in_data) {
		content = contents[octet % (sizeof(contents) /
		    sizeof(*contents))];
		say(d, SMTP_CLIENT, content, strlen(content));
	} else
		client_command(d, octet);
}

/* The server's reply: accepting, or with a code of the input's choice. */
static void
server_turn(struct duel *d, unsigned octet)
{
	static const char *const refusals[] = { "450", "501", "550", "554" };
	struct server *s = &d->server;
	const char *verb = s->answers[s->first];
	const char *code = octet & 1 ? "250" : refusals[octet >> 1 & 3];
	char reply[400];
	bool greets;
	int n;

	if (s->n_answers == 0 || d->left)
		return;
	greets = memcmp(verb, "EHLO", 4) == 0;
	if (octet & 1 && memcmp(verb, "DATA", 4) == 0) {
		code = "354";
		s->in_data = true;
		memcpy(s->tail, "   \r\n", 5);
	} else if (octet & 1 && memcmp(verb, "AUTH", 4) == 0)
		code = octet & 2 ? "334" : "235";
	else if (memcmp(verb, "GREE", 4) == 0)
		code = "220";
	if (greets && octet & 1)
		n = snprintf(reply, sizeof(reply), "250-mx.real.example #%s\r\n"
		    "250-SIZE %u\r\n250-STARTTLS\r\n250-AUTH LOGIN NTLM\r\n"
		    "%s250 CHUNKING\r\n", verb + 4, octet,
		    octet & 4 ? "250-XODD a b\r\n" : "");
	else if (octet & 16)
		n = snprintf(reply, sizeof(reply), "%s-two mx.real.example\r\n"
		    "%s lines #%s\r\n", code, code, verb + 4);
	else
		n = snprintf(reply, sizeof(reply), "%s mx.real.example #%s\r\n",
		    code, verb + 4);
	s->first = (s->first + 1) % WAITING_MAX;
	s->n_answers--;
	say(d, SMTP_SERVER, reply, (size_t)n);
}

/* Octets of the input itself: anything. */
static void
junk_turn(struct duel *d, enum smtp_side side, struct duel_input *in)
{
	size_t n = duel_octet(in);

	if (n > in->n)
		n = in->n;
	d->junk = true;
	if (!d->client.closed && !(d->left && side == SMTP_SERVER))
		say(d, side, (const char *)in->p, n);
	in->p += n;
	in->n -= n;
}

/* What is still owed is paid: nothing else may be. */
static void
finish(struct duel *d)
{
	d->o->ended |= d->gate.refusing;	/* or is about to be */
	while (!d->over && d->server.n_answers && !d->left)
		server_turn(d, 0);
	if (d->over || d->client.closed || d->left)
		return;
	if (d->client.n)
		find_out_of_step(d, "a command that never got its reply");
	if (d->in[SMTP_CLIENT].n && !d->client.in_data &&
	    !smtp_doubts_content(&d->smtp))
		find_out_of_step(d, "octets of the client that go nowhere");
}

void
duel_play(struct duel_input in, const struct policy *p, size_t piece,
    struct duel_outcome *o)
{
	static struct duel d;
	const struct gate_peers peers = { .client_text = SPAN("192.0.2.7"),
	    .server_host = SPAN("mx.real.example") };

	memset(&d, 0, sizeof(d));
	o->n[0] = o->n[1] = 0;
	o->finding = NULL;
	o->ended = o->doubted = false;
	d.o = o;
	d.policy = p;
	d.piece = piece;
	d.numbered = !p->scrub_text;
	smtp_start(&d.smtp);
	gate_open(&d.gate, p, &peers, p->reads_content ? &d.mime : NULL, NULL);
	await(&d.client, TO_GREETING, 0);
	d.client.waits = true;
	queue_answer(&d, SPAN("GREETING"));
	while (in.n && !d.over) {
		unsigned octet = duel_octet(&in);

		if (octet == CLIENT_JUNK || octet == SERVER_JUNK)
			junk_turn(&d, octet == CLIENT_JUNK ? SMTP_CLIENT :
			    SMTP_SERVER, &in);
		else if (octet & 128)
			server_turn(&d, octet & 127);
		else
			client_turn(&d, octet);
	}
	finish(&d);
}
