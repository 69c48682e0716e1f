/* builder: lines of a transcript into the wire that they tell of.
 *
 * The rules by which a line belongs to a segment, and what its bytes are, are in
 * reader.h. Lines may come in any order of time: builder_finish() sorts. One
 * thread; out of memory ends the program. */
#ifndef REPLAY_BUILDER_H
#define REPLAY_BUILDER_H

#include "inspect/transcript.h"
#include "record/store.h"

struct builder {
	struct store_wire *wire;
	size_t room;		/* segments there is room for */
	int64_t now_us;		/* of the last segment; -1: none yet */
	enum smtp_side side;	/* who sent it */
	bool timed;		/* its time was told */
	bool broken;		/* the next bytes begin a segment */
	enum wire_kind kind;	/* of the last bytes of it */
	bool open;		/* they belong to a line or a reply that goes on */
	bool data;		/* the client's last line was DATA */
};

/* wire is empty, and the caller's to free. */
void builder_init(struct builder *, struct store_wire *wire);

/* Add a line of bytes, shown or not, or the end of a stream. */
void builder_add(struct builder *, const struct transcript_line *);

/* No line is left. */
void builder_finish(struct builder *);

#endif
