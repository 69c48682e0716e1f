/* The reader of mail content: what it finds and measures, however it is cut. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "inspect/mime.h"

#define X70 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X280 X70 X70 X70 X70

static struct mime m;

/* What was found, one behind the other: "type:text/plain file1:a.txt ". The
 * number is the depth; octets beyond those kept are told as +N. */
static char found[65536];
static size_t found_n;

static void
note(const struct mime_find *find)
{
	static const char *const names[] = { "type", "encoding", "file" };
	size_t room = sizeof found - found_n;
	uint64_t more = find->octets - find->value.n;
	int n = snprintf(found + found_n, room, "%s%.0u:%.*s",
	    names[find->what], find->depth, (int)find->value.n, find->value.p);

	ck_assert(n > 0 && (size_t)n < room);
	ck_assert(find->value.n <= find->octets);
	ck_assert(more == 0 || find->value.n == MIME_VALUE_MAX);
	found_n += (size_t)n;
	if (more)
		found_n += (size_t)sprintf(found + found_n, "+%u",
		    (unsigned)more);
	found_n += (size_t)sprintf(found + found_n, " ");
}

static void
read_cut(struct span content, bool stuffed, size_t chunk)
{
	struct mime_find find;

	memset(&m, 0xa5, sizeof m);
	found_n = 0;
	found[0] = '\0';
	mime_start(&m, stuffed);
	while (content.n) {
		size_t n = chunk < content.n ? chunk : content.n;
		char *copy = malloc(n);	/* nothing is read beyond its end */
		struct span in = { copy, n };

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, span_cut(&content, n).p, n);
		while (mime_read(&m, &in, &find))
			note(&find);
		ck_assert_uint_eq(in.n, 0);
		free(copy);
	}
	while (mime_end(&m, &find))
		note(&find);
}

static void
same_measures(const struct mime_measures *a, const struct mime_measures *b,
    const char *what)
{
	ck_assert_msg(a->header_octets == b->header_octets &&
	    a->body_octets == b->body_octets &&
	    a->header_line == b->header_line && a->body_line == b->body_line &&
	    a->filename == b->filename && a->to_addresses == b->to_addresses &&
	    a->in_body == b->in_body && a->anomalies == b->anomalies, "%s",
	    what);
}

/* Read it whole, then cut in every way that is regular: all the same. */
static void
read_all(struct span content, bool stuffed)
{
	static char whole[sizeof found];
	struct mime_measures measures;
	size_t most = content.n < 300 ? content.n : 300;

	read_cut(content, stuffed, content.n);
	memcpy(whole, found, found_n + 1);
	measures = m.measures;
	for (size_t chunk = 1; chunk < most; chunk++) {
		read_cut(content, stuffed, chunk);
		ck_assert_msg(strcmp(found, whole) == 0,
		    "cut by %zu: \"%s\" is not \"%s\"", chunk, found, whole);
		same_measures(&m.measures, &measures, content.p);
	}
	read_cut(content, stuffed, content.n);
}

static void
expect(const char *content, const char *want)
{
	read_all(span_of(content), false);
	ck_assert_msg(strcmp(found, want) == 0, "%s: \"%s\" is not \"%s\"",
	    content, found, want);
}

static void
expect_odd(const char *content, uint64_t odd)
{
	read_all(span_of(content), false);
	ck_assert_msg(m.measures.anomalies == odd, "%s: %llx is not %llx",
	    content, (unsigned long long)m.measures.anomalies,
	    (unsigned long long)odd);
}

START_TEST(type_and_encoding_are_found_in_lower_case)
{
	expect("Content-Type: Text/HTML; charset=x\r\n"
	    "content-transfer-ENCODING: Base64\r\n\r\n",
	    "type:text/html encoding:base64 ");
	expect("Content-Type : \"application/pdf\"\r\n\r\n",
	    "type:application/pdf ");
	expect("Content-Type:text/plain\n\n", "type:text/plain ");
	expect("Content-Type:\r\n\r\n", "type: ");
}
END_TEST

START_TEST(comments_and_folds_are_no_part_of_a_value)
{
	expect("Content-Type:\r\n text (a (b) \\) c)\r\n\t/ plain (d)\r\n"
	    "Content-Transfer-Encoding: (e) 7bit (f)\r\n\r\n",
	    "type:text/plain encoding:7bit ");
	expect("Content-Disposition: attachment (x; filename=no);\r\n"
	    " filename (y) = (z) \"a.txt\"\r\n\r\n", "file:a.txt ");
	expect("Content-Disposition: attachment;\r\n filename=\"a\r\n b.txt\""
	    "\r\n\r\n", "file:a b.txt ");
}
END_TEST

START_TEST(a_comment_without_an_end_hides_nothing)
{
	expect("Content-Disposition: attachment (; filename=a.exe\r\n\r\n",
	    "file:a.exe ");
	expect("Content-Type: x/y; (((((; name=a.exe\r\n\r\n",
	    "type:x/y file:a.exe ");
}
END_TEST

START_TEST(names_of_files_are_found_in_any_form)
{
	static const struct { const char *parameters, *want; } rows[] = {
		{ "filename=a.txt", "file:a.txt " },
		{ "FileName=A.TXT;x=y", "file:A.TXT " },
		{ "name=a.txt", "file:a.txt " },
		{ "filename=\"a;b\\\"c\\\\d.txt\"", "file:a;b\"c\\d.txt " },
		{ "filename=my file (1).pdf ; x=y", "file:my file (1).pdf " },
		{ "filename=a.txt (comment)", "file:a.txt " },
		{ "filename=\"no end", "file:no end " },
		{ "filename=\"a\" b; name=c", "file:a file:c " },
		{ "filename=", "file: " },
		{ "junk; =; ;; filename=a", "file:a " },
		{ "xfilename=a; filename2=b", "" },
	};
	char content[200];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		(void)snprintf(content, sizeof content,
		    "Content-Disposition: attachment; %s\r\n\r\n",
		    rows[i].parameters);
		expect(content, rows[i].want);
	}
}
END_TEST

START_TEST(names_of_rfc_2231_are_decoded)
{
	static const struct { const char *parameters, *want; } rows[] = {
		{ "filename*=utf-8'en'%e2%82%AC%20x.txt",
		    "file:\xe2\x82\xac x.txt " },
		{ "filename*=''a%2", "file:a%2 " },
		{ "filename*=a%zz", "file:a%zz " },
		{ "filename*0=\"a;\"; filename*1=b; filename*2=c",
		    "file:a;bc " },
		{ "filename*0*=utf-8''%41; filename*1*=%42'c'; filename*2=%43",
		    "file:AB'c'%43 " },
		{ "filename*1=exe; size=1; filename*0=a.", "file:a.exe " },
		{ "filename*0=a; filename*2=c", "file:a " },
		{ "filename*0=a; name*1=b", "file:a " },
		{ "filename*x=a; filename*0x=b; filename*12345=c", "" },
	};
	char content[200];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		(void)snprintf(content, sizeof content,
		    "Content-Disposition: attachment;\r\n %s\r\n\r\n",
		    rows[i].parameters);
		expect(content, rows[i].want);
	}
}
END_TEST

START_TEST(encoded_words_in_names_are_decoded)
{
	static const struct { const char *value, *want; } rows[] = {
		{ "\"=?utf-8?B?4oKsLmV4ZQ==?=\"", "file:\xe2\x82\xac.exe " },
		{ "=?utf-8?q?a=2Eb_c?=", "file:a.b c " },
		{ "\"x =?a?Q?b?= =?a?Q?c?= d\"", "file:x bc d " },
		{ "\"=?a?Q?b?==?a?b?Yw?=\"", "file:bc " },
		{ "\"=?a?X?b?=\"", "file:=?a?X?b?= " },
		{ "\"=?a?Q?b=zz?=\"", "file:b=zz " },
		{ "\"=?a?Q?b\"", "file:=?a?Q?b " },
		{ "\"=?a?Q?b?\"", "file:=?a?Q?b? " },
		{ "\"=?=?=?Q?=\"", "file:=?=?=?Q?= " },
	};
	char content[200];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		(void)snprintf(content, sizeof content,
		    "Content-Disposition: attachment; filename=%s\r\n\r\n",
		    rows[i].value);
		expect(content, rows[i].want);
	}
}
END_TEST

START_TEST(all_that_claim_the_same_are_found)
{
	expect("Content-Type: text/plain; name=a; name=b\r\n"
	    "Content-Type: x/y; name*=''c\r\n"
	    "Content-Disposition: inline; filename=d; filename*=''e\r\n\r\n",
	    "type:text/plain file:a file:b type:x/y file:c file:d file:e ");
}
END_TEST

START_TEST(parts_are_found_through_nesting)
{
	expect("Content-Type: multipart/mixed; boundary=out\r\n\r\n"
	    "Content-Type: no/preamble\r\n"
	    "--out\r\n"
	    "Content-Type: multipart/alternative;\r\n boundary=\"in ner\"\r\n"
	    "\r\n--in ner\r\nContent-Type: text/plain\r\n\r\ntext\r\n"
	    "--in ner \t\r\nContent-Type: text/html\r\n\r\n<p>\r\n"
	    "--in ner--\r\nContent-Type: no/epilogue\r\n"
	    "--out\r\nContent-Disposition: attachment; filename=a\r\n\r\n"
	    "Content-Type: no/body\r\n"
	    "--out--\r\nContent-Type: no/epilogue\r\n",
	    "type:multipart/mixed type1:multipart/alternative "
	    "type2:text/plain type2:text/html file1:a ");
	ck_assert_uint_eq(m.measures.anomalies, 0);
}
END_TEST

START_TEST(a_message_within_a_message_has_a_header)
{
	expect("Content-Type: message/rfc822\r\n\r\n"
	    "Subject: s\r\nContent-Type: multipart/digest; boundary=b\r\n\r\n"
	    "--b\r\n\r\nContent-Type: x/one\r\n\r\n"
	    "--b\r\nContent-Type: x/two\r\n\r\nContent-Type: x/no\r\n"
	    "--b--\r\n",
	    "type:message/rfc822 type1:multipart/digest type3:x/one "
	    "type2:x/two ");
	ck_assert_uint_eq(m.measures.anomalies, 0);
}
END_TEST

START_TEST(a_message_that_is_encoded_is_not_looked_into)
{
	expect("Content-Type: message/global\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\n"
	    "Q29udGVudC1UeXBlOiB4L3k=\r\n",
	    "type:message/global encoding:base64 ");
	ck_assert_uint_eq(m.measures.anomalies, 0);
}
END_TEST

START_TEST(an_outer_delimiter_ends_the_inner_multipart)
{
	expect("Content-Type: multipart/mixed; boundary=out\r\n\r\n"
	    "--out\r\nContent-Type: multipart/mixed; boundary=in\r\n\r\n"
	    "--in\r\nContent-Type: x/one\r\n"
	    "--out\r\nContent-Type: x/two\r\n\r\n--in\r\nContent-Type: x/no\r\n",
	    "type:multipart/mixed type1:multipart/mixed type2:x/one "
	    "type1:x/two ");
}
END_TEST

START_TEST(of_two_boundaries_the_longer_is_meant)
{
	expect("Content-Type: multipart/mixed; boundary=bb\r\n\r\n"
	    "--bb\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
	    "--b\r\nContent-Type: x/one\r\n\r\n"
	    "--bb\r\nContent-Type: x/two\r\n\r\n",
	    "type:multipart/mixed type1:multipart/mixed type2:x/one "
	    "type1:x/two ");
}
END_TEST

START_TEST(of_two_types_the_one_with_parts_counts)
{
	static const char *const headers[] = {
		"Content-Type: text/plain\r\n"
		"Content-Type: multipart/mixed; boundary=b\r\n",
		"Content-Type: multipart/mixed; boundary=b\r\n"
		"Content-Type: text/plain\r\n",
	};
	char content[200];

	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(content, sizeof content, "%s\r\n"
		    "--b\r\nContent-Type: x/y\r\n\r\n", headers[i]);
		read_all(span_of(content), false);
		ck_assert_ptr_nonnull(strstr(found, "type1:x/y "));
		ck_assert_uint_eq(m.measures.anomalies,
		    SMTP_ODD(DUPLICATE_FIELD));
	}
}
END_TEST

START_TEST(a_boundary_longer_than_is_kept_still_parts)
{
	expect("Content-Type: multipart/mixed; boundary=" X70 "y\r\n\r\n"
	    "--" X70 "y\r\nContent-Type: x/one\r\n\r\n"
	    "--" X70 "y--\r\n",
	    "type:multipart/mixed type1:x/one ");
	ck_assert_uint_eq(m.measures.anomalies, SMTP_ODD(BOUNDARY_LENGTH));
}
END_TEST

START_TEST(a_mailbox_line_is_no_end_of_the_header)
{
	expect("From joe Mon Jan 1 00:00:00 2024\r\nContent-Type: x/y\r\n\r\n",
	    "type:x/y ");
	expect(">From joe\r\nContent-Type: x/y\r\n\r\n", "type:x/y ");
	ck_assert_uint_eq(m.measures.anomalies, 0);
}
END_TEST

START_TEST(a_header_ends_where_a_line_is_no_field)
{
	expect("Subject: s\r\nno field\r\nContent-Type: x/y\r\n\r\n", "");
	ck_assert_uint_eq(m.measures.anomalies, SMTP_ODD(MALFORMED_HEADER));
	ck_assert_uint_eq(m.measures.header_octets, 12);
	ck_assert_uint_eq(m.measures.body_octets, 10 + 19 + 2);
	expect("no header\r\nContent-Type: x/y\r\n\r\n", "");
	ck_assert_uint_eq(m.measures.anomalies, 0);
	ck_assert_uint_eq(m.measures.header_octets, 0);
}
END_TEST

START_TEST(stuffed_dots_are_taken_out)
{
	static const char content[] = "Content-Type: multipart/mixed;"
	    " boundary=b\r\n\r\n..\r\n.--b\r\n.Content-Type: x/y\r\n\r\n"
	    "a\n.b\r\n...\r\n";

	read_all(SPAN(content), true);
	ck_assert_str_eq(found, "type:multipart/mixed type1:x/y ");
	ck_assert_uint_eq(m.measures.body_octets, sizeof content - 1 - 45 - 4);
	read_all(SPAN(content), false);
	ck_assert_str_eq(found, "type:multipart/mixed ");
	ck_assert_uint_eq(m.measures.body_octets, sizeof content - 1 - 45);
}
END_TEST

START_TEST(measures_are_octets_of_header_and_body)
{
	static const struct {
		const char *content;
		uint64_t header, header_line, body, body_line;
	} rows[] = {
		{ "", 0, 0, 0, 0 },
		{ "\r\n", 0, 0, 0, 0 },
		{ "\r\nab\r\n", 0, 0, 4, 2 },
		{ "A: b\r\n cd efg\r\n\r\nx\r\n", 15, 7, 3, 1 },
		{ "A: b\n\nx\ny", 5, 4, 3, 1 },
		{ "A: b\r\n\r\na\rb\r\n\r\r\n", 6, 4, 8, 3 },
		{ "A: cut", 6, 6, 0, 0 },
		{ "no field", 0, 0, 8, 8 },
		{ "Content-Type: multipart/x; boundary=b\r\n\r\n--b\r\nA: b\r\n"
		    "\r\nx\r\n--b--\r\n", 39, 37, 5 + 6 + 2 + 3 + 7, 5 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		read_all(span_of(rows[i].content), false);
		ck_assert_uint_eq(m.measures.header_octets, rows[i].header);
		ck_assert_uint_eq(m.measures.header_line, rows[i].header_line);
		ck_assert_uint_eq(m.measures.body_octets, rows[i].body);
		ck_assert_uint_eq(m.measures.body_line, rows[i].body_line);
	}
}
END_TEST

START_TEST(addresses_in_to_fields_are_counted)
{
	static const struct { const char *to; unsigned n; } rows[] = {
		{ "To: a@x", 1 },
		{ "To: a@x, b@x,\r\n c@x", 3 },
		{ "To:", 0 },
		{ "To: ,, ,", 0 },
		{ "To: \"a, b\" <a@x>, \"c\\\", d\" <c@x>", 2 },
		{ "To: a@x (one, (two), three\\)), b@x", 2 },
		{ "To: undisclosed-recipients:;", 0 },
		{ "To: \"a group\": a@x, B <b@x>;, c@x", 3 },
		{ "To: <@a,@b:c@d>, e@[IPv6:1::2]", 2 },
		{ "To: a@x\r\nCc: b@x\r\nTO : c@x", 2 },
		{ "X-To: a@x\r\nTonic: b@x", 0 },
		{ "To: a@x\r\n\r\nTo: b@x", 1 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char content[100];

		(void)snprintf(content, sizeof content, "%s\r\n\r\n", rows[i].to);
		read_all(span_of(content), false);
		ck_assert_msg(m.measures.to_addresses == rows[i].n,
		    "%s: %u", rows[i].to, m.measures.to_addresses);
	}
}
END_TEST

START_TEST(addresses_beyond_what_is_kept_are_counted)
{
	static char content[MIME_FIELD_MAX * 3];
	size_t n = (size_t)sprintf(content, "To: a@x");

	for (int i = 1; i < 1000; i++)
		n += (size_t)sprintf(content + n, ",\r\n b@xyz");
	(void)sprintf(content + n, "\r\n\r\n");
	read_all(span_of(content), false);
	ck_assert_uint_eq(m.measures.to_addresses, 1000);
	ck_assert_uint_eq(m.measures.anomalies, SMTP_ODD(FIELD_LENGTH));
}
END_TEST

START_TEST(odd_headers_are_told)
{
	static const struct { const char *header; uint64_t odd; } rows[] = {
		{ "From: a@x\r\nSubject: s\r\nReceived: 1\r\nReceived: 2\r\n\r\n", 0 },
		{ "", 0 },
		{ "\r\n", 0 },
		{ "From: a@x\r\nfrom: b@x\r\n\r\n", SMTP_ODD(DUPLICATE_FIELD) },
		{ "Subject: s\r\nno field\r\n\r\n", SMTP_ODD(MALFORMED_HEADER) },
		{ "no header at all\r\n", 0 },
		{ "Subject: cut o", 0 },
		{ "Content-Type: multipart/mixed;\r\n boundary=\"" X70 "x\"\r\n\r\n",
		    SMTP_ODD(BOUNDARY_LENGTH) },
		{ "Content-Type: multipart/mixed; boundary=" X70 "\r\n\r\n", 0 },
		{ "Content-Disposition: attachment; filename*0*=" X280 "\r\n\r\n",
		    SMTP_ODD(FILENAME_LENGTH) },
		{ "Content-Type: x/y; name=" X280 "\r\n\r\n",
		    SMTP_ODD(FILENAME_LENGTH) },
		{ "X-" X70 X70 ": 1\r\n\r\n", SMTP_ODD(FIELD_NAME_LENGTH) },
		{ "Content-Type: text\r\n\r\n", SMTP_ODD(MALFORMED_MIME) },
		{ "Content-Type: multipart/mixed\r\n\r\n",
		    SMTP_ODD(MALFORMED_MIME) },
		{ "Content-Type: multipart/mixed; boundary=b\r\n"
		    "Content-Transfer-Encoding: base64\r\n\r\n",
		    SMTP_ODD(MALFORMED_MIME) },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		expect_odd(rows[i].header, rows[i].odd);
}
END_TEST

START_TEST(a_field_within_a_message_within_stands_as_often_as_it_likes)
{
	expect_odd("Content-Type: message/rfc822\r\n\r\n"
	    "Subject: a\r\nSubject: b\r\n\r\n", 0);
	expect_odd("Content-Type: message/rfc822\r\n\r\n"
	    "Content-Type: x/a\r\nContent-Type: x/b\r\n\r\n",
	    SMTP_ODD(DUPLICATE_FIELD));
}
END_TEST

START_TEST(a_field_is_too_long_from_2001_octets_on)
{
	char content[2100];

	for (size_t body = 2000; body <= 2001; body++) {
		memset(content, 'x', sizeof content);
		memcpy(content, "X:", 2);
		memcpy(content + 500, "\r\n ", 3);
		memcpy(content + 2 + body, "\r\n\r\n", 5);
		expect_odd(content, body > 2000 ? SMTP_ODD(FIELD_LENGTH) : 0);
	}
}
END_TEST

START_TEST(a_name_of_2_kib_is_measured_whole)
{
	static char content[3 * 2048 + 200];
	size_t n = (size_t)sprintf(content,
	    "Content-Disposition: attachment;\r\n filename*=utf-8''");

	for (int i = 0; i < 1300; i++)
		n += (size_t)sprintf(content + n, "%%C3");
	(void)sprintf(content + n, "\r\n\r\n");
	read_all(span_of(content), false);
	ck_assert_uint_eq(m.measures.filename, 1300);
	ck_assert_uint_eq(m.measures.anomalies, SMTP_ODD(FILENAME_LENGTH) |
	    SMTP_ODD(FIELD_LENGTH));
	ck_assert_str_eq(found + strlen(found) - 5, "+276 ");
}
END_TEST

START_TEST(multiparts_nest_up_to_a_bound)
{
	static char content[4096];
	size_t n = 0;

	for (unsigned i = 0; i <= MIME_DEPTH_MAX; i++) {
		n += (size_t)sprintf(content + n, "Content-Type: "
		    "multipart/mixed; boundary=b%u.\r\n\r\n--b%u.\r\n", i, i);
		expect_odd(content, i < MIME_DEPTH_MAX ? 0 :
		    SMTP_ODD(NESTING));
		ck_assert_uint_eq(m.levels_n, i < MIME_DEPTH_MAX ? i + 1 : i);
	}
}
END_TEST

/* Bodies of an encoding, good ones and bad ones. */
static void
expect_body(const char *encoding, const char *body, uint64_t odd)
{
	char content[1000];

	(void)snprintf(content, sizeof content,
	    "Content-Transfer-Encoding: %s\r\n\r\n%s", encoding, body);
	expect_odd(content, odd);
	(void)snprintf(content, sizeof content,
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
	    "Content-Transfer-Encoding: %s\r\n\r\n%s\r\n--b--\r\n!",
	    encoding, body);
	expect_odd(content, odd);
}

START_TEST(invalid_base64_is_told)
{
	static const struct { const char *body; bool good; } rows[] = {
		{ "", true },
		{ "QUJD\r\nQQ==\r\n", true },
		{ "QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD"
		    "QUJDQUJDQUI=\r\n", true },
		{ "+/09azAZ\n \t\r\n\r\nQU\r\nI=", true },
		{ "QUJD\r\nQQ=\r\n", false },
		{ "QUJ", false },
		{ "QUJD=", false },
		{ "QQ==QQ==", false },
		{ "=", false },
		{ "QUJDQUJDQUJDQUJDQUJDQUJDQUJD!UJDQUJDQUJD", false },
		{ "QUJD@", false }, { "QUJD[", false }, { "QUJD`", false },
		{ "QUJD{", false }, { "QUJD:", false }, { "QUJD.", false },
		{ "QUJD-", false }, { "QUJD_", false }, { "QUJD\xc1", false },
		{ "QUJDQUJDQUJDQUJ\xe1", false },
		{ "QUJDQUJDQUJD-QUJ", false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		expect_body("base64", rows[i].body, rows[i].good ? 0 :
		    SMTP_ODD(INVALID_BASE64));
}
END_TEST

START_TEST(every_octet_is_base64_or_is_not_at_any_place)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";

	for (unsigned c = 0; c < 256; c++) {
		bool good = c == ' ' || c == '\t' || c == '\r' || c == '\n' ||
		    (c && memchr(alphabet, (int)c, sizeof alphabet - 1));

		for (size_t at = 0; at < 100; at++) {
			struct encoding e = { .kind = ENCODING_BASE64 };
			char body[100];

			memset(body, 'A', sizeof body);
			body[at] = (char)c;
			if (c == '=')
				continue;
			ck_assert_msg(!encoding_read(&e, (struct span){ body,
			    sizeof body }) == good, "%u at %zu", c, at);
		}
	}
}
END_TEST

/* What is odd about a body, read in pieces of so many octets. */
static uint64_t
odd_body(enum encoding_kind kind, struct span body, size_t pieces)
{
	struct encoding e = { .kind = kind };
	uint64_t odd = 0;

	while (body.n)
		odd |= encoding_read(&e, span_cut(&body, body.n < pieces ?
		    body.n : pieces));
	return odd | encoding_end(&e);
}

START_TEST(blocks_and_octets_agree)
{
	static const char *const alphabets[] = { "A3", "A3\r\n", "A3=\r\n",
		"A=3\r\n -" };
	char body[200];
	unsigned seed = 1, good = 0;

	for (unsigned round = 0; round < 40000; round++) {
		enum encoding_kind kind = round % 2 ? ENCODING_BASE64 :
		    ENCODING_QUOTED;
		const char *alphabet = alphabets[round / 2 % 4];
		struct span all = { body, sizeof body };
		uint64_t odd;

		memset(body, 'A', sizeof body);
		for (unsigned i = 0; i <= round % 7; i++) {
			seed = seed * 1103515245 + 12345;
			memcpy(body + seed / 65536 % 190, round % 3 ?
			    "=3A=\r\nA=33" + seed % 8 : alphabet, 2);
			body[seed / 256 % 200] =
			    alphabet[seed / 65536 % strlen(alphabet)];
		}
		odd = odd_body(kind, all, sizeof body);
		good += odd == 0;
		ck_assert_msg(odd == odd_body(kind, all, 1), "%u: %.*s", round,
		    (int)sizeof body, body);
		ck_assert_uint_eq(odd, odd_body(kind, all, 1 + round % 150));
	}
	ck_assert_uint_gt(good, 1000);
	ck_assert_uint_lt(good, 39000);
}
END_TEST

START_TEST(text_behind_padding_is_told_wherever_that_is)
{
	for (size_t at = 2; at < 140; at += 4) {
		char body[5 * 64];

		memset(body, 'A', sizeof body);
		memcpy(body + at, "==", 2);
		ck_assert_uint_eq(odd_body(ENCODING_BASE64,
		    (struct span){ body, sizeof body }, sizeof body),
		    SMTP_ODD(INVALID_BASE64));
		ck_assert_uint_eq(odd_body(ENCODING_BASE64,
		    (struct span){ body, at + 2 }, sizeof body), 0);
	}
}
END_TEST

START_TEST(invalid_quoted_printable_is_told)
{
	static const struct { const char *body; bool good; } rows[] = {
		{ "", true },
		{ "a=3D=3d\r\nb=\r\nc=\nd= \t\r\ne", true },
		{ "=", true },
		{ "=3", false },
		{ "=zz", false },
		{ "=3z", false },
		{ "a= b", false },
		{ "a==3D", false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		expect_body("quoted-printable", rows[i].body, rows[i].good ? 0 :
		    SMTP_ODD(INVALID_QUOTED));
}
END_TEST

START_TEST(invalid_uuencode_is_told)
{
	static const struct { const char *body; bool good; } rows[] = {
		{ "", true },
		{ "text\r\nbegi\r\n", true },
		{ "x\r\nbegin 644 a\r\n#86)C\r\n`\r\nend\r\nmore\r\n", true },
		{ "begin 644 a\n#86)Cx\n \nend\n", false },
		{ "begin 644 a\n#86)C`\n \nend\n", true },
		{ "begin 644 a\n#86)\n`\nend\n", false },
		{ "begin 644 a\n#86)C  \n`\nend\n", false },
		{ "begin 644 a\n#86)c\n`\nend\n", false },
		{ "begin 644 a\n#86)C\n", false },
		{ "begin 644 a\n\x7f\n`\nend\n", false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		expect_body("x-uuencode", rows[i].body, rows[i].good ? 0 :
		    SMTP_ODD(INVALID_UUENCODE));
}
END_TEST

START_TEST(an_encoded_line_is_long_from_77_octets_on)
{
	expect_body("base64", X70 "xxxxxx\r\n", 0);
	expect_body("base64", X70 "xxxxxxxxxx\r\n",
	    SMTP_ODD(ENCODED_LINE_LENGTH));
	expect_body("quoted-printable", X70 "xxxxx=\r\n", 0);
	expect_body("quoted-printable", X70 "xxxxxx=\r\n",
	    SMTP_ODD(ENCODED_LINE_LENGTH));
	expect_body("8bit", X280 "\r\n", 0);
}
END_TEST

START_TEST(what_looks_like_a_delimiter_is_checked_as_text)
{
	expect_body("quoted-printable", "--no=zz\r\n",
	    SMTP_ODD(INVALID_QUOTED));
	expect_body("quoted-printable", "--" X70 "xxxxx\r\n",
	    SMTP_ODD(ENCODED_LINE_LENGTH));
	expect_body("quoted-printable", "--" X70 "x=\r\n-", 0);
}
END_TEST

START_TEST(sections_of_hostile_number_and_order_end)
{
	static char content[MIME_FIELD_MAX * 2];
	size_t n = (size_t)sprintf(content, "Content-Type: x/y");

	while (n < MIME_FIELD_MAX)
		n += (size_t)sprintf(content + n, ";name*0=a;name*2=");
	(void)sprintf(content + n, "\r\n\r\n");
	read_cut(span_of(content), false, 1000);
	ck_assert_uint_gt(found_n, MIME_FIELD_MAX / 17 * 6);
	ck_assert_uint_eq(m.measures.filename, 1);
}
END_TEST

START_TEST(it_is_done_where_only_plain_text_can_come)
{
	static const struct { const char *content; bool done; } rows[] = {
		{ "Subject: s\r\n", false },
		{ "Subject: s\r\n\r\n", true },
		{ "no header\r\n", true },
		{ "Content-Transfer-Encoding: base64\r\n\r\n", false },
		{ "Content-Type: multipart/x; boundary=b\r\n\r\n", false },
		{ "Content-Type: multipart/x; boundary=b\r\n\r\n--b--", false },
		{ "Content-Type: multipart/x; boundary=b\r\n\r\n--b--\r\n", true },
		{ "Content-Type: message/rfc822\r\n\r\n", false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct span in = span_of(rows[i].content);
		struct mime_find find;

		mime_start(&m, false);
		while (mime_read(&m, &in, &find))
			;
		ck_assert_msg(mime_done(&m) == rows[i].done, "%s",
		    rows[i].content);
	}
}
END_TEST

/* Parts are found where bodies are skimmed, however they are cut. */
START_TEST(skimming_finds_all_parts)
{
	static char content[40000];
	size_t n = (size_t)sprintf(content,
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	struct mime_find find;

	for (unsigned i = 0; i < 300; i++) {
		n += (size_t)sprintf(content + n,
		    "--b\r\nContent-Transfer-Encoding: base64\r\n"
		    "Content-Type: x/%u\r\n\r\n=", i);
		memset(content + n, i % 3 ? 'x' : '-', i % 80);
		memcpy(content + n + i % 80, "\n-\r\n", 5);
		n += i % 80 + 4 - i % 2;
	}
	for (size_t chunk = 1; chunk < 200; chunk++) {
		unsigned types = 0;

		mime_start(&m, false);
		mime_skim(&m);
		for (size_t at = 0; at < n; at += chunk) {
			struct span in = { content + at,
			    at + chunk < n ? chunk : n - at };

			while (mime_read(&m, &in, &find))
				types += find.what == MIME_TYPE;
			ck_assert(at < 70 || !mime_done(&m));
		}
		ck_assert(!mime_end(&m, &find));
		ck_assert_uint_eq(types, 1 + 151);
		ck_assert_uint_eq(m.measures.anomalies, 0);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mime");
	TCase *tests = tcase_create("mime");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, type_and_encoding_are_found_in_lower_case);
	tcase_add_test(tests, comments_and_folds_are_no_part_of_a_value);
	tcase_add_test(tests, a_comment_without_an_end_hides_nothing);
	tcase_add_test(tests, names_of_files_are_found_in_any_form);
	tcase_add_test(tests, names_of_rfc_2231_are_decoded);
	tcase_add_test(tests, encoded_words_in_names_are_decoded);
	tcase_add_test(tests, all_that_claim_the_same_are_found);
	tcase_add_test(tests, parts_are_found_through_nesting);
	tcase_add_test(tests, a_message_within_a_message_has_a_header);
	tcase_add_test(tests, a_message_that_is_encoded_is_not_looked_into);
	tcase_add_test(tests, an_outer_delimiter_ends_the_inner_multipart);
	tcase_add_test(tests, of_two_boundaries_the_longer_is_meant);
	tcase_add_test(tests, of_two_types_the_one_with_parts_counts);
	tcase_add_test(tests, a_boundary_longer_than_is_kept_still_parts);
	tcase_add_test(tests, a_mailbox_line_is_no_end_of_the_header);
	tcase_add_test(tests, a_header_ends_where_a_line_is_no_field);
	tcase_add_test(tests, stuffed_dots_are_taken_out);
	tcase_add_test(tests, measures_are_octets_of_header_and_body);
	tcase_add_test(tests, addresses_in_to_fields_are_counted);
	tcase_add_test(tests, addresses_beyond_what_is_kept_are_counted);
	tcase_add_test(tests, odd_headers_are_told);
	tcase_add_test(tests,
	    a_field_within_a_message_within_stands_as_often_as_it_likes);
	tcase_add_test(tests, a_field_is_too_long_from_2001_octets_on);
	tcase_add_test(tests, a_name_of_2_kib_is_measured_whole);
	tcase_add_test(tests, multiparts_nest_up_to_a_bound);
	tcase_add_test(tests, invalid_base64_is_told);
	tcase_add_test(tests, every_octet_is_base64_or_is_not_at_any_place);
	tcase_add_test(tests, blocks_and_octets_agree);
	tcase_add_test(tests, text_behind_padding_is_told_wherever_that_is);
	tcase_add_test(tests, invalid_quoted_printable_is_told);
	tcase_add_test(tests, invalid_uuencode_is_told);
	tcase_add_test(tests, an_encoded_line_is_long_from_77_octets_on);
	tcase_add_test(tests, what_looks_like_a_delimiter_is_checked_as_text);
	tcase_add_test(tests, sections_of_hostile_number_and_order_end);
	tcase_add_test(tests, it_is_done_where_only_plain_text_can_come);
	tcase_add_test(tests, skimming_finds_all_parts);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
