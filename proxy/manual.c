#include "proxy/manual.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "proxy/config.h"
#include "proxy/profile.h"
#include "proxy/wrap.h"

static const struct {
	const char *name, *section;
	enum policy_operand operand;
} subjects[] = {
#define SUBJECT(symbol, name, alias, operand, section) \
	{ name, section, POLICY_##operand },
#include "inspect/subjects.def"
#undef SUBJECT
};

#define SUBJECTS (sizeof(subjects) / sizeof(*subjects))

/* One match of each kind, as it is written. */
static const char *const operands[] = {
	[POLICY_NONE] = "", [POLICY_NUMBER] = "gt = 1000  ",
	[POLICY_WORDS] = "is = {\"example\"}  ",
	[POLICY_REGEX] = "regex = '\\.exe$'  ",
	[POLICY_VERBS] = "verbs = {\"VRFY\"}  ",
	[POLICY_EVENTS] = "names = {\"bare-lf\"}  ",
};

/* "# Help; default: X", in lines of its own. */
static void
sample_comment(FILE *f, const char *indent, const struct option_row *row)
{
	char begin[16];
	int column;

	(void)snprintf(begin, sizeof(begin), "%s# ", indent);
	column = fprintf(f, "\n%s", begin) - 1 + 7 * (int)strlen(indent);
	wrap_text(f, &column, begin, row->argument);
	column += fprintf(f, ":");
	wrap_text(f, &column, begin, row->help);
	if (row->fallback) {
		column += fprintf(f, ";");
		wrap_text(f, &column, begin, "default:");
		wrap_text(f, &column, begin, row->fallback);
	}
	(void)fputc('\n', f);
}

/* The options of a section. What must be said is not commented out. */
static void
sample_options(FILE *f, const char *indent, enum option_place place)
{
	for (unsigned i = 0; i < option_rows_n; i++) {
		const struct option_row *row = &option_rows[i];
		const char *example = row->example ? row->example :
		    row->fallback;

		if (row->place != place || row->key == NULL)
			continue;
		sample_comment(f, indent, row);
		if (example)
			(void)fprintf(f, "%s%s%s = %s\n", indent,
			    row->fallback || place == OPTION_WHEN ? "#" : "",
			    row->key, example);
	}
}

static void
sample_matches(FILE *f)
{
	(void)fprintf(f, "\n\t# Any number of these; the first that holds and "
	    "does more than event or\n\t# tag counts.\n");
	for (unsigned i = 0; i < option_rows_n; i++)
		if (option_rows[i].place == OPTION_MATCH)
			sample_comment(f, "\t", &option_rows[i]);
	(void)fputc('\n', f);
	for (size_t i = 0; i < SUBJECTS; i++)
		(void)fprintf(f, "\t#match \"%s\" { %snot = no  "
		    "action = event }\n", subjects[i].name,
		    operands[subjects[i].operand]);
	(void)fprintf(f, "\t#match \"rcpt count\" { gt = 100  name = "
	    "\"many recipients\"\n\t#action = \"reject 452 4.5.3 too many "
	    "recipients\" }\n");
}

static void
print_sample(FILE *f)
{
	(void)fprintf(f, "# smtptap.conf: every option with its values; "
	    "smtptap.conf(5) says more.\n# What is commented out as #option = "
	    "value is an example.\n");
	sample_options(f, "", OPTION_GLOBAL);
	(void)fprintf(f, "\n# Text of another file, which is looked for beside "
	    "this one.\n# include(\"more.conf\")\n\nrecord {");
	sample_options(f, "\t", OPTION_RECORD);
	(void)fprintf(f, "}\n\n# One section for each service; the name is for "
	    "the log and the record.\nlistener \"mx\" {");
	sample_options(f, "\t", OPTION_LISTENER);
	(void)fprintf(f, "}\n\n# What may be changed; a policy that says "
	    "nothing changes nothing.\npolicy \"edge\" {");
	sample_options(f, "\t", OPTION_POLICY);
	sample_matches(f);
	(void)fprintf(f, "\n\t# Another policy, while all that is said here "
	    "holds; the first counts.\n\t#when {");
	sample_options(f, "\t", OPTION_WHEN);
	(void)fprintf(f, "\t#}\n}\n");
}

/* The text of a line of roff: no word is a request, no backslash an escape. */
static void
escape(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (const char *p = text; *p && n + 4 < size; p++) {
		if ((*p == '.' || *p == '\'') && (p == text || p[-1] == ' '))
			n += (size_t)sprintf(out + n, "\\&");
		n += (size_t)sprintf(out + n, *p == '\\' ? "\\e" : "%c", *p);
	}
	out[n] = '\0';
}

static void
manual_text(FILE *f, const char *text)
{
	char escaped[1024];
	int column = 0;

	escape(escaped, sizeof(escaped), text);
	wrap_text(f, &column, "", escaped);
	(void)fputc('\n', f);
}

static void
manual_options(FILE *f, enum option_place place)
{
	char text[1024];

	(void)fprintf(f, ".Bl -tag -width Ds\n");
	for (unsigned i = 0; i < option_rows_n; i++) {
		const struct option_row *row = &option_rows[i];

		if (row->place != place || row->key == NULL)
			continue;
		escape(text, sizeof(text), row->argument);
		(void)fprintf(f, ".It Ic %s No = Ar %s\n", row->key, text);
		(void)snprintf(text, sizeof(text), "%c%s.",
		    row->help[0] >= 'a' && row->help[0] <= 'z' ?
		    row->help[0] - 'a' + 'A' : row->help[0], row->help + 1);
		manual_text(f, text);
		if (row->fallback == NULL)
			continue;
		(void)snprintf(text, sizeof(text), "Default: %s.",
		    row->fallback);
		manual_text(f, text);
	}
	(void)fprintf(f, ".El\n");
}

static void
manual_subjects(FILE *f)
{
	static const char *const compares[] = { "", "gt", "is", "regex",
	    "verbs", "names" };

	(void)fprintf(f, "The subjects, and which option says what to compare "
	    "with:\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < SUBJECTS; i++) {
		(void)fprintf(f, ".It %s", subjects[i].name);
		if (subjects[i].operand != POLICY_NONE)
			(void)fprintf(f, " : Ic %s",
			    compares[subjects[i].operand]);
		(void)fputc('\n', f);
		manual_text(f, subjects[i].section);
	}
	(void)fprintf(f, ".El\n.Pp\nThe events that\n.Ic names\nmay hold:\n"
	    ".Bl -tag -width Ds\n");
	for (int i = 0; i < SMTP_ANOMALIES; i++) {
		const struct smtp_anomaly_row *row =
		    smtp_anomaly((enum smtp_anomaly)i);

		(void)fprintf(f, ".It %s\n", row->name);
		manual_text(f, row->meaning);
	}
	(void)fprintf(f, ".El\n");
}

static const char manual_head[] =
    ".Dd November 22, 2026\n.Dt SMTPTAP.CONF 5\n.Os\n"
    ".Sh NAME\n.Nm smtptap.conf\n.Nd configuration of smtptapd\n"
    ".Sh DESCRIPTION\n"
    "The file given to\n.Nm smtptapd\nwith\n.Fl -config\n"
    "says where it listens, which mail servers stand behind it, what may be\n"
    "changed on the way, and where sessions are recorded.\n"
    "It is used whole or not at all; an unknown option is an error.\n"
    ".Fl -check\nsays what is wrong with it,\n.Fl -print-sample\n"
    "prints one to begin with.\n"
    ".Pp\n"
    "An option is\n.Ic name No = Ar value ;\n"
    "a list is\n.Ic name No = Brq Ar value , value .\n"
    "A value with anything but letters, digits and simple punctuation stands\n"
    "in double quotes, where a backslash is written twice, or in single\n"
    "quotes, where it is not.\n"
    "Times have a unit: 500ms, 10s, 5m, 1h, 1d.\n"
    "Sizes are octets, or have one: 64KiB, 10MiB, 1GiB.\n"
    "A comment goes from # to the end of the line.\n"
    ".Ic include Ns Pq Qq Ar FILE\n"
    "outside of sections stands for the text of that file.\n"
    "Global options are:\n";

static const char manual_policy[] =
    ".Sh POLICIES\n"
    "A section\n.Ic policy Qq Ar NAME\n"
    "says what may be changed.\n"
    "A policy that says nothing changes nothing.\n"
    "Whatever smtptapd says itself stands at its own place among the\n"
    "replies, and before it closes a session it says why.\n";

static const char manual_match[] =
    ".Ss match\n"
    "Sections\n.Ic match Qq Ar SUBJECT\n"
    "in a policy look at one thing each.\n"
    "All that hold and have the action event or tag are recorded; of the\n"
    "others the first that holds counts.\n"
    "They come before what the options above stand for, but for refusals that\n"
    "end the session.\n";

static const char manual_when[] =
    ".Ss when\n"
    "A section\n.Ic when\n"
    "in a policy puts another in its place while all conditions it names\n"
    "hold; the first that does counts.\n";

static const char manual_tail[] =
    ".Sh SIGNALS\n"
    "On HUP the file is read again, and all certificates and keys.\n"
    "With an error in it nothing changes; otherwise new sessions are as it\n"
    "says, and those under way end as they began.\n"
    "The file of the recording and the number of threads cannot change:\n"
    "a file with others is refused.\n"
    "On USR1 the files of\n.Ic tls-keylog\nare opened anew.\n"
    ".Sh EXAMPLES\n"
    ".Bd -literal\n"
    "record { file = \"/var/lib/smtptap/sessions.db\" }\n"
    "listener \"mx\" {\n"
    "    listen = {\"0.0.0.0:25\"}\n"
    "    upstream = \"10.0.0.5:25\"\n"
    "    policy = \"edge\"\n"
    "}\n"
    "policy \"edge\" {\n"
    "    profile = mask\n"
    "    ehlo-strip = {\"CHUNKING\", \"ETRN\"}\n"
    "    match \"rcpt count\" {\n"
    "        gt = 100\n"
    "        action = \"reject 452 4.5.3 too many recipients\"\n"
    "    }\n"
    "    when { client = {\"10.0.0.0/8\"}  policy = \"none\" }\n"
    "}\n"
    ".Ed\n";

static void
print_manual(FILE *f)
{
	(void)fputs(manual_head, f);
	manual_options(f, OPTION_GLOBAL);
	(void)fputs(".Sh THE RECORD\nThe section\n.Ic record :\n", f);
	manual_options(f, OPTION_RECORD);
	(void)fputs(".Sh LISTENERS\nA section\n.Ic listener Qq Ar NAME\nfor "
	    "each service:\n", f);
	manual_options(f, OPTION_LISTENER);
	(void)fputs(manual_policy, f);
	manual_options(f, OPTION_POLICY);
	(void)fputs(manual_match, f);
	manual_options(f, OPTION_MATCH);
	manual_subjects(f);
	(void)fputs(manual_when, f);
	manual_options(f, OPTION_WHEN);
	(void)fputs(".Sh PROFILES\nBuilt-in policies, which\n"
	    ".Fl -print-profile\nprints:\n.Bl -bullet -compact\n", f);
	for (unsigned i = 0; profile_name(i); i++)
		(void)fprintf(f, ".It\n%s\n", profile_name(i));
	(void)fputs(".El\n", f);
	(void)fputs(manual_tail, f);
}

static int
print_profile(const char *name)
{
	const char *text = profile_text(name);

	if (text)
		return fputs(text, stdout) < 0 ? EX_IOERR : EX_OK;
	(void)fprintf(stderr, "smtptapd: --print-profile %s: there are", name);
	for (unsigned i = 0; profile_name(i); i++)
		(void)fprintf(stderr, " %s", profile_name(i));
	(void)fputc('\n', stderr);
	return EX_USAGE;
}

static int
check(const char *path, const char *host)
{
	static struct config_report report;
	struct settings *s = config_read(path, host, &report);

	(void)fputs(report.errors, stderr);
	(void)fputs(report.notes, stderr);
	if (s == NULL)
		return EX_CONFIG;
	(void)printf("%s: ok, %u listeners, %u policies\n", path,
	    s->n_listeners, policies_count(s->policies));
	settings_free(s);
	return EX_OK;
}

bool
manual_asked(const struct options *o)
{
	return o->check || o->print_profile || o->print_sample ||
	    o->print_manual;
}

int
manual_answer(const struct options *o, const char *host)
{
	int status = EX_OK;

	if (o->print_profile)
		status = print_profile(o->print_profile);
	else if (o->print_sample)
		print_sample(stdout);
	else if (o->print_manual)
		print_manual(stdout);
	else
		status = check(o->config, host);
	return fflush(stdout) == 0 ? status : EX_IOERR;
}
