/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/filter.h"

#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/engine/logs.h"
#include "lib/oci/kv.h"

int filter_check(char *const *filters, const char *const *keys, struct err *e)
{
	for (char *const *f = filters; f && *f; f++) {
		const char *const *k = keys;

		if (!strchr(*f, '='))
			return err_say(e, EINVAL, "invalid filter '%s': it needs key=value", *f);
		while (*k && !filter_value(*f, *k))
			k++;
		if (!*k)
			return err_say(e, EINVAL, "invalid filter '%.*s'", (int)strcspn(*f, "="), *f);
	}
	return 0;
}

const char *filter_value(const char *filter, const char *key)
{
	const char *rest = str_after(filter, key);

	return rest && *rest == '=' ? rest + 1 : NULL;
}

bool filter_has(char *const *filters, const char *key)
{
	for (char *const *f = filters; f && *f; f++)
		if (filter_value(*f, key))
			return true;
	return false;
}

int filter_bool(char *const *filters, const char *key, bool *ret, struct err *e)
{
	int given = 0;

	for (char *const *f = filters; f && *f; f++) {
		const char *v = filter_value(*f, key);

		if (v && str_to_bool(v, ret) < 0)
			return err_say(e, EINVAL, "invalid filter '%s': it is true or false", *f);
		given |= v != NULL;
	}
	return given;
}

int filter_time(char *const *filters, const char *key, int64_t *ret_ns, struct err *e)
{
	int r = 0;

	*ret_ns = 0;
	for (char *const *f = filters; r == 0 && f && *f; f++) {
		const char *v = filter_value(*f, key);

		if (v)
			r = logs_parse_time(v, ret_ns, e);
	}
	return r < 0 ? err_wrap(e, r, "filter '%s'", key) : 0;
}

static bool label_is(char *const *labels, const char *want)
{
	size_t n = strcspn(want, "=");
	auto_free char *key = xstrndup(want, n);
	const char *value = kv_get(labels, key);

	return value && (!want[n] || !strcmp(value, want + n + 1));
}

bool filter_labels(char *const *filters, char *const *labels)
{
	for (char *const *f = filters; f && *f; f++) {
		const char *with = filter_value(*f, "label"), *without = filter_value(*f, "label!");

		if ((with && !label_is(labels, with)) || (without && label_is(labels, without)))
			return false;
	}
	return true;
}

bool filter_any(char *const *filters, const char *key, bool (*is_match)(const void *data, const char *want),
		const void *data)
{
	bool asked = false;

	for (char *const *f = filters; f && *f; f++) {
		const char *v = filter_value(*f, key);

		if (v && is_match(data, v))
			return true;
		asked |= v != NULL;
	}
	return !asked;
}
