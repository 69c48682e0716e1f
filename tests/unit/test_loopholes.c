/* Ways around a policy, and ways to get it out of step: what a client or a server
 * could say so that a rule misses it. Each is tried in chunks of every size. */
#include <check.h>
#include <stdio.h>

#include "inspect/transcript.h"
#include "proxy/config.h"
#include "tests/unit/gated.h"

#define STEPS_MAX 24

struct step {
	enum smtp_side side;
	struct span bytes;
};

#define C(s) { SMTP_CLIENT, { s, sizeof(s) - 1 } }
#define S(s) { SMTP_SERVER, { s, sizeof(s) - 1 } }

#define G	"220 mx ESMTP\r\n"
#define H	"EHLO c\r\n"
#define OFFER	"250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n"
#define T	"MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\n"
#define OK	"250 ok\r\n"
#define GO	"354 go\r\n"
#define NO	"502 5.5.1 Command not implemented\r\n"
#define BROKEN	"503 5.5.1 A chunk was refused, RSET first\r\n"

#define HELLO	S(G), C(H), S(OFFER)
#define BEGUN	HELLO, C(T), S(OK OK)

static const struct loophole {
	const char *name, *policy;
	struct step steps[STEPS_MAX];
	struct span server;	/* what it has heard; p = NULL: part of it all */
	struct span client;
	bool closes;
	const char *untold;	/* what no rule may tell; NULL: nothing */
	bool ends;		/* the client does, behind its last step */
} loopholes[] = {
#define HEARS(server, client) { server, sizeof(server) - 1 }, \
	{ client, sizeof(client) - 1 }
	{ "a chunk that is no chunk has its refusal, and nothing behind it is "
	    "swallowed", "block = {\"BDAT\"}", { BEGUN, C("BDAT x\r\n"),
	    C("DATA\r\n"), S(GO), C("hi\r\n.\r\n"), S(OK) },
	    HEARS(H T "DATA\r\nhi\r\n.\r\n", G OFFER OK OK NO GO OK),
	    false, NULL, false },
	{ "a late refusal of one chunk says nothing about a later one that was "
	    "not sent", "match \"chunk size\" { gt = 10 action = \"reject "
	    "552 5.3.4 Too big\" }", { BEGUN, C("BDAT 4\r\nabcd"),
	    C("BDAT 11 LAST\r\nabc"), S("503 no\r\n"), C("NOOP\r\n.x"),
	    C("RSET\r\n"), S(OK) },
	    HEARS(H T "BDAT 4\r\nabcdRSET\r\n", G OFFER OK OK "503 no\r\n"
	    "552 5.3.4 Too big\r\n" OK), false, NULL, false },
	{ "no message with a hole in it", "match \"chunk size\" { gt = 10 "
	    "action = \"reject 552 5.3.4 Too big\" }", { BEGUN,
	    C("BDAT 4\r\nabcd" "BDAT 11\r\nabcdefghijk" "BDAT 4 LAST\r\nefgh"),
	    S(OK), C("RSET\r\n"), S(OK), C(T "BDAT 2 LAST\r\nhi"),
	    S(OK OK OK) },
	    HEARS(H T "BDAT 4\r\nabcdRSET\r\n" T "BDAT 2 LAST\r\nhi",
	    G OFFER OK OK OK "552 5.3.4 Too big\r\n" BROKEN OK OK OK OK),
	    false, NULL, false },
	{ "a MAIL that the server refuses begins no new count of recipients",
	    "match \"rcpt count\" { gt = 1 action = \"reject 452 4.5.3 Many\" }",
	    { BEGUN, C("MAIL FROM:<c@x>\r\n"), S("503 nested\r\n"),
	    C("RCPT TO:<d@y>\r\n"), C("RSET\r\n"), S(OK), C(T), S(OK OK) },
	    HEARS(H T "MAIL FROM:<c@x>\r\n" "RSET\r\n" T, G OFFER OK OK
	    "503 nested\r\n" "452 4.5.3 Many\r\n" OK OK OK), false, NULL, false },
	{ "nor does a MAIL that we refuse", "match \"rcpt count\" { gt = 1 "
	    "action = \"reject 452 4.5.3 Many\" } match \"sender address\" { "
	    "regex = \"^c@\" action = \"reject 550 5.7.1 No\" }",
	    { BEGUN, C("MAIL FROM:<c@x>\r\nRCPT TO:<d@y>\r\n") },
	    HEARS(H T, G OFFER OK OK "550 5.7.1 No\r\n452 4.5.3 Many\r\n"),
	    false, NULL, false },
	{ "QUIT twice is no way behind QUIT", "profile = strict",
	    { HELLO, C("QUIT\r\n"), S("221 bye\r\n"), C("QUIT\r\n"),
	    C("NOOP\r\n") },
	    HEARS(H "QUIT\r\n", G OFFER "221 bye\r\n"), false, NULL, false },
	{ "a verb ends where Postfix ends it", "block = {\"VRFY\"}",
	    { HELLO, C("VRFY\vroot\r\nVRFY\froot\r\n") },
	    HEARS(H, G OFFER NO NO), false, NULL, false },
	{ "nor is there a way around a verb that no RFC knows",
	    "block = {\"XFOO\"}", { HELLO, C("XFOO\vx\r\n\r\tXFOO\r\n"
	    "XFOO\rx\r\nXFOO\0x\r\n") },
	    HEARS(H, G OFFER NO NO NO NO), false, NULL, false },
	{ "no rule tells a credential behind an AUTH that was refused",
	    "profile = pix", { S(G), C("HELO c\r\n"), S(OK),
	    C("AUTH LOGIN\r\nczNjcjN0dQ==\r\nczNjcjN0cA==\r\n") },
	    HEARS("HELO c\r\n", "220 ********\r\n" OK NO NO NO), false,
	    "czNjcjN0", false },
	{ "content of one message is not read as two because of a MAIL",
	    "match \"mime filename length\" { gt = 4 action = \"reject "
	    "550 5.7.1 Name\" }", { BEGUN,
	    C("BDAT 25\r\nContent-Disposition: a; f"), S(OK),
	    C("MAIL FROM:<c@x>\r\n"), S("503 nested\r\n"),
	    C("BDAT 22 LAST\r\nilename=abcdefgh\r\n\r\nhi") },
	    { NULL, 0 }, SPAN(G OFFER OK OK OK "503 nested\r\n"
	    "550 5.7.1 Name\r\n"), true, NULL, false },
	{ "nor because of a DATA", "match \"mime filename length\" { gt = 4 "
	    "action = \"reject 550 5.7.1 Name\" }", { BEGUN,
	    C("BDAT 25\r\nContent-Disposition: a; f"), S(OK),
	    C("DATA\r\n"), S("503 no\r\n"),
	    C("BDAT 22 LAST\r\nilename=abcdefgh\r\n\r\nhi") },
	    { NULL, 0 }, SPAN(G OFFER OK OK OK "503 no\r\n"
	    "550 5.7.1 Name\r\n"), true, NULL, false },
	{ "a refused chunk does not take the answer of a message before it",
	    "match \"body line length\" { gt = 9 action = \"reject 550 5.6.0 "
	    "Long\" }", { BEGUN, C("BDAT 4 LAST\r\n\r\nhi" T
	    "BDAT 14 LAST\r\n\r\nabcdefghijkl"), S(OK), S(OK OK) },
	    { NULL, 0 }, SPAN(G OFFER OK OK OK OK OK
	    "550 5.6.0 Long\r\n"), true, NULL, false },
	{ "a verb without a line end behind a refused AUTH is one all the same",
	    "block = {\"VRFY\", \"AUTH\"}", { HELLO, C("AUTH X\r\n"),
	    C("VRFY root") }, HEARS(H, G OFFER NO), false, NULL, true },
	{ "a line of one dot and many NUL is stuffed wherever it is cut",
	    "bare-newline = normalize", { BEGUN, C("DATA\r\n"), S(GO),
	    C("a\r\n.\0\0\0\0\0\0\0\0\0\0\0\r\nb\r\n.\r\n"), S(OK) },
	    HEARS(H T "DATA\r\na\r\n..\0\0\0\0\0\0\0\0\0\0\0\r\nb\r\n.\r\n",
	    G OFFER OK OK GO OK), false, NULL, false },
};

#define LOOPHOLES (sizeof loopholes / sizeof *loopholes)

static struct policies *owner;

static const struct policy *
policy_of(const char *options)
{
	static struct config_report report;
	char text[512];

	(void)snprintf(text, sizeof text, "policy \"p\" {\n%s\n}\n", options);
	owner = config_policies(text, "proxy.test", &report);
	ck_assert_msg(owner != NULL, "%s", report.errors);
	return policies_find(owner, "p");
}

static void
shown(struct span bytes, char out[8192])
{
	size_t n = 0;

	while (bytes.n && n < 8192 - 64)
		n += transcript_escape(&bytes, false, out + n, 8191 - n);
	out[n] = '\0';
}

static void
same(const struct loophole *l, size_t chunk, const char *where,
    struct span got, struct span expected)
{
	char one[8192], two[8192];

	if (expected.p == NULL || (got.n == expected.n && memcmp(got.p, expected.p, got.n) == 0))
		return;
	shown(got, one);
	shown(expected, two);
	ck_abort_msg("%s, chunks of %zu: the %s heard\n%s\nexpected\n%s",
	    l->name, chunk, where, one, two);
}

static void
play(const struct loophole *l, struct gated *g, size_t chunk)
{
	for (size_t i = 0; i < STEPS_MAX && l->steps[i].bytes.n; i++) {
		struct span rest = l->steps[i].bytes;

		while (rest.n)
			gated_say(g, l->steps[i].side, span_cut(&rest,
			    rest.n < chunk ? rest.n : chunk));
	}
}

static void
check_run(const struct loophole *l, const struct policy *policy, size_t chunk)
{
	struct gated g;

	gated_open(&g, policy);
	play(l, &g, chunk);
	if (l->ends)
		gated_end(&g, SMTP_CLIENT);
	ck_assert_msg(g.wrong == NULL, "%s, chunks of %zu: %s", l->name, chunk,
	    g.wrong);
	same(l, chunk, "server", gated_at(&g, SMTP_SERVER), l->server);
	same(l, chunk, "client", gated_at(&g, SMTP_CLIENT), l->client);
	ck_assert_msg(g.closed == l->closes, "%s, chunks of %zu: %sclosed",
	    l->name, chunk, g.closed ? "" : "not ");
	ck_assert_msg(l->untold == NULL || g.told.n == 0 ||
	    memmem(g.told.p, g.told.n, l->untold, strlen(l->untold)) == NULL,
	    "%s: told: %.*s", l->name, (int)g.told.n, g.told.p);
	gated_close(&g);
}

START_TEST(loophole_is_closed)
{
	const struct loophole *l = &loopholes[_i];
	const struct policy *policy = policy_of(l->policy);

	for (size_t chunk = 1; chunk < 100; chunk++)
		check_run(l, policy, chunk);
	check_run(l, policy, 4096);
	policies_free(owner);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("loopholes");
	TCase *t = tcase_create("through the gate");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, loophole_is_closed, 0, LOOPHOLES);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
