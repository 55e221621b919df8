/* SPDX-License-Identifier: Apache-2.0 */
/* --format: the template before the first newline pair, the document behind it (a fixed one when it is none). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/format/template.h"
#include "lib/oci/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char fixed[] =
		"{\"A\":{\"B\":[1,\"x\",null,{\"C\":true}]},\"S\":\"text\",\"N\":7,\"F\":0.5,\"L\":{\"k\":\"v\"}}";
	const struct template_opts strict = { .missing_is_error = true };
	auto_free char *text = xstrndup((const char *)data, size);
	char *split = strstr(text, "\n\n");
	auto_json struct json *j = NULL;
	auto_template struct template *t = NULL;
	auto_sbuf struct sbuf out = { 0 };
	struct err e = { 0 };

	if (split)
		*split = '\0';
	if (!split || json_parse(split + 2, strlen(split + 2), &j, NULL) < 0)
		json_parse(fixed, strlen(fixed), &j, NULL);
	if (template_parse(text, &t, &e) < 0)
		return 0;
	template_uses(t, "A");
	template_exec(t, j, NULL, &out, &e);
	sbuf_reset(&out);
	template_exec(t, j, &strict, &out, &e);
	return 0;
}
