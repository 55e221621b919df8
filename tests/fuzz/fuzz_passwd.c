/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/passwd.h"

static void check_user(const char *spec, struct passwd_file passwd, struct passwd_file group)
{
	auto_user struct run_user u = { 0 };

	if (user_resolve(spec, passwd, group, NULL, &u, NULL) < 0)
		return;
	if (u.uid > PASSWD_ID_MAX || u.gid > PASSWD_ID_MAX || !u.n_groups || u.groups[0] != u.gid)
		abort();
	for (size_t i = 2; i < u.n_groups; i++)
		if (u.groups[i] <= u.groups[i - 1])
			abort();
	/* Nothing but digits is an id, whatever the files say. */
	if (*spec >= '1' && *spec <= '9' && strchr(":", spec[strspn(spec, "0123456789")]) &&
	    strtoull(spec, NULL, 10) != u.uid)
		abort();
}

static void check_subid(const char *p, size_t len)
{
	auto_free struct subid_range *v = NULL;
	size_t n = 0;

	if (subid_parse(p, len, "f", "user", 1000, 1000, &v, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (!v[i].start || !v[i].count || (uint64_t)v[i].start + v[i].count - 1 > PASSWD_ID_MAX)
			abort();
		for (size_t k = 0; k < i; k++)
			if ((uint64_t)v[k].start + v[k].count > v[i].start &&
			    (uint64_t)v[i].start + v[i].count > v[k].start)
				abort();
	}
}

/* USER NUL passwd NUL group; also the whole as subordinate ids. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size, *passwd, *group;
	auto_free char *spec = xstrndup(p, size);

	check_subid(p, size);
	passwd = p + strlen(spec) < end ? p + strlen(spec) + 1 : end;
	group = memchr(passwd, '\0', (size_t)(end - passwd));
	group = group ? group + 1 : end;
	check_user(spec, (struct passwd_file) { passwd, (size_t)(group - passwd) },
		   (struct passwd_file) { group, (size_t)(end - group) });
	check_user("user", (struct passwd_file) { p, size }, (struct passwd_file) { p, size });
	return 0;
}
