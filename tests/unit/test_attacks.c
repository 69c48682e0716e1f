/* V01-V40 of SECURITY.md section 6, and the refusals of its section 1, through
 * engine and gate, cut into chunks of every size. tests/functional/attacks.py
 * plays the same through the running proxy. V23 to V27 of TLS that smtptap itself
 * ends are in test_gate_tls.c; V09 and V10 about ends of streams. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "inspect/transcript.h"
#include "proxy/config.h"
#include "tests/unit/gated.h"

/* The empty policy; what strict would do; one that holds all and changes
 * nothing; strict. */
enum { EMPTY, DRY, HELD, REFUSING, POLICIES };

#define STRICT	(1 << DRY | 1 << REFUSING)
#define LAX	(1 << EMPTY | 1 << DRY | 1 << HELD)
#define ANY	(LAX | STRICT)

static const char *const policies_text[POLICIES] = {
	[EMPTY] = "",
	[DRY] = "profile = strict\ndry-run = yes",
	[HELD] = "match \"command length\" { gt = 1GiB action = drop }\n"
	"match \"reply length\" { gt = 1GiB action = drop }\n"
	"match \"header length\" { gt = 1GiB action = drop }\n",
	[REFUSING] = "profile = strict",
};

#define STEPS_MAX 24

struct step {
	enum smtp_side side;
	struct span bytes;
};

#define C(s) { SMTP_CLIENT, { s, sizeof(s) - 1 } }
#define S(s) { SMTP_SERVER, { s, sizeof(s) - 1 } }

#define G	"220 mx ESMTP\r\n"
#define H	"EHLO c\r\n"
#define OFFER	"250-mx\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n" \
	"250-CHUNKING\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN XOAUTH2\r\n" \
	"250-SMTPUTF8\r\n250 8BITMIME\r\n"
#define T	"MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\n"
#define OK	"250 ok\r\n"
#define GO	"354 go\r\n"
#define B	"Subject: s\r\n\r\nhi\r\n"
#define SM	"MAIL FROM:<e@x>\r\nRCPT TO:<v@y>\r\nDATA\r\nSubject: z\r\n" \
	"\r\nz\r\n.\r\n"
#define BARE	"550 5.6.11 bare CR/LF not accepted\r\n"
#define SYNC	"554 5.5.0 SMTP protocol synchronization\r\n"
#define UPSTREAM "421 4.3.0 proxy.test upstream protocol error\r\n"
#define BDAT	"501 5.5.4 BDAT SP octets [SP LAST]\r\n"
#define SYNTAX	"500 5.5.2 syntax error\r\n"
#define UNKNOWN	"500 5.5.1 Command not recognized\r\n"

#define HELLO	S(G), C(H), S(OFFER)
#define BEGUN	HELLO, C(T), S(OK OK)
#define CONTENT	BEGUN, C("DATA\r\n"), S(GO)
#define QUIT	C("QUIT\r\n"), S("221 bye\r\n")

static const struct attack {
	const char *name;
	unsigned modes;
	struct step steps[STEPS_MAX];
	/* in strict mode; NULL: all that the other side has said */
	const char *server, *client;
	bool closes;
	uint64_t odd;		/* events, in every mode */
} attacks[] = {
	{ "V01", ANY, { CONTENT, C(B), C(".\r\n"), S("250 q\r\n"), QUIT },
	    NULL, NULL, false, 0 },
	{ "V03", ANY, { HELLO, C(T "DATA\r\n"), S(OK OK GO), C(B ".\r\n"),
	    S("250 q\r\n"), QUIT }, NULL, NULL, false, 0 },
	{ "V04", ANY, { CONTENT, C("Subject: s\r\n\r\nhi\r"), C("\n"), C("."),
	    C("\r"), C("\n"), S("250 q\r\n"), QUIT }, NULL, NULL, false, 0 },
	{ "V05", ANY, { CONTENT, C("..\r\n...x\r\n.y\r\n"), C(".\r\n"),
	    S("250 q\r\n"), QUIT }, NULL, NULL, false, 0 },
	{ "V06", ANY, { CONTENT, C(B ".\r\n"), S("250 q\r\n"), C(T), S(OK OK),
	    C("DATA\r\n"), S(GO), C(B ".\r\n"), S("250 q\r\n"), QUIT },
	    NULL, NULL, false, 0 },
	{ "V07", ANY, { HELLO, C("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\n"
	    "RCPT TO:<c@y>\r\nRCPT TO:<d@y>\r\nDATA\r\n"),
	    S(OK OK "550 no\r\n452 full\r\n" GO), C(B ".\r\n"),
	    S("250 q\r\n"), QUIT }, NULL, NULL, false, 0 },
	{ "V08", ANY, { BEGUN, C("RSET\r\n"), S(OK), C(T), S(OK OK),
	    C("DATA\r\n"), S(GO), C(B ".\r\n"), S("250 q\r\n"), QUIT },
	    NULL, NULL, false, 0 },
	{ "V14", ANY, { S(G), C(H), S("500 what\r\n"), C("HELO c\r\n"), S(OK),
	    C("MAIL FROM:<a@x>\r\n"), S(OK), C("RCPT TO:<b@y>\r\n"), S(OK),
	    C("DATA\r\n"), S(GO), C(B ".\r\n"), S("250 q\r\n"), QUIT },
	    NULL, NULL, false, 0 },
	{ "V15", ANY, { CONTENT, C("Subject: s\r\n\r\na\n.\n" SM) },
	    H T "DATA\r\nSubject: s\r\n\r\na", G OFFER OK OK GO BARE, true,
	    SMTP_ODD(BARE_LF) },
	{ "V16", ANY, { CONTENT, C("Subject: s\r\n\r\na\n.\r\n" SM) },
	    H T "DATA\r\nSubject: s\r\n\r\na", G OFFER OK OK GO BARE, true,
	    SMTP_ODD(BARE_LF) },
	{ "V17", ANY, { CONTENT, C("Subject: s\r\n\r\na\r\n.\n" SM) },
	    H T "DATA\r\nSubject: s\r\n\r\na\r\n.", G OFFER OK OK GO BARE,
	    true, SMTP_ODD(BARE_LF) },
	{ "V18", ANY, { CONTENT, C("Subject: s\r\n\r\na\r.\r\n" SM) },
	    H T "DATA\r\nSubject: s\r\n\r\na", G OFFER OK OK GO BARE, true,
	    SMTP_ODD(BARE_CR) },
	{ "V19", ANY, { CONTENT, C("Subject: s\r\n\r\na\r\n\0.\r\n" SM) },
	    H T "DATA\r\nSubject: s\r\n\r\na\r\n", G OFFER OK OK GO BARE, true,
	    SMTP_ODD(NUL) },
	{ "V20", LAX, { CONTENT, C("Subject: s\r\n\r\na\n.\r\n" SM),
	    S("250 q1\r\n" OK OK GO "250 q2\r\n"), QUIT },
	    NULL, NULL, false, SMTP_ODD(EOD_NONSTANDARD) },
	{ "V21", ANY, { CONTENT, C(B ".\r\n" T "DATA\r\n"),
	    S("250 q1\r\n" OK OK GO), C(B ".\r\n"), S("250 q2\r\n"), QUIT },
	    NULL, NULL, false, 0 },
	{ "V22", ANY, { HELLO, C("STARTTLS\r\n"), S("220 go\r\n"),
	    C("\x16\x03\x01\r\nQUIT\r\n\0\xff"), S("\x16\x03\x03\r\n550 x\r\n"),
	    C("DATA\n.\n"), S("250 x\n") }, NULL, NULL, false, 0 },
	{ "V24", STRICT, { HELLO, C("STARTTLS\r\n"),
	    S("220 go\r\n250-x\r\n250 AUTH PLAIN\r\n") },
	    NULL, G OFFER "220 go\r\n", true, SMTP_ODD(STARTTLS_INJECTION) },
	{ "V24 without a line end", STRICT, { HELLO, C("STARTTLS\r\n"),
	    S("220 go\r\n250-AUTH PL") },
	    NULL, G OFFER "220 go\r\n", true, SMTP_ODD(STARTTLS_INJECTION) },
	{ "V25", ANY, { HELLO, C("STARTTLS\r\n"), S("454 no\r\n"),
	    C("NOOP\r\n"), S(OK), QUIT }, NULL, NULL, false,
	    SMTP_ODD(TLS_REFUSED) },
	{ "V28", ANY, { HELLO, C("AUTH PLAIN AHRlc3QAczNjcjN0\r\n"),
	    S("235 ok\r\n"), QUIT }, NULL, NULL, false, 0 },
	{ "V29", ANY, { HELLO, C("AUTH LOGIN\r\n"), S("334 VQ==\r\n"),
	    C("dGVzdA==\r\n"), S("334 UA==\r\n"), C("czNjcjN0\r\n"),
	    S("535 no\r\n"), QUIT }, NULL, NULL, false, 0 },
	{ "V30", ANY, { HELLO, C("AUTH PLAIN\r\n"), S("334 \r\n"), C("*\r\n"),
	    S("501 no\r\n"), C("NOOP\r\n"), S(OK), QUIT }, NULL, NULL, false,
	    SMTP_ODD(AUTH_CANCELLED) },
	{ "V31", ANY, { HELLO, C("AUTH LOGIN\r\n"), S("334 VQ==\r\n"),
	    C("QUIT\r\n"), S("535 no\r\n"), C("NOOP\r\n"), S(OK), QUIT },
	    NULL, NULL, false, 0 },
	{ "V32", ANY, { BEGUN, C("BDAT 4\r\nab\r\nBDAT 4 LAST\r\ncd\r\n"
	    "MAIL FROM:<c@x>\r\n"), S(OK "250 q\r\n" OK), QUIT },
	    NULL, NULL, false, 0 },
	{ "V33", ANY, { BEGUN, C("BDAT 0 LAST\r\n"), S("250 q\r\n"), C(T),
	    S(OK OK), QUIT }, NULL, NULL, false, 0 },
	{ "V34", ANY, { BEGUN, C("BDAT 4294967301 LAST\r\nabc\r\nNOOP\r\n") },
	    H T, G OFFER OK OK BDAT, true, SMTP_ODD(BDAT_SIZE) },
	{ "V35 -1", ANY, { BEGUN, C("BDAT -1\r\nabc\r\n") },
	    H T, G OFFER OK OK BDAT, true, SMTP_ODD(BDAT_SYNTAX) },
	{ "V35 +5", ANY, { BEGUN, C("BDAT +5 LAST\r\nabc\r\n") },
	    H T, G OFFER OK OK BDAT, true, SMTP_ODD(BDAT_SYNTAX) },
	{ "V35 0x5", ANY, { BEGUN, C("BDAT 0x5 LAST\r\nabc\r\n") },
	    H T, G OFFER OK OK BDAT, true, SMTP_ODD(BDAT_SYNTAX) },
	{ "V35 X", ANY, { BEGUN, C("BDAT 5 X\r\nabc\r\n") },
	    H T, G OFFER OK OK BDAT, true, SMTP_ODD(BDAT_SYNTAX) },
	{ "V36", ANY, { S(G), C(H), S("250-a\r\n550 no\r\n") },
	    NULL, G "250-a\r\n" UPSTREAM, true, SMTP_ODD(REPLY_MIXED) },
	{ "V37", ANY, { S(G), C(H), S("250 a\r\n250 b\r\n") },
	    NULL, G "250 a\r\n" UPSTREAM, true, SMTP_ODD(UNSOLICITED) },
	{ "V39", ANY, { HELLO, C("DATA\r\n"), S("503 no\r\n"),
	    C("VRFY root\r\n"), S("252 x\r\n"), C("NOOP\r\n"), S(OK), QUIT },
	    NULL, NULL, false, SMTP_ODD(DATA_REFUSED) },
	{ "V39, unknown verb", STRICT, { HELLO, C("DATA\r\n"), S("503 no\r\n"),
	    C("XFOO 1\r\n"), C("NOOP\r\n"), S(OK) }, H "DATA\r\nNOOP\r\n",
	    G OFFER "503 no\r\n" UNKNOWN OK, false, SMTP_ODD(UNKNOWN_VERB) },
	{ "V40", ANY, { S(G), C("LHLO c\r\n"), S(OFFER), C(T), S(OK OK),
	    C("RCPT TO:<n@y>\r\n"), S("550 no\r\n"), C("RCPT TO:<d@y>\r\n"),
	    S(OK), C("DATA\r\n"), S(GO), C(B ".\r\n"),
	    S("250 r1\r\n452 r3\r\n"), QUIT }, NULL, NULL, false, 0 },

	{ "1.2: a command behind STARTTLS", ANY, { HELLO,
	    C("STARTTLS\r\nEHLO inj\r\n"), S("220 go\r\n") },
	    H "STARTTLS\r\n", G OFFER
	    "554 5.5.1 nothing may stand behind STARTTLS\r\n", true,
	    SMTP_ODD(STARTTLS_INJECTION) },
	{ "1.2: HTTP", ANY, { C("POST / HTTP/1.1\r\nHost: x\r\n\r\n"), S(G) },
	    "", G "421 4.7.0 proxy.test this is an SMTP server\r\n", true,
	    SMTP_ODD(OTHER_PROTOCOL) },
	{ "1.3: early talk", ANY, { C(H), S(G) }, "", G SYNC, true,
	    SMTP_ODD(EARLY_TALK) },
	{ "1.3: an unknown command before the greeting", ANY, { C("XFOO\r\n"),
	    S(G) }, "", G SYNC, true, SMTP_ODD(EARLY_TALK) },
	{ "1.3: a command behind EHLO", ANY, { S(G), C(H "NOOP\r\n"),
	    S(OFFER) }, H, G OFFER SYNC, true, SMTP_ODD(UNAUTH_PIPELINING) },
	{ "1.3: content before 354", ANY, { BEGUN, C("DATA\r\n" B), S(GO) },
	    H T "DATA\r\n", G OFFER OK OK SYNC, true,
	    SMTP_ODD(UNAUTH_PIPELINING) },
	{ "1.4: three chunks that are not offered", ANY, { S(G), C(H),
	    S("250-mx\r\n250 PIPELINING\r\n"),
	    C("BDAT 3\r\nab\nBDAT 4\r\n.\r\n\nBDAT 0 LAST\r\nNOOP\r\n"),
	    S(OK) }, H "NOOP\r\n", G "250-mx\r\n250 PIPELINING\r\n"
	    "502 5.5.1 BDAT is not offered\r\n"
	    "502 5.5.1 BDAT is not offered\r\n"
	    "502 5.5.1 BDAT is not offered\r\n" OK, false,
	    SMTP_ODD(BDAT_UNOFFERED) },
	{ "1.4: DATA behind a chunk", STRICT, { BEGUN, C("BDAT 4\r\nab\r\n"),
	    S(OK), C("DATA\r\nRSET\r\n"), S(OK) },
	    H T "BDAT 4\r\nab\r\nRSET\r\n", G OFFER OK OK OK
	    "503 5.5.1 Finish BDAT or RSET first\r\n" OK, false,
	    SMTP_ODD(BDAT_UNFINISHED) },
	{ "1.5: three strikes", ANY, { HELLO, C("NOOP\0junk\r\n"),
	    C("NOOP\rRSET\r\n"), C("NOOP\r\n"), S(OK), C(" NOOP\r\nNOOP\r\n") },
	    H "NOOP\r\n", G OFFER SYNTAX SYNTAX OK SYNTAX, true,
	    SMTP_ODD(NUL) | SMTP_ODD(BARE_CR) | SMTP_ODD(ODD_COMMAND) },
	{ "1.5: a bare LF", ANY, { HELLO, C("NOOP\nRSET\r\n") }, H,
	    G OFFER "500 5.5.2 bare LF\r\n", true, SMTP_ODD(BARE_LF) },
	{ "1.5: eight bits", ANY, { HELLO, C("MAIL FROM:<\xe9@x>\r\n"),
	    C("MAIL FROM:<\xc3\xa9@x> SMTPUTF8\r\n"), S(OK), QUIT },
	    H "MAIL FROM:<\xc3\xa9@x> SMTPUTF8\r\nQUIT\r\n",
	    G OFFER "501 5.5.2 octets over 127 without SMTPUTF8\r\n" OK
	    "221 bye\r\n", false, SMTP_ODD(COMMAND_8BIT) },
	{ "1.6: no code", ANY, { S(G), C(H), S("hello\r\n250 ok\r\n") },
	    NULL, G UPSTREAM, true, SMTP_ODD(BAD_REPLY) },
	{ "1.6: four digits", ANY, { S(G), C(H), S("2500 ok\r\n") },
	    NULL, G UPSTREAM, true, SMTP_ODD(BAD_REPLY) },
	{ "1.6: CR in a reply", ANY, { HELLO, C("NOOP\r\n"),
	    S("250-a\r250 b\r\n") }, NULL, G OFFER UPSTREAM, true,
	    SMTP_ODD(BARE_CR) },
	{ "1.6: a code alone", ANY, { HELLO, C("NOOP\r\n"), S("250\r\n"),
	    QUIT }, NULL, NULL, false, 0 },
	{ "1.7: a password before 334", ANY, { HELLO,
	    C("AUTH PLAIN\r\nAHRlc3QAczNjcjN0\r\n"), S("504 no\r\n") },
	    H "AUTH PLAIN\r\n", G OFFER SYNC, true,
	    SMTP_ODD(UNAUTH_PIPELINING) },
	{ "1.8 b: 250 to DATA", ANY, { BEGUN, C("DATA\r\n"), S(OK) },
	    NULL, G OFFER OK OK UPSTREAM, true, SMTP_ODD(UNEXPECTED_CODE) },
	{ "1.8 c: 354 to VRFY", ANY, { HELLO, C("VRFY x\r\n"), S(GO) },
	    NULL, G OFFER UPSTREAM, true, SMTP_ODD(UNEXPECTED_CODE) },
	{ "1.8 i: TURN", STRICT, { HELLO, C("TURN\r\n"), QUIT },
	    H "QUIT\r\n", G OFFER "502 5.5.1 Command not implemented\r\n"
	    "221 bye\r\n", false, 0 },
	{ "1.8 j: XCLIENT, XFORWARD", STRICT, { HELLO,
	    C("XCLIENT ADDR=192.0.2.1\r\n"), C("XFORWARD NAME=x\r\n"), QUIT },
	    H "QUIT\r\n", G OFFER "550 5.7.1 Not accepted from clients\r\n"
	    "550 5.7.1 Not accepted from clients\r\n221 bye\r\n", false,
	    SMTP_ODD(PEER_IDENTITY) },
	{ "1.8 k: X-LINK2STATE, XEXCH50", STRICT, { HELLO,
	    C("X-LINK2STATE LAST CHUNK={X}\r\n"), C("XEXCH50 5 2\r\n"), QUIT },
	    H "QUIT\r\n", G OFFER UNKNOWN UNKNOWN "221 bye\r\n", false,
	    SMTP_ODD(LINK2STATE) },
	{ "1.8 n: RCPT behind an end of data", STRICT, { CONTENT,
	    C(B ".\r\nRCPT TO:<c@y>\r\nNOOP\r\n"), S("550 no\r\n" OK) },
	    H T "DATA\r\n" B ".\r\nNOOP\r\n", G OFFER OK OK GO "550 no\r\n"
	    "503 5.5.1 Need MAIL before RCPT\r\n" OK, false,
	    SMTP_ODD(OUT_OF_ORDER) },
	{ "1.8 g: 421 within content", ANY, { CONTENT, C("Subject: s\r\n"),
	    S("421 busy\r\n") }, NULL, NULL, false, 0 },
	{ "1.8 o: a reply within content", ANY, { CONTENT,
	    C("Subject: s\r\n"), S(OK) }, NULL, G OFFER OK OK GO UPSTREAM,
	    true, SMTP_ODD(MID_DATA_REPLY) },
	{ "1.8 p: words behind QUIT", ANY, { HELLO,
	    C("QUIT\r\nMAIL FROM:<e@x>\r\nXFOO\r\n"), S("221 bye\r\n") },
	    H "QUIT\r\n", NULL, false, SMTP_ODD(AFTER_QUIT) },
};

#define ATTACKS (sizeof attacks / sizeof *attacks)

static struct policies *owners[POLICIES];

static const struct policy *
policy_of(int mode)
{
	static struct config_report report;
	char text[512];

	(void)snprintf(text, sizeof text, "policy \"p\" {\n%s\n}\n",
	    policies_text[mode]);
	owners[mode] = config_policies(text, "proxy.test", &report);
	ck_assert_msg(owners[mode] != NULL, "%s", report.errors);
	return policies_find(owners[mode], "p");
}

static void
shown(struct span bytes, char out[8192])
{
	size_t n = 0;

	while (bytes.n && n < 8192 - 64)
		n += transcript_escape(&bytes, false, out + n, 8191 - n);
	out[n] = '\0';
}

/* All that a side says. */
static struct span
all_of(const struct attack *a, enum smtp_side side, char out[2048])
{
	size_t n = 0;

	for (size_t i = 0; i < STEPS_MAX && a->steps[i].bytes.n; i++) {
		if (a->steps[i].side != side)
			continue;
		memcpy(out + n, a->steps[i].bytes.p, a->steps[i].bytes.n);
		n += a->steps[i].bytes.n;
	}
	return (struct span){ out, n };
}

static void
same(const struct attack *a, int mode, size_t chunk, const char *where,
    struct span got, struct span expected)
{
	char one[8192], two[8192];

	if (got.n == expected.n && memcmp(got.p ? got.p : "", expected.p,
	    got.n) == 0)
		return;
	shown(got, one);
	shown(expected, two);
	ck_abort_msg("%s, policy %d, chunks of %zu: at the %s\n%s\nexpected\n%s",
	    a->name, mode, chunk, where, one, two);
}

static void
play(const struct attack *a, struct gated *g, size_t chunk)
{
	for (size_t i = 0; i < STEPS_MAX && a->steps[i].bytes.n; i++) {
		struct span rest = a->steps[i].bytes;

		while (rest.n)
			gated_say(g, a->steps[i].side, span_cut(&rest,
			    rest.n < chunk ? rest.n : chunk));
	}
}

static void
check_run(const struct attack *a, int mode, const struct policy *policy,
    size_t chunk)
{
	bool strict = mode == REFUSING;
	char all[2][2048];
	struct gated g;

	gated_open(&g, policy);
	play(a, &g, chunk);
	ck_assert_msg(g.wrong == NULL, "%s, policy %d, chunks of %zu: %s",
	    a->name, mode, chunk, g.wrong);
	same(a, mode, chunk, "server", gated_at(&g, SMTP_SERVER),
	    strict && a->server ? span_of(a->server) :
	    all_of(a, SMTP_CLIENT, all[0]));
	same(a, mode, chunk, "client", gated_at(&g, SMTP_CLIENT),
	    strict && a->client ? span_of(a->client) :
	    all_of(a, SMTP_SERVER, all[1]));
	ck_assert_msg(g.closed == (strict && a->closes),
	    "%s, policy %d, chunks of %zu: %sclosed", a->name, mode, chunk,
	    g.closed ? "" : "not ");
	gated_end(&g, SMTP_CLIENT);
	gated_end(&g, SMTP_SERVER);
	ck_assert_msg((g.odd & a->odd) == a->odd, "%s, policy %d, chunks of "
	    "%zu: events %llx", a->name, mode, chunk,
	    (unsigned long long)g.odd);
	gated_close(&g);
}

START_TEST(attack_meets_what_is_meant_for_it)
{
	const struct attack *a = &attacks[_i];

	for (int mode = 0; mode < POLICIES; mode++) {
		const struct policy *policy;

		if (!(a->modes & 1u << mode))
			continue;
		policy = policy_of(mode);
		for (size_t chunk = 1; chunk < 200; chunk++)
			check_run(a, mode, policy, chunk);
		check_run(a, mode, policy, 4096);
		policies_free(owners[mode]);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("attacks");
	TCase *t = tcase_create("through the gate");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, attack_meets_what_is_meant_for_it, 0, ATTACKS);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
