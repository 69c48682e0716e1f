/* recorder: what is put is in the database, and in the views. */
#include "record/recorder.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/unit/recording.h"

/* One query a row of this table, on a recording of one session. */
static const struct { const char *sql, *answer; } views[] = {
	{ "select group_concat(name) from pragma_table_info('session')",
	    "id,node,listener,started_at,duration_us,client,original_dst,"
	    "upstream,helo,auth_user,tls_client,tls_server,sni,messages,"
	    "recipients,bytes_in,bytes_out,last_code,events,rewritten,level,"
	    "ended_by" },
	{ "select group_concat(name) from pragma_table_info('exchange')",
	    "session_id,seq,t_us,verb,argument,forwarded,code,enhanced,reply,"
	    "latency_us,origin" },
	{ "select group_concat(name) from pragma_table_info('message')",
	    "session_id,seq,mail_from,recipients,size,sha256,subject,"
	    "header_from,header_to,message_id,date,code,enhanced,reply,"
	    "queue_id,accepted" },
	{ "select group_concat(name) from pragma_table_info('recipient')",
	    "session_id,message_seq,address,code,enhanced,reply" },
	{ "select group_concat(name) from pragma_table_info('event')",
	    "session_id,seq,t_us,side,name,severity,detail,rule" },
	{ "select started_at from session", "1970-01-01T00:00:01.000042Z" },
	{ "select id like '00000000-03e8-7%' and length(id) = 36 from session",
	    "1" },
	{ "select count(*) from session where node <> ''", "1" },
	{ "select client || upstream || listener || level from session",
	    "192.0.2.7:5132410.0.0.5:25mxfull" },
	{ "select original_dst is null and sni is null from session", "1" },
	{ "select ended_by from session", "client" },
	{ "select duration_us from session", "118000" },
	{ "select json_group_array(json_array(seq, t_us, verb, argument,"
	    " forwarded, code, enhanced, reply, latency_us, origin))"
	    " from exchange",
	    "[[1,0,\"CONNECT\",null,1,220,null,\"mail ESMTP\",300,\"server\"],"
	    "[2,10,\".\",null,1,250,\"2.0.0\",\"Ok\\nbye\",10,\"server\"]]" },
	{ "select json_array(seq, t_us, side, name, severity, detail, rule)"
	    " from event",
	    "[1,5,\"client\",\"early-talk\",\"warning\",\"6 octets\",null]" },
	{ "select recipients from message",
	    "[\"b@example.com\",\"c@example.com\"]" },
	{ "select sha256 from message",
	    "ab00000000000000000000000000000000000000000000000000000000000000" },
	{ "select json_array(seq, mail_from, size, subject, date, code,"
	    " enhanced, reply, queue_id, accepted) from message",
	    "[1,\"a@example.org\",20000,\"gr\xc3\xbc\xc3\x9f\",null,250,"
	    "\"2.0.0\",\"Ok: queued as 4XyZ\",\"4XyZ\",1]" },
	{ "select json_group_array(json_array(message_seq, address, code,"
	    " enhanced, reply)) from recipient",
	    "[[1,\"b@example.com\",250,\"2.1.5\",\"Ok\"],"
	    "[1,\"c@example.com\",550,\"5.1.1\",\"Unknown\"]]" },
	{ "select count(*) from session s"
	    " join exchange x on x.session_id = s.id"
	    " join message m on m.session_id = s.id"
	    " join recipient r on r.session_id = s.id"
	    " join event e on e.session_id = s.id", "4" },
	{ "pragma integrity_check", "ok" },
	{ "pragma journal_mode", "wal" },
	{ "pragma page_size", "16384" },
};

START_TEST(views_show_what_was_put)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);

	(void)recording_session(port, 20000);
	ck_assert(recorder_flush(r));
	recording_says(views[_i].sql, views[_i].answer);
	recording_close(r);
	recording_says(views[_i].sql, views[_i].answer);
}
END_TEST

START_TEST(exchanges_and_events_are_numbered_through_all_parts)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	uint64_t id = recorder_next_id(port);

	for (unsigned n = 0; n < 3; n++) {
		struct recorder_part *p = recording_part(port, id, n, n == 2);

		p->exchanges_before = n * 2;
		p->events_before = n;
		text_printf(&p->exchanges, "[%u,\"NOOP\"],[%u,\"RSET\"]",
		    n * 10, n * 10 + 1);
		text_printf(&p->events, "[%u,\"client\"]", n);
		recorder_put(port, p);
	}
	recording_close(r);
	recording_says("select json_group_array(json_array(seq, t_us, verb))"
	    " from exchange", "[[1,0,\"NOOP\"],[2,1,\"RSET\"],[3,10,\"NOOP\"],"
	    "[4,11,\"RSET\"],[5,20,\"NOOP\"],[6,21,\"RSET\"]]");
	recording_says("select group_concat(seq || ':' || t_us) from event",
	    "1:0,2:1,3:2");
}
END_TEST

START_TEST(a_message_without_content_has_neither_size_nor_digest)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	struct recorder_part *p = recording_part(port, recorder_next_id(port),
	    0, true);

	p->messages = calloc(1, sizeof(*p->messages));
	p->messages->seq = 1;
	p->messages->mail_from = "";	/* the null reverse-path */
	recorder_put(port, p);
	recording_close(r);
	recording_says("select json_array(mail_from, recipients, size, sha256,"
	    " code, accepted) from message", "[\"\",[],null,null,null,0]");
	recording_says("select count(*) from recipient", "0");
}
END_TEST

START_TEST(an_open_session_shows_and_is_interrupted_after_a_restart)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);

	recorder_put(port, recording_part(port, recorder_next_id(port), 0,
	    false));
	(void)recording_session(port, 10);
	recording_close(r);
	recording_says("select ended_by is null and duration_us is null"
	    " from session limit 1", "1");
	recording_close(recording_open(&port));
	recording_says("select group_concat(ended_by) from session",
	    "interrupted,client");
}
END_TEST

START_TEST(ids_go_on_where_the_last_run_stopped)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	uint64_t last = recording_session(port, 10);

	recording_close(r);
	r = recording_open(&port);
	ck_assert_uint_eq(recorder_next_id(port), last + 1);
	recording_close(r);
}
END_TEST

/* A producer as a loop is one: it stops when the queue is full. */
struct producer {
	struct recorder_port *port;
	pthread_t thread;
	sem_t drained;
	int sessions, stops;
};

static void
wake(void *producer)
{
	sem_post(&((struct producer *)producer)->drained);
}

static void *
produce(void *arg)
{
	struct producer *p = arg;

	for (int i = 0; i < p->sessions; i++) {
		while (!recorder_ready(p->port)) {
			p->stops++;
			sem_wait(&p->drained);
		}
		(void)recording_session(p->port, 3000);
	}
	return NULL;
}

START_TEST(a_full_queue_stops_producers_and_wakes_them_and_loses_nothing)
{
	enum { THREADS = 4, EACH = 2000 };
	struct recorder_limits limits = { .queue_octets = 256 << 10,
	    .batch_ns = 20000000 };
	struct producer producers[THREADS];
	char error[RECORD_ERROR_MAX];
	struct recorder *r = recorder_open(recording_path("sessions.db"),
	    &limits, error);
	int stops = 0;

	for (int i = 0; i < THREADS; i++) {
		struct producer *p = &producers[i];

		*p = (struct producer){ .sessions = EACH };
		sem_init(&p->drained, 0, 0);
		p->port = recorder_port(r, wake, p);
		pthread_create(&p->thread, NULL, produce, p);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(producers[i].thread, NULL);
		stops += producers[i].stops;
	}
	recording_close(r);
	ck_assert_int_gt(stops, 0);
	recording_says("select count(*) || ',' || count(distinct session_id)"
	    " from message", "8000,8000");
	recording_says("select min(id) || ',' || max(id) from session_row",
	    "1,8000");
}
END_TEST

/* Sessions of almost 1 MiB, each a batch of its own: no pack is full, so that all
 * of it goes through the WAL. The size of the WAL then. */
static off_t
record_megabytes(struct recorder *r, struct recorder_port *port, int n)
{
	struct stat st;

	for (int i = 0; i < n; i++) {
		(void)recording_session(port, (1 << 20) - 4096);
		ck_assert(recorder_flush(r));
	}
	ck_assert_int_eq(stat(recording_path("sessions.db-wal"), &st), 0);
	return st.st_size;
}

START_TEST(a_reader_that_stays_stops_nobody_and_the_wal_is_cut_behind_it)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	sqlite3 *db;
	sqlite3_stmt *stmt;

	(void)record_megabytes(r, port, 1);
	ck_assert_int_eq(sqlite3_open(recording_path("sessions.db"), &db),
	    SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, "select * from session", -1,
	    &stmt, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
	ck_assert_int_gt(record_megabytes(r, port, 250), 250 << 20);
	sqlite3_finalize(stmt);
	ck_assert_int_lt(record_megabytes(r, port, 150), 200 << 20);
	sqlite3_close(db);
	recording_close(r);
	recording_says("select count(*) from message", "401");
}
END_TEST

START_TEST(a_wal_grown_by_ten_times_its_bound_is_started_over)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	struct stat st;

	ck_assert_int_lt(record_megabytes(r, port, 700), 200 << 20);
	recording_close(r);
	recording_says("select count(*) from message", "700");
	ck_assert_int_ne(stat(recording_path("sessions.db-wal"), &st), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("recorder");
	TCase *tc = tcase_create("recorder");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, recording_setup, recording_teardown);
	tcase_add_loop_test(tc, views_show_what_was_put, 0,
	    sizeof(views) / sizeof(*views));
	tcase_add_test(tc, exchanges_and_events_are_numbered_through_all_parts);
	tcase_add_test(tc,
	    a_message_without_content_has_neither_size_nor_digest);
	tcase_add_test(tc,
	    an_open_session_shows_and_is_interrupted_after_a_restart);
	tcase_add_test(tc, ids_go_on_where_the_last_run_stopped);
	tcase_add_test(tc,
	    a_full_queue_stops_producers_and_wakes_them_and_loses_nothing);
	tcase_add_test(tc, a_wal_grown_by_ten_times_its_bound_is_started_over);
	tcase_add_test(tc,
	    a_reader_that_stays_stops_nobody_and_the_wal_is_cut_behind_it);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}
