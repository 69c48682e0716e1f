#!/bin/sh
# postfix.sh: a Postfix to test against; see peer.sh.
. "$(dirname "$0")/peer.sh"

configure() {
	queue=$root/var/spool/postfix
	for d in active bounce corrupt defer deferred flush hold incoming \
	    private saved trace; do
		$sudo install -d -o 901 -m 700 "$queue/$d"
	done
	$sudo install -d -o 901 -g 905 -m 730 "$queue/maildrop"
	$sudo install -d -o 901 -g 905 -m 710 "$queue/public"
	$sudo install -d -m 755 "$queue/pid"
	$sudo install -d -o 901 -m 700 "$root/var/lib/postfix"
	$sudo install -d "$root/etc/smtptap"
	transport=discard:
	[ -z "$relay" ] || transport="smtp:[127.0.0.1]:$relay"
	offer= wrapped=
	if [ -n "$tls" ]; then
		offer=$(printf '%s\n' 'smtpd_tls_security_level = may' \
		    'smtpd_tls_chain_files = /etc/tls/server.pem' \
		    'smtpd_tls_loglevel = 1' 'smtp_tls_loglevel = 1')
		wrapped="127.0.0.1:$tls_port inet n - n - - smtpd -o smtpd_tls_wrappermode=yes"
	fi
	$sudo tee "$root/etc/smtptap/main.cf" >/dev/null <<-END
		compatibility_level = 3.6
		mail_owner = postfix
		setgid_group = postdrop
		data_directory = /var/lib/postfix
		myhostname = postfix.test
		mydestination =
		mynetworks = 127.0.0.0/8
		inet_protocols = ipv4
		default_transport = $transport
		relay_transport = $transport
		alias_maps =
		alias_database =
		local_recipient_maps =
		smtpd_recipient_restrictions = permit_mynetworks, reject
		smtpd_relay_restrictions = permit_mynetworks, reject
		smtpd_peername_lookup = no
		smtp_host_lookup = native
		smtp_tls_security_level = none
		message_size_limit = 0
		mailbox_size_limit = 0
		maillog_file = /var/log/mail
		maillog_file_prefixes = /var
		$offer
		${PEER_SETTINGS:-}
	END
	$sudo tee "$root/etc/smtptap/master.cf" >/dev/null <<-END
		127.0.0.1:$port inet n - n - - smtpd
		$wrapped
		pickup    unix n - n 60 1 pickup
		cleanup   unix n - n -  0 cleanup
		qmgr      unix n - n 300 1 qmgr
		tlsmgr    unix - - n 1000? 1 tlsmgr
		rewrite   unix - - n -  - trivial-rewrite
		bounce    unix - - n -  0 bounce
		defer     unix - - n -  0 bounce
		trace     unix - - n -  0 bounce
		verify    unix - - n -  1 verify
		proxymap  unix - - n -  - proxymap
		smtp      unix - - n -  - smtp
		error     unix - - n -  - error
		retry     unix - - n -  - error
		discard   unix - - n -  - discard
		anvil     unix - - n -  1 anvil
		scache    unix - - n -  1 scache
		postlog   unix-dgram n - n - 1 postlogd
	END
	ln -sf root/var/log/mail "$dir/log"
}

run() {
	launch /usr/lib/postfix/sbin/master -c /etc/smtptap -d
}

main "$@"
