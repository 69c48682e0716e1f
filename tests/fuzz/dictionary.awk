# verbs.def to a dictionary for libFuzzer: every keyword, and what stands behind
# verbs and in replies that decides how the stream is read; the same of mail content.
BEGIN {
	n = split("FROM:<a@b.example>|TO:<c@d.example>|LAST|SIZE=|" \
	    "BODY=8BITMIME|SMTPUTF8|PLAIN |LOGIN|NAME=|220 |220-|250 |250-|" \
	    "221 |235 |334 |354 |421 |451 |500 |502 |503 |535 |PIPELINING|" \
	    "CHUNKING|STARTTLS|8BITMIME|XXXXXXXA|\\x0d\\x0a|\\x0a|\\x0d|" \
	    "\\x0d\\x0a.\\x0d\\x0a|\\x0a.\\x0a|\\x0a.\\x0d\\x0a|" \
	    "\\x0d\\x0a.\\x0a|\\x0d.\\x0d|\\x0d\\x0a\\x00.\\x0d\\x0a|" \
	    "\\x0d\\x0a\\x0d\\x0a|\\x0d\\x0a--|Content-Type: |" \
	    "Content-Disposition: x; |Content-Transfer-Encoding: |To: |" \
	    "multipart/mixed; boundary=|message/rfc822|multipart/digest|" \
	    "base64|quoted-printable|x-uuencode|begin 644 |name=|" \
	    "filename*0*=|filename*1=|utf-8''%|=?utf-8?B?|=?utf-8?Q?|?=", \
	    word, "|")
	for (i = 1; i <= n; i++)
		print "\"" word[i] "\""
}
/^VERB/ && split($0, part, "\"") > 2 && part[2] != "" {
	print "\"" part[2] "\""
	print "\"" part[2] " \""
}
