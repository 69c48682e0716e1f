/* The rows of inspect/refusals.def: well formed, and each attack of SECURITY.md
 * section 1 meets the one that is meant for it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "inspect/policy.h"

struct row {
	const char *option;
	unsigned tiles;
	uint64_t anomalies;
	enum policy_action action;
	bool strike;
	const char *reply, *section;
};

static const struct row rows[] = {
#define REFUSAL(option, tiles, anomalies, action, strike, reply, section) \
	{ #option, tiles, anomalies, POLICY_##action, strike, reply, section },
#include "inspect/refusals.def"
#undef REFUSAL
};

#define ROWS (sizeof rows / sizeof *rows)

START_TEST(a_reply_is_one_that_a_server_may_give)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct span reply = span_of(rows[i].reply), enhanced;

		if (rows[i].action == POLICY_STRIP) {
			ck_assert_uint_eq(reply.n, 0);
			continue;
		}
		ck_assert_uint_gt(reply.n, 10);
		ck_assert_uint_le(reply.n, POLICY_REPLY_MAX - 2);
		ck_assert(reply.p[0] == '4' || reply.p[0] == '5');
		enhanced = smtp_enhanced((reply.p[0] - '0') * 100,
		    span_from(reply, 4));
		ck_assert_msg(enhanced.n, "%s", reply.p);
		for (size_t k = 0; k < reply.n; k++)
			ck_assert(reply.p[k] >= ' ' && reply.p[k] < 0x7f);
	}
}
END_TEST

START_TEST(no_row_is_behind_one_that_takes_all_it_could)
{
	for (size_t i = 0; i < ROWS; i++)
		for (size_t k = 0; k < i; k++)
			ck_assert_msg(!(rows[i].tiles & rows[k].tiles) ||
			    (rows[i].anomalies & ~rows[k].anomalies),
			    "rows %zu and %zu", k, i);
}
END_TEST

START_TEST(a_strike_is_of_a_refusal_that_does_not_close)
{
	for (size_t i = 0; i < ROWS; i++)
		ck_assert(!rows[i].strike || rows[i].action == POLICY_REJECT);
}
END_TEST

/* docs/STRICT.md has a row with this option and this reply. */
START_TEST(the_manual_names_option_and_reply)
{
	static char manual[32768];
	FILE *file = fopen("docs/STRICT.md", "r");
	char option[40], cells[300];
	size_t n;

	ck_assert_msg(file != NULL, "docs/STRICT.md is not there");
	n = fread(manual, 1, sizeof manual - 1, file);
	manual[n] = '\0';
	(void)fclose(file);
	(void)snprintf(option, sizeof option, "%s", rows[_i].option);
	for (char *p = option; *p; p++)
		*p = *p == '_' ? '-' : *p;
	(void)snprintf(cells, sizeof cells, " | `%s` | %s | ", option,
	    rows[_i].reply[0] ? rows[_i].reply : "none");
	ck_assert_msg(strstr(manual, cells) != NULL, "not there: %s", cells);
}
END_TEST

/* A session up to where it gets interesting. */
#define GREETED "S220 mx ESMTP\r\n", "CEHLO c\r\n"
#define EHLO GREETED, "S250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n" \
	"250-SMTPUTF8\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n"
#define TRANSACTION EHLO, "CMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\n", \
	"S250 ok\r\n250 ok\r\n"
#define CONTENT TRANSACTION, "CDATA\r\n", "S354 go\r\n"

static const struct attack {
	const char *claim, *option, *reply;	/* the first refusal; its code */
	const char *said[12];	/* C... by the client, S... by the server */
} attacks[] = {
	{ "an honest session", NULL, NULL, { CONTENT, "CSubject: s\r\n\r\nx\r\n"
	    ".\r\nMAIL FROM:<>\r\n", "S250 q\r\n250 ok\r\n", "CQUIT\r\n",
	    "S221 bye\r\n" } },
	{ "talk before the greeting (1.3)", "early_talk", "554 5.5.0",
	    { "CEHLO c\r\n" } },
	{ "HTTP before the greeting (1.2)", "odd_command", "421 4.7.0",
	    { "CGET / HTTP/1.1\r\n" } },
	{ "a PROXY header (1.8 j)", "odd_command", "421 4.7.0",
	    { "S220 mx\r\n", "CPROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n" } },
	{ "a command behind EHLO (1.3)", "unauth_pipelining", "554 5.5.0",
	    { GREETED, "CNOOP\r\n" } },
	{ "a group where PIPELINING is not offered", "unauth_pipelining",
	    "554 5.5.0", { GREETED, "S250 mx\r\n",
	    "CMAIL FROM:<>\r\nRCPT TO:<b@y>\r\n" } },
	{ "content behind DATA (1.3)", "unauth_pipelining", "554 5.5.0",
	    { TRANSACTION, "CDATA\r\nSubject: s\r\n", "S354 go\r\n" } },
	{ "content behind a DATA that is refused (1.8 a)", "unauth_pipelining",
	    "554 5.5.0", { EHLO, "CDATA\r\nVRFY root\r\n", "S503 no\r\n" } },
	{ "a command behind STARTTLS (1.2)", "unauth_pipelining", "554 5.5.1",
	    { EHLO, "CSTARTTLS\r\nEHLO inj\r\n", "S220 go\r\n" } },
	{ "a password behind AUTH (1.7 e)", "unauth_pipelining", "554 5.5.0",
	    { EHLO, "CAUTH PLAIN\r\nAHRlc3QAczNjcjN0\r\n", "S504 no\r\n" } },
	{ "words behind QUIT (1.8 p)", "unauth_pipelining", "",
	    { EHLO, "CQUIT\r\nMAIL FROM:<>\r\n" } },
	{ "BDAT of 2^32+5 octets (1.4)", "bad_bdat", "501 5.5.4",
	    { TRANSACTION, "CBDAT 4294967301 LAST\r\n" } },
	{ "BDAT of -1 octets", "bad_bdat", "501 5.5.4",
	    { TRANSACTION, "CBDAT -1\r\n" } },
	{ "BDAT of +5 octets", "bad_bdat", "501 5.5.4",
	    { TRANSACTION, "CBDAT +5 LAST\r\n" } },
	{ "BDAT of 0x5 octets", "bad_bdat", "501 5.5.4",
	    { TRANSACTION, "CBDAT 0x5 LAST\r\n" } },
	{ "BDAT 5LAST", "bad_bdat", "501 5.5.4",
	    { TRANSACTION, "CBDAT 5LAST\r\n" } },
	{ "BDAT 5 LASTX", "bad_bdat", "501 5.5.4",
	    { TRANSACTION, "CBDAT 5 LASTX\r\n" } },
	{ "BDAT 5.0 LAST", "bad_bdat", "501 5.5.4",
	    { TRANSACTION, "CBDAT 5.0 LAST\r\n" } },
	{ "BDAT of 2^63 octets", "bad_bdat", "501 5.5.4",
	    { TRANSACTION, "CBDAT 9223372036854775808 LAST\r\n" } },
	{ "BDAT of 2^64+5 octets", "bad_bdat", "501 5.5.4",
	    { TRANSACTION, "CBDAT 18446744073709551621 LAST\r\n" } },
	{ "BDAT with a blank too many", "bad_bdat", "501 5.5.4",
	    { TRANSACTION, "CBDAT 5 LAST \r\nabc\r\n" } },
	{ "BDAT that is not offered", "bad_bdat", "502 5.5.1",
	    { GREETED, "S250 mx\r\n", "CBDAT 5 LAST\r\nabc\r\n" } },
	{ "a chunk refused before it has come", "bad_bdat", "421 4.3.0",
	    { TRANSACTION, "CBDAT 5 LAST\r\nab", "S503 no\r\n" } },
	{ "NUL in a command (1.5)", "odd_command", "500 5.5.2",
	    { EHLO, "N" } },
	{ "CR in a command", "odd_command", "500 5.5.2",
	    { EHLO, "CNOOP\rRSET\r\n" } },
	{ "CR behind DATA", "odd_command", "500 5.5.2",
	    { TRANSACTION, "CDATA\r\r\n" } },
	{ "a tab behind DATA", "odd_command", "500 5.5.2",
	    { TRANSACTION, "CDATA\t\r\n" } },
	{ "a word behind DATA", "odd_command", "500 5.5.2",
	    { TRANSACTION, "CDATA now\r\n" } },
	{ "a blank before NOOP", "odd_command", "500 5.5.2",
	    { EHLO, "C NOOP\r\n" } },
	{ "an empty line", "odd_command", "500 5.5.2", { EHLO, "C\r\n" } },
	{ "LF alone behind a command", "odd_command", "500 5.5.2",
	    { EHLO, "CNOOP\n" } },
	{ "LF alone behind a password", "odd_command", "500 5.5.2",
	    { EHLO, "CAUTH PLAIN\r\n", "S334 \r\n", "CAHRlc3QA\n" } },
	{ "eight bits without SMTPUTF8", "odd_command", "501 5.5.2",
	    { EHLO, "CMAIL FROM:<\xc3\xa9@x>\r\n" } },
	{ "eight bits that are not UTF-8", "odd_command", "501 5.5.2",
	    { EHLO, "CMAIL FROM:<\xe9@x> SMTPUTF8\r\n" } },
	{ "UTF-8 where it is asked for", NULL, NULL,
	    { EHLO, "CMAIL FROM:<\xc3\xa9@x> SMTPUTF8\r\n" } },
	{ "two codes in one reply (1.6)", "bad_reply", "421 4.3.0",
	    { GREETED, "S250-a\r\n550 no\r\n" } },
	{ "a reply of four digits", "bad_reply", "421 4.3.0",
	    { GREETED, "S2500 ok\r\n" } },
	{ "a line without a code", "bad_reply", "421 4.3.0",
	    { GREETED, "Shello\r\n" } },
	{ "an empty line of the server", "bad_reply", "421 4.3.0",
	    { GREETED, "S\r\n" } },
	{ "CR in a reply", "bad_reply", "421 4.3.0",
	    { GREETED, "S250-a\r250 b\r\n" } },
	{ "a code over 599", "bad_reply", "421 4.3.0",
	    { GREETED, "S650 a\r\n" } },
	{ "a code alone", NULL, NULL, { GREETED, "S250-a\r\n250\r\n" } },
	{ "2yz to DATA (1.8 b)", "bad_reply", "421 4.3.0",
	    { TRANSACTION, "CDATA\r\n", "S250 ok\r\n" } },
	{ "354 to another verb (1.8 c)", "bad_reply", "421 4.3.0",
	    { EHLO, "CVRFY a\r\n", "S354 go\r\n" } },
	{ "353 to the end of data (PRDR)", "bad_reply", "421 4.3.0",
	    { CONTENT, "Cx\r\n.\r\n", "S353 now\r\n" } },
	{ "3yz to an unknown verb (1.8 l)", "bad_reply", "421 4.3.0",
	    { EHLO, "CXFOO\r\n", "S334 say\r\n" } },
	{ "a reply too many (1.6)", "unsolicited_reply", "421 4.3.0",
	    { GREETED, "S250 a\r\n250 b\r\n" } },
	{ "a reply within content", "unsolicited_reply", "421 4.3.0",
	    { CONTENT, "CSubject: s\r\n", "S250 b\r\n" } },
	{ "421 within content (1.8 g)", NULL, NULL,
	    { CONTENT, "CSubject: s\r\n", "S421 busy\r\n" } },
};

static const struct row *
row_for(const struct smtp_event *ev)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].tiles & 1u << ev->tile &&
		    rows[i].anomalies & ev->anomalies)
			return &rows[i];
	return NULL;
}

struct play {
	struct smtp_session session;
	char bytes[2][1024];	/* said and not yet understood */
	size_t n[2];
	const struct row *first;	/* what has refused */
};

/* Understand what there is of a side; whether that was anything. */
static bool
understand(struct play *p, enum smtp_side side)
{
	struct span in = { p->bytes[side], p->n[side] };
	struct smtp_event ev;
	bool moved = false;

	while (smtp_next(&p->session, side, &in, &ev) == SMTP_EVENT) {
		if (p->first == NULL)
			p->first = row_for(&ev);
		moved = true;
	}
	memmove(p->bytes[side], in.p, in.n);
	p->n[side] = in.n;
	return moved;
}

static void
say(struct play *p, const char *what)
{
	enum smtp_side side = what[0] == 'S' ? SMTP_SERVER : SMTP_CLIENT;
	struct span bytes = what[0] == 'N' ? SPAN("NOOP\0x\r\n") :
	    span_of(what + 1);
	bool moved;

	memcpy(p->bytes[side] + p->n[side], bytes.p, bytes.n);
	p->n[side] += bytes.n;
	do {
		moved = understand(p, SMTP_SERVER);
		moved |= understand(p, SMTP_CLIENT);
	} while (moved);
}

START_TEST(attack_meets_its_row)
{
	const struct attack *a = &attacks[_i];
	struct play p = { .first = NULL };

	smtp_start(&p.session);
	for (size_t i = 0; i < 12 && a->said[i]; i++)
		say(&p, a->said[i]);
	if (a->option == NULL) {
		ck_assert_msg(p.first == NULL, "%s: refused by %s", a->claim,
		    p.first ? p.first->option : "");
		return;
	}
	ck_assert_msg(p.first != NULL, "%s: not refused", a->claim);
	ck_assert_msg(strcmp(p.first->option, a->option) == 0 &&
	    strncmp(p.first->reply, a->reply, strlen(a->reply)) == 0 &&
	    (a->reply[0] || !p.first->reply[0]), "%s: %s \"%s\"", a->claim,
	    p.first->option, p.first->reply);
}
END_TEST

/* Rows that no attack reaches are of no use. Overlong lines and replies of 129
 * lines are left to the tests that have such. */
START_TEST(every_row_is_met_by_an_attack)
{
	for (size_t i = 0; i < ROWS; i++) {
		bool met = rows[i].anomalies & (SMTP_ODD(COMMAND_OVERLONG) |
		    SMTP_ODD(REPLY_OVERLONG));

		for (size_t k = 0; k < sizeof attacks / sizeof *attacks; k++)
			met |= attacks[k].option &&
			    strcmp(attacks[k].option, rows[i].option) == 0 &&
			    strncmp(attacks[k].reply, rows[i].reply,
			    rows[i].reply[0] ? 9 : 1) == 0;
		ck_assert_msg(met, "%s \"%s\"", rows[i].option, rows[i].reply);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("refusals");
	TCase *t = tcase_create("rows");
	SRunner *runner;
	int failed;

	tcase_add_test(t, a_reply_is_one_that_a_server_may_give);
	tcase_add_test(t, no_row_is_behind_one_that_takes_all_it_could);
	tcase_add_test(t, a_strike_is_of_a_refusal_that_does_not_close);
	tcase_add_test(t, every_row_is_met_by_an_attack);
	tcase_add_loop_test(t, the_manual_names_option_and_reply, 0, ROWS);
	tcase_add_loop_test(t, attack_meets_its_row, 0,
	    sizeof attacks / sizeof *attacks);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
