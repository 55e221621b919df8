/* SPDX-License-Identifier: Apache-2.0 */
/* F6: a document that is accepted has one meaning: written and read again it is the same text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/oci/json.h"

static void walk(const struct json *j, int depth)
{
	if (depth > JSON_MAX_DEPTH)
		abort();
	if (json_kind(j) == JSON_STRING && !json_as_str(j))
		abort();
	for (size_t i = 0; json_kind(j) == JSON_ARRAY && i < json_len(j); i++)
		walk(json_item(j, i), depth + 1);
	if (json_kind(j) != JSON_OBJECT)
		return;
	for (struct json_iter it = json_iter(j); json_next(&it);) {
		if (json_get(j, it.key) != it.value && json_kind(it.value) != JSON_NULL)
			abort();
		walk(it.value, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_json struct json *j = NULL, *again = NULL, *third = NULL;
	auto_free char *text = NULL, *same = NULL, *pretty = NULL, *third_text = NULL;

	if (json_parse((const char *)data, size, &j, NULL) < 0)
		return 0;
	walk(j, 0);
	text = json_compact(j);
	if (json_parse(text, strlen(text), &again, NULL) < 0)
		abort();
	same = json_compact(again);
	if (strcmp(text, same) != 0)
		abort();
	pretty = json_pretty(j);
	if (json_parse(pretty, strlen(pretty), &third, NULL) < 0)
		abort();
	third_text = json_compact(third);
	if (strcmp(text, third_text) != 0)
		abort();
	return 0;
}
