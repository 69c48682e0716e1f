#include "replay/verbs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/client.h"
#include "replay/envelope.h"
#include "replay/net.h"
#include "replay/recording.h"

#define TIMEOUT_S 60		/* seconds, unless --timeout says otherwise */
#define TIMEOUT_S_MAX 86400

enum {
	OPTION_TO = OPTION_LONG, OPTION_TIMING, OPTION_RCPT_TO,
	OPTION_MAIL_FROM, OPTION_HELO, OPTION_REALLY_SEND, OPTION_COMPARE,
	OPTION_ON_MISMATCH, OPTION_TIMEOUT, OPTION_STARTTLS, OPTION_TLS,
	OPTION_NO_TLS, OPTION_TLS_VERIFY, OPTION_TLS_CA_FILE,
};

static const struct option_row options[] = {
	{ OPTION_TO, "to", "HOST:PORT", "the server to play the client to" },
	{ OPTION_RCPT_TO, "rcpt-to", "ADDRESS",
	    "put this recipient into every RCPT" },
	{ OPTION_MAIL_FROM, "mail-from", "ADDRESS",
	    "put this sender into every MAIL" },
	{ OPTION_HELO, "helo", "NAME",
	    "put this name into EHLO, HELO and LHLO" },
	{ OPTION_REALLY_SEND, "really-send", NULL,
	    "mail the recorded recipients" },
	{ OPTION_TIMING, "timing", "fast|recorded",
	    "keep the client's pauses; default: fast" },
	{ OPTION_COMPARE, "compare", "LEVEL",
	    "code, enhanced, text or off; see below" },
	{ OPTION_ON_MISMATCH, "on-mismatch", "continue|stop",
	    "default: play on to the end" },
	{ OPTION_TIMEOUT, "timeout", "SECONDS",
	    "longest silence of the server; default: 60" },
	{ OPTION_STARTTLS, "starttls", NULL,
	    "come to TLS by STARTTLS, if it was not recorded so" },
	{ OPTION_TLS, "tls", NULL,
	    "come to TLS with the connection (port 465)" },
	{ OPTION_NO_TLS, "no-tls", NULL,
	    "say in the clear what was said in TLS" },
	{ OPTION_TLS_VERIFY, "tls-verify", "none|require",
	    "the server's certificate must be good; default: none" },
	{ OPTION_TLS_CA_FILE, "tls-ca-file", "FILE",
	    "who may have signed it; default: the system's" },
	{ 0 },
};

struct replay {
	const struct global *global;
	const char *to;
	char session[RECORDING_ID_MAX];		/* its full id */
	bool really_send;
	struct envelope envelope;
	struct client_options client;
	struct security security;
	char host[256];		/* of to */
};

/* A value that is one of two words. */
static int
choose(const struct args *args, const char *option, const char *no,
    const char *yes, bool *is_yes)
{
	*is_yes = strcmp(args->value, yes) == 0;
	if (*is_yes || strcmp(args->value, no) == 0)
		return EXIT_OK;
	return complain_usage(args->verb, "--%s is %s or %s, not \"%s\"",
	    option, no, yes, args->value);
}

static int
take_timeout(const struct args *args, int64_t *timeout)
{
	char *end;
	long seconds = strtol(args->value, &end, 10);

	if (*end || end == args->value || seconds < 1 ||
	    seconds > TIMEOUT_S_MAX)
		return complain_usage(args->verb, "--timeout is 1 to %d "
		    "seconds, not \"%s\"", TIMEOUT_S_MAX, args->value);
	*timeout = seconds * NET_SECOND;
	return EXIT_OK;
}

static int
take_option(struct replay *r, const struct args *args, int id)
{
	switch (id) {
	case OPTION_TO:
		r->to = args->value;
		return EXIT_OK;
	case OPTION_TIMING:
		return choose(args, "timing", "fast", "recorded",
		    &r->client.recorded_timing);
	case OPTION_RCPT_TO:
		r->envelope.rcpt_to = args->value;
		return EXIT_OK;
	case OPTION_MAIL_FROM:
		r->envelope.mail_from = args->value;
		return EXIT_OK;
	case OPTION_HELO:
		r->envelope.helo = args->value;
		return EXIT_OK;
	case OPTION_REALLY_SEND:
		r->really_send = true;
		return EXIT_OK;
	case OPTION_COMPARE:
		if (compare_level(args->value, &r->client.compare))
			return EXIT_OK;
		return complain_usage(args->verb, "--compare is code, "
		    "enhanced, text or off, not \"%s\"", args->value);
	case OPTION_ON_MISMATCH:
		return choose(args, "on-mismatch", "continue", "stop",
		    &r->client.stop);
	case OPTION_TIMEOUT:
		return take_timeout(args, &r->client.timeout);
	case OPTION_STARTTLS:
	case OPTION_TLS:
	case OPTION_NO_TLS:
		return security_choose(args, id == OPTION_TLS ? SECURITY_AT_ONCE :
		    id == OPTION_NO_TLS ? SECURITY_NONE :
		    SECURITY_STARTTLS, &r->security);
	case OPTION_TLS_VERIFY:
		return choose(args, "tls-verify", "none", "require",
		    &r->security.verify);
	case OPTION_TLS_CA_FILE:
		r->security.ca_file = args->value;
		return EXIT_OK;
	default:
		return args->status;
	}
}

/* Name the place where a replay ended before its time. */
static void
say_where(const struct script *script, const struct verdict *v,
    const char *what)
{
	const struct script_reply *next = v->compared < script->nreplies ?
	    &script->replies[v->compared] : NULL;
	const char *verb = next ? smtp_verb_name(next->verb) : "";

	printf("%s reply %zu of %zu", what, v->compared + 1,
	    script->nreplies);
	printf(verb[0] ? ", to %s\n" : "\n",
	    next && next->verb == SMTP_END ? "the end of data" : verb);
}

static void
say_verdict(const struct replay *r, const struct script *script,
    const struct verdict *v)
{
	if (v->status == EXIT_TIMEOUT)
		say_where(script, v, "timed out waiting for");
	else if (v->status == EXIT_CLOSED)
		say_where(script, v, "the server closed the connection before");
	else if (v->status == EXIT_TLS)
		printf("%s\n", v->stopped);
	else if (r->client.compare == COMPARE_OFF && v->status == EXIT_OK)
		printf("%zu replies came, none was compared\n", v->compared);
	else if (v->differed == 0)
		printf("%zu replies compared, none differed\n", v->compared);
	else
		printf("%zu of %zu replies differed\n", v->differed,
		    v->compared);
}

static const char *
result_name(enum exit_status status)
{
	return status == EXIT_OK ? "same" : status == EXIT_TIMEOUT ? "timeout" :
	    status == EXIT_TLS ? "tls" : status == EXIT_CLOSED ? "closed" : "diverged";
}

static void
print_json(const struct replay *r, const struct script *script,
    const struct verdict *v, int64_t duration)
{
	struct text t = { 0 };

	text_str(&t, "{\"session\":");
	text_json(&t, span_of(r->session));
	text_str(&t, ",\"target\":");
	text_json(&t, span_of(r->to));
	text_printf(&t, ",\"result\":\"%s\",\"recorded\":%zu,\"compared\":%zu,"
	    "\"differed\":%zu,\"duration_us\":%lld,\"stopped\":",
	    result_name(v->status), script->nreplies, v->compared, v->differed,
	    (long long)(duration / 1000));
	if (v->stopped)
		text_json(&t, span_of(v->stopped));
	else
		text_str(&t, "null");
	text_str(&t, ",\"differences\":[");
	text_span(&t, text_all(&v->differences));
	text_str(&t, "]}\n");
	(void)fwrite(t.p, 1, t.n, stdout);
	text_free(&t);
}

/* Nobody is mailed by accident (PRODUCT: the envelope overrides). */
static int
connect_guarded(const struct replay *r, int *fd)
{
	char error[NET_ERROR_MAX];
	struct addrinfo *list = net_resolve(r->to, false, error);

	if (list == NULL)
		return complain(EXIT_CONNECT, "%s", error);
	if (!net_loopback(list) && !r->envelope.rcpt_to && !r->really_send) {
		freeaddrinfo(list);
		return complain(EXIT_USAGE, "%s is another machine: say with "
		    "--rcpt-to who is to get the mail, or --really-send",
		    r->to);
	}
	*fd = net_connect(r->to, list, net_now() + r->client.timeout, error);
	freeaddrinfo(list);
	return *fd < 0 ? complain(EXIT_CONNECT, "%s", error) : EXIT_OK;
}

static int
play(const struct replay *r, struct script *script)
{
	struct verdict verdict;
	int64_t start = net_now();
	struct link link = { .fd = -1 };
	int status = connect_guarded(r, &link.fd);

	if (status != EXIT_OK)
		return status;
	if (r->client.stage.out)
		printf("=== replay of %s to %s\n", r->session, r->to);
	client_play(&link, script, &r->client, &verdict);
	link_fini(&link);
	(void)close(link.fd);
	if (r->global->json)
		print_json(r, script, &verdict, net_now() - start);
	else
		say_verdict(r, script, &verdict);
	verdict_fini(&verdict);
	status = print_finish(stdout);
	return status == EXIT_OK ? (int)verdict.status : status;
}

/* Play it, with TLS if it needs that. */
static int
play_secured(struct replay *r, struct script *script)
{
	char error[NET_ERROR_MAX];
	int status;

	net_host(r->to, r->host);
	r->client.host = r->host;
	r->client.security = &r->security;
	if (security_needed(&r->security, script->tls) &&
	    !security_client(&r->security, error))
		status = complain(EXIT_USAGE, "%s", error);
	else
		status = play(r, script);
	security_fini(&r->security);
	return status;
}

static int
run(struct global *global, int argc, char **argv)
{
	struct replay r = {
		.global = global,
		.client = {
			.compare = COMPARE_ENHANCED,
			.timeout = TIMEOUT_S * NET_SECOND,
		},
	};
	struct script script;
	struct args args;
	const char *wrong;
	int id, status;

	args_init(&args, global, &verb_replay, argc, argv);
	while ((id = args_next(&args)) != ARGS_END) {
		status = take_option(&r, &args, id);
		if (status != EXIT_OK || id == ARGS_STOP)
			return status;
	}
	if (args.nwords != 1 || r.to == NULL)
		return complain_usage(&verb_replay,
		    "replay needs one session and --to HOST:PORT");
	if (!net_valid(r.to, false))
		return complain_usage(&verb_replay, "--to is HOST:PORT or "
		    "[IPV6]:PORT, not \"%s\"", r.to);
	wrong = envelope_check(&r.envelope);
	if (wrong)
		return complain_usage(&verb_replay, "%s", wrong);
	if (!global->json && !global->quiet)
		r.client.stage = (struct stage){ .out = stdout,
		    .colored = print_colored(global, stdout) };
	status = recording_load(global, args.words[0], &script, r.session);
	if (status != EXIT_OK)
		return status;
	if (envelope_apply(&r.envelope, &script))
		status = play_secured(&r, &script);
	else
		status = complain(EXIT_USAGE, "there is no memory for it");
	script_free(&script);
	return status;
}

const struct verb verb_replay = {
	.name = "replay",
	.synopsis = "ID --to HOST:PORT",
	.help = "play the client's side of a session to a server",
	.more =
	    "The recorded client's bytes go out in lock step: each segment "
	    "when as many\nreplies have come as had come before it. What was "
	    "pipelined is pipelined.\n\n"
	    "Replies are compared by position. --compare code: the three "
	    "digits; enhanced\n(the default): and the enhanced status code; "
	    "text: and every line, but for what\ndiffers every time: queue "
	    "ids, dates, hosts, addresses, sizes, AUTH challenges.\n\n"
	    "A server that is not on this machine gets nothing without "
	    "--rcpt-to or\n--really-send. Mail content never goes to a server "
	    "that has not asked for it.\nA session whose TLS passed through, or "
	    "of which bytes were not recorded, cannot be\nplayed. Secrets were "
	    "replaced when it was recorded: AUTH will be refused.\n\n"
	    "What the client said in TLS is said in TLS again, from where it "
	    "was on. --starttls\nasks for TLS before a session recorded "
	    "without; --tls begins with it, and leaves out\na recorded "
	    "STARTTLS.\n\n"
	    "Exit: 0 all replies were as recorded, 40 one differed, 41 timed "
	    "out, 2 cannot\nconnect, 29 no TLS, 6 the server closed early; the first of "
	    "these that happened.\n\n"
	    "    smtptap --db s.db replay last --to 127.0.0.1:2525\n",
	.options = options,
	.run = run,
};
