/* print: what goes to the terminal, and how it is kept safe.
 *
 * Nothing that came from the network or from a database reaches a terminal but
 * through print_safe() or a JSON encoder: both let no control byte pass. */
#ifndef REPLAY_PRINT_H
#define REPLAY_PRINT_H

#include <stdint.h>
#include <stdio.h>

#include "inspect/transcript.h"
#include "record/store.h"
#include "replay/verbs.h"

/* "smtptap: ..." and a line end to stderr. Gives status back, so that a verb
 * can say `return complain(EXIT_USAGE, ...)`. One sentence, no full stop. */
int complain(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A sentence and how to get help; gives EXIT_USAGE. */
int complain_usage(const struct verb *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Open the database named by --db or SMTPTAP_DB; *status is EXIT_OK. False: a
 * sentence has been said, *status is what to exit with. */
bool open_named(const struct global *, struct store **, int *status);

/* The row id of the session that word names; 0: a sentence has been said, exit
 * with EXIT_NO_SESSION. */
int64_t find_session(struct store *, const char *word);

/* What a thing is; print_ink() says it in colour if out is to have colour. */
enum ink {
	INK_PLAIN, INK_CLIENT, INK_SERVER, INK_OWN, INK_EVENT, INK_WARNING,
	INK_ATTACK, INK_GOOD, INK_BAD, INK_FRAME,
};

/* Whether this stream gets colours: --color, NO_COLOR, TERM, a terminal. */
bool print_colored(const struct global *, FILE *);

/* The escape sequence that begins this ink; "" if colored is false. INK_PLAIN
 * ends any. Static. */
const char *print_ink(bool colored, enum ink);

/* Write bytes as a transcript has them: printable UTF-8 as it is, all else
 * escaped. Gives the columns written, one for each character. */
size_t print_safe(FILE *, struct span);

/* Write a text column: the recorder has escaped it already, so that backslashes
 * are not escaped again. Blanks at the end are left out. */
size_t print_text(FILE *, struct span);

/* The same for at most columns columns; what is cut off ends with "~". */
size_t print_cut(FILE *, struct span, size_t columns);

/* Write one line of the wire with its mark: " -> EHLO client". A line end in
 * line is left out or made visible as docs/TRANSCRIPT.md says. */
void print_line(FILE *, bool colored, const struct transcript_line *how,
    struct span line);

/* A line of the transcript that is not bytes of the wire: "[517 bytes opaque]". */
void print_note(FILE *, bool colored, const struct transcript_line *how,
    const char *note);

/* "1,482". Gives out. */
char *print_grouped(char out[32], uint64_t n);

/* A text column; {"", 0} for NULL. Good until the statement steps. */
struct span column_span(sqlite3_stmt *, int column);

/* The columns of the terminal behind out; 0 if it is none. */
size_t print_width(FILE *);

/* Flush out and see whether all was written: EXIT_OK, or a sentence and
 * EXIT_USAGE. The last thing of a verb that prints. */
int print_finish(FILE *);

#endif
