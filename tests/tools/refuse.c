/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refuse CALL[:BITS]=ERRNO... -- COMMAND [ARG...]: a seccomp filter around a command, as an outer container or a
 * sandbox has it: each named call (with :BITS, in hex, only when its first argument has one of them) answers ERRNO. As
 * root without no_new_privs, else with it.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fail(const char *what, int code)
{
	fprintf(stderr, "refuse: %s: %s\n", what, strerrordesc_np(code < 0 ? -code : code));
	return 125;
}

static int add(scmp_filter_ctx ctx, const char *text)
{
	char name[64];
	unsigned long long bits = 0;
	int answer, nr;

	if (sscanf(text, "%63[a-z0-9_]:%llx=%d", name, &bits, &answer) != 3 &&
	    sscanf(text, "%63[a-z0-9_]=%d", name, &answer) != 2)
		return -EINVAL;
	nr = seccomp_syscall_resolve_name(name);
	if (nr == __NR_SCMP_ERROR)
		return -ENOSYS;
	if (!bits)
		return seccomp_rule_add(ctx, SCMP_ACT_ERRNO((uint32_t)answer), nr, 0);
	return seccomp_rule_add(ctx, SCMP_ACT_ERRNO((uint32_t)answer), nr, 1, SCMP_A0(SCMP_CMP_MASKED_EQ, bits, bits));
}

int main(int argc, char **argv)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int i, r;

	if (!ctx)
		return fail("make a filter", ENOMEM);
	r = geteuid() == 0 ? seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0) : 0;
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	for (i = 1; r == 0 && i < argc && strcmp(argv[i], "--") != 0; i++) {
		r = add(ctx, argv[i]);
		if (r < 0)
			return fail(argv[i], r);
	}
	if (i + 1 >= argc) {
		fputs("usage: refuse CALL[:BITS]=ERRNO... -- COMMAND [ARG...]\n", stderr);
		return 2;
	}
	if (r == 0)
		r = seccomp_load(ctx);
	if (r < 0)
		return fail("load the filter", r);
	execvp(argv[i + 1], argv + i + 1);
	return fail(argv[i + 1], errno);
}
