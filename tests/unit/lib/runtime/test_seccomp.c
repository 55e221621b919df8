/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Programs are run in a small interpreter of classic BPF and compared with three other readings of the same rules:
 * one of docker's JSON written here straight from its documentation, libseccomp's own compiler, and the running
 * kernel.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "lib/base/time.h"
#include "lib/oci/json.h"
#include "lib/runtime/caps.h"
#include "lib/runtime/seccomp_int.h"
#include "tests/unit/tap.h"

#define MOBY	 "tests/fuzz/corpus/seccomp/moby-default.json"
#define ERRNO(n) (SECCOMP_RET_ERRNO | (n))
#define ALLOW	 SECCOMP_RET_ALLOW
#define CAP(n)	 (1ULL << CAP_##n)

/* ---- the interpreter ---- */

static uint32_t bpf_run(const struct sock_filter *insns, size_t n, const struct seccomp_data *d)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < n; pc++) {
		const struct sock_filter *i = &insns[pc];
		bool yes = false;

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)d + i->k, sizeof(a));
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			continue;
		case BPF_RET | BPF_K:
			return i->k;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a == i->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			yes = a > i->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = a >= i->k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			yes = a & i->k;
			break;
		default:
			return 0xdead;
		}
		pc += yes ? i->jt : i->jf;
	}
	return 0xbeef;
}

/* What the kernel checks before it takes a program. */
static bool is_sound(const struct seccomp_prog *p)
{
	for (size_t pc = 0; pc < p->n; pc++) {
		const struct sock_filter *i = &p->insns[pc];

		if (BPF_CLASS(i->code) != BPF_JMP)
			continue;
		if (BPF_OP(i->code) == BPF_JA ? pc + i->k + 1 >= p->n : pc + MAX(i->jt, i->jf) + 1 >= p->n)
			return false;
	}
	return p->n && p->insns[p->n - 1].code == (BPF_RET | BPF_K);
}

static uint64_t rnd_state = 42;

static uint64_t rnd(void)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	return rnd_state ^= rnd_state << 17;
}

static const uint64_t spicy[] = {
	0,  8,	0x20000, 0x20008, 0xffffffff, 0x7e020000, 0x10000000, 0x5412,	  0x541c,
	38, 39, 40,	 41,	  37,	      15,	  17,	      30,	  33,
	44, 16, 6,	 9,	  1,	      2,	  UINT64_MAX, 1ULL << 32, 0x100000026
};

static uint64_t rnd_arg(void)
{
	uint64_t v = spicy[rnd() % (sizeof(spicy) / sizeof(*spicy))];

	switch (rnd() % 8) {
	case 0:
		return v | rnd() << 32;
	case 1:
		return v + 1;
	case 2:
		return v - 1;
	case 3:
		return rnd();
	default:
		return v;
	}
}

static uint32_t rnd_nr(void)
{
	static const uint32_t odd[] = { 9999,	    0x40000000, 0x400000ff, 0x40000200,
					0x4000020c, 0xffffffff, 0x80000000, 0x3fffffff };
	uint64_t r = rnd();

	if (r % 16 == 0)
		return odd[(r >> 8) % (sizeof(odd) / sizeof(*odd))];
	return (uint32_t)((r >> 8) % 480) | (r % 16 == 1 ? 0x40000000 : 0);
}

static struct seccomp_data rnd_call(const uint32_t *archs, size_t n_archs)
{
	struct seccomp_data d = { .nr = (int)rnd_nr(), .arch = archs[rnd() % n_archs] };

	for (int i = 0; i < 6; i++) {
		d.args[i] = rnd_arg();
		if (d.arch == AUDIT_ARCH_I386 || d.arch == AUDIT_ARCH_ARM)
			d.args[i] &= UINT32_MAX;
	}
	return d;
}

/* ---- docker's JSON, read anew ---- */

static bool list_has(const struct json *list, const char *s)
{
	for (size_t i = 0; i < json_len(list); i++)
		if (str_is_eq(json_as_str(json_item(list, i)), s))
			return true;
	return false;
}

static bool cap_in(const struct sc_env *env, const char *name)
{
	return env->caps >> cap_from_name(name) & 1;
}

static bool oracle_counts(const struct json *rule, const struct sc_env *env)
{
	const struct json *in = json_get(rule, "includes"), *ex = json_get(rule, "excludes");
	const struct json *in_caps = json_get(in, "caps"), *ex_caps = json_get(ex, "caps");

	for (size_t i = 0; i < json_len(ex_caps); i++)
		if (cap_in(env, json_as_str(json_item(ex_caps, i))))
			return false;
	for (size_t i = 0; i < json_len(in_caps); i++)
		if (!cap_in(env, json_as_str(json_item(in_caps, i))))
			return false;
	if (list_has(json_get(ex, "arches"), sc_arch_name(env->native)))
		return false;
	if (json_len(json_get(in, "arches")) && !list_has(json_get(in, "arches"), sc_arch_name(env->native)))
		return false;
	if (json_get_str(in, "minKernel")) /* the only one in the file is 4.8 */
		return env->major > 4 || (env->major == 4 && env->minor >= 8);
	return true;
}

static bool oracle_matches(const struct json *args, const struct seccomp_data *d)
{
	for (size_t i = 0; i < json_len(args); i++) {
		const struct json *c = json_item(args, i);
		const char *op = json_get_str(c, "op") + strlen("SCMP_CMP_");
		uint64_t a = d->args[json_get_i64(c, "index", 0)], v = (uint64_t)json_get_i64(c, "value", 0);
		uint64_t two = (uint64_t)json_get_i64(c, "valueTwo", 0);

		if (!(!strcmp(op, "EQ")	  ? a == v
		      : !strcmp(op, "LT") ? a < v
		      : !strcmp(op, "GT") ? a > v
		      : !strcmp(op, "NE") ? a != v
					  : (a & v) == two))
			return false;
	}
	return true;
}

struct oracle {
	struct json *doc;
	struct sc_env env;
	/* number of every name of the file on each of three architectures */
	struct {
		const struct json *rule;
		int nr[3];
	} * names;
	size_t n;
	int max[3];
};

static const uint32_t amd64_archs[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32 };

static void oracle_load(struct oracle *o, const uint32_t *archs)
{
	const struct json *calls = json_get(o->doc, "syscalls");

	o->names = xcalloc(2000, sizeof(*o->names));
	o->n = 0;
	o->max[0] = o->max[1] = o->max[2] = 0;
	for (size_t i = 0; i < json_len(calls); i++) {
		const struct json *rule = json_item(calls, i), *names = json_get(rule, "names");

		if (!oracle_counts(rule, &o->env))
			continue;
		for (size_t k = 0; k < json_len(names); k++, o->n++) {
			o->names[o->n].rule = rule;
			for (int a = 0; a < 3; a++) {
				int nr = sc_resolve(archs[a], json_as_str(json_item(names, k)));

				o->names[o->n].nr[a] = nr;
				if (nr > o->max[a])
					o->max[a] = nr;
			}
		}
	}
}

static uint32_t oracle_action(const struct json *rule)
{
	if (str_is_eq(json_get_str(rule, "action"), "SCMP_ACT_ALLOW"))
		return ALLOW;
	return ERRNO((uint32_t)json_get_i64(rule, "errnoRet", EPERM));
}

/*
 * A number that x86_64 has and x32 has not: the kernel's x32 table has no such call either, so its action does not
 * matter. Ours is that of x86_64.
 */
static bool is_void(const struct seccomp_data *d)
{
	return d->arch == AUDIT_ARCH_X86_64 && d->nr >= 0x40000000 && d->nr < 0x40000200 &&
	       !seccomp_syscall_resolve_num_arch(SCMP_ARCH_X32, d->nr);
}

static uint32_t oracle_run(const struct oracle *o, const struct seccomp_data *d)
{
	int a = d->arch == AUDIT_ARCH_I386 || d->arch == AUDIT_ARCH_ARM ? 1 : 0;
	const struct json *hit = NULL;

	if (d->arch == AUDIT_ARCH_X86_64 && (uint32_t)d->nr >= 0x40000000)
		a = 2;
	if (d->nr < 0 || d->nr > o->max[a])
		return ERRNO(ENOSYS);
	for (size_t i = 0; i < o->n; i++) {
		const struct json *args;

		if (o->names[i].nr[a] != d->nr)
			continue;
		args = json_get(o->names[i].rule, "args");
		if (!json_len(args))
			return oracle_action(o->names[i].rule);
		if (!hit && oracle_matches(args, d))
			hit = o->names[i].rule;
	}
	return hit ? oracle_action(hit) : ERRNO(EPERM);
}

static const uint64_t cap_sets[] = { 0x800405fb,
				     0,
				     ~0ULL >> 23,
				     0x800405fb | CAP(SYS_ADMIN),
				     CAP(NET_RAW) | CAP(SYS_PTRACE),
				     CAP(BPF) | CAP(SYSLOG) | CAP(AUDIT_WRITE) };

static void env_native(struct sc_env *env, bool arm)
{
	env->native = arm ? SCMP_ARCH_AARCH64 : SCMP_ARCH_X86_64;
	env->major = 6;
	env->minor = 1;
}

static void oracle_open(struct oracle *o)
{
	struct err e = { 0 };

	if (json_parse_file(AT_FDCWD, MOBY, 1 << 20, &o->doc, &e) < 0)
		printf("# %s\n", e.msg);
}

static int compile_json(const char *text, const struct sc_env *env, struct seccomp_prog *p, struct err *e)
{
	auto_sc_filter struct sc_filter f = { 0 };
	int r = sc_from_json(text, strlen(text), env, &f, e);

	return r < 0 ? r : sc_generate(&f, p, e);
}

/* The program made of docker's file does what the file says. */
static void test_json_exact(bool arm)
{
	static const uint32_t arm_archs[] = { SCMP_ARCH_AARCH64, SCMP_ARCH_ARM, SCMP_ARCH_AARCH64 };
	const uint32_t audit[] = { arm ? AUDIT_ARCH_AARCH64 : AUDIT_ARCH_X86_64,
				   arm ? AUDIT_ARCH_ARM : AUDIT_ARCH_I386 };
	auto_free char *text = NULL;
	struct oracle o = { 0 };

	oracle_open(&o);
	fs_read_file(AT_FDCWD, MOBY, 1 << 20, &text, NULL, NULL);
	for (size_t c = 0; o.doc && c < sizeof(cap_sets) / sizeof(*cap_sets); c++) {
		auto_seccomp_prog struct seccomp_prog p = { 0 };
		int wrong = 0;

		o.env = (struct sc_env) { .caps = cap_sets[c] };
		env_native(&o.env, arm);
		oracle_load(&o, arm ? arm_archs : amd64_archs);
		ok(compile_json(text, &o.env, &p, NULL) == 0 && is_sound(&p), "compile docker's file");
		for (int i = 0; i < 30000; i++) {
			struct seccomp_data d = rnd_call(audit, 2);
			uint32_t got = bpf_run(p.insns, p.n, &d), want = oracle_run(&o, &d);

			if (got != want && !is_void(&d) && wrong++ < 5)
				printf("# nr %d arch %x arg0 %llx: got %x want %x\n", d.nr, d.arch,
				       (unsigned long long)d.args[0], got, want);
		}
		is_int(wrong, 0, "docker's file on %s, caps %llx", arm ? "arm64" : "amd64",
		       (unsigned long long)cap_sets[c]);
		free(o.names);
	}
	json_free(o.doc);
}

static int nr64(const char *name)
{
	return sc_resolve(SCMP_ARCH_X86_64, name);
}

/* Where the table is meant to be stricter than docker: number and arguments tell. */
static bool is_extra_denial(const struct seccomp_data *d)
{
	static const int families[] = { 15, 17, 30, 33, 38, 40, 44 };
	int x32 = d->arch == AUDIT_ARCH_X86_64 ? d->nr & 0x40000000 : 0, nr = d->nr & ~0x40000000;
	bool i386 = d->arch == AUDIT_ARCH_I386;

	(void)x32;
	if (i386 && nr == 102)
		return true;
	if (nr == (i386 ? 316 : x32 ? 532 : nr64("vmsplice")) || nr == 447 /* memfd_secret */)
		return true;
	if (nr == (i386 ? 359 : nr64("socket")) || nr == (i386 ? 360 : nr64("socketpair"))) {
		if ((uint32_t)d->args[0] == 16)
			return (uint32_t)d->args[2] == 6 || (uint32_t)d->args[2] == 9;
		for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
			if ((uint32_t)d->args[0] == (uint32_t)families[i])
				return true;
	}
	if (nr == (i386 ? 54 : x32 ? 514 : 16))
		return (uint32_t)d->args[1] == 0x5412 || (uint32_t)d->args[1] == 0x541c;
	return false;
}

static int make_table(enum seccomp_kind kind, const struct sc_env *env, struct seccomp_prog *p)
{
	auto_sc_filter struct sc_filter f = { .archs = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32 },
					      .n_archs = 3 };

	sc_from_table(kind, env, &f, NULL);
	return sc_generate(&f, p, NULL);
}

/* Our table allows nothing that docker's file refuses, and refuses more only where it is meant to. */
static void test_table_against_docker(void)
{
	static const uint32_t audit[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };
	struct oracle o = { 0 };

	oracle_open(&o);
	for (size_t c = 0; o.doc && c < sizeof(cap_sets) / sizeof(*cap_sets); c++) {
		auto_seccomp_prog struct seccomp_prog p = { 0 };
		int looser = 0, stricter = 0, other = 0;

		o.env = (struct sc_env) { .caps = cap_sets[c] };
		env_native(&o.env, false);
		oracle_load(&o, amd64_archs);
		ok(make_table(SECCOMP_DEFAULT, &o.env, &p) == 0 && is_sound(&p), "compile the table");
		for (int i = 0; i < 50000; i++) {
			struct seccomp_data d = rnd_call(audit, 2);
			uint32_t got = bpf_run(p.insns, p.n, &d), want = oracle_run(&o, &d);

			if (is_void(&d))
				continue;
			looser += got == ALLOW && want != ALLOW;
			stricter += got != ALLOW && want == ALLOW && !is_extra_denial(&d);
			other += got != want && got != ALLOW && want != ALLOW && !is_extra_denial(&d);
			if (got == ALLOW && want != ALLOW)
				printf("# looser: nr %d arch %x %llx\n", d.nr, d.arch, (unsigned long long)d.args[0]);
			if (got != ALLOW && want == ALLOW && !is_extra_denial(&d))
				printf("# stricter: nr %d arch %x %llx\n", d.nr, d.arch, (unsigned long long)d.args[0]);
		}
		is_int(looser, 0, "table with caps %llx allows no more than docker", (unsigned long long)cap_sets[c]);
		is_int(stricter, 0, "and no less, but for the listed denials");
		is_int(other, 0, "with docker's error numbers");
		free(o.names);
	}
	json_free(o.doc);
}

/* ---- golden rows ---- */

static uint32_t ask(const struct seccomp_prog *p, uint32_t arch, int nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
	struct seccomp_data d = { .nr = nr, .arch = arch, .args = { a0, a1, a2 } };

	return bpf_run(p->insns, p->n, &d);
}

static void test_golden(void)
{
	static const struct {
		const char *what;
		uint32_t arch;
		int nr;
		uint64_t a0, a1, a2;
		uint32_t want, want_nested, want_admin; /* default caps, nested, with CAP_SYS_ADMIN */
	} rows[] = {
#define X64 AUDIT_ARCH_X86_64
		{ "read", X64, 0, 0, 0, 0, ALLOW, ALLOW, ALLOW },
		{ "openat2", X64, 437, 0, 0, 0, ALLOW, ALLOW, ALLOW },
		{ "mount", X64, 165, 0, 0, 0, ERRNO(EPERM), ALLOW, ALLOW },
		{ "unshare", X64, 272, 0, 0, 0, ERRNO(EPERM), ALLOW, ALLOW },
		{ "keyctl", X64, 250, 0, 0, 0, ERRNO(EPERM), ALLOW, ERRNO(EPERM) },
		{ "io_uring_setup", X64, 425, 0, 0, 0, ERRNO(EPERM), ERRNO(EPERM), ERRNO(EPERM) },
		{ "userfaultfd", X64, 323, 0, 0, 0, ERRNO(EPERM), ERRNO(EPERM), ERRNO(EPERM) },
		{ "clone plain", X64, 56, 0x01200011, 0, 0, ALLOW, ALLOW, ALLOW },
		{ "clone NEWUSER", X64, 56, 0x10000011, 0, 0, ERRNO(EPERM), ALLOW, ALLOW },
		{ "clone3", X64, 435, 0, 0, 0, ERRNO(ENOSYS), ALLOW, ALLOW },
		{ "personality 8", X64, 135, 8, 0, 0, ALLOW, ALLOW, ALLOW },
		{ "personality ADDR_NO_RANDOMIZE", X64, 135, 0x40000, 0, 0, ERRNO(EPERM), ERRNO(EPERM), ERRNO(EPERM) },
		{ "socket INET", X64, 41, 2, 1, 0, ALLOW, ALLOW, ALLOW },
		{ "socket ALG", X64, 41, 38, 5, 0, ERRNO(EAFNOSUPPORT), ERRNO(EAFNOSUPPORT), ERRNO(EAFNOSUPPORT) },
		{ "socket ALG hidden", X64, 41, 0x100000026, 5, 0, ERRNO(EAFNOSUPPORT), ERRNO(EAFNOSUPPORT),
		  ERRNO(EAFNOSUPPORT) },
		{ "socket VSOCK", X64, 41, 40, 1, 0, ERRNO(EAFNOSUPPORT), ERRNO(EAFNOSUPPORT), ERRNO(EAFNOSUPPORT) },
		{ "socket PACKET", X64, 41, 17, 3, 0, ERRNO(EPERM), ERRNO(EPERM), ERRNO(EPERM) },
		{ "socket NETLINK_ROUTE", X64, 41, 16, 3, 0, ALLOW, ALLOW, ALLOW },
		{ "socket NETLINK_GENERIC", X64, 41, 16, 3, 16, ALLOW, ALLOW, ALLOW },
		{ "socket NETLINK_XFRM", X64, 41, 16, 3, 6, ERRNO(EPERM), ERRNO(EPERM), ERRNO(EPERM) },
		{ "socket NETLINK_AUDIT", X64, 41, 16, 3, 9, ERRNO(EINVAL), ERRNO(EINVAL), ERRNO(EINVAL) },
		{ "socketpair TIPC", X64, 53, 30, 1, 0, ERRNO(EAFNOSUPPORT), ERRNO(EAFNOSUPPORT), ERRNO(EAFNOSUPPORT) },
		{ "ioctl TIOCSTI", X64, 16, 0, 0x5412, 0, ERRNO(EPERM), ERRNO(EPERM), ERRNO(EPERM) },
		{ "ioctl TIOCSTI hidden", X64, 16, 0, 0x7700005412, 0, ERRNO(EPERM), ERRNO(EPERM), ERRNO(EPERM) },
		{ "ioctl TIOCLINUX", X64, 16, 0, 0x541c, 0, ERRNO(EPERM), ERRNO(EPERM), ERRNO(EPERM) },
		{ "ioctl TCGETS", X64, 16, 0, 0x5401, 0, ALLOW, ALLOW, ALLOW },
		{ "number 467", X64, 467, 0, 0, 0, ERRNO(ENOSYS), ERRNO(ENOSYS), ERRNO(ENOSYS) },
		{ "number 9999", X64, 9999, 0, 0, 0, ERRNO(ENOSYS), ERRNO(ENOSYS), ERRNO(ENOSYS) },
		{ "number -1", X64, -1, 0, 0, 0, ERRNO(ENOSYS), ERRNO(ENOSYS), ERRNO(ENOSYS) },
		{ "x32 read", X64, 0x40000000, 0, 0, 0, ALLOW, ALLOW, ALLOW },
		{ "x32 mount", X64, 0x40000000 | 165, 0, 0, 0, ERRNO(EPERM), ALLOW, ALLOW },
		{ "x32 ioctl TIOCSTI", X64, 0x40000000 | 514, 0, 0x5412, 0, ERRNO(EPERM), ERRNO(EPERM), ERRNO(EPERM) },
		{ "x32 socket ALG", X64, 0x40000000 | 41, 38, 0, 0, ERRNO(EAFNOSUPPORT), ERRNO(EAFNOSUPPORT),
		  ERRNO(EAFNOSUPPORT) },
		{ "i386 read", AUDIT_ARCH_I386, 3, 0, 0, 0, ALLOW, ALLOW, ALLOW },
		{ "i386 socketcall", AUDIT_ARCH_I386, 102, 1, 0, 0, ERRNO(ENOSYS), ERRNO(ENOSYS), ERRNO(ENOSYS) },
		{ "i386 socket ALG", AUDIT_ARCH_I386, 359, 38, 0, 0, ERRNO(EAFNOSUPPORT), ERRNO(EAFNOSUPPORT),
		  ERRNO(EAFNOSUPPORT) },
		{ "i386 socket INET", AUDIT_ARCH_I386, 359, 2, 0, 0, ALLOW, ALLOW, ALLOW },
		{ "i386 mount", AUDIT_ARCH_I386, 21, 0, 0, 0, ERRNO(EPERM), ALLOW, ALLOW },
		{ "i386 ioctl TIOCSTI", AUDIT_ARCH_I386, 54, 0, 0x5412, 0, ERRNO(EPERM), ERRNO(EPERM), ERRNO(EPERM) },
		{ "vmsplice", X64, 278, 0, 0, 0, ERRNO(ENOSYS), ERRNO(ENOSYS), ERRNO(ENOSYS) },
		{ "i386 vmsplice", AUDIT_ARCH_I386, 316, 0, 0, 0, ERRNO(ENOSYS), ERRNO(ENOSYS), ERRNO(ENOSYS) },
		{ "memfd_secret", X64, 447, 0, 0, 0, ERRNO(ENOSYS), ERRNO(ENOSYS), ERRNO(ENOSYS) },
		{ "process_vm_readv", X64, 310, 0, 0, 0, ALLOW, ALLOW, ALLOW },
		{ "name_to_handle_at", X64, 303, 0, 0, 0, ALLOW, ALLOW, ALLOW },
		{ "kcmp", X64, 312, 0, 0, 0, ERRNO(EPERM), ALLOW, ERRNO(EPERM) },
		{ "pidfd_getfd", X64, 438, 0, 0, 0, ERRNO(EPERM), ALLOW, ERRNO(EPERM) },
		{ "syslog", X64, 103, 0, 0, 0, ERRNO(EPERM), ERRNO(EPERM), ALLOW },
		{ "another machine's call", AUDIT_ARCH_AARCH64, 0, 0, 0, 0, SECCOMP_RET_KILL_PROCESS,
		  SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_PROCESS },
	};
	auto_seccomp_prog struct seccomp_prog dflt = { 0 }, nested = { 0 }, admin = { 0 }, x86 = { 0 }, raw = { 0 },
				  host = { 0 }, trace = { 0 };
	struct sc_env env = { .caps = caps_default() };

	env_native(&env, false);
	make_table(SECCOMP_DEFAULT, &env, &dflt);
	make_table(SECCOMP_NESTED, &env, &nested);
	env.x86 = true;
	make_table(SECCOMP_DEFAULT, &env, &x86);
	env.x86 = false;
	env.caps |= CAP(SYS_ADMIN);
	make_table(SECCOMP_DEFAULT, &env, &admin);
	env.caps = CAP(NET_RAW) | CAP(AUDIT_WRITE);
	make_table(SECCOMP_DEFAULT, &env, &raw);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		is_int(ask(&dflt, rows[i].arch, rows[i].nr, rows[i].a0, rows[i].a1, rows[i].a2), rows[i].want,
		       "default: %s", rows[i].what);
		is_int(ask(&nested, rows[i].arch, rows[i].nr, rows[i].a0, rows[i].a1, rows[i].a2), rows[i].want_nested,
		       "nested: %s", rows[i].what);
		is_int(ask(&admin, rows[i].arch, rows[i].nr, rows[i].a0, rows[i].a1, rows[i].a2), rows[i].want_admin,
		       "SYS_ADMIN: %s", rows[i].what);
	}
	is_int(ask(&x86, AUDIT_ARCH_I386, 102, 1, 0, 0), ALLOW, "socketcall for images of linux/386");
	is_int(ask(&raw, X64, 41, 17, 3, 0), ALLOW, "packet sockets with CAP_NET_RAW");
	env.host_pid = true;
	make_table(SECCOMP_DEFAULT, &env, &host);
	is_int(ask(&host, X64, 310, 0, 0, 0), ERRNO(EPERM), "process_vm_readv with the host's processes");
	is_int(ask(&host, AUDIT_ARCH_I386, 348, 0, 0, 0), ERRNO(EPERM), "i386 process_vm_writev with them");
	env.caps = CAP(SYS_PTRACE);
	make_table(SECCOMP_DEFAULT, &env, &trace);
	is_int(ask(&trace, X64, 310, 0, 0, 0), ALLOW, "process_vm_readv with them and CAP_SYS_PTRACE");
	is_int(ask(&raw, X64, 41, 16, 3, 9), ALLOW, "audit with CAP_AUDIT_WRITE");
}

/* ---- random profiles against libseccomp ---- */

static const char *const some_names[] = {
	"read", "ioctl", "socket", "personality", "openat", "clone", "mmap", "prctl"
};
static const struct {
	const char *text;
	enum scmp_compare op;
} some_ops[] = {
	{ "EQ", SCMP_CMP_EQ },
	{ "NE", SCMP_CMP_NE },
	{ "LT", SCMP_CMP_LT },
	{ "LE", SCMP_CMP_LE },
	{ "GT", SCMP_CMP_GT },
	{ "GE", SCMP_CMP_GE },
	{ "MASKED_EQ", SCMP_CMP_MASKED_EQ },
};

/*
 * A random rule into both forms, one for each name: of several rules that overlap libseccomp 2.5 loses some (a later
 * "LE 1" removes an earlier "LT 2^58").
 */
static void add_random_rule(struct sbuf *json, scmp_filter_ctx ctx, const char *name)
{
	struct scmp_arg_cmp cmp[3];
	unsigned n = 1 + (unsigned)(rnd() % 3), first = (unsigned)(rnd() % 4);

	sbuf_printf(json, "%s{\"names\":[\"%s\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[",
		    json->p[json->len - 1] == '[' ? "" : ",", name);
	for (unsigned i = 0; i < n; i++) {
		unsigned op = (unsigned)(rnd() % 7);
		uint64_t v = rnd_arg(), two = op == 6 ? v & rnd() : 0;

		cmp[i] =
			(struct scmp_arg_cmp) { .arg = first + i, .op = some_ops[op].op, .datum_a = v, .datum_b = two };
		sbuf_printf(json, "%s{\"index\":%u,\"op\":\"SCMP_CMP_%s\",\"value\":%llu,\"valueTwo\":%llu}",
			    i ? "," : "", first + i, some_ops[op].text, (unsigned long long)v, (unsigned long long)two);
	}
	sbuf_adds(json, "]}");
	seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, seccomp_syscall_resolve_name(name), n, cmp);
}

static size_t export(scmp_filter_ctx ctx, struct sock_filter *insns, size_t max)
{
	auto_close int fd = memfd_create("bpf", MFD_CLOEXEC);
	ssize_t n;

	if (fd < 0 || seccomp_export_bpf(ctx, fd) < 0)
		return 0;
	n = pread(fd, insns, max * sizeof(*insns), 0);
	return n < 0 ? 0 : (size_t)n / sizeof(*insns);
}

static void test_against_libseccomp(void)
{
	static const uint32_t audit[] = { AUDIT_ARCH_X86_64 };
	int wrong = 0, programs = 0;

	if (seccomp_arch_native() != SCMP_ARCH_X86_64)
		return;
	for (int round = 0; round < 200; round++) {
		auto_seccomp_prog struct seccomp_prog p = { 0 };
		auto_sbuf struct sbuf json = { 0 };
		static struct sock_filter theirs[4096];
		scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(1));
		struct sc_env env = { 0 };
		size_t n;

		env_native(&env, false);
		sbuf_adds(&json, "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[");
		for (int i = 0; i <= round % 8; i++)
			add_random_rule(&json, ctx, some_names[i]);
		sbuf_adds(&json, "]}");
		n = export(ctx, theirs, 4096);
		if (n && compile_json(json.p, &env, &p, NULL) == 0 && is_sound(&p))
			programs++;
		for (int i = 0; i < 3000; i++) {
			struct seccomp_data d = rnd_call(audit, 1);
			uint32_t ours, want;

			d.nr = seccomp_syscall_resolve_name(some_names[rnd() % 8]);
			ours = bpf_run(p.insns, p.n, &d) == ALLOW;
			want = bpf_run(theirs, n, &d) == ALLOW;
			if (ours != want && wrong++ < 3)
				printf("# %d %llx %llx %llx %llx: ours %d theirs %d\n# %s\n", d.nr,
				       (unsigned long long)d.args[0], (unsigned long long)d.args[1],
				       (unsigned long long)d.args[2], (unsigned long long)d.args[3], ours, want,
				       json.p);
		}
		seccomp_release(ctx);
	}
	is_int(programs, 200, "random profiles compile");
	is_int(wrong, 0, "and agree with libseccomp's");
}

/* ---- the JSON front end ---- */

static void test_json_rules(void)
{
	static const struct {
		const char *what, *syscalls;
		int nr;
		uint64_t a0, a1;
		uint32_t want;
	} rows[] = {
#define R(names, act, more) "{\"names\":[\"" names "\"],\"action\":\"SCMP_ACT_" act "\"" more "}"
#define A(i, op, v)	    "{\"index\":" #i ",\"value\":" #v ",\"op\":\"SCMP_CMP_" op "\"}"
		{ "first plain rule wins", R("read", "ALLOW", "") "," R("read", "ERRNO", ""), 0, 0, 0, ALLOW },
		{ "plain rule beats arguments",
		  R("read", "ERRNO", ",\"args\":[" A(0, "EQ", 1) "]") "," R("read", "ALLOW", ""), 0, 1, 0, ALLOW },
		{ "strictest of arguments",
		  R("read", "ALLOW", ",\"args\":[" A(0, "GT", 0) "]") "," R("read", "KILL_PROCESS",
									    ",\"args\":[" A(0, "EQ", 7) "]"),
		  0, 7, 0, SECCOMP_RET_KILL_PROCESS },
		{ "the other one",
		  R("read", "ALLOW", ",\"args\":[" A(0, "GT", 0) "]") "," R("read", "KILL_PROCESS",
									    ",\"args\":[" A(0, "EQ", 7) "]"),
		  0, 8, 0, ALLOW },
		{ "same argument twice: either", R("read", "ALLOW", ",\"args\":[" A(0, "EQ", 1) "," A(0, "EQ", 2) "]"),
		  0, 2, 0, ALLOW },
		{ "two arguments: both", R("read", "ALLOW", ",\"args\":[" A(0, "EQ", 1) "," A(1, "EQ", 2) "]"), 0, 1, 3,
		  ERRNO(EPERM) },
		{ "errnoRet", R("read", "ERRNO", ",\"errnoRet\":95"), 0, 0, 0, ERRNO(95) },
		{ "TRACE carries data", R("read", "TRACE", ",\"errnoRet\":7"), 0, 0, 0, SECCOMP_RET_TRACE | 7 },
		{ "LOG", R("read", "LOG", ""), 0, 0, 0, SECCOMP_RET_LOG },
		{ "TRAP", R("read", "TRAP", ""), 0, 0, 0, SECCOMP_RET_TRAP },
		{ "KILL is the thread", R("read", "KILL", ""), 0, 0, 0, SECCOMP_RET_KILL_THREAD },
		{ "old single name", "{\"name\":\"read\",\"action\":\"SCMP_ACT_ALLOW\"}", 0, 0, 0, ALLOW },
		{ "unknown name", R("no_such_call\",\"read", "ALLOW", ""), 0, 0, 0, ALLOW },
		{ "includes a capability", R("read", "ALLOW", ",\"includes\":{\"caps\":[\"CAP_CHOWN\"]}"), 0, 0, 0,
		  ALLOW },
		{ "includes one that is not there",
		  R("read", "ALLOW", ",\"includes\":{\"caps\":[\"CAP_CHOWN\",\"CAP_BPF\"]}"), 0, 0, 0, ERRNO(EPERM) },
		{ "includes one that nobody knows", R("read", "ALLOW", ",\"includes\":{\"caps\":[\"CAP_X\"]}"), 0, 0, 0,
		  ERRNO(EPERM) },
		{ "excludes any", R("read", "ALLOW", ",\"excludes\":{\"caps\":[\"CAP_BPF\",\"CAP_CHOWN\"]}"), 0, 0, 0,
		  ERRNO(EPERM) },
		{ "minKernel 6.1", R("read", "ALLOW", ",\"includes\":{\"minKernel\":\"6.1\"}"), 0, 0, 0, ALLOW },
		{ "minKernel 6.2", R("read", "ALLOW", ",\"includes\":{\"minKernel\":\"6.2\"}"), 0, 0, 0, ERRNO(EPERM) },
		{ "minKernel 5.19", R("read", "ALLOW", ",\"includes\":{\"minKernel\":\"5.19\"}"), 0, 0, 0, ALLOW },
		{ "excluded kernel", R("read", "ALLOW", ",\"excludes\":{\"minKernel\":\"5.0\"}"), 0, 0, 0,
		  ERRNO(EPERM) },
		{ "arches", R("read", "ALLOW", ",\"includes\":{\"arches\":[\"arm64\"]}"), 0, 0, 0, ERRNO(EPERM) },
		{ "nulls", R("read", "ALLOW", ",\"args\":null,\"includes\":{},\"excludes\":null,\"comment\":\"x\""), 0,
		  0, 0, ALLOW },
		{ "default below the newest", R("write", "ALLOW", ""), 0, 0, 0, ERRNO(EPERM) },
		{ "newer than the profile", R("write", "ALLOW", ""), 2, 0, 0, ERRNO(ENOSYS) },
	};
	struct sc_env env = { .caps = CAP(CHOWN) };

	env_native(&env, false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		auto_free char *text = xasprintf("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[%s,%s]}",
						 rows[i].syscalls, R("write", "ALLOW", ""));
		auto_seccomp_prog struct seccomp_prog p = { 0 };
		struct err e = { 0 };
		int r = compile_json(text, &env, &p, &e);

		ok(r == 0 && ask(&p, X64, rows[i].nr, rows[i].a0, rows[i].a1, 0) == rows[i].want, "%s %s", rows[i].what,
		   e.msg);
	}
}

static void test_json_archs(void)
{
	static const struct {
		const char *head;
		uint32_t x64, x32, i386;
	} rows[] = {
#define K SECCOMP_RET_KILL_PROCESS
		{ "", ALLOW, K, K },
		{ "\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\",\"SCMP_ARCH_NEWER\"],", ALLOW, K, ALLOW },
		{ "\"architectures\":[\"SCMP_ARCH_X32\"],", ALLOW, ALLOW, K },
		{ "\"archMap\":[{\"architecture\":\"SCMP_ARCH_AARCH64\",\"subArchitectures\":[\"SCMP_ARCH_X86\"]},"
		  "{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"]}]"
		  ",",
		  ALLOW, ALLOW, ALLOW },
		{ "\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":null}],", ALLOW, K, K },
	};
	struct sc_env env = { 0 };

	env_native(&env, false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		auto_free char *text = xasprintf("{%s\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[%s]}",
						 rows[i].head, R("getppid", "ALLOW", ""));
		auto_seccomp_prog struct seccomp_prog p = { 0 };

		is_int(compile_json(text, &env, &p, NULL), 0, "architectures: %s", rows[i].head);
		is_int(ask(&p, X64, 110, 0, 0, 0), rows[i].x64, "x86_64");
		is_int(ask(&p, X64, 110 | 0x40000000, 0, 0, 0), rows[i].x32, "x32");
		is_int(ask(&p, AUDIT_ARCH_I386, 64, 0, 0, 0), rows[i].i386, "i386");
	}
}

static void test_json_errors(void)
{
	static const struct {
		const char *text, *msg;
	} rows[] = {
		{ "{}", "'defaultAction' is missing" },
		{ "[]", "not a JSON object" },
		{ "{\"defaultAction\":\"ALLOW\"}", "string ALLOW is not a valid action for seccomp" },
		{ "{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}",
		  "action SCMP_ACT_NOTIFY needs a seccomp agent, which is not supported" },
		{ "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":70000}",
		  "'defaultErrnoRet' 70000 is out of range" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86\"],\"archMap\":[{}]}",
		  "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' "
		  "or 'archMap'" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"]}]}",
		  "rule 1: 'action' is missing" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"name\":\"a\",\"names\":[\"b\"],\"action\":"
		  "\"SCMP_ACT_ALLOW\"}]}",
		  "rule 1: both 'name' and 'names' are specified in the seccomp profile, use either 'name' or "
		  "'names'" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"b\"],\"action\":\"SCMP_ACT_"
		  "ALLOW\",\"args\":["
		  "{\"index\":6,\"op\":\"SCMP_CMP_EQ\"}]}]}",
		  "rule 1: argument index 6 is not 0 to 5" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"b\"],\"action\":\"SCMP_ACT_"
		  "ALLOW\",\"args\":["
		  "{\"index\":0,\"op\":\"EQ\"}]}]}",
		  "rule 1: string EQ is not a valid operator for seccomp" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"b\"],\"action\":\"SCMP_ACT_"
		  "ALLOW\","
		  "\"includes\":{\"minKernel\":\"5\"}}]}",
		  "rule 1: invalid minKernel '5'" },
	};
	struct sc_env env = { 0 };

	env_native(&env, false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		auto_free char *want = xasprintf("decoding seccomp profile failed: %s", rows[i].msg);
		struct seccomp_prog p = { 0 };
		struct err e = { 0 };

		is_int(compile_json(rows[i].text, &env, &p, &e), -EINVAL, "refused: %s", rows[i].text);
		is_str(e.msg, want, "with the reason");
	}
}

/* ---- the cache ---- */

static size_t count_files(int dirfd, char **ret_first)
{
	auto_strv char **names = NULL;

	if (fs_list_dir(dirfd, ".", &names, NULL) < 0 || !names)
		return 0;
	*ret_first = xstrdup(names[0]);
	return strv_len(names);
}

static void spoil(int dirfd, const char *name, off_t at)
{
	auto_close int fd = openat(dirfd, name, O_RDWR | O_CLOEXEC);
	char c;

	if (fd >= 0 && pread(fd, &c, 1, at) == 1) {
		c ^= 0x40;
		if (pwrite(fd, &c, 1, at) != 1)
			printf("# cannot spoil %s\n", name);
	}
}

static void cut(int dirfd, const char *name)
{
	auto_close int fd = openat(dirfd, name, O_RDWR | O_CLOEXEC);

	if (fd < 0 || ftruncate(fd, 100) < 0)
		printf("# cannot cut %s\n", name);
}

static void test_cache(void)
{
	static const char profile[] = "{\"defaultAction\":\"SCMP_ACT_ALLOW\"}";
	char dir[] = "/tmp/skiff-seccomp-XXXXXX", *name = NULL;
	auto_seccomp_prog struct seccomp_prog first = { 0 };
	struct seccomp_spec s = { .kind = SECCOMP_DEFAULT, .caps = caps_default() };
	auto_close int fd = mkdtemp(dir) ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -EBADF;
	static const off_t places[] = { 0, 9, 20, 30, 60, 64, 80, 3000 };
	char *second = NULL;
	struct stat st;
	int64_t t;

	is_int(seccomp_program(&s, fd, &first, NULL), 0, "first use compiles");
	is_int(count_files(fd, &name), 1, "and leaves one file");
	ok(fstatat(fd, name, &st, 0) == 0 && (st.st_mode & 0777) == 0600, "that is ours alone");
	for (size_t i = 0; i < sizeof(places) / sizeof(*places) + 1; i++) {
		auto_seccomp_prog struct seccomp_prog again = { 0 };

		if (i)
			spoil(fd, name, places[i - 1]);
		t = time_mono();
		ok(seccomp_program(&s, fd, &again, NULL) == 0 && again.n == first.n &&
			   !memcmp(again.insns, first.insns, first.n * sizeof(*first.insns)),
		   "the same program%s (%lld us)", i ? " although the file was spoilt" : " from the file",
		   (long long)(time_mono() - t) / 1000);
	}
	cut(fd, name);
	for (int i = 0; i < 2; i++) {
		auto_seccomp_prog struct seccomp_prog again = { 0 };

		ok(seccomp_program(&s, fd, &again, NULL) == 0 && again.n == first.n, "a short file does no harm");
	}
	for (int i = 0; i < 2; i++) {
		auto_seccomp_prog struct seccomp_prog json = { 0 };
		struct seccomp_spec j = { .kind = SECCOMP_JSON, .json = profile, .json_len = sizeof(profile) - 1 };

		ok(seccomp_program(&j, fd, &json, NULL) == 0 && ask(&json, X64, 0, 0, 0, 0) == ALLOW,
		   "a file's program");
	}
	is_int(count_files(fd, &second), 2, "has its own cache file");
	ok(fchmodat(fd, name, 0666, 0) == 0, "a file that others can write");
	for (int i = 0; i < 1; i++) {
		auto_seccomp_prog struct seccomp_prog again = { 0 };

		ok(seccomp_program(&s, fd, &again, NULL) == 0 && fstatat(fd, name, &st, 0) == 0 &&
			   (st.st_mode & 0777) == 0600,
		   "is replaced");
	}
	free(name);
	free(second);
	fs_remove_tree(AT_FDCWD, dir, NULL);
}

/* ---- the kernel ---- */

static int in_kernel(void)
{
	auto_seccomp_prog struct seccomp_prog p = { 0 };
	struct seccomp_spec s = { .kind = SECCOMP_DEFAULT, .caps = caps_default() };
	struct sock_fprog prog;
	int64_t t;

	if (seccomp_compile(&s, &p, NULL) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 1;
	prog = (struct sock_fprog) { .len = p.n, .filter = p.insns };
	t = time_mono();
	if (sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return 2;
	fprintf(stderr, "# loading took %lld us, %u instructions\n", (long long)(time_mono() - t) / 1000, p.n);
	if (socket(38, SOCK_SEQPACKET | SOCK_CLOEXEC, 0) >= 0 || errno != EAFNOSUPPORT)
		return 3;
	if (syscall(SYS_unshare, 0x10000000) >= 0 || errno != EPERM)
		return 4;
	if (syscall(9999) >= 0 || errno != ENOSYS)
		return 5;
	return 0;
}

static void test_kernel(void)
{
	int st = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(in_kernel());
	waitpid(pid, &st, 0);
	is_int(WIFEXITED(st) ? WEXITSTATUS(st) : -1, 0, "the kernel takes the default and obeys it");
}

int main(void)
{
	setlinebuf(stdout); /* stderr and forks come between */
	test_golden();
	test_table_against_docker();
	test_json_exact(false);
	test_json_exact(true);
	test_against_libseccomp();
	test_json_rules();
	test_json_archs();
	test_json_errors();
	test_cache();
	test_kernel();
	return done();
}
