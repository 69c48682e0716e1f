/* list: the recorded sessions, newest first. */
#include <stdlib.h>
#include <time.h>

#include "replay/filter.h"
#include "replay/print.h"
#include "replay/rows.h"
#include "replay/verbs.h"

enum { COLUMN_FROM = SESSION_COLUMNS, COLUMN_SIZE };

enum { CELL_MAX = 64 };

/* A cell is text made from a row; what is cut off is marked by print_cut(). */
static struct span
plain_cell(sqlite3_stmt *row, int column, char cell[CELL_MAX])
{
	(void)cell;
	if (sqlite3_column_type(row, column) == SQLITE_NULL)
		return SPAN("-");
	return column_span(row, column);
}

/* "2026-11-22 10:00:00" of "2026-11-22T10:00:00.123456Z" */
static struct span
time_cell(sqlite3_stmt *row, int column, char cell[CELL_MAX])
{
	struct span s = column_span(row, column);

	if (s.n > 19)
		s.n = 19;
	memcpy(cell, s.p, s.n);
	if (s.n > 10 && cell[10] == 'T')
		cell[10] = ' ';
	return (struct span){ cell, s.n };
}

static struct span
from_cell(sqlite3_stmt *row, int column, char cell[CELL_MAX])
{
	struct span s = plain_cell(row, column, cell);

	return s.n ? s : SPAN("<>");
}

/* "1482", "14K", "1.2M" */
static struct span
size_cell(sqlite3_stmt *row, int column, char cell[CELL_MAX])
{
	static const char units[] = " KMGT";
	double n = sqlite3_column_double(row, column);
	size_t unit = 0;
	int used;

	if (sqlite3_column_type(row, column) == SQLITE_NULL)
		return SPAN("-");
	for (; n >= 9999.5 && unit + 2 < sizeof(units); unit++)
		n /= 1024;
	used = unit == 0 ? snprintf(cell, CELL_MAX, "%.0f", n) :
	    snprintf(cell, CELL_MAX, n < 99.95 ? "%.1f%c" : "%.0f%c", n,
	    units[unit]);
	return (struct span){ cell, (size_t)used };
}

static struct span
duration_cell(sqlite3_stmt *row, int column, char cell[CELL_MAX])
{
	double s = sqlite3_column_double(row, column) / 1e6;

	if (sqlite3_column_type(row, column) == SQLITE_NULL)
		return SPAN("-");
	return (struct span){ cell, (size_t)snprintf(cell, CELL_MAX,
	    s < 100 ? "%.3fs" : "%.0fs", s) };
}

/* min < max: takes its share of a terminal's width. drop: in which order
 * columns go where the terminal is narrow; 0 never. */
static const struct list_column {
	const char *title;
	int column;
	struct span (*cell)(sqlite3_stmt *, int column, char cell[CELL_MAX]);
	size_t min, max;
	bool right;
	int drop;
} columns[] = {
	{ "ID", SESSION_ID, plain_cell, 36, 36, false, 0 },
	{ "TIME (UTC)", SESSION_STARTED_AT, time_cell, 19, 19, false, 8 },
	{ "CLIENT", SESSION_CLIENT, plain_cell, 14, 21, false, 5 },
	{ "HELO", SESSION_HELO, plain_cell, 8, 24, false, 2 },
	{ "FROM", COLUMN_FROM, from_cell, 12, 30, false, 0 },
	{ "RCPTS", SESSION_RECIPIENTS, plain_cell, 5, 5, true, 3 },
	{ "SIZE", COLUMN_SIZE, size_cell, 6, 6, true, 7 },
	{ "CODE", SESSION_LAST_CODE, plain_cell, 4, 4, true, 0 },
	{ "TLS", SESSION_TLS_CLIENT, plain_cell, 6, 7, false, 1 },
	{ "EVENTS", SESSION_EVENTS, plain_cell, 6, 6, true, 6 },
	{ "CHANGED", SESSION_REWRITTEN, plain_cell, 7, 7, true, 3 },
	{ "DURATION", SESSION_DURATION_US, duration_cell, 8, 8, true, 4 },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* How wide each column is; 0: left out. */
struct layout {
	size_t width[COLUMNS];
	size_t last;		/* column that is not left out */
	bool cut;		/* to fit a terminal */
};

static size_t
needed(const struct layout *l)
{
	size_t n = 0;

	for (size_t i = 0; i < COLUMNS; i++)
		n += l->width[i] ? l->width[i] + (n > 0) : 0;
	return n;
}

/* The columns' least widths, without those there is no room for; then what is
 * left over goes to those that can use it, one column of the screen at a time. */
static void
lay_out(struct layout *l, size_t screen)
{
	bool grew = true;

	l->cut = screen > 0;
	for (size_t i = 0; i < COLUMNS; i++)
		l->width[i] = l->cut ? columns[i].min : columns[i].max;
	for (int drop = 1; l->cut && needed(l) > screen && drop <= 8; drop++)
		for (size_t i = 0; i < COLUMNS; i++)
			if (columns[i].drop == drop)
				l->width[i] = 0;
	while (l->cut && grew && needed(l) < screen) {
		grew = false;
		for (size_t i = 0; i < COLUMNS && needed(l) < screen; i++)
			if (l->width[i] && l->width[i] < columns[i].max) {
				l->width[i]++;
				grew = true;
			}
	}
	for (size_t i = 0; i < COLUMNS; i++)
		if (l->width[i])
			l->last = i;
}

static void
pad(size_t n)
{
	printf("%*s", (int)n, "");
}

/* Without the blanks behind the last cell of a line. */
static void
print_cell(const struct layout *l, size_t i, struct span cell, enum ink ink,
    bool colored)
{
	size_t used = 0, width = l->width[i];

	/* those are numbers: one octet, one column of the screen */
	if (columns[i].right && cell.n < width)
		pad(width - cell.n);
	if (ink != INK_PLAIN)
		fputs(print_ink(colored, ink), stdout);
	used = l->cut ? print_cut(stdout, cell, width) :
	    print_text(stdout, cell);
	if (ink != INK_PLAIN)
		fputs(print_ink(colored, INK_PLAIN), stdout);
	if (i == l->last)
		putchar('\n');
	else
		pad(columns[i].right || used >= width ? 1 : width - used + 1);
}

static void
print_head(const struct layout *l, bool colored)
{
	for (size_t i = 0; i < COLUMNS; i++)
		if (l->width[i])
			print_cell(l, i, span_of(columns[i].title), INK_FRAME,
			    colored);
}

static enum ink
ink_of(sqlite3_stmt *row, int column)
{
	int code = sqlite3_column_int(row, column);

	if (column != SESSION_LAST_CODE || !code)
		return INK_PLAIN;
	return code >= 400 ? INK_BAD : INK_GOOD;
}

static void
print_row(const struct layout *l, bool colored, sqlite3_stmt *row)
{
	char cell[CELL_MAX];

	for (size_t i = 0; i < COLUMNS; i++)
		if (l->width[i])
			print_cell(l, i, columns[i].cell(row,
			    columns[i].column, cell),
			    ink_of(row, columns[i].column), colored);
}

static int
list(const struct global *g, const struct filter *filter, long limit)
{
	struct store *store;
	sqlite3_stmt *query;
	struct layout layout;
	bool colored = print_colored(g, stdout);
	int status;

	if (!open_named(g, &store, &status))
		return status;
	query = rows_of(store, SQL_LIST_SESSIONS, 0);
	filter_bind(filter, query);
	lay_out(&layout, print_width(stdout));
	if (!g->json && !g->quiet)
		print_head(&layout, colored);
	while (limit != 0 && rows_next(query)) {
		if (!filter_wants_client(filter,
		    column_span(query, SESSION_CLIENT)))
			continue;
		if (g->json)
			rows_print(rows_object(query, NULL));
		else
			print_row(&layout, colored, query);
		limit--;
	}
	store_close(store);
	return print_finish(stdout);
}

static const struct option_row options[] = {
	{ 'n', "lines", "N", "the newest N only" },
	{ 0, NULL, NULL, NULL },
};

static int64_t
now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);	/* cannot fail */
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int
run(struct global *g, int argc, char **argv)
{
	static struct filter filter;
	char error[FILTER_ERROR_MAX];
	struct args args;
	long limit = -1;
	char *end;
	int id;

	args_init(&args, g, &verb_list, argc, argv);
	while ((id = args_next(&args)) != ARGS_END) {
		if (id != 'n')
			return args.status;
		limit = strtol(args.value, &end, 10);
		if (*end || end == args.value || limit < 0)
			return complain_usage(&verb_list,
			    "-n wants a number, not \"%s\"", args.value);
	}
	if (!filter_parse(&filter, args.words, args.nwords, now_us(), error))
		return complain_usage(&verb_list, "%s", error);
	return list(g, &filter, limit);
}

const struct verb verb_list = {
	.name = "list",
	.synopsis = "[FILTER]... [-n N]",
	.help = "list sessions, newest first",
	.more = FILTER_HELP
	    "\n"
	    "  smtptap --db mail.db list -n 20\n"
	    "  smtptap --db mail.db list from:joe code:5xx since:1d\n"
	    "  smtptap --db mail.db --json list event:attack | jq -r .id\n",
	.options = options,
	.run = run,
};
