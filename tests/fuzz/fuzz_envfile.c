/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "lib/base/str.h"
#include "lib/oci/envfile.h"
#include "lib/oci/kv.h"

/* Every entry has a name without blanks, and no name is there twice. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char home[] = "HOME=/root", a[] = "A=", *host[] = { home, a, NULL };
	auto_strv char **env = NULL, **labels = NULL;

	envfile_parse((const char *)data, size, "f", host, &env, NULL);
	labelfile_parse((const char *)data, size, "f", &labels, NULL);
	for (char **v = env; v && *v; v++) {
		size_t n = strcspn(*v, "=");

		if (!n || !(*v)[n] || memchr(*v, ' ', n) || memchr(*v, '\t', n) || strchr(*v, '\n'))
			abort();
		for (char **w = env; w < v; w++)
			if (!strncmp(*v, *w, n + 1))
				abort();
	}
	if (strv_len(labels) % 2)
		abort();
	return 0;
}
