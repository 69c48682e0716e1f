/* STARTTLS where TLS ends here: who says what to whom, in each mode, cut into
 * chunks of every size (RFC 3207; SECURITY 1.2; V23 to V27). A handshake is one
 * step of the dialogue; what is said behind it is said in TLS. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/gated.h"

#define STEPS_MAX 24

enum kind { END, SAYS, SECURED, FAILED };

struct step {
	enum kind kind;
	enum smtp_side side;
	struct span bytes;	/* FAILED: why */
};

#define C(s)	{ SAYS, SMTP_CLIENT, { s, sizeof(s) - 1 } }
#define S(s)	{ SAYS, SMTP_SERVER, { s, sizeof(s) - 1 } }
#define TLS_C	{ SECURED, SMTP_CLIENT, { "", 0 } }
#define TLS_S	{ SECURED, SMTP_SERVER, { "", 0 } }
#define FAIL_C(s) { FAILED, SMTP_CLIENT, { s, sizeof(s) - 1 } }
#define FAIL_S(s) { FAILED, SMTP_SERVER, { s, sizeof(s) - 1 } }

#define G	"220 mx ESMTP\r\n"
#define H	"EHLO c\r\n"
#define STLS	"STARTTLS\r\n"
#define GO	"220 go\r\n"
#define READY	"220 2.0.0 Ready to start TLS\r\n"
#define OK	"250 ok\r\n"
#define BYE	"221 bye\r\n"
#define LATER	"454 4.7.0 TLS not available: "
#define CLOSING	"421 4.7.0 TLS not available: "
#define FIRST	"530 5.7.0 Must issue a STARTTLS command first\r\n"
#define AGAIN	"503 5.5.1 TLS is on already\r\n"
#define HIDDEN	"502 5.5.1 Command not implemented\r\n"
#define ANEW	"503 5.5.1 EHLO first\r\n"
#define NEEDS	"451 4.7.0 TLS with the mail server needs EHLO\r\n"

#define OFFER	"250-mx\r\n250-SIZE 100\r\n250-STARTTLS\r\n250 HELP\r\n"
#define PLAIN	"250-mx\r\n250-SIZE 100\r\n250 HELP\r\n"
#define ADDED	"250-mx\r\n250-SIZE 100\r\n250-HELP\r\n250 STARTTLS\r\n"
#define MAIL	"MAIL FROM:<a@x>\r\n"
#define HELLO	S(G), C(H), S(OFFER)
#define BRIDGED	HELLO, C(STLS), S(GO), TLS_S, TLS_C
#define QUIT	C("QUIT\r\n"), S(BYE)
#define LONG	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONGER	LONG LONG LONG LONG

static const struct policy_rule block = { .name = "block",
	.subject = POLICY_COMMAND_VERB, .verbs = UINT64_C(1) << SMTP_VRFY,
	.action = POLICY_REJECT, .reply = { "502 5.5.1 no\r\n", 14 } };
static const struct policy_rule early = { .name = "unauth-pipelining",
	.subject = POLICY_EVENT, .tiles = 1u << SMTP_REPLY,
	.anomalies = SMTP_ODD(STARTTLS_INJECTION), .action = POLICY_DROP,
	.reply = { "554 5.5.1 no\r\n", 14 } };

enum extra { NOTHING, OPTIONAL = 1, BLOCKS = 2, REFUSES = 4, ADDS = 8,
	DRY = 16, WHEN = 32 };

static const struct dialogue {
	const char *claim;
	enum policy_tls tls;
	unsigned extra;
	struct step steps[STEPS_MAX];
	const char *server, *client;	/* what arrives there */
	bool closes;
	uint64_t odd;
	size_t dropped[2];		/* octets of the client, the server */
} dialogues[] = {
	/* bridge */
	{ "bridge: the server's handshake, then the client's", POLICY_TLS_BRIDGE,
	    NOTHING, { BRIDGED, C(H), S(PLAIN), C(MAIL), S(OK), QUIT },
	    .server = H STLS H MAIL "QUIT\r\n",
	    .client = G OFFER READY PLAIN OK BYE },
	{ "bridge: nothing to the client before the server is in TLS",
	    POLICY_TLS_BRIDGE, NOTHING, { HELLO, C(STLS), S(GO) },
	    .server = H STLS, .client = G OFFER },
	{ "bridge: 220 in several lines is one reply", POLICY_TLS_BRIDGE,
	    NOTHING, { HELLO, C(STLS), S("220-wait\r\n220-more\r\n220 go\r\n"),
	    TLS_S, TLS_C, C(H), S(PLAIN) },
	    .server = H STLS H, .client = G OFFER READY PLAIN },
	{ "V25: 454 goes on, and the session with it", POLICY_TLS_BRIDGE,
	    NOTHING, { HELLO, C(STLS), S("454 no\r\n"), C("NOOP\r\n"), S(OK),
	    QUIT }, .server = H STLS "NOOP\r\nQUIT\r\n",
	    .client = G OFFER "454 no\r\n" OK BYE,
	    .odd = SMTP_ODD(TLS_REFUSED) },
	{ "bridge: 502 in two lines, and another try", POLICY_TLS_BRIDGE,
	    NOTHING, { HELLO, C(STLS), S("502-no\r\n502 no\r\n"), C(STLS),
	    S(GO), TLS_S, TLS_C, C(H), S(PLAIN) }, .server = H STLS STLS H,
	    .client = G OFFER "502-no\r\n502 no\r\n" READY PLAIN,
	    .odd = SMTP_ODD(TLS_REFUSED) },
	{ "bridge: a reply that begins with 454 and ends with 220",
	    POLICY_TLS_BRIDGE, NOTHING, { HELLO, C(STLS),
	    S("454-no\r\n220 yes\r\n") }, .server = H STLS,
	    .client = G OFFER "454-no\r\n" LATER
	    "the mail server's reply is not clear\r\n", .closes = true,
	    .odd = SMTP_ODD(REPLY_MIXED) },
	{ "V26: a handshake that fails is 454, never 220", POLICY_TLS_BRIDGE,
	    NOTHING, { HELLO, C(STLS), S(GO), FAIL_S("it is no TLS") },
	    .server = H STLS,
	    .client = G OFFER LATER "it is no TLS\r\n", .closes = true },
	{ "bridge: a reason from a certificate is text, and bounded",
	    POLICY_TLS_BRIDGE, NOTHING, { HELLO, C(STLS), S(GO),
	    FAIL_S("for a\r\n250 b\xff\t" LONGER) }, .server = H STLS,
	    .client = G OFFER LATER
	    "for a??250 b??" LONG LONG
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n",
	    .closes = true },
	{ "bridge: the client's handshake fails: nothing more is said",
	    POLICY_TLS_BRIDGE, NOTHING, { HELLO, C(STLS), S(GO), TLS_S,
	    FAIL_C("alert") }, .server = H STLS,
	    .client = G OFFER READY, .closes = true },
	{ "V23: a command behind STARTTLS is never answered",
	    POLICY_TLS_BRIDGE, NOTHING, { HELLO, C(STLS "EHLO inj\r\n"), S(GO),
	    TLS_S, TLS_C, C(H), S(PLAIN) }, .server = H STLS H,
	    .client = G OFFER READY PLAIN,
	    .odd = SMTP_ODD(STARTTLS_INJECTION), .dropped = { 10, 0 } },
	{ "V23: nor is half a command", POLICY_TLS_BRIDGE, NOTHING,
	    { HELLO, C(STLS "EHLO inj"), S(GO), TLS_S, TLS_C, C("\r\n" H),
	    S("500 what\r\n" PLAIN) }, .server = H STLS "\r\n" H,
	    .client = G OFFER READY "500 what\r\n" PLAIN,
	    .odd = SMTP_ODD(STARTTLS_INJECTION), .dropped = { 8, 0 } },
	{ "V23: nor one said during the server's handshake",
	    POLICY_TLS_BRIDGE, NOTHING, { HELLO, C(STLS), S(GO),
	    C("EHLO inj\r\n"), TLS_S, TLS_C, C(H), S(PLAIN) },
	    .server = H STLS H,
	    .client = G OFFER READY PLAIN, .dropped = { 10, 0 } },
	{ "V23: where pipelining is refused, it is", POLICY_TLS_BRIDGE, REFUSES,
	    { HELLO, C(STLS "EHLO inj\r\n"), S(GO) }, .server = H STLS,
	    .client = G OFFER "554 5.5.1 no\r\n", .closes = true,
	    .odd = SMTP_ODD(STARTTLS_INJECTION) },
	{ "V24: what stands behind the server's 220 is nobody's",
	    POLICY_TLS_BRIDGE, NOTHING, { HELLO, C(STLS),
	    S(GO "250-x\r\n250 AUTH PLAIN\r\n"), TLS_S, TLS_C, C(H), S(PLAIN) },
	    .server = H STLS H,
	    .client = G OFFER READY PLAIN, .dropped = { 0, 23 } },
	{ "V24: nor is half a line of it", POLICY_TLS_BRIDGE, NOTHING,
	    { HELLO, C(STLS), S(GO "250-AUTH PL"), TLS_S, TLS_C, C(H),
	    S(PLAIN) }, .server = H STLS H,
	    .client = G OFFER READY PLAIN, .dropped = { 0, 11 } },
	{ "V27: what was agreed in the clear is forgotten", POLICY_TLS_BRIDGE,
	    NOTHING, { HELLO, C("AUTH PLAIN AHQAcw==\r\n"), S("235 ok\r\n"),
	    C(STLS), S(GO), TLS_S, TLS_C, C(MAIL), S("503 EHLO\r\n") },
	    .server = H "AUTH PLAIN AHQAcw==\r\n" STLS MAIL,
	    .client = G OFFER "235 ok\r\n" READY "503 EHLO\r\n" },
	{ "bridge: STARTTLS within TLS", POLICY_TLS_BRIDGE, NOTHING,
	    { BRIDGED, C(H), S(OFFER), C(STLS "NOOP\r\n"), S(OK) },
	    .server = H STLS H "NOOP\r\n",
	    .client = G OFFER READY PLAIN AGAIN OK },
	{ "bridge: a pipelined group before STARTTLS", POLICY_TLS_BRIDGE, BLOCKS,
	    { HELLO, C("NOOP\r\nVRFY x\r\n" STLS), S(OK), S(GO), TLS_S, TLS_C,
	    C(H), S(PLAIN) }, .server = H "NOOP\r\n" STLS H,
	    .client = G OFFER OK "502 5.5.1 no\r\n" READY PLAIN },
	{ "bridge: STARTTLS that stands last in EHLO's reply",
	    POLICY_TLS_BRIDGE, NOTHING, { BRIDGED, C(H),
	    S("250-mx\r\n250-HELP\r\n250 STARTTLS\r\n") }, .server = H STLS H,
	    .client = G OFFER READY "250-mx\r\n250 HELP\r\n" },
	{ "bridge: what binds to one channel is not offered",
	    POLICY_TLS_BRIDGE, NOTHING, { S(G), C(H), S("250-mx\r\n"
	    "250-AUTH SCRAM-SHA-256-PLUS PLAIN scram-sha-1-plus\r\n"
	    "250-REQUIRETLS\r\n250-starttls\r\n250-HELP\r\n"
	    "250 X-ANONYMOUSTLS\r\n") }, .server = H,
	    .client = G "250-mx\r\n250-AUTH PLAIN\r\n250-starttls\r\n250 HELP\r\n" },
	{ "bridge: AUTH that only binds goes, as does all behind it",
	    POLICY_TLS_BRIDGE, NOTHING, { S(G), C(H), S("250-mx\r\n250-HELP\r\n"
	    "250-AUTH SCRAM-SHA-1-PLUS\r\n250 REQUIRETLS\r\n") }, .server = H,
	    .client = G "250-mx\r\n250 HELP\r\n" },
	{ "bridge: a host called STARTTLS is no keyword", POLICY_TLS_BRIDGE,
	    NOTHING, { BRIDGED, C(H), S("250-STARTTLS\r\n250 HELP\r\n") },
	    .server = H STLS H,
	    .client = G OFFER READY "250-STARTTLS\r\n250 HELP\r\n" },
	{ "bridge: the second STARTTLS of Exchange is hidden, and refused",
	    POLICY_TLS_BRIDGE, NOTHING, { HELLO, C("X-ANONYMOUSTLS\r\n"), QUIT },
	    .server = H "QUIT\r\n", .client = G OFFER HIDDEN BYE },
	{ "bridge: a dry run changes nothing but TLS", POLICY_TLS_BRIDGE,
	    DRY | BLOCKS | ADDS, { BRIDGED, C(H), S("250-mx\r\n250-HELP\r\n"
	    "250 STARTTLS\r\n"), C("VRFY x\r\n"), S("252 x\r\n") },
	    .server = H STLS H "VRFY x\r\n",
	    .client = G OFFER READY "250-mx\r\n250 HELP\r\n"
	    "252 x\r\n" },

	{ "bridge: a handshake that fails, where TLS may be left out",
	    POLICY_TLS_BRIDGE, OPTIONAL, { HELLO, C(STLS), S(GO),
	    FAIL_S("it is no TLS"), S("220-mx\r\n" G), S(OFFER), C(MAIL), S(OK),
	    C(STLS), C(H), S(OFFER), QUIT }, .server = H STLS H MAIL H "QUIT\r\n",
	    .client = G OFFER LATER "it is no TLS\r\n" OK
	    "454 4.7.0 TLS not available\r\n" OFFER BYE },
	{ "bridge: what the client pipelines behind STARTTLS waits for that",
	    POLICY_TLS_BRIDGE, OPTIONAL, { HELLO, C(STLS MAIL), S(GO),
	    FAIL_S("it is no TLS"), S(G), S(OFFER), S(OK) },
	    .server = H STLS H MAIL, .client = G OFFER LATER
	    "it is no TLS\r\n" OK, .odd = SMTP_ODD(STARTTLS_INJECTION) },
	{ "bridge: another connection that is refused", POLICY_TLS_BRIDGE,
	    OPTIONAL, { HELLO, C(STLS), S(GO), FAIL_S("it is no TLS"),
	    S("554 no\r\n") }, .server = H STLS, .client = G OFFER LATER
	    "the mail server does not want the session either\r\n",
	    .closes = true },
	{ "originate: a handshake that fails, where TLS may be left out",
	    POLICY_TLS_ORIGINATE, OPTIONAL, { S(G), C(H MAIL), S(OFFER), S(GO),
	    FAIL_S("it is no TLS"), S(G), S(OFFER), S(OK), QUIT },
	    .server = H STLS H MAIL "QUIT\r\n", .client = G PLAIN OK BYE },
	{ "require: a handshake that fails is the end, whatever may be",
	    POLICY_TLS_REQUIRE, OPTIONAL, { HELLO, C(STLS), S(GO),
	    FAIL_S("expired") }, .server = H STLS,
	    .client = G OFFER LATER "expired\r\n", .closes = true },

	/* strip */
	{ "strip: hidden, refused, and the session goes on", POLICY_TLS_STRIP,
	    NOTHING, { HELLO, C(STLS "NOOP\r\n"), S(OK), C("X-ANONYMOUSTLS\r\n"),
	    QUIT }, .server = H "NOOP\r\nQUIT\r\n",
	    .client = G PLAIN HIDDEN OK HIDDEN BYE },
	{ "strip: also where the policy is only tried, or another",
	    POLICY_TLS_STRIP, DRY | WHEN, { S(G), C(H), S("250-mx\r\n250-A\r\n"
	    "250-STARTTLS\r\n250 REQUIRETLS\r\n"), C(STLS) }, .server = H,
	    .client = G "250-mx\r\n250 A\r\n" HIDDEN },

	/* terminate */
	{ "terminate: offered though the server has none", POLICY_TLS_TERMINATE,
	    NOTHING, { S(G), C(H), S(PLAIN), C(STLS), TLS_C, C(H), S(PLAIN),
	    C(MAIL), S(OK), QUIT }, .server = H H MAIL "QUIT\r\n",
	    .client = G ADDED READY PLAIN OK BYE },
	{ "terminate: the server's own offer is replaced", POLICY_TLS_TERMINATE,
	    NOTHING, { HELLO, C(STLS), TLS_C, C(H), S(OFFER) }, .server = H H,
	    .client = G ADDED READY PLAIN },
	{ "terminate: a server that lists nothing", POLICY_TLS_TERMINATE,
	    NOTHING, { S(G), C(H), S("250 mx\r\n") }, .server = H,
	    .client = G "250-mx\r\n250 STARTTLS\r\n" },
	{ "terminate: a server whose last line was its offer",
	    POLICY_TLS_TERMINATE, NOTHING, { S(G), C(H), S("250-mx\r\n"
	    "250 STARTTLS\r\n"), C(STLS), TLS_C, C(H), S("250-mx\r\n"
	    "250 STARTTLS\r\n") }, .server = H H,
	    .client = G "250-mx\r\n250 STARTTLS\r\n" READY
	    "250 mx\r\n" },
	{ "terminate: lines of the policy are added beside it",
	    POLICY_TLS_TERMINATE, ADDS, { S(G), C(H), S(PLAIN), C(STLS), TLS_C,
	    C(H), S(PLAIN) }, .server = H H,
	    .client = G "250-mx\r\n250-SIZE 100\r\n250-HELP\r\n"
	    "250-X-OURS\r\n250 STARTTLS\r\n" READY "250-mx\r\n250-SIZE 100\r\n"
	    "250-HELP\r\n250 X-OURS\r\n" },
	{ "terminate: a refused EHLO stays one", POLICY_TLS_TERMINATE, NOTHING,
	    { S(G), C(H), S("502-no\r\n502 STARTTLS\r\n"), C("HELO c\r\n"),
	    S(OK) }, .server = H "HELO c\r\n",
	    .client = G "502-no\r\n502 STARTTLS\r\n" OK },
	{ "terminate: our 220 keeps its place behind the server's replies",
	    POLICY_TLS_TERMINATE, NOTHING, { S(G), C(H), S(PLAIN),
	    C("NOOP\r\nRSET\r\n" STLS), S(OK), S(OK), TLS_C, C(H), S(PLAIN) },
	    .server = H "NOOP\r\nRSET\r\n" H,
	    .client = G ADDED OK OK READY PLAIN },
	{ "terminate: a command behind STARTTLS is never answered",
	    POLICY_TLS_TERMINATE, NOTHING, { S(G), C(H), S(PLAIN),
	    C(STLS "EHLO inj\r\n" MAIL), TLS_C, C(H), S(PLAIN) }, .server = H H,
	    .client = G ADDED READY PLAIN, .dropped = { 27, 0 } },
	{ "terminate: nor behind a group that is still being answered",
	    POLICY_TLS_TERMINATE, NOTHING, { S(G), C(H), S(PLAIN),
	    C("NOOP\r\n" STLS MAIL), S(OK), TLS_C, C(H), S(PLAIN) },
	    .server = H "NOOP\r\n" H,
	    .client = G ADDED OK READY PLAIN, .dropped = { 17, 0 } },
	{ "terminate: STARTTLS with an argument", POLICY_TLS_TERMINATE, NOTHING,
	    { S(G), C(H), S(PLAIN), C("STARTTLS now\r\n"), QUIT },
	    .server = H "QUIT\r\n",
	    .client = G ADDED "501 5.5.4 STARTTLS stands alone\r\n" BYE },
	{ "terminate: STARTTLS within TLS", POLICY_TLS_TERMINATE, NOTHING,
	    { S(G), C(H), S(PLAIN), C(STLS), TLS_C, C(STLS), QUIT },
	    .server = H "QUIT\r\n", .client = G ADDED READY AGAIN BYE },
	{ "terminate: the handshake fails: nothing more is said",
	    POLICY_TLS_TERMINATE, NOTHING, { S(G), C(H), S(PLAIN), C(STLS),
	    FAIL_C("alert") }, .server = H,
	    .client = G ADDED READY, .closes = true },
	{ "terminate: a dry run changes nothing but TLS", POLICY_TLS_TERMINATE,
	    DRY | BLOCKS | ADDS, { S(G), C(H), S("250-mx\r\n250 STARTTLS\r\n"),
	    C(STLS), TLS_C, C(H), S("250-mx\r\n250 STARTTLS\r\n"),
	    C("VRFY x\r\n"), S("252 x\r\n") }, .server = H H "VRFY x\r\n",
	    .client = G "250-mx\r\n250 STARTTLS\r\n" READY "250 mx\r\n252 x\r\n" },

	{ "terminate: a client that was known in the clear is not in TLS",
	    POLICY_TLS_TERMINATE, NOTHING, { S(G), C(H), S(PLAIN), C(MAIL),
	    S(OK), C(STLS), TLS_C, C(MAIL "RCPT TO:<b@y>\r\nNOOP\r\n"), S(OK),
	    C(H), S(PLAIN), C(MAIL), S(OK) },
	    .server = H MAIL "NOOP\r\n" H MAIL,
	    .client = G ADDED OK READY ANEW ANEW OK PLAIN OK },
	{ "terminate: who has said a password has said too much",
	    POLICY_TLS_TERMINATE, NOTHING, { S(G), C(H), S(PLAIN),
	    C("AUTH PLAIN AHQAcw==\r\n"), S("235 ok\r\n"), C(STLS), QUIT },
	    .server = H "AUTH PLAIN AHQAcw==\r\nQUIT\r\n", .client = G ADDED
	    "235 ok\r\n503 5.5.1 STARTTLS comes before AUTH\r\n" BYE },
	{ "terminate: a password that was wrong does not count",
	    POLICY_TLS_TERMINATE, NOTHING, { S(G), C(H), S(PLAIN),
	    C("AUTH PLAIN AHQAcw==\r\n"), S("535 no\r\n"), C(STLS), TLS_C },
	    .server = H "AUTH PLAIN AHQAcw==\r\n",
	    .client = G ADDED "535 no\r\n" READY },
	{ "terminate: another policy for this client is in TLS all the same",
	    POLICY_TLS_TERMINATE, WHEN, { S(G), C(H), S(PLAIN), C(STLS), TLS_C,
	    C(H), S(OFFER) }, .server = H H, .client = G ADDED READY PLAIN },

	/* originate */
	{ "originate: the client sees none of it", POLICY_TLS_ORIGINATE,
	    NOTHING, { S(G), C(H), S(OFFER), S(GO), TLS_S, S(PLAIN), C(MAIL),
	    S(OK), QUIT }, .server = H STLS H MAIL "QUIT\r\n",
	    .client = G PLAIN OK BYE },
	{ "originate: the offer stands first, or last", POLICY_TLS_ORIGINATE,
	    NOTHING, { S(G), C(H), S("250-mx\r\n250-STARTTLS\r\n250-A\r\n"
	    "250-B\r\n250 C\r\n"), S("220-go\r\n220 go\r\n"), TLS_S,
	    S("250-mx\r\n250-A\r\n250 STARTTLS\r\n"), C(H), S(PLAIN) },
	    .server = H STLS H H, .client = G "250-mx\r\n250 A\r\n" PLAIN },
	{ "originate: what the client pipelines behind EHLO waits for TLS",
	    POLICY_TLS_ORIGINATE, NOTHING, { S(G), C(H MAIL), S(OFFER), S(GO),
	    TLS_S, S(PLAIN), S(OK) }, .server = H STLS H MAIL,
	    .client = G PLAIN OK },
	{ "originate: also behind a group that EHLO stands in",
	    POLICY_TLS_ORIGINATE, NOTHING, { S(G), C("NOOP\r\n" H MAIL), S(OK),
	    S(OFFER), S(GO), TLS_S, S(PLAIN), S(OK) },
	    .server = "NOOP\r\n" H STLS H MAIL, .client = G OK PLAIN OK },
	{ "originate: also before the greeting", POLICY_TLS_ORIGINATE, OPTIONAL,
	    { C(H MAIL), S(G), S(OFFER), S(GO), TLS_S, S(PLAIN), S(OK) },
	    .server = H STLS H MAIL, .client = G PLAIN OK },
	{ "originate: EHLO is said again once only", POLICY_TLS_ORIGINATE,
	    NOTHING, { S(G), C(H), S(OFFER), S(GO), TLS_S, S(PLAIN),
	    C("EHLO d\r\n"), S(PLAIN) }, .server = H STLS H "EHLO d\r\n",
	    .client = G PLAIN PLAIN },
	{ "originate: LHLO is said again as LHLO", POLICY_TLS_ORIGINATE,
	    NOTHING, { S(G), C("LHLO c\r\n"), S(OFFER), S(GO), TLS_S, S(PLAIN) },
	    .server = "LHLO c\r\n" STLS "LHLO c\r\n", .client = G PLAIN },
	{ "originate: EHLO in the way the client said it", POLICY_TLS_ORIGINATE,
	    NOTHING, { S(G), C("ehlo  C.Example \n"), S(OFFER), S(GO), TLS_S,
	    S(PLAIN) },
	    .server = "ehlo  C.Example \n" STLS "ehlo  C.Example \r\n",
	    .client = G PLAIN, .odd = SMTP_ODD(BARE_LF) },
	{ "originate: a name too long to be repeated", POLICY_TLS_ORIGINATE,
	    NOTHING, { S(G), C("EHLO " LONGER "\r\n" H), S(OFFER), S(GO), TLS_S,
	    S(PLAIN) }, .server = H STLS H,
	    .client = G "501 5.5.4 name too long\r\n" PLAIN },
	{ "originate: a server that has none is left", POLICY_TLS_ORIGINATE,
	    NOTHING, { S(G), C(H), S(PLAIN) }, .server = H, .client = G CLOSING
	    "the mail server does not offer it\r\n", .closes = true },
	{ "originate: or taken as it is", POLICY_TLS_ORIGINATE, OPTIONAL,
	    { S(G), C(H MAIL), S(PLAIN), S(OK), QUIT },
	    .server = H MAIL "QUIT\r\n",
	    .client = G PLAIN OK BYE },
	{ "originate: a host called STARTTLS has none", POLICY_TLS_ORIGINATE,
	    OPTIONAL, { S(G), C(H), S("250-STARTTLS\r\n250 HELP\r\n"), C(MAIL),
	    S(OK) }, .server = H MAIL,
	    .client = G "250-STARTTLS\r\n250 HELP\r\n" OK },
	{ "originate: a server that offers it and refuses is left",
	    POLICY_TLS_ORIGINATE, NOTHING, { S(G), C(H), S(OFFER),
	    S("454-no\r\n454 no\r\n") }, .server = H STLS, .client = G CLOSING
	    "the mail server refuses it\r\n", .closes = true,
	    .odd = SMTP_ODD(TLS_REFUSED) },
	{ "originate: or taken in the clear", POLICY_TLS_ORIGINATE, OPTIONAL,
	    { S(G), C(H MAIL), S(OFFER), S("454 no\r\n"), S(OFFER), S(OK), QUIT },
	    .server = H STLS H MAIL "QUIT\r\n", .client = G PLAIN OK BYE,
	    .odd = SMTP_ODD(TLS_REFUSED) },
	{ "originate: the handshake fails", POLICY_TLS_ORIGINATE, NOTHING,
	    { S(G), C(H), S(OFFER), S(GO), FAIL_S("expired") },
	    .server = H STLS,
	    .client = G CLOSING "expired\r\n", .closes = true },
	{ "originate: what stands behind the server's 220 is nobody's",
	    POLICY_TLS_ORIGINATE, NOTHING, { S(G), C(H), S(OFFER),
	    S(GO "250 EVIL\r\n"), TLS_S, S(PLAIN) }, .server = H STLS H,
	    .client = G PLAIN,
	    .dropped = { 0, 10 } },
	{ "originate: EHLO that is refused, then HELO", POLICY_TLS_ORIGINATE,
	    NOTHING, { S(G), C(H), S("502 no\r\n"), C("HELO c\r\n"), S(OK),
	    C(MAIL "AUTH PLAIN AHQAcw==\r\nNOOP\r\n"), S(OK) },
	    .server = H "HELO c\r\nNOOP\r\n",
	    .client = G "502 no\r\n" OK NEEDS NEEDS OK },
	{ "originate: HELO alone, where TLS may be left out",
	    POLICY_TLS_ORIGINATE, OPTIONAL, { S(G), C("HELO c\r\n"), S(OK),
	    C(MAIL), S(OK) }, .server = "HELO c\r\n" MAIL, .client = G OK OK },
	{ "originate: the client's own STARTTLS", POLICY_TLS_ORIGINATE, NOTHING,
	    { S(G), C(STLS), C(H), S(OFFER), S(GO), TLS_S, S(OFFER), C(STLS),
	    QUIT }, .server = H STLS H "QUIT\r\n",
	    .client = G HIDDEN PLAIN HIDDEN BYE },
	{ "originate: a command that is blocked, at its place",
	    POLICY_TLS_ORIGINATE, BLOCKS, { S(G), C("NOOP\r\nVRFY x\r\n" H
	    "VRFY y\r\n" MAIL), S(OK), S(OFFER), S(GO), TLS_S, S(PLAIN), S(OK) },
	    .server = "NOOP\r\n" H STLS H MAIL,
	    .client = G OK "502 5.5.1 no\r\n" PLAIN
	    "502 5.5.1 no\r\n" OK },
	{ "originate: lines of the policy are added once",
	    POLICY_TLS_ORIGINATE, ADDS, { S(G), C(H), S(OFFER), S(GO), TLS_S,
	    S("250 mx\r\n") }, .server = H STLS H,
	    .client = G "250-mx\r\n250 X-OURS\r\n" },
	{ "originate: another policy for this client is in TLS all the same",
	    POLICY_TLS_ORIGINATE, WHEN, { S(G), C(H), S(OFFER), S(GO), TLS_S,
	    S("250-mx\r\n250 STARTTLS\r\n") }, .server = H STLS H,
	    .client = G "250 mx\r\n" },
	{ "originate: a dry run changes nothing but TLS", POLICY_TLS_ORIGINATE,
	    DRY | BLOCKS | ADDS, { S(G), C(H), S(OFFER), S(GO), TLS_S,
	    S("250-mx\r\n250 STARTTLS\r\n"), C("VRFY x\r\n"), S("252 x\r\n") },
	    .server = H STLS H "VRFY x\r\n",
	    .client = G "250 mx\r\n252 x\r\n" },

	/* require */
	{ "require: nothing but the way to TLS before it", POLICY_TLS_REQUIRE,
	    NOTHING, { HELLO, C("NOOP\r\n" MAIL "RCPT TO:<b@y>\r\nDATA\r\n"
	    "AUTH PLAIN AHQAcw==\r\nVRFY x\r\nXFOO\r\nRSET\r\n"), S(OK),
	    S(OK), C(STLS), S(GO), TLS_S, TLS_C, C(H), S(PLAIN), C(MAIL),
	    S(OK) }, .server = H "NOOP\r\nRSET\r\n" STLS H MAIL,
	    .client = G OFFER OK FIRST FIRST FIRST FIRST FIRST FIRST OK READY PLAIN OK },
	{ "require: octets of a chunk go with it", POLICY_TLS_REQUIRE, NOTHING,
	    { HELLO, C("BDAT 10 LAST\r\nQUIT\r\nRSETNOOP\r\n"), S(OK) },
	    .server = H "NOOP\r\n", .client = G OFFER FIRST OK },
	{ "require: 502 leaves the session without TLS, and without mail",
	    POLICY_TLS_REQUIRE, NOTHING, { S(G), C(H), S(PLAIN), C(STLS),
	    S("502 no\r\n"), C(MAIL), QUIT }, .server = H STLS "QUIT\r\n",
	    .client = G PLAIN "502 no\r\n" FIRST BYE, .odd = SMTP_ODD(TLS_REFUSED) },
};

#define DIALOGUES (sizeof dialogues / sizeof *dialogues)

static struct policy
policy_of(const struct dialogue *d)
{
	static const struct span ours[] = { { "X-OURS", 6 } };
	static const struct policy other = { .name = "other",
	    .host = { "proxy.test", 10 } };
	static const struct policy_when always = { .then = &other };
	static struct policy_rule rules[2];
	struct policy p = { .name = "test", .host = { "proxy.test", 10 },
	    .tls = d->tls, .tls_optional = d->extra & OPTIONAL,
	    .rules = rules, .dry_run = d->extra & DRY };

	if (d->extra & BLOCKS)
		rules[p.n_rules++] = block;
	if (d->extra & REFUSES)
		rules[p.n_rules++] = early;
	if (d->extra & ADDS)
		p.ehlo_add = (struct policy_words){ ours, 1 };
	if (d->extra & WHEN) {
		p.whens = &always;
		p.n_whens = 1;
	}
	policy_seal(&p);
	return p;
}

/* A side says it in chunks of at most that many octets. */
static void
say(struct gated *g, const struct step *s, size_t chunk)
{
	struct span rest = s->bytes;

	while (rest.n)
		gated_say(g, s->side,
		    span_cut(&rest, rest.n < chunk ? rest.n : chunk));
}

static void
play(struct gated *g, const struct policy *p, const struct dialogue *d,
    size_t chunk)
{
	gated_open(g, p);
	for (const struct step *s = d->steps; s->kind != END; s++) {
		if (s->kind == SAYS)
			say(g, s, chunk);
		else
			gated_secured(g, s->side,
			    s->kind == FAILED ? s->bytes.p : NULL);
	}
}

static size_t
longest(const struct dialogue *d)
{
	size_t n = 1;

	for (const struct step *s = d->steps; s->kind != END; s++)
		n = s->kind == SAYS && s->bytes.n > n ? s->bytes.n : n;
	return n;
}

static void
compare(const struct dialogue *d, size_t chunk, const char *where,
    struct span arrived, const char *expected)
{
	struct span want = span_of(expected);

	ck_assert_msg(arrived.n == want.n &&
	    memcmp(arrived.p ? arrived.p : "", want.p, want.n) == 0,
	    "%s\nchunks of %zu, at the %s:\n%.*s\nexpected:\n%s", d->claim, chunk,
	    where, (int)arrived.n, arrived.p ? arrived.p : "", expected);
}

static void
check(const struct dialogue *d, const struct gated *g, size_t chunk)
{
	compare(d, chunk, "server", gated_at(g, SMTP_SERVER), d->server);
	compare(d, chunk, "client", gated_at(g, SMTP_CLIENT), d->client);
	ck_assert_msg(g->wrong == NULL, "%s: %s", d->claim, g->wrong);
	ck_assert_msg(g->closed == d->closes, "%s: open, or closed", d->claim);
	ck_assert_msg((g->odd & d->odd) == d->odd, "%s: no event", d->claim);
	for (int side = 0; side < 2; side++)
		ck_assert_msg(g->dropped[side] == d->dropped[side],
		    "%s: chunks of %zu, side %d: %zu octets dropped", d->claim,
		    chunk, side, g->dropped[side]);
}

START_TEST(each_says_its_part_at_every_cut)
{
	const struct dialogue *d = &dialogues[_i];
	struct policy p = policy_of(d);

	for (size_t chunk = 1; chunk <= longest(d); chunk++) {
		struct gated g;

		play(&g, &p, d, chunk);
		check(d, &g, chunk);
		gated_close(&g);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("gate_tls");
	TCase *tc = tcase_create("gate_tls");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, each_says_its_part_at_every_cut, 0,
	    (int)DIALOGUES);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}
