#include "proxy/tls_why.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define NAMES_TOLD 3		/* of a certificate that is another's */

/* What is said of a certificate, behind "the certificate of HOST ". */
enum about { ABOUT_ALONE, ABOUT_FROM, ABOUT_UNTIL, ABOUT_ISSUER };

static const struct {
	int error;
	enum about about;
	const char *says;
} faults[] = {
#define FAULT(error, about, says) { X509_V_ERR_##error, ABOUT_##about, says },
#define REASON(symbol, says)
#include "proxy/tls_why.def"
#undef FAULT
#undef REASON
};

static const struct {
	int reason;
	const char *says;
} reasons[] = {
#define FAULT(error, about, says)
#define REASON(symbol, says) { SSL_R_##symbol, says },
#include "proxy/tls_why.def"
#undef FAULT
#undef REASON
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

void
tls_why_text(char *out, size_t size, const void *octets, size_t n)
{
	const unsigned char *p = octets;
	size_t at = 0;

	for (; at < n && at + 1 < size; at++)
		out[at] = (char)(p[at] > ' ' && p[at] < 0x7f ? p[at] :
		    p[at] == ' ' ? ' ' : '?');
	out[at] = '\0';
}

static void
put_string(char *out, size_t size, const ASN1_STRING *s)
{
	tls_why_text(out, size, ASN1_STRING_get0_data(s),
	    (size_t)ASN1_STRING_length(s));
}

static void
common_name(const X509_NAME *name, char *out, size_t size)
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);

	out[0] = '\0';
	if (at >= 0)
		put_string(out, size, X509_NAME_ENTRY_get_data(
		    X509_NAME_get_entry(name, at)));
	else
		(void)X509_NAME_oneline(name, out, (int)size);
}

/* A name of the SAN as text. False: of another kind. */
static bool
put_name(char *out, size_t size, const GENERAL_NAME *name)
{
	const ASN1_OCTET_STRING *ip;

	if (name->type == GEN_DNS) {
		put_string(out, size, name->d.dNSName);
		return true;
	}
	if (name->type != GEN_IPADD)
		return false;
	ip = name->d.iPAddress;
	return inet_ntop(ASN1_STRING_length(ip) == 4 ? AF_INET : AF_INET6,
	    ASN1_STRING_get0_data(ip), out, (socklen_t)size) != NULL &&
	    (ASN1_STRING_length(ip) == 4 || ASN1_STRING_length(ip) == 16);
}

/* Up to `most` names, with ", " between them, and what is left as a number. */
static void
put_names(X509 *x, unsigned most, char *out, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL,
	    NULL);
	unsigned n = 0;
	size_t at = 0;

	out[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		char name[TLS_HOST_MAX];

		if (!put_name(name, sizeof(name),
		    sk_GENERAL_NAME_value(names, i)) || n++ >= most)
			continue;
		at += (size_t)snprintf(out + at, size - at, "%s%s",
		    n > 1 ? ", " : "", name);
		if (at >= size)
			break;
	}
	if (n > most && most > 1 && at < size)
		(void)snprintf(out + at, size - at, " and %u more", n - most);
	GENERAL_NAMES_free(names);
	if (n == 0)
		common_name(X509_get_subject_name(x), out, size);
}

void
tls_why_name(X509 *x, char *out, size_t size)
{
	put_names(x, 1, out, size);
}

static void
put_date(const ASN1_TIME *when, char *out, size_t size)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(when, &tm) != 1 ||
	    strftime(out, size, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		(void)snprintf(out, size, "an unreadable date");
}

static void
put_about(const struct tls_fault *fault, enum about about, char *out,
    size_t size)
{
	if (fault->x == NULL)
		(void)snprintf(out, size, "unknown");
	else if (about == ABOUT_FROM)
		put_date(X509_get0_notBefore(fault->x), out, size);
	else if (about == ABOUT_UNTIL)
		put_date(X509_get0_notAfter(fault->x), out, size);
	else
		common_name(X509_get_issuer_name(fault->x), out, size);
}

/* Whose it is: "the certificate of mx.example", "the client's certificate",
 * `the certificate of the CA "X"`. */
static void
put_owner(const struct tls_fault *fault, const char *host, char *out,
    size_t size)
{
	char name[128] = "unknown";

	if (fault->depth > 0) {
		if (fault->x)
			common_name(X509_get_subject_name(fault->x), name,
			    sizeof(name));
		(void)snprintf(out, size, "the certificate of the CA \"%s\"",
		    name);
	} else if (host[0]) {
		(void)snprintf(out, size, "the certificate of %s", host);
	} else {
		(void)snprintf(out, size, "the client's certificate");
	}
}

static void
put_fault(const struct tls_fault *fault, const char *host, char *out,
    size_t size)
{
	char owner[TLS_HOST_MAX + 64], thing[128] = "";

	put_owner(fault, host, owner, sizeof(owner));
	for (size_t i = 0; i < COUNT(faults); i++) {
		if (faults[i].error != fault->error)
			continue;
		if (faults[i].about != ABOUT_ALONE)
			put_about(fault, faults[i].about, thing, sizeof(thing));
		(void)snprintf(out, size, faults[i].says, owner, thing);
		return;
	}
	(void)snprintf(out, size, "%s: %s", owner,
	    X509_verify_cert_error_string(fault->error));
}

void
tls_why_fault(const struct tls_fault *fault, const char *host,
    char out[TLS_ERROR])
{
	char text[TLS_ERROR - 32], names[TLS_ERROR / 2] = "another host";

	if (fault->error == X509_V_ERR_HOSTNAME_MISMATCH ||
	    fault->error == X509_V_ERR_IP_ADDRESS_MISMATCH) {
		if (fault->x)
			put_names(fault->x, NAMES_TOLD, names, sizeof(names));
		(void)snprintf(text, sizeof(text),
		    "the certificate is for %s, not %s", names, host);
	} else {
		put_fault(fault, host, text, sizeof(text));
	}
	(void)snprintf(out, TLS_ERROR, "%s (depth %d)", text, fault->depth);
}

static const char *
says(int reason)
{
	for (size_t i = 0; i < COUNT(reasons); i++)
		if (reasons[i].reason == reason)
			return reasons[i].says;
	return NULL;
}

/* The first error of the queue is the cause, the others are its callers'. */
void
tls_why_failed(int error, char out[TLS_ERROR])
{
	unsigned long e = ERR_get_error();
	int reason = ERR_GET_REASON(e);
	const char *text = ERR_reason_error_string(e);

	if (e == 0)
		(void)snprintf(out, TLS_ERROR, "%s", error ? strerror(error) :
		    "the peer has closed the connection");
	else if (says(reason) && ERR_GET_LIB(e) == ERR_LIB_SSL)
		(void)snprintf(out, TLS_ERROR, "%s", says(reason));
	else if (ERR_GET_LIB(e) == ERR_LIB_SSL &&
	    reason > SSL_AD_REASON_OFFSET)
		(void)snprintf(out, TLS_ERROR, "alert received: %s",
		    SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
	else
		(void)snprintf(out, TLS_ERROR, "%s",
		    text ? text : "an error without a name");
	ERR_clear_error();
}
