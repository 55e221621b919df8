/* SPDX-License-Identifier: Apache-2.0 */
/* A policy that is accepted has rules for every image, and a policy's failure is never an acceptance. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/oci/policy.h"
#include "lib/oci/ref.h"

static void look(const struct policy *p, const char *transport, const struct ref *ref)
{
	struct policy_rules rules = { 0 };
	auto_free char *scope = NULL;

	if (policy_find(p, transport, ref, &rules, &scope, NULL) < 0)
		return;
	if (!rules.n || !scope)
		abort();
	for (size_t i = 0; i < rules.n; i++) {
		if (rules.v[i].kind == POLICY_SIGSTORE && (!rules.v[i].keys || !rules.v[i].keys[0]))
			abort();
		if (ref && rules.v[i].kind == POLICY_SIGSTORE &&
		    policy_identity_fits(&rules.v[i], ref, "other.example/x:1") &&
		    rules.v[i].identity < POLICY_EXACT_REFERENCE)
			abort();
	}
	policy_rules_done(&rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "docker.io/library/busybox:1", "a.b:5000/c/d:x" };
	auto_policy struct policy *p = NULL;

	log_set_level(LOG_ERROR);
	/* Key files are read by name; a fuzzer shall not open what it likes. */
	if (memmem(data, size, "/dev", 4) || memmem(data, size, "/proc", 5) || memmem(data, size, "\\", 1))
		return 0;
	if (policy_parse((const char *)data, size, "f", &p, NULL) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		auto_ref struct ref ref = { 0 };

		if (ref_parse(names[i], &ref, NULL) < 0)
			abort();
		look(p, "docker", &ref);
	}
	look(p, "docker-archive", NULL);
	return 0;
}
