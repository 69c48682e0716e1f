/* books: a session's account, fed with what both sides say, in order. */
#ifndef TESTS_UNIT_BOOKS_H
#define TESTS_UNIT_BOOKS_H

#include "record/account.h"

struct books {
	struct smtp_session smtp;
	struct account account;
	struct recorder_session facts;
	struct text exchanges, events;
	struct recorder_message *messages, **end;
	int64_t t_us;
};

extern struct books b;

/* Fixtures. */
void books_open(void);
void books_free(void);

/* The client, or the server, says bytes, which go on as they are. */
void C(const char *bytes);
void S(const char *bytes);

/* A side says bytes; this becomes of each event. A command that is withheld is
 * one to which no reply of the server will come. */
void say_so(enum smtp_side, const char *bytes, enum tap_fate);

/* The client says what is withheld from the server. */
void withheld(const char *bytes);

/* The client says what is edited; the server is given this instead. */
void edited(const char *bytes, const char *given);

/* smtptap says a reply of its own. */
void own(const char *line);

/* The greeting and EHLO, answered; the session is over. */
void begin(void);
void end(void);

bool has(struct text *, const char *what);

#endif
