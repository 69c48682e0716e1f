#include "proxy/profile.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *name, *text;
} profiles[] = {
#define PROFILE(name, text) { name, text },
#include "profiles.h"
#undef PROFILE
};

#define PROFILES (sizeof(profiles) / sizeof(*profiles))

const char *
profile_text(const char *name)
{
	for (size_t i = 0; i < PROFILES; i++)
		if (strcmp(profiles[i].name, name) == 0)
			return profiles[i].text;
	return NULL;
}

const char *
profile_name(unsigned i)
{
	return i < PROFILES ? profiles[i].name : NULL;
}
