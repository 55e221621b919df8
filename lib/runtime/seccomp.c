/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/runtime/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/oci/json.h"
#include "lib/runtime/seccomp_int.h"

/*
 * Theory of operation: the cache
 *
 * A compiled program depends on the profile's text, the capabilities, the machine, the kernel's version (minKernel)
 * and on this program's tables. All of that is the key. A cache file is named by a hash of the key, and holds the
 * whole key as well: the hash is a quick one that somebody could make collide, the comparison is what counts. A file
 * that is not exactly as we write it (owner, size, checksum, key) is compiled anew and replaced; nothing is synced,
 * since a lost file costs a millisecond.
 */

#define GENERATOR   1 /* counts changes of seccomp_bpf.c that change programs */
#define CACHE_MAGIC 0x32307066626b73ULL

/**
 * struct key - what a program depends on; followed by the JSON text
 */
struct key {
	uint64_t table;
	uint64_t caps;
	uint32_t kind;
	uint32_t native;
	uint32_t major;
	uint32_t minor;
	uint32_t x86_or_host_pid; /* 1, 2 */
	uint32_t json_len;
};

/**
 * struct cache_head - start of a cache file; the key, the JSON text and the instructions follow
 */
struct cache_head {
	uint64_t magic;
	uint64_t checksum; /* of everything behind it */
	uint32_t n_insns;
	uint32_t pad;
	struct key key;
};

/* Numbers that libseccomp 2.5 does not know, or knows only through the multiplexers of i386. */
static const struct {
	const char *name;
	int nr; /* the same on every machine */
} newer[] = {
	{ "cachestat", 451 },	      { "fchmodat2", 452 },	   { "map_shadow_stack", 453 },
	{ "futex_wake", 454 },	      { "futex_wait", 455 },	   { "futex_requeue", 456 },
	{ "statmount", 457 },	      { "listmount", 458 },	   { "lsm_get_self_attr", 459 },
	{ "lsm_set_self_attr", 460 }, { "lsm_list_modules", 461 }, { "mseal", 462 },
	{ "setxattrat", 463 },	      { "getxattrat", 464 },	   { "listxattrat", 465 },
	{ "removexattrat", 466 },     { "open_tree_attr", 467 },   { "file_getattr", 468 },
	{ "file_setattr", 469 },
};

static const struct {
	const char *name;
	int nr;
} only_i386[] = {
	{ "socket", 359 },	{ "socketpair", 360 },	{ "bind", 361 },       { "connect", 362 },
	{ "listen", 363 },	{ "accept4", 364 },	{ "getsockopt", 365 }, { "setsockopt", 366 },
	{ "getsockname", 367 }, { "getpeername", 368 }, { "sendto", 369 },     { "sendmsg", 370 },
	{ "recvfrom", 371 },	{ "recvmsg", 372 },	{ "shutdown", 373 },   { "recvmmsg", 337 },
	{ "sendmmsg", 345 },	{ "semget", 393 },	{ "semctl", 394 },     { "shmget", 395 },
	{ "shmctl", 396 },	{ "shmat", 397 },	{ "shmdt", 398 },      { "msgget", 399 },
	{ "msgsnd", 400 },	{ "msgrcv", 401 },	{ "msgctl", 402 },
};

static const struct {
	uint32_t token;
	const char *name;
	uint32_t relatives[2];
} archs[] = {
	{ SCMP_ARCH_X86_64, "amd64", { SCMP_ARCH_X86, SCMP_ARCH_X32 } },
	{ SCMP_ARCH_X86, "x86", { 0, 0 } },
	{ SCMP_ARCH_X32, "x32", { 0, 0 } },
	{ SCMP_ARCH_AARCH64, "arm64", { SCMP_ARCH_ARM, 0 } },
	{ SCMP_ARCH_ARM, "arm", { 0, 0 } },
	{ SCMP_ARCH_S390X, "s390x", { SCMP_ARCH_S390, 0 } },
	{ SCMP_ARCH_S390, "s390", { 0, 0 } },
	{ SCMP_ARCH_PPC64LE, "ppc64le", { 0, 0 } },
	{ SCMP_ARCH_RISCV64, "riscv64", { 0, 0 } },
	{ SCMP_ARCH_MIPS64, "mips64", { SCMP_ARCH_MIPS, SCMP_ARCH_MIPS64N32 } },
	{ SCMP_ARCH_MIPSEL64, "mipsel64", { SCMP_ARCH_MIPSEL, SCMP_ARCH_MIPSEL64N32 } },
};

/**
 * sc_arch_name() - Go's name of an architecture
 * @token:	libseccomp's token
 *
 * Return: the name; "" for one that docker's profiles do not speak of
 */
const char *sc_arch_name(uint32_t token)
{
	for (size_t i = 0; i < sizeof(archs) / sizeof(*archs); i++)
		if (archs[i].token == token)
			return archs[i].name;
	return "";
}

/**
 * sc_resolve() - Number of a system call
 * @arch:	libseccomp's token
 * @name:	The call
 *
 * Return: the number (x32: with bit 30), -1 where @arch does not have the call
 */
int sc_resolve(uint32_t arch, const char *name)
{
	int nr = seccomp_syscall_resolve_name_arch(arch, name);

	if (nr >= 0)
		return nr;
	if (arch == SCMP_ARCH_X86)
		for (size_t i = 0; i < sizeof(only_i386) / sizeof(*only_i386); i++)
			if (!strcmp(only_i386[i].name, name))
				return only_i386[i].nr;
	for (size_t i = 0; i < sizeof(newer) / sizeof(*newer); i++)
		if (!strcmp(newer[i].name, name))
			return arch == SCMP_ARCH_X32 ? newer[i].nr | 0x40000000 : newer[i].nr;
	if (!strcmp(name, "uretprobe") && (arch == SCMP_ARCH_X86_64 || arch == SCMP_ARCH_X32))
		return arch == SCMP_ARCH_X32 ? 335 | 0x40000000 : 335;
	if (!strcmp(name, "riscv_hwprobe") && arch == SCMP_ARCH_RISCV64)
		return 258;
	return -1;
}

/**
 * sc_hash() - FNV-1a
 * @seed:	Hash so far, or 0 to start
 * @data:	Bytes
 * @len:	How many
 *
 * Return: the hash
 */
uint64_t sc_hash(uint64_t seed, const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t h = seed ? seed : 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3ULL;
	return h;
}

/**
 * sc_add_rule() - Append a rule
 * @f:		Profile
 * @rule:	Copied; its name is borrowed
 */
void sc_add_rule(struct sc_filter *f, const struct sc_rule *rule)
{
	if (f->n_rules == f->cap) {
		f->cap = f->cap ? 2 * f->cap : 512;
		f->rules = xrealloc(f->rules, f->cap * sizeof(*f->rules));
	}
	f->rules[f->n_rules++] = *rule;
}

/**
 * sc_filter_done() - Release what a profile owns
 * @f:	Profile
 */
void sc_filter_done(struct sc_filter *f)
{
	free(f->rules);
	strv_free(f->text);
	json_free(f->doc);
	*f = (struct sc_filter) { 0 };
}

static unsigned number_at(const char **p)
{
	unsigned v = 0;

	while (**p >= '0' && **p <= '9' && v < 100000)
		v = v * 10 + (unsigned)(*(*p)++ - '0');
	return v;
}

/**
 * sc_env_of_host() - Machine and kernel that we run on
 * @env:	Filled; capabilities and platform are left alone
 */
void sc_env_of_host(struct sc_env *env)
{
	struct utsname u;
	const char *p = u.release;

	env->native = seccomp_arch_native();
	if (uname(&u) < 0)
		return;
	env->major = number_at(&p);
	if (*p == '.')
		p++;
	env->minor = number_at(&p);
}

static void add_native_archs(const struct sc_env *env, struct sc_filter *f)
{
	f->archs[f->n_archs++] = env->native;
	for (size_t i = 0; i < sizeof(archs) / sizeof(*archs); i++)
		for (int j = 0; j < 2 && archs[i].token == env->native && archs[i].relatives[j]; j++)
			f->archs[f->n_archs++] = archs[i].relatives[j];
}

static int compile(const struct seccomp_spec *s, const struct sc_env *env, struct seccomp_prog *ret, struct err *e)
{
	auto_sc_filter struct sc_filter f = { 0 };
	int r;

	if (s->kind == SECCOMP_UNCONFINED) {
		*ret = (struct seccomp_prog) { 0 };
		return 0;
	}
	if (s->kind == SECCOMP_JSON) {
		r = sc_from_json(s->json, s->json_len, env, &f, e);
	} else {
		add_native_archs(env, &f);
		r = sc_from_table(s->kind, env, &f, e);
	}
	return r < 0 ? r : sc_generate(&f, ret, e);
}

/**
 * seccomp_compile() - Make a filter, without the cache
 * @s:		Which
 * @ret:	The program; empty for SECCOMP_UNCONFINED
 * @e:		Failure
 *
 * Return: 0, -EINVAL for a profile that is none, -E2BIG, ...
 */
int seccomp_compile(const struct seccomp_spec *s, struct seccomp_prog *ret, struct err *e)
{
	struct sc_env env = { .caps = s->caps, .x86 = s->x86, .host_pid = s->host_pid };

	sc_env_of_host(&env);
	return compile(s, &env, ret, e);
}

/**
 * seccomp_prog_done() - Release a program
 * @p:	Program
 */
void seccomp_prog_done(struct seccomp_prog *p)
{
	free(p->insns);
	*p = (struct seccomp_prog) { 0 };
}

static void make_key(const struct seccomp_spec *s, const struct sc_env *env, struct key *k)
{
	uint64_t h = sc_hash(0, SKIFF_VERSION, strlen(SKIFF_VERSION)) + GENERATOR;

	*k = (struct key) { .table = s->kind == SECCOMP_JSON ? h : sc_table_hash(h),
			    .caps = env->caps,
			    .kind = s->kind,
			    .native = env->native,
			    .major = env->major,
			    .minor = env->minor,
			    .x86_or_host_pid = env->x86 | (uint32_t)env->host_pid << 1,
			    .json_len = s->kind == SECCOMP_JSON ? (uint32_t)s->json_len : 0 };
}

static uint64_t checksum(const struct cache_head *h, const void *rest, size_t len)
{
	uint64_t sum = sc_hash(0, &h->n_insns, sizeof(*h) - offsetof(struct cache_head, n_insns));

	/* in words: a cached start must not pay for hashing 6 KB byte by byte */
	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint64_t w;

		memcpy(&w, (const char *)rest + i, 8);
		sum = (sum ^ w) * 0x100000001b3ULL;
		sum ^= sum >> 29;
	}
	return sc_hash(sum, (const char *)rest + len / 8 * 8, len % 8);
}

/* Return: 1 when the file held the program of @k, else 0. */
static int cache_read(int dirfd, const char *name, const struct key *k, const char *json, struct seccomp_prog *ret)
{
	auto_close int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct sock_filter *insns = NULL;
	auto_free char *buf = NULL;
	struct cache_head h;
	struct stat st;
	size_t len;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 022)
		return 0;
	if (fd_read_full(fd, &h, sizeof(h)) != sizeof(h) || h.magic != CACHE_MAGIC || h.n_insns > BPF_MAXINSNS ||
	    !h.n_insns || memcmp(&h.key, k, sizeof(*k)))
		return 0;
	len = k->json_len + h.n_insns * sizeof(*insns);
	if ((uint64_t)st.st_size != sizeof(h) + len)
		return 0;
	buf = xmalloc(len);
	if (fd_read_full(fd, buf, len) != (ssize_t)len || checksum(&h, buf, len) != h.checksum)
		return 0;
	if (k->json_len && memcmp(buf, json, k->json_len))
		return 0;
	ret->insns = xmalloc(h.n_insns * sizeof(*insns));
	memcpy(ret->insns, buf + k->json_len, h.n_insns * sizeof(*insns));
	ret->n = (uint16_t)h.n_insns;
	return 1;
}

static void cache_write(int dirfd, const char *name, const struct key *k, const char *json,
			const struct seccomp_prog *p)
{
	size_t n_bytes = p->n * sizeof(*p->insns);
	struct cache_head h = { .magic = CACHE_MAGIC, .n_insns = p->n, .key = *k };
	auto_sbuf struct sbuf b = { 0 };
	struct err e;

	sbuf_add(&b, &h, sizeof(h));
	if (k->json_len)
		sbuf_add(&b, json, k->json_len);
	sbuf_add(&b, p->insns, n_bytes);
	h.checksum = checksum(&h, b.p + sizeof(h), k->json_len + n_bytes);
	memcpy(b.p, &h, sizeof(h));
	if (fs_replace_file(dirfd, name, b.p, b.len, 0600, 0, &e) < 0)
		log_debug("seccomp cache: %s", e.msg); /* read-only or full: it only costs time */
}

/**
 * seccomp_program() - The filter of a container, from the cache where it is there
 * @s:			Which
 * @cache_dirfd:	Folder of ours for compiled programs; negative for none
 * @ret:		The program; empty for SECCOMP_UNCONFINED
 * @e:			Failure
 *
 * Should be called under the ids that own the folder (before entering a user namespace).
 *
 * Return: 0, -EINVAL for a profile that is none, -E2BIG, ...
 */
int seccomp_program(const struct seccomp_spec *s, int cache_dirfd, struct seccomp_prog *ret, struct err *e)
{
	struct sc_env env = { .caps = s->caps, .x86 = s->x86, .host_pid = s->host_pid };
	struct key k;
	char name[40];
	uint64_t h;
	int r;

	sc_env_of_host(&env);
	if (s->kind == SECCOMP_UNCONFINED || cache_dirfd < 0)
		return compile(s, &env, ret, e);
	make_key(s, &env, &k);
	h = sc_hash(0, &k, sizeof(k));
	if (k.json_len)
		h = sc_hash(h, s->json, k.json_len);
	snprintf(name, sizeof(name), "seccomp-%016llx", (unsigned long long)h);
	if (cache_read(cache_dirfd, name, &k, s->json, ret))
		return 0;
	r = compile(s, &env, ret, e);
	if (r == 0)
		cache_write(cache_dirfd, name, &k, s->json, ret);
	return r;
}

/**
 * seccomp_from_option() - The value of --security-opt seccomp=
 * @value:	unconfined, builtin, default, nested, or a file
 * @ret_kind:	What it means
 * @ret_json:	Text of the file, owned; else NULL
 * @e:		The file cannot be read; docker's words
 *
 * Return: 0 or negative errno
 */
int seccomp_from_option(const char *value, enum seccomp_kind *ret_kind, char **ret_json, struct err *e)
{
	static const struct {
		const char *word;
		enum seccomp_kind kind;
	} words[] = {
		{ "unconfined", SECCOMP_UNCONFINED },
		{ "builtin", SECCOMP_DEFAULT },
		{ "default", SECCOMP_DEFAULT },
		{ "nested", SECCOMP_NESTED },
	};
	char *text = NULL;
	int r;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(words[i].word, value))
			continue;
		*ret_kind = words[i].kind;
		*ret_json = NULL;
		return 0;
	}
	r = fs_read_file(AT_FDCWD, value, SECCOMP_JSON_MAX, &text, NULL, e);
	if (r < 0)
		return err_wrap(e, r, "opening seccomp profile (%s) failed", value);
	*ret_kind = SECCOMP_JSON;
	*ret_json = text;
	return 0;
}
