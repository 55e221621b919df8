/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/digest.h"
#include "lib/oci/ref.h"

/* What is accepted comes back from both of its spellings, and has nothing in it that could end a line or a path. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size), *full = NULL, *familiar = NULL, *again = NULL;
	auto_ref struct ref r = { 0 }, a = { 0 }, b = { 0 };

	if (ref_parse(text, &r, NULL) < 0)
		return 0;
	full = ref_full(&r);
	familiar = ref_familiar(&r);
	if (ref_parse(full, &a, NULL) < 0 || ref_parse(familiar, &b, NULL) < 0)
		abort();
	again = ref_full(&b);
	if (strcmp(full, again) != 0 || str_has_control(full) || strchr(full, ' ') || strstr(full, "/..") ||
	    strstr(full, "//"))
		abort();
	if (r.digest && !digest_is_valid(r.digest))
		abort();
	return 0;
}
