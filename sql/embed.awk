# embed: makes <out>.c and <out>.h from the .sql files given.
#
# sql/schema/NNNN_*.sql: one migration each, numbered from 0001 without a hole;
# becomes a row of sql_schema[], and sets the version at its end. Every other file: statements, each behind a
# line "-- name: foo_bar"; becomes SQL_FOO_BAR and a row of sql_statements[].
# Comment lines of statements are dropped, those of a schema are kept: SQLite
# shows them with the table. Works with mawk, gawk and busybox awk.

function fail(why)
{
	printf "%s:%d: %s\n", FILENAME, FNR, why > "/dev/stderr"
	failed = 1
	exit 1
}

# A line of SQL as a C string literal.
function quoted(line)
{
	gsub(/\\/, "\\\\", line)
	gsub(/"/, "\\\"", line)
	gsub(/\t/, "\\t", line)
	return "\t\"" line "\\n\"\n"
}

function begin_migration(    file)
{
	file = FILENAME
	sub(/.*\//, "", file)
	if (file !~ /^[0-9][0-9][0-9][0-9]_[a-z0-9_]+\.sql$/)
		fail("a schema file is called NNNN_what.sql")
	if (substr(file, 1, 4) + 0 != ++versions)
		fail("the next migration is number " versions)
	migration_name[versions] = substr(file, 1, length(file) - 4)
}

function begin_statement(name)
{
	if (name !~ /^[a-z][a-z0-9_]*$/)
		fail("not a name: " name)
	if (name in seen)
		fail("named twice: " name)
	seen[name] = 1
	statement_name[++statements] = name
}

FNR == 1 {
	schema = FILENAME ~ /(^|\/)schema\/[^\/]*$/
	named = 0
	if (schema)
		begin_migration()
}

schema {
	migration_text[versions] = migration_text[versions] quoted($0)
	next
}

/^-- name: / {
	begin_statement($3)
	named = 1
	next
}

/^[ \t]*(--.*)?$/ { next }

!named { fail("a statement without a line \"-- name: ...\"") }

{ statement_text[statements] = statement_text[statements] quoted($0) }

END {
	if (failed)
		exit 1
	c = out ".c"
	h = out ".h"
	made = "/* Made by sql/embed.awk from the files in sql/. */\n"
	printf "%s#include \"sql.h\"\n\n", made > c
	print "const struct sql_statement sql_statements[SQL_NAMES] = {" > c
	for (i = 1; i <= statements; i++)
		printf "\t{ \"%s\",\n%s\t},\n", statement_name[i], statement_text[i] > c
	print "};\n\nconst struct sql_migration sql_schema[SQL_VERSION] = {" > c
	for (i = 1; i <= versions; i++) {
		migration_text[i] = migration_text[i] quoted("pragma user_version = " i ";")
		printf "\t{ %d, \"%s\",\n%s\t},\n", i, migration_name[i], migration_text[i] > c
	}
	print "};" > c
	close(c)

	# The header last: whatever depends on it finds it newer than the source.
	printf "%s#ifndef SQL_H\n#define SQL_H\n\n", made > h
	print "enum sql_name {" > h
	for (i = 1; i <= statements; i++)
		printf "\tSQL_%s,\n", toupper(statement_name[i]) > h
	print "\tSQL_NAMES\n};\n" > h
	print "struct sql_statement {\n\tconst char *name, *text;\n};\n" > h
	print "/* Brings a database of the version before to this one. */" > h
	print "struct sql_migration {" > h
	print "\tint version;\t/* PRAGMA user_version */" > h
	print "\tconst char *name, *text;\n};\n" > h
	printf "#define SQL_VERSION %d\t/* the newest */\n\n", versions > h
	print "extern const struct sql_statement sql_statements[SQL_NAMES];" > h
	print "extern const struct sql_migration sql_schema[SQL_VERSION];" > h
	print "\n#endif" > h
	close(h)
}
