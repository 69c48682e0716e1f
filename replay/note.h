/* note: what a transcript shows in place of bytes: "[1,482 bytes sha256 ...]".
 *
 * A heap is several units that make one such line: mail content, or opaque
 * octets. One thread; pure but for the digest. */
#ifndef REPLAY_NOTE_H
#define REPLAY_NOTE_H

#include "inspect/transcript.h"
#include "record/content.h"
#include "replay/walk.h"

#define NOTE_MAX 256		/* octets of a note, NUL included */

struct heap {
	bool open;
	enum smtp_side side;
	int64_t from_us, t_us;
	uint64_t octets, missing;	/* said; not recorded */
	uint64_t passed;		/* of octets: went on as they were */
	bool withheld, made;		/* octets were */
	uint64_t anomalies;
};

/* One more unit; the first opens the heap. */
void heap_add(struct heap *, const struct walk_unit *);

/* The mark of its line. odd: these anomalies are violations. */
struct transcript_line heap_mark(const struct heap *, uint64_t odd);

/* The unit that ends mail content, or a chunk of it. */
struct note_end {
	bool chunk;		/* of BDAT */
	bool last;		/* of the message */
	bool whole;		/* it did end */
};

/* "[1,482 bytes sha256 ...]". Of a message in chunks the last one tells the
 * digest of the whole; takes that of content. */
void note_body(char out[NOTE_MAX], const struct heap *, struct content *,
    const struct note_end *);

/* "[512 bytes]", more behind the word. */
void note_octets(char out[NOTE_MAX], uint64_t octets, const char *more);

#endif
