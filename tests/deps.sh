#!/bin/sh
# deps.sh: what building and testing need, on Debian 12.
#
#	tests/deps.sh build	to build, and for the demo
#	tests/deps.sh test	what the tests need besides
#
# What is there already is left alone, and then no network is needed. Programs
# and libraries are installed; mail programs are not: they are unpacked below
# build/peers/root, with whatever else they would have brought along.
set -eu
cd "$(dirname "$0")/.."

BUILD='gcc libc6-dev make mawk
	libev-dev libssl-dev libsqlite3-dev libc-ares-dev libjansson-dev
	libconfuse-dev libpcre2-dev
	ca-certificates swaks'
TEST='binutils check pkg-config procps iproute2 util-linux
	clang libclang-rt-14-dev haproxy strace sqlite3
	python3 python3-dkim mandoc m4 nmap openssl libnet-ssleay-perl'
UNPACKED='postfix exim4-daemon-light opensmtpd sendmail-bin
	msmtp node-nodemailer python3-aiosmtpd'
PEERS=build/peers

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

present() {
	dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null |
	    grep -qx installed
}

# Once a run, and only when something has to come from the network.
updated=
update() {
	[ -n "$updated" ] || as_root apt-get update -q
	updated=1
}

packages() {
	missing=
	for p; do
		present "$p" || missing="$missing $p"
	done
	[ -n "$missing" ] || return 0
	update
	# shellcheck disable=SC2086 # a list of names
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
	    --no-install-recommends $missing
}

# A package and what apt would install with it on this machine.
closure() {
	echo "$1"
	apt-get -s install --no-install-recommends "$1" |
	    sed -n 's/^Inst \([^ ]*\) .*/\1/p'
}

# Unpack without running any of the packages' scripts; again when it is others.
unpack() {
	[ "$(cat "$PEERS/root/.unpacked" 2>/dev/null)" != "$UNPACKED" ] ||
	    return 0
	update
	rm -rf "$PEERS/root" "$PEERS/debs"
	mkdir -p "$PEERS/debs" "$PEERS/root"
	names=$(for p in $UNPACKED; do closure "$p"; done | sort -u)
	# shellcheck disable=SC2086 # a list of names
	(cd "$PEERS/debs" &&
	    apt-get -q -o APT::Sandbox::User="$(id -un)" download $names)
	for deb in "$PEERS"/debs/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" |
		    tar -x --no-same-owner -C "$PEERS/root"
	done
	rm -rf "$PEERS/debs"
	tests/peers/root.sh "$PEERS/root"
	echo "$UNPACKED" >"$PEERS/root/.unpacked"
}

case "${1:-}" in
build)
	# shellcheck disable=SC2086
	packages $BUILD
	;;
test)
	# shellcheck disable=SC2086
	packages $BUILD $TEST
	unpack
	# A node of another make than Debian's will do.
	command -v node >/dev/null || packages nodejs
	;;
*)
	echo "usage: tests/deps.sh build | test" >&2
	exit 64
	;;
esac
