#!/bin/sh
# opensmtpd.sh: an OpenSMTPD to test against; see peer.sh. Without a RELAY-PORT
# what it takes stays in its queue: nobody listens on the discard port.
. "$(dirname "$0")/peer.sh"

configure() {
	spool=$root/var/spool/smtpd
	$sudo install -d -m 711 "$spool"
	$sudo install -d -g 904 -m 770 "$spool/offline"
	for d in purge queue temporary incoming corrupt; do
		$sudo install -d -o 904 -m 700 "$spool/$d"
	done
	$sudo install -d "$root/var/lib/opensmtpd/empty"
	$sudo install -d "$root/etc/smtptap"
	$sudo tee "$root/etc/smtptap/smtpd.conf" >/dev/null <<-END
		listen on 127.0.0.1 port $port hostname opensmtpd.test
		action "go" relay host smtp://127.0.0.1:${relay:-9}
		match from any for any action "go"
	END
	ln -sf out "$dir/log"
}

run() {
	launch /usr/sbin/smtpd -d -f /etc/smtptap/smtpd.conf
}

main "$@"
