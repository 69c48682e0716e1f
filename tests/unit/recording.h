/* recording: a folder for one test, and sessions put into a recording there. */
#ifndef TESTS_UNIT_RECORDING_H
#define TESTS_UNIT_RECORDING_H

#include "record/recorder.h"

/* Fixtures: make a folder of its own under TMPDIR, remove it with all in it. */
void recording_setup(void);
void recording_teardown(void);

/* The path of a file in the folder; the four last answers are good. */
const char *recording_path(const char *name);

/* A recorder on FOLDER/sessions.db, with a port that nobody waits on. */
struct recorder *recording_open(struct recorder_port **);
void recording_close(struct recorder *);

/* A part with the facts of session id filled in, n-th of it. */
struct recorder_part *recording_part(struct recorder_port *, uint64_t id,
    unsigned n, bool last);

/* A session of one part: octets of content from the client, answered 250, with
 * one message to one recipient. Its id. */
uint64_t recording_session(struct recorder_port *, size_t octets);

/* The first column of the first row of sql on FOLDER/sessions.db, read by a
 * connection of its own, as text; "" if there is none. Good until the next. */
const char *recording_query(const char *sql);

/* Assert that this is the answer to recording_query(). */
void recording_says(const char *sql, const char *expected);

#endif
