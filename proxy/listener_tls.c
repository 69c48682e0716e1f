#include "proxy/listener_tls.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/keylog.h"

/* On which sides TLS ends here. */
struct ends {
	bool client, upstream;
};

static const struct {
	struct ends ends;	/* when STARTTLS is said there */
	enum policy_tls policy;
} modes[] = {
	[LISTENER_TLS_PASSTHROUGH] = { { false, false }, POLICY_TLS_PASS },
	[LISTENER_TLS_STRIP] = { { false, false }, POLICY_TLS_STRIP },
	[LISTENER_TLS_BRIDGE] = { { true, true }, POLICY_TLS_BRIDGE },
	[LISTENER_TLS_TERMINATE] = { { true, false }, POLICY_TLS_TERMINATE },
	[LISTENER_TLS_ORIGINATE] = { { false, true }, POLICY_TLS_ORIGINATE },
	[LISTENER_TLS_REQUIRE] = { { true, true }, POLICY_TLS_REQUIRE },
};

#define FIELD(member) offsetof(struct options, member)

/* Files: which side needs them, and the one without which they are nothing. */
static const struct {
	const char *key;
	size_t field;
	struct ends of;
	const char *needs;	/* NULL: nothing */
	size_t needed;
} files[] = {
	{ "tls-cert", FIELD(tls_cert), { true, false }, NULL, 0 },
	{ "tls-key", FIELD(tls_key), { true, false },
	    "tls-cert", FIELD(tls_cert) },
	{ "tls-ca-cert", FIELD(tls_ca_cert), { true, false }, NULL, 0 },
	{ "tls-ca-key", FIELD(tls_ca_key), { true, false },
	    "tls-ca-cert", FIELD(tls_ca_cert) },
	{ "tls-client-ca", FIELD(tls_client_ca), { true, false }, NULL, 0 },
	{ "tls-name", FIELD(tls_name), { false, true }, NULL, 0 },
	{ "tls-ca-file", FIELD(tls_ca_file), { false, true }, NULL, 0 },
	{ "tls-crl", FIELD(tls_crl), { false, true }, NULL, 0 },
	{ "tls-client-cert", FIELD(tls_client_cert), { false, true }, NULL, 0 },
	{ "tls-client-key", FIELD(tls_client_key), { false, true },
	    "tls-client-cert", FIELD(tls_client_cert) },
	{ "tls-keylog", FIELD(tls_keylog), { true, true }, NULL, 0 },
};

#define FILES (sizeof(files) / sizeof(*files))

static const char *
given(const struct options *o, size_t field)
{
	return *(const char *const *)((const char *)o + field);
}

/* With the connection. */
static struct ends
begun(const struct options *o)
{
	return (struct ends){ o->implicit_tls & LISTENER_IMPLICIT_CLIENT,
	    o->implicit_tls & LISTENER_IMPLICIT_UPSTREAM };
}

static struct ends
ends_of(const struct options *o)
{
	struct ends a = modes[o->tls].ends, b = begun(o);

	return (struct ends){ a.client || b.client, a.upstream || b.upstream };
}

__attribute__((format(printf, 3, 4)))
static bool
blame(struct listener_tls_fault *fault, const char *key, const char *format,
    ...)
{
	va_list arguments;

	fault->key = key;
	va_start(arguments, format);
	(void)vsnprintf(fault->why, sizeof(fault->why), format, arguments);
	va_end(arguments);
	return false;
}

static bool
check_files(const struct options *o, struct listener_tls_fault *fault)
{
	struct ends ends = ends_of(o);

	for (size_t i = 0; i < FILES; i++) {
		struct ends of = files[i].of;

		if (given(o, files[i].field) == NULL)
			continue;
		if (files[i].needs && given(o, files[i].needed) == NULL)
			return blame(fault, files[i].key, "%s is missing",
			    files[i].needs);
		if ((of.client && ends.client) || (of.upstream && ends.upstream))
			continue;
		return blame(fault, files[i].key, "no TLS%s ends here, as tls "
		    "and implicit-tls have it", of.client && of.upstream ? "" :
		    of.client ? " with clients" : " with the mail server");
	}
	return true;
}

bool
listener_tls_check(const struct options *o, struct listener_tls_fault *fault)
{
	static const char *const beside[] = {
		[LISTENER_IMPLICIT_CLIENT] = "passthrough, strip or originate",
		[LISTENER_IMPLICIT_UPSTREAM] = "passthrough, strip or "
		    "terminate",
		[LISTENER_IMPLICIT_BOTH] = "passthrough or strip",
	};
	struct ends said = modes[o->tls].ends;

	if ((said.client && begun(o).client) ||
	    (said.upstream && begun(o).upstream))
		return blame(fault, "implicit-tls", "where TLS begins with the "
		    "connection STARTTLS is not said: tls may be %s",
		    beside[o->implicit_tls]);
	if (o->tls_cert && o->tls_ca_cert)
		return blame(fault, "tls-ca-cert", "tls-cert is given, too: "
		    "one of them is accepted");
	if (!check_files(o, fault))
		return false;
	if (ends_of(o).client && !o->tls_cert && !o->tls_ca_cert)
		return blame(fault, said.client ? "tls" : "implicit-tls",
		    "TLS with clients needs a certificate: tls-cert FILE, or "
		    "tls-ca-cert FILE to make them");
	return true;
}

bool
listener_tls_is_used(const struct options *o)
{
	return o->tls != LISTENER_TLS_PASSTHROUGH ||
	    o->implicit_tls != LISTENER_IMPLICIT_NO;
}

static struct tls_options
context_options(const struct settings_listener *l, const struct options *o)
{
	return (struct tls_options){ .listener = l->name,
	    .cert = o->tls_cert,
	    .key = o->tls_key ? o->tls_key : o->tls_cert,
	    .ca_cert = o->tls_ca_cert,
	    .ca_key = o->tls_ca_key ? o->tls_ca_key : o->tls_ca_cert,
	    .client_ca = o->tls_client_ca, .verify = o->tls_verify,
	    .ca_file = o->tls_ca_file, .crl = o->tls_crl,
	    .client_cert = o->tls_client_cert,
	    .client_key = o->tls_client_key ? o->tls_client_key :
	    o->tls_client_cert };
}

/* The sentence begins with the name of a file: whose option is it? */
static const char *
key_of(const struct options *o, const char *sentence)
{
	for (size_t i = 0; i < FILES; i++) {
		const char *path = given(o, files[i].field);
		size_t n = path ? strlen(path) : 0;

		if (n && strncmp(sentence, path, n) == 0 && strchr(": ", sentence[n]))
			return files[i].key;
	}
	return "tls";
}

static bool
open_context(struct tls_context **out, enum smtp_side side,
    const struct settings_listener *l, const struct options *o,
    struct listener_tls_fault *fault)
{
	struct tls_options more = context_options(l, o);

	*out = tls_context_new(side, &more, fault->why);
	fault->key = *out ? NULL : key_of(o, fault->why);
	return *out != NULL;
}

/* TLS within TLS is nobody's wish: with implicit-tls STARTTLS is hidden. */
static void
make_policy(struct settings_listener *l, const struct options *o)
{
	enum policy_tls tls = modes[o->tls].policy;

	if (l->policy == NULL || !listener_tls_is_used(o))
		return;		/* NULL: what is wrong with it has been told */
	l->own_policy = *l->policy;
	l->own_policy.tls = tls == POLICY_TLS_PASS ? POLICY_TLS_STRIP : tls;
	l->own_policy.tls_optional = o->tls_verify == TLS_OPPORTUNISTIC;
	policy_seal(&l->own_policy);
	l->policy = &l->own_policy;
}

bool
listener_tls_open(struct settings_listener *l, const struct options *o,
    struct listener_tls_fault *fault)
{
	struct ends ends = ends_of(o);

	l->tls = o->tls;
	l->implicit_tls = o->implicit_tls;
	(void)snprintf(l->tls_name, sizeof(l->tls_name), "%s", o->tls_name ?
	    o->tls_name : l->upstream.host);
	make_policy(l, o);
	if (ends.client && !open_context(&l->tls_client, SMTP_CLIENT, l, o,
	    fault))
		return false;
	if (ends.upstream && !open_context(&l->tls_upstream, SMTP_SERVER, l, o,
	    fault))
		return false;
	l->tls_keylog = o->tls_keylog ? strdup(o->tls_keylog) : NULL;
	return o->tls_keylog == NULL || l->tls_keylog ||
	    blame(fault, "tls-keylog", "out of memory");
}

bool
listener_tls_log_keys(struct settings_listener *l, char error[OPTIONS_ERROR])
{
	if (l->tls_keylog == NULL)
		return true;
	l->keylog = keylog_open(l->tls_keylog, l->name, error);
	if (l->keylog == NULL)
		return false;
	if (l->tls_client)
		tls_context_log_keys(l->tls_client, keylog_fd(l->keylog));
	if (l->tls_upstream)
		tls_context_log_keys(l->tls_upstream, keylog_fd(l->keylog));
	return true;
}

void
listener_tls_close(struct settings_listener *l)
{
	tls_context_free(l->tls_client);
	tls_context_free(l->tls_upstream);
	keylog_close(l->keylog);
	free(l->tls_keylog);
}
