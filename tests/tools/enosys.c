/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enosys COMMAND [ARG...]: run a command as on the oldest kernel that skiff promises to work on (Linux 5.11): calls
 * and flags that came later answer what that kernel would. As root only: a filter of an ordinary user needs
 * no_new_privs, which containers would inherit and which makes newuidmap useless.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ANY UINT32_MAX

/**
 * struct rule - one thing that an older kernel does not know
 * @nr:		system call
 * @arg:	argument that must have one of @bits set, or ANY for the call as a whole
 * @bits:	flags that came later
 * @answer:	errno that the older kernel gives
 */
struct rule {
	int nr;
	uint32_t arg;
	uint64_t bits;
	int answer;
};

static const struct rule rules[] = {
	{ 442 /* mount_setattr, 5.12 */, ANY, 0, ENOSYS },
	{ 444 /* landlock_create_ruleset, 5.13 */, ANY, 0, ENOSYS },
	{ 445, ANY, 0, ENOSYS },
	{ 446, ANY, 0, ENOSYS },
	{ 447 /* memfd_secret, 5.14 */, ANY, 0, ENOSYS },
	{ 448 /* process_mrelease, 5.15 */, ANY, 0, ENOSYS },
	{ 449 /* futex_waitv, 5.16 */, ANY, 0, ENOSYS },
	{ 451 /* cachestat, 6.5 */, ANY, 0, ENOSYS },
	{ 452 /* fchmodat2, 6.6 */, ANY, 0, ENOSYS },
	{ 457 /* statmount, 6.8 */, ANY, 0, ENOSYS },
	{ 458 /* listmount, 6.8 */, ANY, 0, ENOSYS },
	{ 463 /* setxattrat, 6.13 */, ANY, 0, ENOSYS },
	{ 467 /* open_tree_attr, 6.15 */, ANY, 0, ENOSYS },
	{ SCMP_SYS(linkat), 4, 0x1000 /* AT_EMPTY_PATH without CAP_DAC_READ_SEARCH, 6.10 */, ENOENT },
	{ SCMP_SYS(memfd_create), 1, 0x8 | 0x10 /* MFD_NOEXEC_SEAL, MFD_EXEC, 6.3 */, EINVAL },
	{ SCMP_SYS(seccomp), 1, 0x20 /* WAIT_KILLABLE_RECV, 5.19 */, EINVAL },
};

static int add(scmp_filter_ctx ctx, const struct rule *r)
{
	/* libseccomp compares with one mask at a time: one rule for each bit. */
	if (r->arg == ANY)
		return seccomp_rule_add(ctx, SCMP_ACT_ERRNO((uint32_t)r->answer), r->nr, 0);
	for (uint64_t bit = 1; bit; bit <<= 1) {
		int err;

		if (!(r->bits & bit))
			continue;
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO((uint32_t)r->answer), r->nr, 1,
				       SCMP_CMP(r->arg, SCMP_CMP_MASKED_EQ, bit, bit));
		if (err < 0)
			return err;
	}
	return 0;
}

static int fail(const char *what, int code)
{
	fprintf(stderr, "enosys: %s: %s\n", what, strerrordesc_np(code < 0 ? -code : code));
	return 125;
}

int main(int argc, char **argv)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (argc < 2) {
		fputs("usage: enosys COMMAND [ARG...]\n", stderr);
		return 2;
	}
	if (!ctx)
		return fail("make a filter", ENOMEM);
	r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
	/* i386 calls of 64-bit processes pass: killing them is the library's default. */
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	for (size_t i = 0; r == 0 && i < sizeof(rules) / sizeof(rules[0]); i++) {
		r = add(ctx, &rules[i]);
		if (r < 0)
			fprintf(stderr, "enosys: rule for call %d\n", rules[i].nr);
	}
	if (r == 0)
		r = seccomp_load(ctx);
	if (r < 0)
		return fail("load the filter", r);
	seccomp_release(ctx);
	execvp(argv[1], argv + 1);
	return fail(argv[1], errno);
}
