#!/bin/bash
# demo.sh [BUILD]: a message through smtptapd, what was recorded, its replay.
#
# Needs swaks and the two programs; uses free ports and a directory of its own,
# and leaves nothing behind. Fails if any step does.
set -eu

build=$(cd "${1:-build}" && pwd)
PATH=$build:$PATH
dir=$(mktemp -d)
sink_pid='' proxy_pid=''

clean_up() {
	[ -z "$proxy_pid" ] || kill "$proxy_pid" || :
	[ -z "$sink_pid" ] || kill "$sink_pid" || :
	rm -rf "$dir"
}
trap clean_up EXIT
cd "$dir"

say() {
	printf '\n$ %s\n' "$*"
}

# Say a command as one would type it, and run it.
run() {
	local words=() word
	for word; do
		case $word in
		*[!A-Za-z0-9.:@/=_-]*) words+=("'$word'") ;;
		*) words+=("$word") ;;
		esac
	done
	say "${words[*]}"
	"$@"
}

# Start a program that says on descriptor 3 where it listens: sets $address.
start() {
	local name=$1
	mkfifo "$name.ready"
	"${@:2}" --ready-fd 3 3>"$name.ready" 2>"$name.log" &
	read -r _ address <"$name.ready" || {
		cat "$name.log" >&2
		exit 1
	}
	address=${address#listen=}
}

# Ask a program to end, and wait until it has.
stop() {
	kill "$1"
	wait "$1"
}

start sink smtptap serve --sink --listen 127.0.0.1:0
sink_pid=$!
sink=$address
say "smtptap serve --sink --listen $sink &"

start smtptapd smtptapd --listen 127.0.0.1:0 --upstream "$sink" \
	--record demo.db
proxy_pid=$!
say "smtptapd --listen $address --upstream $sink --record demo.db &"

run swaks --hide-all --server "$address" --helo client.example \
	--from alice@client.example --to bob@example.com \
	--header 'Subject: seen by smtptap' \
	--body 'What do two mail systems really say to each other?'

# The daemon has written all it knows when it has ended.
say 'kill %smtptapd; cat smtptapd.log'
stop "$proxy_pid"
proxy_pid=''
cat smtptapd.log

run smtptap --db demo.db list
run smtptap --db demo.db show --data last
run smtptap --db demo.db replay last --to "$sink"
stop "$sink_pid"
sink_pid=''
