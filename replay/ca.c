/* ca: a CA of one's own, for the certificates that smtptapd mints. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "record/certificate.h"
#include "replay/print.h"

#define DAY		86400
#define CA_DAYS		3650
#define LEAF_DAYS	90
#define DAYS_MAX	36500
#define PEM_MAX		8192	/* octets of one certificate or key */
#define FILE_MAX	4096	/* octets of a path */
#define NAME_MAX_CA	65	/* octets of the CA's name, NUL included */

enum { OPTION_DIR = OPTION_LONG, OPTION_NAME, OPTION_DAYS };

struct ca {
	const struct global *global;
	const char *folder;	/* where the files are */
	const char *name;	/* to be given to the CA; NULL: the default */
	long days;		/* of validity; 0: the default */
	X509 *cert;
	EVP_PKEY *key;
};

/* The path of NAME.KIND; a file of "*.example" has "_" for "*". */
static bool
path_of(const struct ca *ca, const char *name, const char *kind,
    char path[FILE_MAX])
{
	int n = snprintf(path, FILE_MAX, "%s/%s.%s", ca->folder, name, kind);
	char *star;

	if (n < 0 || n >= FILE_MAX) {
		(void)complain(EXIT_USAGE, "--dir is too long");
		return false;
	}
	star = strchr(path + strlen(ca->folder), '*');
	if (star)
		*star = '_';
	return true;
}

/* A new file, for its owner only. Says why not. */
static bool
write_file(const char *path, const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool written;

	if (fd < 0) {
		(void)complain(EXIT_USAGE, errno == EEXIST ?
		    "%s is there already; it is left as it is" :
		    "%s cannot be made: %m", path);
		return false;
	}
	written = n > 0 && write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
	if (close(fd) == 0 && written)
		return true;
	(void)complain(EXIT_USAGE, "%s cannot be written: %m", path);
	(void)unlink(path);
	return false;
}

/* A certificate and its key, both or neither. */
static int
write_pair(const struct ca *ca, const char *name, X509 *cert, EVP_PKEY *key)
{
	char cert_path[FILE_MAX], key_path[FILE_MAX], pem[PEM_MAX];
	bool written;

	if (!path_of(ca, name, "pem", cert_path) ||
	    !path_of(ca, name, "key", key_path))
		return EXIT_USAGE;
	written = write_file(key_path, pem,
	    certificate_key_pem(key, pem, sizeof(pem)));
	OPENSSL_cleanse(pem, sizeof(pem));
	if (!written)
		return EXIT_USAGE;
	if (!write_file(cert_path, pem,
	    certificate_pem(cert, pem, sizeof(pem)))) {
		(void)unlink(key_path);
		return EXIT_USAGE;
	}
	if (!ca->global->quiet)
		printf("%s\n%s\n", cert_path, key_path);
	return print_finish(stdout);
}

/* From a day ago: clocks differ. */
static struct certificate_term
term(const struct ca *ca, long days)
{
	time_t now = time(NULL);

	return (struct certificate_term){ now - DAY,
	    now + (ca->days ? ca->days : days) * DAY };
}

static int
init(struct ca *ca)
{
	char name[NAME_MAX_CA] = "smtptap CA of ";
	size_t n = strlen(name);

	if (gethostname(name + n, sizeof(name) - n - 1) != 0)
		name[n - strlen(" of ")] = '\0';
	ca->key = certificate_key();
	if (ca->key)
		ca->cert = certificate_ca(ca->name ? ca->name : name, ca->key,
		    term(ca, CA_DAYS));
	if (ca->cert == NULL)
		return complain(EXIT_USAGE,
		    "no certificate can be made: is the name empty, or longer "
		    "than 64 octets?");
	return write_pair(ca, "ca", ca->cert, ca->key);
}

static int
read_cert(struct ca *ca)
{
	X509 *chain[CERTIFICATE_CHAIN];
	char error[CERTIFICATE_ERROR], path[FILE_MAX];
	unsigned n;

	if (!path_of(ca, "ca", "pem", path))
		return EXIT_USAGE;
	n = certificate_read(path, chain, error);
	if (n == 0)
		return complain(EXIT_UNREADABLE, "%s", error);
	ca->cert = chain[0];
	while (n > 1)
		X509_free(chain[--n]);
	return EXIT_OK;
}

static int
read_key(struct ca *ca)
{
	char error[CERTIFICATE_ERROR], path[FILE_MAX];

	if (!path_of(ca, "ca", "key", path))
		return EXIT_USAGE;
	ca->key = certificate_read_key(path, error);
	if (ca->key == NULL)
		return complain(EXIT_UNREADABLE, "%s", error);
	if (X509_check_private_key(ca->cert, ca->key) != 1)
		return complain(EXIT_UNREADABLE,
		    "%s is not the key of ca.pem beside it", path);
	return EXIT_OK;
}

static int
leaf(struct ca *ca, const char *name)
{
	EVP_PKEY *key = certificate_key();
	X509 *cert = NULL;
	int status = read_cert(ca);

	if (status == EXIT_OK)
		status = read_key(ca);
	if (status == EXIT_OK && key)
		cert = certificate_leaf(name, key, ca->cert, ca->key,
		    term(ca, LEAF_DAYS));
	if (cert)
		status = write_pair(ca, name, cert, key);
	else if (status == EXIT_OK)
		status = complain(EXIT_USAGE, "no certificate can be made: "
		    "out of memory, or ca.pem is wrong");
	X509_free(cert);
	EVP_PKEY_free(key);
	return status;
}

static void
date(const ASN1_TIME *when, char out[32])
{
	struct tm tm;

	if (ASN1_TIME_to_tm(when, &tm) != 1 ||
	    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
}

/* JSON is UTF-8, a name in a certificate need not be. */
static int
print_json(const char *name, const char *from, const char *until,
    const char *sha256, const char *pem)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", name,
	    "from", from, "until", until, "sha256", sha256, "pem", pem);

	if (o == NULL)
		return complain(EXIT_UNREADABLE,
		    "the name of the CA is not text");
	(void)json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
	return print_finish(stdout);
}

static int
show(struct ca *ca)
{
	char from[32], until[32], pem[PEM_MAX], hex[3 * 32 + 1];
	char name[4 * NAME_MAX_CA] = "";
	unsigned char sha256[32];
	int status = read_cert(ca);

	if (status != EXIT_OK)
		return status;
	if (!certificate_fingerprint(ca->cert, sha256) ||
	    certificate_pem(ca->cert, pem, sizeof(pem)) == 0)
		return complain(EXIT_UNREADABLE, "ca.pem is too long");
	for (size_t i = 0; i < sizeof(sha256); i++)
		(void)snprintf(hex + 3 * i, 4, "%02X:", sha256[i]);
	hex[3 * sizeof(sha256) - 1] = '\0';
	date(X509_get0_notBefore(ca->cert), from);
	date(X509_get0_notAfter(ca->cert), until);
	(void)X509_NAME_get_text_by_NID(X509_get_subject_name(ca->cert),
	    NID_commonName, name, sizeof(name));
	if (ca->global->json)
		return print_json(name, from, until, hex, pem);
	printf("name    ");
	(void)print_safe(stdout, span_of(name));
	printf("\nvalid   %s to %s\nsha256  %s\n%s", from, until, hex, pem);
	return print_finish(stdout);
}

static long
days(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	return *end == '\0' && n >= 1 && n <= DAYS_MAX ? n : 0;
}

static int
work(struct ca *ca, const struct verb *verb, char **words, int n)
{
	if (n == 1 && strcmp(words[0], "init") == 0)
		return init(ca);
	if (n == 1 && strcmp(words[0], "show") == 0)
		return show(ca);
	if (n != 2 || strcmp(words[0], "leaf") != 0)
		return complain_usage(verb, "init, show, or leaf NAME?");
	if (!certificate_names(words[1]))
		return complain_usage(verb, "leaf needs a host's name or "
		    "address");
	return leaf(ca, words[1]);
}

static int
run(struct global *g, int argc, char **argv)
{
	struct ca ca = { .global = g, .folder = "." };
	struct args args;
	int id, status;

	args_init(&args, g, &verb_ca, argc, argv);
	while ((id = args_next(&args)) != ARGS_END)
		switch (id) {
		case OPTION_DIR:
			ca.folder = args.value;
			break;
		case OPTION_NAME:
			ca.name = args.value;
			break;
		case OPTION_DAYS:
			ca.days = days(args.value);
			if (ca.days == 0)
				return complain_usage(&verb_ca,
				    "--days is a number from 1 to %d",
				    DAYS_MAX);
			break;
		default:
			return args.status;
		}
	status = work(&ca, &verb_ca, args.words, args.nwords);
	X509_free(ca.cert);
	EVP_PKEY_free(ca.key);
	return status;
}

static const struct option_row options[] = {
	{ OPTION_DIR, "dir", "DIR", "where the files are; else here" },
	{ OPTION_NAME, "name", "NAME", "what the new CA is called" },
	{ OPTION_DAYS, "days", "N",
	    "of validity; else 3650 for init, 90 for leaf" },
	{ 0, NULL, NULL, NULL },
};

const struct verb verb_ca = {
	.name = "ca",
	.synopsis = "init | show | leaf NAME [--dir DIR]",
	.help = "make a CA, and certificates for tests",
	.more =
	    "init makes ca.pem, to be trusted by clients (tls-ca-cert), and "
	    "its private key ca.key\n(tls-ca-key). smtptapd signs with them "
	    "for whatever host a client asks for: who has\nca.key can be any "
	    "of them. show tells what ca.pem is. leaf makes NAME.pem and\n"
	    "NAME.key, signed by that CA, for a mail server's name or address "
	    "(\"*.example\" too).\nFiles are for their owner only, and none "
	    "is ever overwritten.\n\n"
	    "  smtptap ca init --dir /etc/smtptap\n"
	    "  smtptap ca leaf mx.example --dir /etc/smtptap\n",
	.options = options,
	.run = run,
};
