#!/bin/sh
# sendmail.sh: a Sendmail to test against; see peer.sh. Without a RELAY-PORT what
# it takes stays in its queue.
. "$(dirname "$0")/peer.sh"

# Its configuration is made of macros of its own.
configure() {
	$sudo install -d -o 906 -g 906 -m 700 "$root/var/spool/mqueue"
	$sudo install -d -o 906 -g 906 "$root/var/lib/sendmail"
	$sudo install -d "$root/etc/smtptap"
	delivery=queueonly
	[ -z "$relay" ] || delivery=background
	cf=$packages/usr/share/sendmail/cf
	m4 -D_CF_DIR_="$cf/" "$cf/m4/cf.m4" - <<-END >"$dir/sendmail.cf"
		OSTYPE(\`linux')dnl
		define(\`confPID_FILE', \`/var/lib/sendmail/pid')dnl
		define(\`STATUS_FILE', \`/var/lib/sendmail/statistics')dnl
		define(\`HELP_FILE', \`/etc/mail/helpfile')dnl
		define(\`confRUN_AS_USER', \`smmta:smmta')dnl
		define(\`confDOMAIN_NAME', \`sendmail.test')dnl
		define(\`confDELIVERY_MODE', \`$delivery')dnl
		define(\`confSERVICE_SWITCH_FILE', \`/etc/smtptap/switch')dnl
		define(\`confTO_IDENT', \`0')dnl
		define(\`SMART_HOST', \`relay:[127.0.0.1]')dnl
		define(\`RELAY_MAILER_ARGS', \`TCP \$h ${relay:-9}')dnl
		FEATURE(\`accept_unresolvable_domains')dnl
		FEATURE(\`promiscuous_relay')dnl
		FEATURE(\`no_default_msa')dnl
		FEATURE(\`nocanonify')dnl
		undefine(\`ALIAS_FILE')dnl
		DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=$port')dnl
		MAILER(\`smtp')dnl
	END
	$sudo cp "$dir/sendmail.cf" "$root/etc/smtptap/sendmail.cf"
	printf 'hosts files\naliases files\n' |
	    $sudo tee "$root/etc/smtptap/switch" >/dev/null
	ln -sf out "$dir/log"
}

run() {
	launch /usr/libexec/sendmail/sendmail -bD -C/etc/smtptap/sendmail.cf
}

main "$@"
