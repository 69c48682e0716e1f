# embed: makes profiles.h from proxy/profiles/NAME.conf: PROFILE(name, text) for
# each, in the order given. Works with mawk, gawk and busybox awk.

function quoted(line)
{
	gsub(/\\/, "\\\\", line)
	gsub(/"/, "\\\"", line)
	gsub(/\t/, "\\t", line)
	return "\t\"" line "\\n\"\n"
}

FNR == 1 {
	name = FILENAME
	sub(/.*\//, "", name)
	sub(/\.conf$/, "", name)
	if (text)
		text = text ")\n"
	text = text "PROFILE(\"" name "\",\n"
}

{ text = text quoted($0) }

END { printf "/* Made by proxy/profiles/embed.awk. */\n%s)\n", text }
