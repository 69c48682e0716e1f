#!/bin/bash
# demo.sh BUILD: a message through smtptapd, what was recorded, and its replay.
set -eu
build=${1:-build}
work=$(mktemp -d)
sink_pid=''
daemon_pid=''
stop() {
	[ -z "$1" ] || kill "$1" 2>/dev/null || :
	[ -z "$1" ] || wait "$1" || :
}
finish() {
	stop "$daemon_pid"
	stop "$sink_pid"
	rm -rf "$work"
}
trap finish EXIT

say() {
	printf '\n$ %s\n' "$*"
}

# Start a program that says on descriptor 3 where it listens; sets $address.
start() {
	mkfifo "$work/ready.$1"
	"${@:2}" --ready-fd 3 3>"$work/ready.$1" 2>"$work/$1.log" &
	read -r _ address <"$work/ready.$1" || {
		cat "$work/$1.log" >&2
		exit 1
	}
	address=${address#listen=}
}

start sink "$build/smtptap" serve --sink --listen 127.0.0.1:0
sink_pid=$!
sink=$address
say "smtptap serve --sink --listen $sink &"

start smtptapd "$build/smtptapd" --listen 127.0.0.1:0 --upstream "$sink" \
    --record "$work/demo.db"
daemon_pid=$!
say "smtptapd --listen $address --upstream $sink --record demo.db &"

say "swaks --server $address --to postmaster@example.com ..."
swaks --server "$address" --helo client.example --from me@client.example \
    --to postmaster@example.com --header 'Subject: seen by smtptap' \
    --body 'What do two mail systems really say to each other?' \
    --hide-all

# The end of the session is what the log line tells.
for _ in $(seq 500); do
	grep -q 'end=' "$work/smtptapd.log" && break
	sleep 0.01
done
say 'cat smtptapd.log'
cat "$work/smtptapd.log"
kill "$daemon_pid"
wait "$daemon_pid"
daemon_pid=''

say 'smtptap --db demo.db list'
"$build/smtptap" --db "$work/demo.db" list
say 'smtptap --db demo.db show --data last'
"$build/smtptap" --db "$work/demo.db" show --data last
say "smtptap --db demo.db replay last --to $sink"
"$build/smtptap" --db "$work/demo.db" replay last --to "$sink"
