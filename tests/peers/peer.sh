# peer.sh: what the mail servers' start scripts share; sourced, never run.
#
#	SERVER.sh start DIR [RELAY-PORT]	prints port=N once it has greeted
#	SERVER.sh stop DIR
#
# start runs a real mail server on a free port of 127.0.0.1, below DIR, in a
# chroot of its own made of the unpacked packages. It takes mail for anybody: and
# with a RELAY-PORT sends it on to 127.0.0.1:RELAY-PORT, without one loses it. The
# server's log is DIR/log, what it printed DIR/out. PEER_SETTINGS are more lines of
# its configuration (Postfix).
#
# PEER_TLS is a directory: its server.pem, a key and a certificate, is what the server
# offers STARTTLS with, and TLS at once on a port of its own, printed as tls_port=N;
# its ca.pem is whom PEER_SETTINGS may trust: /etc/tls/ca.pem (Postfix, Exim).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
packages=${SMTPTAP_PEERS:-$here/../../build/peers/root}

sudo=
[ "$(id -u)" = 0 ] || sudo='sudo -n'

# Links where it can: a tree costs its directories and its configuration.
make_tree() {
	root=$dir/root
	mkdir -p "$dir"
	$sudo cp -al "$packages" "$root" 2>/dev/null || {
		$sudo rm -rf "$root"
		$sudo cp -a "$packages" "$root"
	}
	$sudo mknod -m 666 "$root/dev/null" c 1 3
	$sudo mknod -m 444 "$root/dev/urandom" c 1 9
}

# Outside the range that the system gives out itself, so that nobody who asks
# for "any port" gets this one in between.
free_port() {
	/usr/bin/python3 -c '
import random, socket
while True:
	port = random.randrange(20000, 32000)
	with socket.socket() as s:
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		try:
			s.bind(("127.0.0.1", port))
		except OSError:
			continue
		print(port)
		break'
}

# tls: is it to offer TLS? Its files are where the server may read them, and
# tls_port is another free port.
make_tls() {
	tls=${PEER_TLS:-}
	[ -n "$tls" ] || return 0
	$sudo install -d "$root/etc/tls"
	$sudo install -m 644 "$tls"/*.pem "$root/etc/tls"
	tls_port=$port
	until [ "$tls_port" != "$port" ]; do
		tls_port=$(free_port)
	done
}

# In a session of its own, so that stop reaches all of its processes.
launch() {
	# shellcheck disable=SC2016 # the inner shell's $$
	$sudo setsid sh -c 'echo $$ >"$0/pid"; exec chroot "$@"' \
	    "$dir" "$root" "$@" >"$dir/out" 2>&1 </dev/null &
	until [ -s "$dir/pid" ]; do
		sleep 0.01
	done
}

# 20 seconds for a greeting; the process dying is the end of the wait.
wait_for_greeting() {
	/usr/bin/python3 - "$port" "$(cat "$dir/pid")" <<-'END' || {
		import os, socket, sys, time
		port, pid = int(sys.argv[1]), int(sys.argv[2])
		deadline = time.monotonic() + 20
		while time.monotonic() < deadline and os.path.exists(f"/proc/{pid}"):
		    try:
		        with socket.create_connection(("127.0.0.1", port), 20) as s:
		            if s.recv(3) == b"220":
		                s.sendall(b"QUIT\r\n")
		                while s.recv(4096):
		                    pass
		                sys.exit(0)
		    except OSError:
		        time.sleep(0.02)
		sys.exit(1)
	END
		echo "$0: no greeting on port $port" >&2
		cat "$dir/out" "$dir"/log >&2 2>/dev/null || :
		stop_server
		exit 1
	}
	echo "port=$port"
	[ -z "$tls" ] || echo "tls_port=$tls_port"
}

stop_server() {
	[ -e "$dir/pid" ] || return 0
	pid=$(cat "$dir/pid")
	$sudo kill -s TERM -- "-$pid" 2>/dev/null || :
	tries=0
	while [ -n "$(ps -o pid= -s "$pid")" ]; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || $sudo kill -s KILL -- "-$pid" 2>/dev/null || :
		sleep 0.05
	done
	$sudo rm -rf "$dir/pid" "$root"
}

# main: the server's own script has defined configure() and run().
main() {
	verb=${1:-}
	dir=${2:-}
	relay=${3:-}
	root=$dir/root
	case $verb in
	start)
		make_tree
		port=$(free_port)
		make_tls
		configure
		run
		wait_for_greeting
		;;
	stop)
		stop_server
		;;
	*)
		echo "usage: $0 start DIR [RELAY-PORT] | stop DIR" >&2
		exit 64
		;;
	esac
}
