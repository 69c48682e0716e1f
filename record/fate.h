/* fate: what has become of an event's bytes, on their way to the other side. */
#ifndef RECORD_FATE_H
#define RECORD_FATE_H

enum tap_fate {
	TAP_FORWARDED,	/* they went on as they were */
	TAP_WITHHELD,	/* none of them did */
	TAP_UNSENT,	/* the same, for nobody was there to take them */
	TAP_EDITED,	/* the pieces that follow tell */
};

#endif
