/* A recorded session, walked again: what was said, and what became of it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay/reader.h"
#include "replay/walk.h"
#include "tests/unit/wires.h"

static struct reader_session session;
static struct walk walk;

static void
open_text(const char *text)
{
	struct reader r = { .text = span_of(text) };
	char error[READER_ERROR_MAX];

	ck_assert_msg(reader_next(&r, &session, error), "line %u: %s", r.line,
	    error);
	walk_open(&walk, &session.wire);
}

static void
close_text(void)
{
	walk_close(&walk);
	reader_free(&session);
}

static const char *
name_of(const struct walk_unit *u)
{
	switch (u->ev.tile) {
	case SMTP_COMMAND:
		return smtp_verb_name(u->ev.verb);
	case SMTP_REPLY:
		return u->ev.verb == SMTP_NONE ? "none" :
		    u->ev.verb == SMTP_UNKNOWN ? "unknown" :
		    smtp_verb_name(u->ev.verb);
	case SMTP_END_OF_DATA:
		return ".";
	default:
		return smtp_tile_name(u->ev.tile);
	}
}

/* Units as words: >MAIL a command, <MAIL the reply to it; x withheld, = edited;
 * "own" a line of smtptap's; pieces of content of one fate are one word. */
static void
expect_story(const char *text, const char *want)
{
	static const char fates[] = { [TAP_FORWARDED] = '\0',
	    [TAP_WITHHELD] = 'x', [TAP_EDITED] = '=' };
	struct walk_unit u;
	char got[1024] = "", last[64] = "";

	open_text(text);
	while (walk_next(&walk, &u)) {
		char word[64] = " own";

		if (u.what == WALK_TILE)
			(void)snprintf(word, sizeof(word), " %s%.1s%s",
			    u.side == SMTP_CLIENT ? ">" : "<", &fates[u.fate],
			    name_of(&u));
		else if (u.what != WALK_OWN)
			continue;
		if (u.ev.tile != SMTP_CONTENT || strcmp(word, last) != 0)
			(void)strcat(got, word);
		(void)strcpy(last, word);
	}
	close_text();
	ck_assert_str_eq(got + 1, want);
}

#define GREETED "<- 220 hi\n -> EHLO c\n<- 250-hi\n<- 250 PIPELINING\n"
#define GREETED_STORY "<CONNECT >EHLO <EHLO <EHLO "
#define DATA GREETED " -> MAIL FROM:<a@b>\n -> RCPT TO:<c@d>\n -> DATA\n" \
	"<- 250 ok\n<- 250 ok\n<- 354 go\n"
#define DATA_STORY GREETED_STORY ">MAIL >RCPT >DATA <MAIL <RCPT <DATA "

START_TEST(what_was_passed_on_is_read_as_ever)
{
	expect_story(DATA " -> text\n -> .\n<- 250 ok\n -> QUIT\n<- 221 x\n",
	    DATA_STORY ">content >. <. >QUIT <QUIT");
}
END_TEST

START_TEST(a_withheld_command_takes_no_reply_of_the_server)
{
	expect_story(GREETED " -> MAIL FROM:<a@b>\n-x> EXPN x\n"
	    " -> RCPT TO:<c@d>\n<- 250 mail\n<= 502 no\n<- 250 rcpt\n",
	    GREETED_STORY ">MAIL >xEXPN >RCPT <MAIL own <RCPT");
}
END_TEST

/* One recv() brought both replies, and ours went out between them. */
START_TEST(a_line_of_our_own_keeps_its_place_in_a_segment)
{
	expect_story("+0.1 <- 220 hi\n+0.2  -> EHLO c\n"
	    "+0.3 <- 250-hi\n<- 250 PIPELINING\n"
	    "+0.4  -> NOOP\n-x> EXPN x\n -> RSET\n"
	    "+0.5 <- 250 noop\n+0.5 <= 502 no\n<- 250 rset\n",
	    GREETED_STORY ">NOOP >xEXPN >RSET <NOOP own <RSET");
}
END_TEST

START_TEST(a_command_made_unreadable_is_answered_as_unknown)
{
	expect_story(GREETED "-x> AUTH LOGIN\n=>  XXXXXXXXXX\n<- 500 what\n"
	    " -> QUIT\n<- 221 x\n",
	    GREETED_STORY ">=AUTH <unknown >QUIT <QUIT");
}
END_TEST

START_TEST(edited_replies_answer_what_they_did)
{
	expect_story("<x- 220 real\n<=  220 mask\n -> EHLO c\n<- 250-hi\n"
	    "<x- 250-STARTTLS\n<x- 250 SIZE\n<=  250-SIZE\n<=  250 XADD\n"
	    " -> QUIT\n<- 221 x\n",
	    "<=CONNECT >EHLO <EHLO <xEHLO <=EHLO >QUIT <QUIT");
}
END_TEST

START_TEST(refused_content_ends_without_the_server)
{
	expect_story(DATA "-x> bad\\n\n-x> .\\n\n-x> QUIT\n-x> .\n<= 550 no\n",
	    DATA_STORY ">xcontent >x. own");
}
END_TEST

#define SMUGGLED "MAIL FROM:<e@vil>\n"

/* The server was given a blank where the bare LF was: it had no choice. */
START_TEST(a_lookalike_the_server_never_saw_is_content)
{
	expect_story(DATA " -> text\n -> .\\c\n-x> \\n\n=>  \\x20\\c\n -> "
	    SMUGGLED " -> .\n<- 250 ok\n -> QUIT\n<- 221 x\n",
	    DATA_STORY ">content >=content >content >. <. >QUIT <QUIT");
	expect_story(DATA " -> text\\c\n-x> \\n\n=>  \\x20\\c\n -> .\n -> "
	    SMUGGLED " -> .\n<- 250 ok\n -> QUIT\n<- 221 x\n",
	    DATA_STORY ">=content >content >. <. >QUIT <QUIT");
}
END_TEST

START_TEST(a_lookalike_the_server_took_is_the_end)
{
	expect_story(DATA " -> text\n -> .\\n\n -> " SMUGGLED " -> QUIT\n"
	    "<- 250 ok\n<- 250 ok\n<- 221 x\n",
	    DATA_STORY ">content >. <. >MAIL >QUIT <MAIL <QUIT");
}
END_TEST

START_TEST(sent_is_what_the_other_side_was_given)
{
	static const char *const sent[] = { "220 mask ESMTP\r\n",
	    "NOOP\r\n", "", "250-ok\r\n250 more\r\n" };
	struct walk_unit u;
	size_t n = 0;

	open_text("+0.1 <- 220 \\c\n<x- real\\c\n<=  mask\\c\n<-   ESMTP\n"
	    "+0.2  -> NOOP\n-x> EXPN\n+0.3 <- 250\\c\n<x- \\x20\\c\n<=  -\\c\n"
	    "<-  ok\n<=  250 more\n");
	while (walk_next(&walk, &u)) {
		if (u.what != WALK_TILE)
			continue;
		ck_assert_uint_lt(n, 4);
		ck_assert_msg(u.sent.n == strlen(sent[n]) && (!u.sent.n ||
		    memcmp(u.sent.p, sent[n], u.sent.n) == 0), "%zu: %.*s", n,
		    (int)u.sent.n, u.sent.p);
		n++;
	}
	ck_assert_uint_eq(n, 4);
	close_text();
}
END_TEST

START_TEST(what_is_made_in_front_of_a_segment_belongs_to_it)
{
	struct walk_unit u;
	size_t edited = 0;

	open_text("+0.1 <- 220 hi\n+0.2 <-  \\c\n<=  250-made\n"
	    "<-  250 x\n");
	while (walk_next(&walk, &u)) {
		if (u.what != WALK_TILE || u.fate == TAP_FORWARDED)
			continue;
		ck_assert_uint_eq(u.run.n, 2);
		ck_assert_int_eq(u.run.pieces[0].fate, TRACK_MADE);
		ck_assert_int_eq(u.from_us, 200000);
		edited++;
	}
	ck_assert_uint_eq(edited, 1);
	close_text();
}
END_TEST

#define OFFERED "<- 220 hi\n -> EHLO c\n<- 250-hi\n<- 250 STARTTLS\n"
#define WITH_SERVER "*** TLS with the server: TLSv1.3\n"
#define WITH_CLIENT "*** TLS with the client: TLSv1.3\n"
#define IN_TLS " ~> EHLO c\n<~ 250 hi\n ~> MAIL FROM:<a@b>\n<~ 250 ok\n"
#define IN_TLS_STORY ">EHLO <EHLO >MAIL <MAIL"

START_TEST(what_was_said_in_tls_is_read)
{
	/* bridge */
	expect_story(OFFERED " -> STARTTLS\n<x- 220 go\n" WITH_SERVER
	    "<= 220 ready\n" WITH_CLIENT IN_TLS, GREETED_STORY
	    ">STARTTLS <xSTARTTLS own " IN_TLS_STORY);
	/* terminate */
	expect_story(OFFERED "-x> STARTTLS\n<= 220 ready\n" WITH_CLIENT
	    IN_TLS, GREETED_STORY ">xSTARTTLS own " IN_TLS_STORY);
	/* implicit: there is a greeting */
	expect_story(WITH_CLIENT WITH_SERVER OFFERED,
	    "<CONNECT >EHLO <EHLO <EHLO");
}
END_TEST

START_TEST(a_client_that_waits_is_not_read_while_we_come_to_tls)
{
	expect_story("<- 220 hi\n -> EHLO c\n -> MAIL FROM:<a@b>\n"
	    "<x- 250-hi\n<x- 250 STARTTLS\n=>  STARTTLS\n<x- 220 go\n"
	    WITH_SERVER "=>  EHLO c\n<~ 250 hi\n<~ 250 ok\n",
	    "<CONNECT >EHLO <xEHLO <xEHLO own <xSTARTTLS own "
	    ">MAIL <EHLO <MAIL");
}
END_TEST

START_TEST(what_was_said_behind_starttls_is_no_command)
{
	expect_story(OFFERED " -> STARTTLS\n-x> EHLO inj\n<x- 220 go\n"
	    WITH_SERVER "<= 220 ready\n" WITH_CLIENT IN_TLS, GREETED_STORY
	    ">STARTTLS <xSTARTTLS own >xopaque " IN_TLS_STORY);
	expect_story(OFFERED "-x> STARTTLS\n-x> EHLO inj\n<= 220 ready\n"
	    WITH_CLIENT IN_TLS, GREETED_STORY
	    ">xSTARTTLS own >xopaque " IN_TLS_STORY);
}
END_TEST

/* The handshake failed, and the session goes on with another connection. */
START_TEST(a_server_that_was_joined_anew_greets)
{
	expect_story(OFFERED " -> STARTTLS\n<x- 220 go\n+1.0 <x- 220 hi\n"
	    "=>  EHLO c\n+2.0 <x- 250 hi\n+3.0 <= 454 4.7.0 no\n -> NOOP\n"
	    "<- 250 ok\n", GREETED_STORY ">STARTTLS <xSTARTTLS <xCONNECT own "
	    "<xEHLO own >NOOP <NOOP");
	expect_story("<- 220 hi\n -> EHLO c\n<x- 250-hi\n<x- 250 STARTTLS\n"
	    "=>  STARTTLS\n<x- 220 go\n+1.0 <x- 220 hi\n=>  EHLO c\n"
	    "<- 250 hi\n -> NOOP\n<- 250 ok\n", "<CONNECT >EHLO <xEHLO "
	    "<xEHLO own <xSTARTTLS <xCONNECT own <EHLO >NOOP <NOOP");
}
END_TEST

START_TEST(a_second_starttls_comes_to_tls)
{
	expect_story(OFFERED " -> STARTTLS\n<- 454 later\n -> NOOP\n"
	    "<- 250 ok\n -> STARTTLS\n<x- 220 go\n" WITH_SERVER
	    "<= 220 ready\n" WITH_CLIENT IN_TLS, GREETED_STORY
	    ">STARTTLS <STARTTLS >NOOP <NOOP >STARTTLS <xSTARTTLS own "
	    IN_TLS_STORY);
}
END_TEST

/* Under a policy the chunk waited for the reply to MAIL; the engine does not. */
START_TEST(what_a_policy_kept_waiting_is_read_when_it_was)
{
#define CHUNK GREETED " -> MAIL FROM:<a@b>\n -> BDAT 2 LAST\n -> \n" \
	"<- 250 ok\n<- 250 ok\n"
	expect_story(CHUNK, GREETED_STORY
	    ">MAIL >BDAT >content <MAIL <BDAT");
	expect_story("*** understood: S8 C8 S24 C17 S8 C15 S8\n" CHUNK,
	    GREETED_STORY ">MAIL <MAIL >BDAT >content <BDAT");
}
END_TEST

START_TEST(what_was_read_behind_a_line_of_our_own_is_so_again)
{
	expect_story("*** understood: S8 C8 S24 C8 - C6 S8\n" GREETED
	    "+0.4 -x> EXPN x\n -> NOOP\n+0.5 <= 502 no\n+0.6 <- 250 ok\n",
	    GREETED_STORY ">xEXPN own >NOOP <NOOP");
}
END_TEST

/* Octets of a wire, by what they are. */
struct octets {
	size_t said, own, passed, made;
};

static struct octets
count(const struct store_wire *wire)
{
	struct octets n = { 0 };

	for (size_t i = 0; i < wire->n; i++) {
		const struct store_segment *seg = &wire->segments[i];

		n.said += wire_is_stream(seg->kind) ? seg->bytes.n : 0;
		n.own += seg->kind == WIRE_OWN ? seg->bytes.n : 0;
		n.made += seg->kind == WIRE_MADE ? seg->bytes.n : 0;
		n.passed += seg->kind == WIRE_BYTES ||
		    seg->kind == WIRE_REDACTED ? seg->bytes.n : 0;
	}
	return n;
}

/* True of no session but by chance. */
static void
put_turns(struct store_wire *wire, unsigned seed)
{
	for (unsigned n = (unsigned)rand_r(&seed) % 9; n; n--) {
		enum turn_of of = (enum turn_of)rand_r(&seed) % TURN_KINDS;

		turns_add(&wire->turns, of, of == TURN_MARK ? 1 :
		    (uint64_t)rand_r(&seed) % 30);
	}
}

/* A recording is hostile input. */
START_TEST(any_wire_is_told_whole)
{
	for (unsigned seed = 1; seed <= 5000; seed++) {
		struct octets want, got = { 0 };
		struct store_wire wire;
		struct walk_unit u;
		size_t heard = 0;

		wires_make(&wire, seed, true);
		put_turns(&wire, seed);
		want = count(&wire);
		walk_open(&walk, &wire);
		while (walk_next(&walk, &u)) {
			heard += u.what == WALK_HEARD ? u.octets : 0;
			got.own += u.what == WALK_OWN ? u.ev.raw.n : 0;
			if (u.what != WALK_TILE)
				continue;
			got.said += u.ev.raw.n;
			got.passed += u.sent.n;
		}
		walk_close(&walk);
		store_wire_free(&wire);
		ck_assert_msg(got.said == want.said && heard == want.said,
		    "wire %u: %zu of %zu octets", seed, got.said, want.said);
		ck_assert_msg(got.own == want.own, "wire %u: %zu of %zu of "
		    "our own", seed, got.own, want.own);
		ck_assert_msg(got.passed >= want.passed &&
		    got.passed <= want.passed + want.made, "wire %u", seed);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("walk");
	TCase *tests = tcase_create("walk");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, what_was_passed_on_is_read_as_ever);
	tcase_add_test(tests, a_withheld_command_takes_no_reply_of_the_server);
	tcase_add_test(tests, a_line_of_our_own_keeps_its_place_in_a_segment);
	tcase_add_test(tests, a_command_made_unreadable_is_answered_as_unknown);
	tcase_add_test(tests, edited_replies_answer_what_they_did);
	tcase_add_test(tests, refused_content_ends_without_the_server);
	tcase_add_test(tests, a_lookalike_the_server_never_saw_is_content);
	tcase_add_test(tests, a_lookalike_the_server_took_is_the_end);
	tcase_add_test(tests, sent_is_what_the_other_side_was_given);
	tcase_add_test(tests, what_is_made_in_front_of_a_segment_belongs_to_it);
	tcase_add_test(tests, what_was_said_in_tls_is_read);
	tcase_add_test(tests, a_client_that_waits_is_not_read_while_we_come_to_tls);
	tcase_add_test(tests, what_was_said_behind_starttls_is_no_command);
	tcase_add_test(tests, a_server_that_was_joined_anew_greets);
	tcase_add_test(tests, a_second_starttls_comes_to_tls);
	tcase_add_test(tests, what_a_policy_kept_waiting_is_read_when_it_was);
	tcase_add_test(tests,
	    what_was_read_behind_a_line_of_our_own_is_so_again);
	tcase_add_test(tests, any_wire_is_told_whole);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
