/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/runtime/init/fakeids_filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "lib/base/sys.h"
#include "lib/runtime/init/fakeids_calls.h"

/*
 * Theory of operation
 *
 * Calls about ids are reported (SECCOMP_RET_USER_NOTIF) and wait for the monitor's answer. What changes the owner of a
 * file to somebody that does not exist here, or makes a device, is answered with success and not done: package managers
 * do both all the time and look at neither afterwards. A chown to 0 or to nobody (-1) goes to the kernel, so that its
 * errors are true.
 *
 * In the kernel a policy filter's refusal (SECCOMP_RET_ERRNO) goes before a report, its permission after; so this
 * filter can be loaded after the policy. All other calls are plain permissions by number, which the kernel caches.
 */

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#ifdef FAKEIDS_NATIVE_ARCH

#define MAX_INSNS  256
#define MAX_LABELS 64
#define X32_BIT	   0x40000000U

/* Labels with a meaning; further ones are numbered by new_label(). NEXT is the instruction that follows. */
enum { NEXT, ALLOW, REPORT, PRETEND, CALLS, CALLS_END = CALLS + 2 * FI_16, MAX_LABEL = CALLS_END + MAX_LABELS };

/**
 * struct assembler - a program whose jumps go to labels
 * @insns:	instructions
 * @yes:	label where each jump goes when its test holds
 * @no:		and when not
 * @n:		how many instructions
 * @place:	instruction that each label stands for
 * @n_labels:	labels in use
 */
struct assembler {
	struct sock_filter insns[MAX_INSNS];
	uint8_t yes[MAX_INSNS];
	uint8_t no[MAX_INSNS];
	uint16_t n;
	uint16_t place[MAX_LABEL];
	uint8_t n_labels;
};

static uint8_t new_label(struct assembler *a)
{
	return a->n_labels++;
}

static void here(struct assembler *a, uint8_t label)
{
	a->place[label] = a->n;
}

static void stmt(struct assembler *a, uint16_t code, uint32_t k)
{
	a->insns[a->n] = (struct sock_filter)BPF_STMT(code, k);
	a->yes[a->n] = a->no[a->n] = NEXT;
	a->n++;
}

static void jump(struct assembler *a, uint16_t op, uint32_t k, uint8_t yes, uint8_t no)
{
	stmt(a, (uint16_t)(BPF_JMP | op | BPF_K), k);
	a->yes[a->n - 1] = yes;
	a->no[a->n - 1] = no;
}

static void load_arg(struct assembler *a, int arg)
{
	/* little-endian machines only: the low half is what the kernel takes */
	stmt(a, BPF_LD | BPF_W | BPF_ABS,
	     (uint32_t)(offsetof(struct seccomp_data, args) + sizeof(uint64_t) * (size_t)arg));
}

static void resolve(struct assembler *a, uint16_t from)
{
	for (uint16_t i = from; i < a->n; i++) {
		struct sock_filter *s = &a->insns[i];

		if (BPF_CLASS(s->code) != BPF_JMP)
			continue;
		s->jt = (uint8_t)(a->yes[i] == NEXT ? 0 : a->place[a->yes[i]] - i - 1);
		s->jf = (uint8_t)(a->no[i] == NEXT ? 0 : a->place[a->no[i]] - i - 1);
	}
}

static uint8_t label_of(uint8_t call)
{
	if ((call & ~FI_16) < FI_GETRLIMIT)
		return REPORT;
	return (uint8_t)(CALLS + call);
}

static void tree(struct assembler *a, const struct fakeids_nr *nrs, size_t n)
{
	uint8_t right;

	if (n > 3) {
		right = new_label(a);
		jump(a, BPF_JGE, nrs[n / 2].nr, right, NEXT);
		tree(a, nrs, n / 2);
		here(a, right);
		tree(a, nrs + n / 2, n - n / 2);
		return;
	}
	for (size_t i = 0; i < n; i++)
		jump(a, BPF_JEQ, nrs[i].nr, label_of(nrs[i].call), i + 1 < n ? NEXT : ALLOW);
}

/* uid and gid are 0 or -1: nothing to pretend. */
static void chown_code(struct assembler *a, uint8_t label, int first_arg, bool narrow)
{
	here(a, label);
	for (int i = 0; i < 2; i++) {
		uint8_t fine = new_label(a);

		load_arg(a, first_arg + i);
		if (narrow)
			stmt(a, BPF_ALU | BPF_AND | BPF_K, 0xffff);
		jump(a, BPF_JEQ, 0, fine, NEXT);
		jump(a, BPF_JEQ, narrow ? 0xffff : 0xffffffff, NEXT, PRETEND);
		here(a, fine);
	}
	stmt(a, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

/* A character device 0:0 is overlayfs's mark for "deleted", which anybody may make. */
static void mknod_code(struct assembler *a, uint8_t label, int mode_arg)
{
	here(a, label);
	load_arg(a, mode_arg);
	stmt(a, BPF_ALU | BPF_AND | BPF_K, S_IFMT);
	jump(a, BPF_JEQ, S_IFBLK, PRETEND, NEXT);
	jump(a, BPF_JEQ, S_IFCHR, NEXT, ALLOW);
	load_arg(a, mode_arg + 1);
	jump(a, BPF_JEQ, 0, ALLOW, PRETEND);
}

static void rlimit_code(struct assembler *a, uint8_t label, int resource_arg)
{
	here(a, label);
	load_arg(a, resource_arg);
	jump(a, BPF_JEQ, RLIMIT_RTTIME, REPORT, ALLOW);
}

static void prctl_code(struct assembler *a, uint8_t label)
{
	here(a, label);
	load_arg(a, 0);
	jump(a, BPF_JEQ, PR_GET_KEEPCAPS, REPORT, NEXT);
	jump(a, BPF_JEQ, PR_SET_KEEPCAPS, REPORT, ALLOW);
}

static void arch(struct assembler *a, uint32_t audit_arch, const struct fakeids_nr *nrs, size_t n)
{
	uint16_t first = a->n;
	uint8_t end;

	a->n_labels = CALLS_END;
	end = new_label(a);
	stmt(a, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	jump(a, BPF_JEQ, audit_arch, NEXT, end);
	stmt(a, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	if (audit_arch == AUDIT_ARCH_X86_64) /* x32 calls are the same ones */
		stmt(a, BPF_ALU | BPF_AND | BPF_K, ~X32_BIT);
	tree(a, nrs, n);
	chown_code(a, CALLS + FI_CHOWN, 1, false);
	chown_code(a, CALLS + (FI_CHOWN | FI_16), 1, true);
	chown_code(a, CALLS + FI_FCHOWNAT, 2, false);
	mknod_code(a, CALLS + FI_MKNOD, 1);
	mknod_code(a, CALLS + FI_MKNODAT, 2);
	rlimit_code(a, CALLS + FI_PRLIMIT, 1);
	here(a, CALLS + FI_GETRLIMIT);
	rlimit_code(a, CALLS + FI_SETRLIMIT, 0);
	prctl_code(a, CALLS + FI_PRCTL);
	here(a, REPORT);
	stmt(a, BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	here(a, PRETEND);
	stmt(a, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 0);
	here(a, ALLOW);
	stmt(a, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	here(a, end);
	resolve(a, first);
}

static uint16_t build(struct assembler *a)
{
	arch(a, FAKEIDS_NATIVE_ARCH, fakeids_native, sizeof(fakeids_native) / sizeof(*fakeids_native));
#ifdef FAKEIDS_COMPAT_ARCH
	arch(a, FAKEIDS_COMPAT_ARCH, fakeids_compat, sizeof(fakeids_compat) / sizeof(*fakeids_compat));
#endif
	stmt(a, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return a->n;
}

/**
 * fakeids_install() - Have calls about ids reported from now on
 * @ret_listener:	Where they are reported
 * @e:			Failure
 *
 * Return: 0, -EBUSY when an outer emulation serves us already, or another negative errno
 */
int fakeids_install(int *ret_listener, struct err *e)
{
	static struct assembler a; /* 2 KB: too much for some stacks, and this runs once */
	struct sock_fprog prog;
	int fd;

	a.n = 0;
	prog = (struct sock_fprog) { .len = build(&a), .filter = a.insns };
	/* A process that waits for its answer is then not disturbed by signals, which would repeat the call
	 * (Linux 5.19). */
	fd = sys_seccomp(SECCOMP_SET_MODE_FILTER,
			 SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &prog);
	if (fd == -EINVAL)
		fd = sys_seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
	if (fd < 0)
		return err_set(e, fd, "load the filter that emulates ids");
	*ret_listener = fd;
	return 0;
}

#else

int fakeids_install(int *ret_listener, struct err *e)
{
	(void)ret_listener;
	return err_say(e, ENOSYS,
		       "ids cannot be emulated on this machine: give the user subordinate ids in /etc/subuid");
}

#endif
