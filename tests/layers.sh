#!/bin/bash
# layers.sh: an include may only point down, and inspect/ calls nobody.
#
# Which folders and system headers each floor may include stands in the table;
# what libinspect.a may leave undefined is the list below it. Needs that library
# built, in $SMTPTAP_BUILD.
set -u
cd "$(dirname "$0")/.."
build=${SMTPTAP_BUILD:-build}
status=0

declare -A below=(
	[inspect]='inspect'
	[record]='inspect|record'
	[proxy]='inspect|record|proxy'
	[replay]='inspect|record|replay'
)
# No I/O, clock, allocation or log in inspect/; no sockets in record/; no
# database in proxy/; the companion may use what it likes but libev.
declare -A system=(
	[inspect]='^(stdatomic|stdbool|stddef|stdint|limits|string|emmintrin)\.h$'
	[record]='^(?!sys/socket|netinet|arpa|netdb|ev\.h|ares|jansson)'
	[proxy]='^(?!sqlite3|jansson)'
	[replay]='^(?!ev\.h|ares)'
)
calls='memchr|memcpy|memcmp|memmove|memset|strlen'
# What the compiler puts in by itself: hardening, and the sanitizers' build.
compiler='__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__(asan|ubsan)_.*|__mem(cpy|move|set)_chk'

verdict() {	# NAME, and what is wrong on standard input
	local wrong
	wrong=$(cat)
	if [ -z "$wrong" ]; then
		echo "ok $1"
	else
		echo "not ok $1:"
		echo "$wrong"
		status=1
	fi
}

for floor in inspect record proxy replay; do
	# sql.h is made by sql/embed.awk; record/ is the floor that uses it.
	# profiles.h is made of proxy/profiles, and proxy/ uses it.
	made='a^'
	[ $floor = record ] && made='sql\.h'
	[ $floor = proxy ] && made='profiles\.h'
	grep -rnoP '^\s*#\s*include\s*"\K[^"]*' --include='*.[ch]' \
	    --include='*.def' $floor |
	    grep -vP ":(${below[$floor]})/[^/]+$|:$made$" |
	    verdict "${floor}_includes_only_what_is_below"
	grep -rnoP '^\s*#\s*include\s*<\K[^>]*' --include='*.[ch]' $floor |
	    while IFS=: read -r file line header; do
		grep -qP "${system[$floor]}" <<<"$header" ||
		    echo "$file:$line: <$header>"
	    done |
	    verdict "${floor}_uses_the_system_as_its_floor_may"
done

if [ -e "$build/libinspect.a" ]; then
	comm -23 \
	    <(nm -u "$build/libinspect.a" | awk '/ U /{print $2}' | sort -u) \
	    <(nm --defined-only "$build/libinspect.a" |
		awk 'NF == 3 {print $3}' | sort -u) |
	    grep -vxE "$calls|$compiler" |
	    verdict inspect_calls_nothing_but_the_memory_functions
else
	echo "$build/libinspect.a is not there" |
	    verdict inspect_calls_nothing_but_the_memory_functions
fi
exit $status
