/* input: a script as octets, for the fuzzer to change.
 *
 *	octet	seed of the cuts; bit 7: smtp_strict()
 * and then, for each part,
 *	octet	side (bit 0), octets that follow (bits 1-7); 0: the side ends;
 *		127: a second and a third octet say how many, low octet first
 *	octets	as many, or as many as there are */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include "tests/fuzz/script.h"

/* Read any input into *s, cleared first; the seed. */
uint32_t input_decode(struct script *s, const uint8_t *p, size_t n);

/* Write one part; at most 65535 octets. The octets written to out, which has
 * room for n + 3. */
size_t input_encode(const struct script *, const struct script_part *,
    uint8_t *out);

#endif
