#!/bin/sh
# exim.sh: an Exim to test against; see peer.sh. It sends with CHUNKING: BDAT.
. "$(dirname "$0")/peer.sh"

configure() {
	$sudo install -d -o 902 -g 902 "$root/var/spool/exim4" \
	    "$root/var/log/exim4" "$root/run/exim4"
	route=$(printf 'lose:\n  driver = accept\n  transport = lose')
	[ -z "$relay" ] || route=$(printf '%s\n' 'relay:' \
	    '  driver = manualroute' '  route_list = * 127.0.0.1' \
	    '  transport = relay' '  self = send')
	offer=$(printf '%s\n' 'tls_advertise_hosts =' \
	    "daemon_smtp_ports = $port")
	[ -z "$tls" ] || offer=$(printf '%s\n' 'tls_advertise_hosts = *' \
	    'tls_certificate = /etc/tls/server.pem' \
	    "daemon_smtp_ports = $port : $tls_port" \
	    "tls_on_connect_ports = $tls_port")
	# Debian's Exim keeps its privileges only with its own file.
	$sudo tee "$root/etc/exim4/exim4.conf" >/dev/null <<-END
		spool_directory = /var/spool/exim4
		log_file_path = /var/log/exim4/%slog
		log_selector = +received_recipients
		pid_file_path = /run/exim4/pid
		primary_hostname = exim.test
		local_interfaces = 127.0.0.1
		acl_smtp_rcpt = accept
		acl_smtp_data = accept
		chunking_advertise_hosts = *
		$offer
		host_lookup =
		rfc1413_hosts =
		smtp_accept_max = 0
		smtp_enforce_sync = true
		begin routers
		$route
		begin transports
		lose:
		  driver = appendfile
		  file = /dev/null
		  user = Debian-exim
		relay:
		  driver = smtp
		  port = ${relay:-25}
		  allow_localhost
		  hosts_try_chunking = *
		  hosts_avoid_tls = *
		begin retry
		* * F,1h,1m
	END
	ln -sf root/var/log/exim4/mainlog "$dir/log"
}

run() {
	launch /usr/sbin/exim4 -bdf
}

main "$@"
