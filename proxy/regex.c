#define PCRE2_CODE_UNIT_WIDTH 8

#include "proxy/regex.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>

struct regex {
	pcre2_code *code;
	pcre2_match_context *limits;
};

/* Each thread has its own memory to match with, and frees it when it ends. */
static tss_t scratch_key;
static once_flag scratch_once = ONCE_FLAG_INIT;

static void
free_scratch(void *data)
{
	pcre2_match_data_free(data);
}

static void
make_key(void)
{
	if (tss_create(&scratch_key, free_scratch) != thrd_success)
		abort();	/* 1024 keys, and we have one */
}

static pcre2_match_data *
scratch(void)
{
	pcre2_match_data *data;

	call_once(&scratch_once, make_key);
	data = tss_get(scratch_key);
	if (data == NULL) {
		data = pcre2_match_data_create(1, NULL);
		(void)tss_set(scratch_key, data);
	}
	return data;
}

struct regex *
regex_new(const char *pattern, char error[REGEX_ERROR])
{
	struct regex *r = calloc(1, sizeof(*r));
	PCRE2_UCHAR why[128] = "out of memory";
	PCRE2_SIZE offset = 0;
	int code;

	if (r == NULL || (r->limits = pcre2_match_context_create(NULL)) == NULL)
		goto fail;
	r->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
	    PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C,
	    &code, &offset, NULL);
	if (r->code == NULL) {
		(void)pcre2_get_error_message(code, why, sizeof(why));
		goto fail;
	}
	(void)pcre2_set_match_limit(r->limits, REGEX_MATCH_LIMIT);
	(void)pcre2_set_heap_limit(r->limits, REGEX_HEAP_LIMIT);
	return r;
fail:
	(void)snprintf(error, REGEX_ERROR, "at offset %zu: %s", offset,
	    (const char *)why);
	regex_free(r);
	return NULL;
}

void
regex_free(struct regex *r)
{
	if (r == NULL)
		return;
	pcre2_code_free(r->code);
	pcre2_match_context_free(r->limits);
	free(r);
}

bool
regex_matches(const void *regex, struct span subject)
{
	const struct regex *r = regex;
	pcre2_match_data *data = scratch();

	return data && pcre2_match(r->code, (PCRE2_SPTR)subject.p, subject.n, 0,
	    0, data, r->limits) >= 0;
}
