#include "inspect/mailboxes.h"

/* Within a quoted string or a comment, and at their borders. */
static bool
hidden(struct mailboxes *a, char c)
{
	if (a->escaped) {
		a->escaped = false;
		return true;
	}
	if (!a->quoted && !a->comments && c != '"' && c != '(')
		return false;
	if (c == '\\') {
		a->escaped = true;
	} else if (c == '"' && !a->comments) {
		a->quoted = !a->quoted;
		a->some = true;
	} else if (c == '(' && !a->quoted) {
		a->comments++;
	} else if (c == ')' && !a->quoted) {
		a->comments--;
	}
	return true;
}

static bool
separates(struct mailboxes *a)
{
	bool some = a->some;

	a->some = false;
	return some;
}

/* An octet outside of those; true: a mailbox ends with it. */
static bool
plain(struct mailboxes *a, char c)
{
	bool angle = a->angle;

	a->angle = c == '<';
	switch (c) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		a->angle = angle;
		return false;
	case ',':
	case ';':
		return !a->route && separates(a);
	case ':':
		if (!a->route && !a->literal)
			a->some = false;	/* it was a group's name */
		a->route = false;
		return false;
	case '@':
		a->route |= angle;
		break;
	case '>':
		a->route = false;
		break;
	case '[':
	case ']':
		a->literal = c == '[';
		break;
	}
	a->some = true;
	return false;
}

unsigned
mailboxes_read(struct mailboxes *a, struct span s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.n; i++)
		if (!hidden(a, s.p[i]))
			n += plain(a, s.p[i]);
	return n;
}

bool
mailboxes_end(struct mailboxes *a)
{
	bool some = a->some;

	*a = (struct mailboxes){ 0 };
	return some;
}
