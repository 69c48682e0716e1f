/* report: what reading a configuration has to say, as lines of text. */
#ifndef PROXY_REPORT_H
#define PROXY_REPORT_H

#include <stdbool.h>

#define CONFIG_REPORT 8192	/* octets of each text, NUL included */

/* Lines, each ended by LF; "" if there are none. More than fit are left out. */
struct config_report {
	char errors[CONFIG_REPORT];
	char notes[CONFIG_REPORT];	/* for the log: what was done unasked */
};

struct place {
	const char *file;
	int line;		/* 0: the file as a whole */
};

/* "FILE:LINE: " and a sentence; what is not printable in it becomes `?`. */
void report_error(struct config_report *, struct place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void report_note(struct config_report *, struct place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
