#include "replay/verbs.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/net.h"
#include "replay/recording.h"
#include "replay/server.h"
#include "replay/sink.h"

#define REFUSALS_MAX	64
#define TIMEOUT		(300 * NET_SECOND)	/* RFC 5321 4.5.3.2.7 */
#define FD_MAX		1048576

enum {
	OPTION_LISTEN = OPTION_LONG, OPTION_SINK, OPTION_READY_FD,
	OPTION_REFUSE, OPTION_MATCH, OPTION_LOOP, OPTION_STARTTLS, OPTION_TLS,
	OPTION_NO_TLS, OPTION_CERT, OPTION_KEY,
};

static const struct option_row options[] = {
	{ OPTION_LISTEN, "listen", "ADDR:PORT",
	    "where to listen; port 0: any free one" },
	{ OPTION_READY_FD, "ready-fd", "N",
	    "write 'ready listen=ADDR:PORT' there" },
	{ OPTION_MATCH, "match", "strict|verb",
	    "compare lines, or verbs; default: strict" },
	{ OPTION_LOOP, "loop", NULL, "client after client, until TERM or INT" },
	{ OPTION_STARTTLS, "starttls", NULL,
	    "come to TLS by STARTTLS, if it was not recorded so" },
	{ OPTION_TLS, "tls", NULL,
	    "come to TLS with the connection (port 465)" },
	{ OPTION_NO_TLS, "no-tls", NULL,
	    "say in the clear what was said in TLS" },
	{ OPTION_CERT, "cert", "FILE",
	    "certificate and chain, PEM; default: one made now" },
	{ OPTION_KEY, "key", "FILE", "its private key; default: in --cert" },
	{ OPTION_SINK, "sink", NULL, "accept everything, keep nothing" },
	{ OPTION_REFUSE, "refuse", "VERB:REPLY",
	    "sink: answer this verb so" },
	{ 0 },
};

struct serving {
	const struct global *global;
	const char *listen;
	int ready_fd;		/* -1: nobody waits */
	bool sink, loop;
	struct server_options server;
	struct security security;
	struct answer_refusal refusals[REFUSALS_MAX];
	size_t nrefusals;
};

static int
take_fd(const struct args *args, int *fd)
{
	char *end;
	long n = strtol(args->value, &end, 10);

	if (*end || end == args->value || n < 0 || n > FD_MAX)
		return complain_usage(args->verb,
		    "--ready-fd is the number of a descriptor, not \"%s\"",
		    args->value);
	*fd = (int)n;
	return EXIT_OK;
}

static int
take_refusal(struct serving *s, const struct args *args)
{
	if (s->nrefusals == REFUSALS_MAX)
		return complain_usage(args->verb, "more than %d times --refuse",
		    REFUSALS_MAX);
	if (!answer_parse_refusal(args->value, &s->refusals[s->nrefusals++]))
		return complain_usage(args->verb, "--refuse is VERB:REPLY, as "
		    "in 'RCPT:550 5.1.1 no', not \"%s\"", args->value);
	return EXIT_OK;
}

static int
take_option(struct serving *s, const struct args *args, int id)
{
	switch (id) {
	case OPTION_LISTEN:
		s->listen = args->value;
		return EXIT_OK;
	case OPTION_SINK:
		s->sink = true;
		return EXIT_OK;
	case OPTION_READY_FD:
		return take_fd(args, &s->ready_fd);
	case OPTION_REFUSE:
		return take_refusal(s, args);
	case OPTION_LOOP:
		s->loop = true;
		return EXIT_OK;
	case OPTION_STARTTLS:
		return security_choose(args, SECURITY_STARTTLS, &s->security);
	case OPTION_TLS:
		return security_choose(args, SECURITY_AT_ONCE, &s->security);
	case OPTION_NO_TLS:
		return security_choose(args, SECURITY_NONE, &s->security);
	case OPTION_CERT:
		s->security.cert = args->value;
		return EXIT_OK;
	case OPTION_KEY:
		s->security.key = args->value;
		return EXIT_OK;
	case OPTION_MATCH:
		s->server.verbs = strcmp(args->value, "verb") == 0;
		if (s->server.verbs || strcmp(args->value, "strict") == 0)
			return EXIT_OK;
		return complain_usage(args->verb,
		    "--match is strict or verb, not \"%s\"", args->value);
	default:
		return args->status;
	}
}

/* Wait for the next client. -1: a signal came instead. */
static int
next_client(int listener, int signals, char name[NET_NAME_MAX])
{
	struct pollfd p[] = {
		{ .fd = listener, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};
	int fd = -1;

	while (fd < 0) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return -1;
		if (p[1].revents)
			return -1;
		fd = net_accept(listener, name);
	}
	return fd;
}

static void
say_verdict(const struct serving *s, const char *name, enum exit_status status)
{
	static const struct {
		enum exit_status status;
		const char *sentence;
	} sentences[] = {
		{ EXIT_OK, "has followed the recording" },
		{ EXIT_UNEXPECTED, "has departed from the recording" },
		{ EXIT_CLOSED, "has left before the end of the recording" },
		{ EXIT_TIMEOUT, "was silent for too long" },
		{ EXIT_TLS, "has not come to TLS" },
	};

	for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
		if (sentences[i].status == status && !s->global->quiet)
			printf("%s %s\n", name, sentences[i].sentence);
	(void)fflush(stdout);
}

/* Play to one client, or with --loop to one after the other: then the first
 * that departed gives the status. */
static int
play(const struct serving *s, int listener, const struct script *script)
{
	char name[NET_NAME_MAX];
	struct link link = { .fd = -1 };
	int worst = s->loop ? EXIT_OK : EXIT_CLOSED;
	enum exit_status status;

	while ((link.fd = next_client(listener, s->server.signals,
	    name)) >= 0) {
		status = server_play(&link, script, &s->server);
		link_fini(&link);
		(void)close(link.fd);
		say_verdict(s, name, status);
		if (!s->loop)
			return (int)status;
		if (worst == EXIT_OK)
			worst = (int)status;
	}
	return worst;
}

static int
listen_and_play(struct serving *s, const struct script *script)
{
	char name[NET_NAME_MAX], error[NET_ERROR_MAX];
	int listener = net_listen(s->listen, name, error), status;

	if (listener < 0)
		return complain(EXIT_USAGE, "%s", error);
	s->server.signals = net_signals(error);
	if (s->server.signals < 0 ||
	    (s->ready_fd >= 0 && !net_ready(s->ready_fd, name, error)))
		status = complain(EXIT_USAGE, "%s", error);
	else
		status = play(s, listener, script);
	if (s->server.signals >= 0)
		(void)close(s->server.signals);
	(void)close(listener);
	return status;
}

/* Serve it, with TLS if it needs that. */
static int
serve_secured(struct serving *s, const struct script *script)
{
	char error[NET_ERROR_MAX];
	int status;

	s->server.security = &s->security;
	if (security_needed(&s->security, script->tls) &&
	    !security_server(&s->security, error))
		status = complain(EXIT_USAGE, "%s", error);
	else
		status = listen_and_play(s, script);
	security_fini(&s->security);
	return status;
}

static int
serve_session(struct serving *s, const char *which)
{
	char id[RECORDING_ID_MAX];
	struct script script;
	int status = recording_load(s->global, which, &script, id);

	if (status != EXIT_OK)
		return status;
	if (script.unservable)
		status = complain(EXIT_USAGE,
		    "this session cannot be served: %s", script.unservable);
	else
		status = serve_secured(s, &script);
	script_free(&script);
	return status;
}

static int
serve_sink(const struct serving *s)
{
	struct sink_options sink = {
		.listen = s->listen, .ready_fd = s->ready_fd,
		.verbose = s->global->verbose > 0,
		.refusals = s->refusals, .nrefusals = s->nrefusals,
	};

	return sink_run(&sink);
}

static int
run(struct global *global, int argc, char **argv)
{
	struct serving s = { .global = global, .ready_fd = -1,
	    .server.timeout = TIMEOUT };
	struct args args;
	int id, status;

	args_init(&args, global, &verb_serve, argc, argv);
	while ((id = args_next(&args)) != ARGS_END) {
		status = take_option(&s, &args, id);
		if (status != EXIT_OK || id == ARGS_STOP)
			return status;
	}
	if (s.listen == NULL || args.nwords != (s.sink ? 0 : 1))
		return complain_usage(&verb_serve, "serve needs --listen "
		    "ADDR:PORT, and either one session or --sink");
	if (s.security.key && !s.security.cert)
		return complain_usage(&verb_serve, "--key needs --cert");
	if (s.sink && (s.security.when || s.security.cert))
		return complain_usage(&verb_serve, "a sink has no TLS");
	if (s.nrefusals && !s.sink)
		return complain_usage(&verb_serve, "--refuse needs --sink");
	if (!s.security.key)
		s.security.key = s.security.cert;
	if (s.sink)
		return serve_sink(&s);
	if (!global->quiet)
		s.server.stage = (struct stage){ .out = stdout,
		    .colored = print_colored(global, stdout) };
	return serve_session(&s, args.words[0]);
}

const struct verb verb_serve = {
	.name = "serve",
	.synopsis = "ID --listen ADDR:PORT\n"
	    "       smtptap serve --sink --listen ADDR:PORT",
	.help = "play the server's side of a session, or accept everything",
	.more =
	    "A client must say what was recorded; each line is answered as it "
	    "was then, by the\nserver or by smtptap. The\nname in EHLO, the values of SIZE=, ENVID= and "
	    "AUTH=, credentials, sizes of chunks\nand mail content are not "
	    "compared. At the first other line: 503, and close.\n\n"
	    "What was said in TLS with the client is said in TLS again, with a "
	    "certificate for\nlocalhost that nobody trusts, unless --cert "
	    "names one. --starttls asks for TLS before\na session recorded "
	    "without; --tls begins with it.\n\n"
	    "Exit: 0 the client has followed the recording, 42 it said "
	    "something else, 6 it\nleft before the end, 41 it was silent for "
	    "five minutes, 29 no TLS.\n\n"
	    "A sink serves many clients at once until TERM or INT. --refuse "
	    "may be given often;\nVERB is a command, CONNECT (the greeting) "
	    "or \".\" (the end of mail data).\n\n"
	    "    smtptap --db s.db serve last --listen 127.0.0.1:2525\n"
	    "    smtptap serve --sink --listen 127.0.0.1:2525 \\\n"
	    "        --refuse 'RCPT:550 5.1.1 no such user'\n",
	.options = options,
	.run = run,
};
