#!/bin/sh
# root.sh DIR: makes a tree of unpacked packages one that chroot can enter: the
# system's libraries that its programs need, and users for the mail servers.
# Their packages' own scripts never run, nothing outside DIR changes.
set -eu
root=$(cd "$1" && pwd)

# Postfix has libraries of its own beside the system's.
LD_LIBRARY_PATH=$root/usr/lib/postfix:$root/usr/lib/x86_64-linux-gnu
LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$root/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH

find "$root/usr/lib/postfix/sbin" "$root/usr/sbin" "$root/usr/bin" \
    "$root/usr/libexec" -type f -perm -u+x -exec ldd {} + 2>/dev/null |
sed -n 's/^[^/]*\(\/[^ ]*\) (0x.*/\1/p' | sort -u |
while read -r library; do
	case $library in
	"$root"/*)
		continue ;;
	esac
	[ -e "$root$library" ] && continue
	mkdir -p "$root$(dirname "$library")"
	cp -L "$library" "$root$library"
done

mkdir -p "$root/dev" "$root/tmp" "$root/run" "$root/var/empty" "$root/var/mail"
chmod 1777 "$root/tmp"
ln -sfn ../run "$root/var/run"
cat >"$root/etc/passwd" <<-'END'
	root:x:0:0:root:/root:/bin/false
	postfix:x:901:901::/var/spool/postfix:/bin/false
	Debian-exim:x:902:902::/var/spool/exim4:/bin/false
	opensmtpd:x:903:903::/var/lib/opensmtpd/empty:/bin/false
	opensmtpq:x:904:904::/var/lib/opensmtpd/empty:/bin/false
	smmta:x:906:906::/var/lib/sendmail:/bin/false
	smmsp:x:907:907::/var/lib/sendmail:/bin/false
	nobody:x:65534:65534:nobody:/nonexistent:/bin/false
END
cat >"$root/etc/group" <<-'END'
	root:x:0:
	mail:x:8:
	postfix:x:901:
	postdrop:x:905:
	Debian-exim:x:902:
	opensmtpd:x:903:
	opensmtpq:x:904:
	smmta:x:906:
	smmsp:x:907:
	nogroup:x:65534:
END
echo 'passwd: files
group: files
hosts: files' >"$root/etc/nsswitch.conf"
echo '127.0.0.1 localhost peer.test
::1 localhost' >"$root/etc/hosts"
echo peer.test >"$root/etc/mailname"
: >"$root/etc/resolv.conf"
[ -e "$root/etc/services" ] || cp /etc/services "$root/etc/services" 2>/dev/null ||
    printf 'smtp\t25/tcp\nlmtp\t24/tcp\n' >"$root/etc/services"
