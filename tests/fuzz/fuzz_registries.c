/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/oci/auth.h"
#include "lib/oci/conf.h"
#include "lib/oci/ref.h"
#include "lib/oci/registries.h"

static void check_registries(const char *p, size_t len)
{
	static const char *const names[] = { "busybox", "a.b/c", "docker.io/library/x", "a.b:1/c/d" };
	auto_registries struct registries *r = NULL;
	auto_conf struct conf c = { 0 };

	registries_new(&r);
	if (registries_parse(r, p, len, "f", NULL) < 0)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		auto_strv char **v = registries_candidates(r, names[i]);
		struct registry_endpoint *ep = NULL;
		auto_ref struct ref ref = { 0 };
		size_t n = 0;

		for (char **s = v; *s; s++) {
			auto_ref struct ref candidate = { 0 };

			if (ref_parse(*s, &candidate, NULL) < 0)
				abort();
		}
		if (ref_parse(names[i], &ref, NULL) < 0)
			abort();
		if (registries_endpoints(r, &c, &ref, &ep, &n, NULL) == 0 &&
		    (!n || ep[n - 1].is_mirror || !*ep[0].host))
			abort();
		registry_endpoints_free(ep, n);
	}
}

/* The three kinds of settings files; each must survive the others. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	auto_conf struct conf c = { 0 };
	auto_auth struct auth a = { 0 };
	auto_free char *helper = NULL;

	log_set_level(LOG_ERROR);
	check_registries(p, size);
	conf_parse(p, size, "f", &c, NULL);
	auth_parse(p, size, "f", "a.b", "c/d", &a, &helper, NULL);
	if (helper && !auth_helper_name_is_valid(helper))
		abort();
	return 0;
}
