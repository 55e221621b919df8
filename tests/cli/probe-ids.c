/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Runs inside a container (static): do the calls that set ids and those that get them agree?
 *
 *	probe-ids check			fixed sequences, among them apt's; "ok" or what disagrees; exit status 0 or 1
 *	probe-ids random STATE N	N random calls, forks and execs; prints every result, so that two runs can be
 *compared probe-ids expect UID GID LIST	are these the ids? (used by check after exec) probe-ids bench N
 *nanoseconds of a getuid
 */

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define ME "/proc/self/exe"

static int failures;

static void expect(bool good, const char *fmt, ...)
{
	va_list ap;

	if (good)
		return;
	failures++;
	va_start(ap, fmt);
	printf("not ok: ");
	vprintf(fmt, ap);
	printf(" (errno %d)\n", errno);
	va_end(ap);
}

/* ---- random ---- */

static uint64_t state;

static uint32_t rnd(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 20) % n);
}

static uint32_t rnd_id(void)
{
	static const uint32_t ids[] = { 0, 0, 1, 2, 1000, 65534, UINT32_MAX };

	return ids[rnd(sizeof(ids) / sizeof(*ids))];
}

static void print_ids(void)
{
	gid_t g[64];
	uid_t r, e, s;
	gid_t rg, eg, sg;
	int n = getgroups(64, g);

	if (getresuid(&r, &e, &s) < 0 || getresgid(&rg, &eg, &sg) < 0)
		printf("cannot get ids\n");
	printf(" uid %d %d/%d %d fs %d gid %d %d/%d %d fs %d groups", (int)r, (int)e, (int)geteuid(), (int)s,
	       setfsuid(UINT32_MAX), (int)rg, (int)eg, (int)getegid(), (int)sg, setfsgid(UINT32_MAX));
	if (r != getuid() || rg != getgid())
		printf(" DISAGREE");
	printf(" keep %d", prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
	for (int i = 0; i < n; i++)
		printf(" %d", (int)g[i]);
	printf("\n");
	fflush(stdout);
}

static int rnd_groups(void)
{
	gid_t g[8];
	uint32_t n = rnd(6);

	for (uint32_t i = 0; i < n; i++)
		g[i] = rnd_id();
	return (int)syscall(SYS_setgroups, n, g);
}

/* Permitted and effective: CAP_SETGID (6) and CAP_SETUID (7), in any combination. */
static int rnd_capset(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };

	d[0].permitted = (1U + rnd(3)) << 6;
	d[0].effective = d[0].permitted & rnd(4) << 6;
	return (int)syscall(SYS_capset, &h, d);
}

static int rnd_call(const char **name)
{
	uint32_t a = rnd_id(), b = rnd_id(), c = rnd_id(), which = rnd(12);
	static const char *const names[] = { "setuid",	 "setgid",   "setreuid", "setregid", "setresuid", "setresgid",
					     "setfsuid", "setfsgid", "keepcaps", "capset",   "setgroups", "setgroups" };

	*name = names[which];
	errno = 0;
	switch (which) {
	case 0:
		return (int)syscall(SYS_setuid, a);
	case 1:
		return (int)syscall(SYS_setgid, a);
	case 2:
		return (int)syscall(SYS_setreuid, a, b);
	case 3:
		return (int)syscall(SYS_setregid, a, b);
	case 4:
		return (int)syscall(SYS_setresuid, a, b, c);
	case 5:
		return (int)syscall(SYS_setresgid, a, b, c);
	case 6:
		return setfsuid(a);
	case 7:
		return setfsgid(a);
	case 8:
		return prctl(PR_SET_KEEPCAPS, a & 1, 0, 0, 0);
	case 9:
		return rnd_capset();
	default:
		return rnd_groups();
	}
}

/* The sequence goes on in the child, so that every fork is tested. */
static void go_on_in_child(void)
{
	pid_t pid = fork();
	int st;

	if (pid == 0)
		return;
	waitpid(pid, &st, 0);
	printf("back in the parent:");
	print_ids();
	_exit(pid < 0);
}

static void go_on_after_exec(long left)
{
	char text[32], n[16], name[] = "probe-ids", cmd[] = "random";
	char *argv[] = { name, cmd, text, n, NULL };

	snprintf(text, sizeof(text), "%llu", (unsigned long long)state);
	snprintf(n, sizeof(n), "%ld", left);
	execv(ME, argv);
	printf("exec failed: %d\n", errno);
	_exit(1);
}

static int do_random(uint64_t seed, long n)
{
	state = seed;
	printf("start:");
	print_ids();
	while (n-- > 0) {
		uint32_t dice = rnd(12);
		const char *name = "fork";
		int r = 0;

		if (dice == 0)
			go_on_in_child();
		else if (dice == 1)
			go_on_after_exec(n);
		else
			r = rnd_call(&name);
		printf("%s = %d errno %d:", name, r, r < 0 ? errno : 0);
		print_ids();
	}
	return 0;
}

/* ---- check ---- */

static void expect_ids(const char *where, uint32_t uid, uint32_t gid)
{
	uid_t r = 7, e = 7, s = 7;
	gid_t rg = 7, eg = 7, sg = 7;

	expect(getuid() == uid && geteuid() == uid, "%s: getuid %d, geteuid %d, want %d", where, (int)getuid(),
	       (int)geteuid(), (int)uid);
	expect(getgid() == gid && getegid() == gid, "%s: getgid %d, getegid %d, want %d", where, (int)getgid(),
	       (int)getegid(), (int)gid);
	expect(getresuid(&r, &e, &s) == 0 && r == uid && e == uid && s == uid, "%s: getresuid %d %d %d", where, (int)r,
	       (int)e, (int)s);
	expect(getresgid(&rg, &eg, &sg) == 0 && rg == gid && eg == gid && sg == gid, "%s: getresgid %d %d %d", where,
	       (int)rg, (int)eg, (int)sg);
}

static void expect_groups(const char *where, const gid_t *want, int n)
{
	gid_t g[64];
	int got = getgroups(64, g);

	expect(got == n && !memcmp(g, want, sizeof(*g) * (size_t)n), "%s: %d groups, want %d", where, got, n);
	expect(getgroups(0, NULL) == n, "%s: count of groups", where);
	if (n > 1)
		expect(getgroups(1, g) < 0 && errno == EINVAL, "%s: too small a list", where);
}

/* Run @fn in a child; its failures count. */
static void in_child(void (*fn)(void))
{
	pid_t pid;
	int st;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		fn();
		fflush(stdout);
		_exit(failures ? 1 : 0);
	}
	failures += pid < 0 || waitpid(pid, &st, 0) != pid || st != 0;
}

static void exec_expect(const char *uid, const char *gid, const char *groups)
{
	pid_t pid;
	int st;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		execl(ME, "probe-ids", "expect", uid, gid, groups, NULL);
		_exit(1);
	}
	expect(pid > 0 && waitpid(pid, &st, 0) == pid && st == 0, "after fork and exec as %s:%s", uid, gid);
}

static void cannot_regain(const char *where)
{
	expect(setuid(0) < 0 && errno == EPERM, "%s: setuid(0) after the drop", where);
	expect(seteuid(0) < 0 && errno == EPERM, "%s: seteuid(0) after the drop", where);
	expect(setresuid((uid_t)-1, (uid_t)-1, 0) < 0 && errno == EPERM, "%s: setresuid after the drop", where);
	expect(setgid(0) < 0 && errno == EPERM, "%s: setgid(0) after the drop", where);
	expect(setgroups(0, NULL) < 0 && errno == EPERM, "%s: setgroups after the drop", where);
}

/* What apt's methods do before they touch the network (DropPrivileges in its fileutl.cc). */
static void check_apt(void)
{
	gid_t nogroup = 65534;

	expect(setgroups(1, &nogroup) == 0, "apt: setgroups");
	expect(setresgid(65534, 65534, 65534) == 0, "apt: setresgid");
	expect(setresuid(100, 100, 100) == 0, "apt: setresuid");
	expect_groups("apt", &nogroup, 1);
	expect_ids("apt", 100, 65534);
	cannot_regain("apt");
	exec_expect("100", "65534", "65534");
}

static void check_daemon(void)
{
	static const gid_t groups[] = { 9, 5, 700 }, sorted[] = { 5, 9, 700 };

	expect(setgroups(3, groups) == 0 && setgid(33) == 0 && setuid(33) == 0, "daemon: drop");
	expect_groups("daemon", sorted, 3);
	expect_ids("daemon", 33, 33);
	cannot_regain("daemon");
	exec_expect("33", "33", "5,9,700");
}

static void check_temporary(void)
{
	expect(seteuid(1000) == 0 && geteuid() == 1000 && getuid() == 0, "temporary: seteuid(1000)");
	expect(setgid(5) < 0 && errno == EPERM, "temporary: setgid without privilege");
	expect(seteuid(0) == 0 && geteuid() == 0, "temporary: back to 0");
	expect(setfsuid(77) == 0 && setfsuid(UINT32_MAX) == 77, "temporary: setfsuid");
	expect(setuid((uid_t)-1) < 0 && errno == EINVAL, "setuid(-1)");
	expect(setresuid((uid_t)-1, (uid_t)-1, (uid_t)-1) == 0, "setresuid that keeps all");
	expect(setgroups(65537, NULL) < 0 && errno == EINVAL, "too many groups");
	expect(syscall(SYS_setgroups, 2, 8L) < 0 && errno == EFAULT, "groups from a bad address");
	expect(syscall(SYS_getresuid, 8L, 8L, 8L) < 0 && errno == EFAULT, "ids to a bad address");
	expect(syscall(SYS_getgroups, -1, NULL) < 0 && errno == EINVAL, "a negative size");
}

/* setpriv and libcap: ids first, and the capability for the groups kept over it. */
static void check_keepcaps(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { { .effective = 3 << 6, .permitted = 3 << 6 } };

	expect(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0, "keepcaps: set");
	expect(setresuid(6, 6, 6) == 0, "keepcaps: setresuid");
	expect(setresgid(12, 12, 12) < 0 && errno == EPERM, "keepcaps: nothing is effective");
	h.pid = getpid(); /* as libcap-ng gives it */
	expect(syscall(SYS_capset, &h, d) == 0, "keepcaps: capset");
	expect(setresgid(12, 12, 12) == 0 && setgroups(0, NULL) == 0, "keepcaps: setresgid, setgroups");
	d[0].effective = d[0].permitted = 0;
	expect(syscall(SYS_capset, &h, d) == 0, "keepcaps: give up");
	expect_ids("keepcaps", 6, 12);
	cannot_regain("keepcaps");
}

static pthread_barrier_t barrier;

static void *thread_main(void *arg)
{
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	expect_ids("another thread", 1234, 4321);
	cannot_regain("another thread");
	return arg;
}

static void check_threads(void)
{
	pthread_t t;

	pthread_barrier_init(&barrier, NULL, 2);
	expect(pthread_create(&t, NULL, thread_main, NULL) == 0, "thread");
	pthread_barrier_wait(&barrier);
	expect(setgid(4321) == 0 && setuid(1234) == 0, "drop with a second thread");
	expect_ids("first thread", 1234, 4321);
	pthread_barrier_wait(&barrier);
	pthread_join(t, NULL);
}

static void check_rlimit(void)
{
	struct rlimit l = { 1000, 2000 };

	expect(setuid(55) == 0, "limit: setuid");
	expect(setrlimit(RLIMIT_RTTIME, &l) == 0, "limit: set RLIMIT_RTTIME");
	expect(getrlimit(RLIMIT_RTTIME, &l) == 0 && l.rlim_cur > 0, "limit: get RLIMIT_RTTIME");
	expect(getuid() == 55 && setuid(0) < 0, "limit: ids afterwards");
	expect(getrlimit(RLIMIT_NOFILE, &l) == 0 && setrlimit(RLIMIT_NOFILE, &l) == 0, "limit: another one");
}

#ifdef __x86_64__
static int int80(long nr, long a, long b, long c)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
	return (int)r;
}

/* The same process through i386's door: 32-bit and 16-bit calls. */
static void check_i386(void)
{
	uint32_t *id = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	static const gid_t groups[] = { 65000, 3 };
	uint16_t *narrow = (uint16_t *)id;
	long at = (long)(uintptr_t)id;

	if (id == MAP_FAILED || int80(20 /* getpid */, 0, 0, 0) != getpid())
		return; /* a kernel without it */
	expect(setgroups(2, groups) == 0, "i386: setgroups");
	expect(int80(80, 3, at, 0) == 2 && narrow[0] == 3 && narrow[1] == 65000, "i386: getgroups16");
	narrow[0] = 9;
	narrow[1] = 8;
	expect(int80(81, 2, at | 1L << 40, 0) == 0, "i386: setgroups16; the upper half does not count");
	expect(int80(205, 3, at, 0) == 2 && id[0] == 8 && id[1] == 9, "i386: getgroups32");
	expect(int80(208, 11, 12, 13) == 0, "i386: setresuid32");
	expect(int80(209, at, at + 4, at + 8) == 0 && id[0] == 11 && id[1] == 12 && id[2] == 13,
	       "i386: getresuid32 %d %d %d", (int)id[0], (int)id[1], (int)id[2]);
	expect(getuid() == 11 && geteuid() == 12 && int80(199, 0, 0, 0) == 11, "i386: both doors agree");
	expect(int80(24, 0, 0, 0) == 11 && int80(49, 0, 0, 0) == 12, "i386: getuid16, geteuid16");
	expect(int80(70, 0xffff, 13, 0) == 0 && geteuid() == 13, "i386: setreuid16(-1, 13)");
}
#endif

static int do_check(void)
{
	if (geteuid() != 0) {
		printf("not ok: must start as id 0, is %d\n", (int)geteuid());
		return 1;
	}
	in_child(check_apt);
	in_child(check_daemon);
	in_child(check_temporary);
	in_child(check_keepcaps);
	in_child(check_threads);
	in_child(check_rlimit);
#ifdef __x86_64__
	in_child(check_i386);
#endif
	expect_ids("the parent of all", 0, 0);
	printf("%s\n", failures ? "failed" : "ok");
	return failures ? 1 : 0;
}

static int do_expect(char **args)
{
	gid_t want[64];
	int n = 0;

	for (char *p = args[2], *field; (field = strsep(&p, ",")) && *field && n < 64; n++)
		want[n] = (gid_t)strtoull(field, NULL, 10);
	expect_ids("after exec", (uint32_t)strtoull(args[0], NULL, 10), (uint32_t)strtoull(args[1], NULL, 10));
	expect_groups("after exec", want, n);
	cannot_regain("after exec");
	return failures ? 1 : 0;
}

static int do_bench(long n)
{
	struct timespec a, b;
	double ns;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (long i = 0; i < n; i++)
		syscall(SYS_getuid);
	clock_gettime(CLOCK_MONOTONIC, &b);
	ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
	printf("%.0f ns a call\n", ns / (double)n);
	return 0;
}

static int probe_ids(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "check"))
		return do_check();
	if (argc == 4 && !strcmp(argv[1], "random"))
		return do_random(strtoull(argv[2], NULL, 10), (long)strtoull(argv[3], NULL, 10));
	if (argc == 5 && !strcmp(argv[1], "expect"))
		return do_expect(argv + 2);
	if (argc == 3 && !strcmp(argv[1], "bench"))
		return do_bench((long)strtoull(argv[2], NULL, 10));
	fprintf(stderr, "usage: probe-ids check | random STATE N | expect UID GID LIST | bench N\n");
	return 2;
}

#ifndef PROBE_IDS_WITHIN
int main(int argc, char **argv)
{
	return probe_ids(argc, argv);
}
#endif
