/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/oci/kv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

/**
 * kv_get() - Look up a key
 * @kv:		Map or NULL
 * @key:	Key
 *
 * Return: the value, borrowed, or NULL
 */
const char *kv_get(char *const *kv, const char *key)
{
	KV_EACH(kv, i)
		if (!strcmp(kv[i], key))
			return kv[i + 1];
	return NULL;
}

/**
 * kv_set() - Add or replace
 * @kv:		Address of the map
 * @key:	Key
 * @value:	Value; NULL counts as empty
 */
void kv_set(char ***kv, const char *key, const char *value)
{
	KV_EACH(*kv, i) {
		if (strcmp((*kv)[i], key))
			continue;
		free((*kv)[i + 1]);
		(*kv)[i + 1] = xstrdup(value ? value : "");
		return;
	}
	strv_add(kv, key);
	strv_add(kv, value ? value : "");
}

/**
 * kv_len() - Count the pairs
 * @kv:	Map or NULL
 *
 * Return: the count
 */
size_t kv_len(char *const *kv)
{
	return strv_len(kv) / 2;
}

static int compare_pairs(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/**
 * kv_sort() - Sort by key, as Go prints its maps
 * @kv:	Map or NULL
 */
void kv_sort(char **kv)
{
	if (kv)
		qsort(kv, kv_len(kv), 2 * sizeof(*kv), compare_pairs);
}

/**
 * kv_set_text() - Add or replace what an option says
 * @kv:		Address of the map
 * @text:	"key=value", or "key" for an empty value
 */
void kv_set_text(char ***kv, const char *text)
{
	const char *eq = strchrnul(text, '=');
	char *key = xstrndup(text, (size_t)(eq - text));

	kv_set(kv, key, *eq ? eq + 1 : "");
	free(key);
}
