/* Fuzz target: whatever a side says at the beginning of TLS, the same is known of
 * it however it is cut, and lies within what was said. */
#include <assert.h>
#include <stdint.h>

#include "inspect/clienthello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool
within(const struct hello *h, struct span s)
{
	return s.n == 0 || (s.p >= h->message &&
	    s.p + s.n <= h->message + h->n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct hello whole, cut;
	struct span all = { (const char *)data, n };
	struct hello_facts a, b;
	bool told, again = false;

	whole.over = cut.over = false;
	whole.n_head = cut.n_head = 0;
	whole.left = cut.left = whole.n = cut.n = 0;
	told = hello_read(&whole, all);
	while (all.n)
		again |= hello_read(&cut, span_cut(&all, 1));
	assert(told == again && whole.over == cut.over);
	assert(hello_facts(&whole, &a) == hello_facts(&cut, &b));
	assert(a.sni.n == b.sni.n && a.cipher == b.cipher);
	assert(within(&whole, a.sni) && within(&whole, a.alpn) &&
	    within(&whole, a.session));
	return 0;
}
