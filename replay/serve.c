#include "replay/verbs.h"

#include <stdlib.h>
#include <string.h>

#include "replay/print.h"
#include "replay/sink.h"

#define REFUSALS_MAX 64

enum { OPTION_LISTEN = OPTION_LONG, OPTION_SINK, OPTION_READY_FD,
    OPTION_REFUSE };

static const struct option_row options[] = {
	{ OPTION_LISTEN, "listen", "ADDR:PORT",
	    "where to listen; port 0: any free one" },
	{ OPTION_SINK, "sink", NULL, "accept everything, play no session" },
	{ OPTION_READY_FD, "ready-fd", "N",
	    "write 'ready listen=ADDR:PORT' there once listening" },
	{ OPTION_REFUSE, "refuse", "VERB:REPLY",
	    "sink: answer this verb so; CONNECT is the greeting, '.' the end "
	    "of data" },
	{ 0 },
};

struct serving {
	bool sink;
	struct sink_options to;
	struct answer_refusal refusals[REFUSALS_MAX];
};

static int
run(struct global *global, int argc, char **argv)
{
	struct serving s = { .to = { .ready_fd = -1 } };
	struct args args;
	int id;

	args_init(&args, global, &verb_serve, argc, argv);
	while ((id = args_next(&args)) != ARGS_END)
		switch (id) {
		case OPTION_LISTEN:
			s.to.listen = args.value;
			break;
		case OPTION_SINK:
			s.sink = true;
			break;
		case OPTION_READY_FD:
			s.to.ready_fd = atoi(args.value);
			break;
		case OPTION_REFUSE:
			if (s.to.nrefusals == REFUSALS_MAX ||
			    !answer_parse_refusal(args.value,
			    &s.refusals[s.to.nrefusals++]))
				return complain_usage(&verb_serve,
				    "--refuse '%s' is not VERB:CODE text",
				    args.value);
			break;
		default:
			return args.status;
		}
	s.to.refusals = s.refusals;
	s.to.verbose = global->verbose > 0;
	if (s.to.listen == NULL)
		return complain_usage(&verb_serve, "--listen is missing");
	return sink_run(&s.to);
}

const struct verb verb_serve = {
	.name = "serve",
	.synopsis = "ID --listen ADDR:PORT | --sink --listen ADDR:PORT",
	.help = "play the server's side of a session, or accept everything",
	.more = "",
	.options = options,
	.run = run,
};
