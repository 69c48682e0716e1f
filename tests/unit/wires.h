/* wires: random wires of sessions under a policy, for what reads them. */
#ifndef TESTS_UNIT_WIRES_H
#define TESTS_UNIT_WIRES_H

#include "record/store.h"

/* Segments of both sides, in TLS or not, with bytes passed, withheld, made and of smtptap's own,
 * in the order of their times, as store_wire() gives them. The same seed gives
 * the same wire. any_kind: with gaps, secrets and ends of streams, too. */
void wires_make(struct store_wire *, unsigned seed, bool any_kind);

#endif
