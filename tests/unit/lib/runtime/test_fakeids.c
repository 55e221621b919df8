/* SPDX-License-Identifier: Apache-2.0 */

/*
 * This binary is also the program that runs inside (see tests/cli/probe-ids.c): once in a user namespace with many ids,
 * where the kernel answers, and once in one with a single id, where we do. Both must say the same.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/runtime/caps.h"
#include "lib/runtime/fakeids.h"
#include "lib/runtime/fakeids_int.h"
#include "lib/runtime/seccomp.h"
#include "lib/runtime/userns.h"
#include "tests/unit/tap.h"

#define PROBE_IDS_WITHIN
#include "tests/cli/probe-ids.c"

#include "lib/runtime/init/fakeids_filter.c"

/* Who the probe is to be; become by calls that are emulated, as skiff-init does it. */
struct user {
	uint32_t uid;
	uint32_t gid;
	const uint32_t *groups;
	size_t n_groups;
	uint64_t caps;
};

static const struct user root = { .caps = 0x800405fb };

static void become(const struct user *u)
{
	const uint32_t caps[2] = { u->uid ? 0 : (uint32_t)u->caps, 0 }, none[2] = { 0 };

	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || sys_setgroups(u->n_groups, u->groups) < 0 ||
	    sys_setresgid(u->gid) < 0 || sys_setresuid(u->uid) < 0 || prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0 ||
	    sys_capset(caps, caps, none) < 0)
		_exit(123);
}

static void exec_probe(char *const *argv, int out)
{
	dup2(out, 1);
	execv(ME, argv);
	_exit(126);
}

static char *drain(int fd)
{
	char *text = NULL;

	fs_read_fd(fd, 16 << 20, &text, NULL, NULL);
	return text;
}

/* The probe where the kernel has many ids. Return: its output, or NULL when there are no subordinate ids. */
static char *run_real(char *const *argv, int *ret_status)
{
	struct idmap map;
	int p[2];
	pid_t pid;
	char *text;

	if (idmap_for_caller(&map, NULL) < 0 || map.single || fd_pipe(p, NULL) < 0)
		return NULL;
	pid = userns_fork(&map, 0, NULL, NULL);
	if (pid == 0)
		exec_probe(argv, p[1]);
	close(p[1]);
	text = drain(p[0]);
	close(p[0]);
	*ret_status = pid > 0 ? proc_wait(pid) : -1;
	return text;
}

static void install_and_exec(char *const *argv, const struct user *user, int sock, int out)
{
	struct err e = { 0 };
	int listener;
	char c;

	if (fakeids_install(&listener, &e) < 0) {
		fprintf(stderr, "# %s\n", e.msg);
		_exit(125);
	}
	if (fd_send(sock, "x", 1, &listener, 1, 0) != 1 || fd_read(sock, &c, 1) != 1)
		_exit(124);
	close(listener);
	close(sock);
	become(user);
	exec_probe(argv, out);
}

/* Answer calls until nobody is left, and collect the output. */
static char *serve(struct fakeids *f, int out)
{
	struct pollfd p[] = { { .fd = fakeids_fd(f), .events = POLLIN }, { .fd = out, .events = POLLIN } };
	struct sbuf b = { 0 };
	char buf[4096];

	while (p[1].fd >= 0) {
		if (poll(p, 2, 20000) <= 0)
			break;
		if (p[0].revents & POLLIN)
			fakeids_handle(f);
		else if (p[0].revents)
			p[0].fd = -1;
		if (p[1].revents) {
			ssize_t n = fd_read(out, buf, sizeof(buf));

			if (n <= 0)
				p[1].fd = -1;
			else
				sbuf_add(&b, buf, (size_t)n);
		}
	}
	return sbuf_take(&b);
}

static char *run_fake(char *const *argv, const struct user *user, int *ret_status)
{
	struct idmap map = {
		.uid[0] = { 0, geteuid(), 1 }, .gid[0] = { 0, getegid(), 1 }, .n_uid = 1, .n_gid = 1, .single = true
	};
	struct fakeids *f = NULL;
	int sock[2], out[2], listener = -1;
	size_t n = 0;
	char c, *text = NULL;
	pid_t pid;

	if (fd_socketpair(SOCK_SEQPACKET, sock, NULL) < 0 || fd_pipe(out, NULL) < 0)
		return NULL;
	pid = userns_fork(&map, 0, NULL, NULL);
	if (pid == 0)
		install_and_exec(argv, user, sock[1], out[1]);
	close(sock[1]);
	close(out[1]);
	if (pid > 0 && fd_recv(sock[0], &c, 1, &listener, 1, &n, 0) == 1 && n == 1 &&
	    fakeids_new(listener, user->caps, &f, NULL) == 0) {
		fd_write_full(sock[0], "y", 1);
		text = serve(f, out[0]);
	}
	close(sock[0]);
	close(out[0]);
	*ret_status = pid > 0 ? proc_wait(pid) : -1;
	fakeids_free(f);
	return text;
}

static void first_difference(const char *a, const char *b)
{
	auto_strv char **x = strv_split(a, '\n'), **y = strv_split(b, '\n');

	for (size_t i = 0; x[i] && y[i]; i++) {
		if (strcmp(x[i], y[i])) {
			printf("# after   %s\n# kernel  %s\n# ours    %s\n", i ? x[i - 1] : "", x[i], y[i]);
			return;
		}
	}
}

static void test_random(void)
{
	for (int seed = 1; seed <= 20; seed++) {
		auto_free char *real = NULL, *fake = NULL, *text = xasprintf("%d", seed * 7919);
		char name[] = "probe-ids", cmd[] = "random", n[] = "150";
		char *argv[] = { name, cmd, text, n, NULL };
		int st_real = 0, st_fake = 0;

		real = run_real(argv, &st_real);
		if (!real) {
			printf("ok %d # skip the caller has no subordinate ids\n", ++tap_n);
			return;
		}
		fake = run_fake(argv, &root, &st_fake);
		ok(fake && strlen(real) > 500 && st_real == 0 && st_fake == 0 && !strcmp(real, fake),
		   "random sequence %d: as the kernel (%zu bytes, %d %d)", seed, strlen(real), st_real, st_fake);
		if (fake && strcmp(real, fake))
			first_difference(real, fake);
	}
}

static void test_check(void)
{
	char name[] = "probe-ids", cmd[] = "check";
	char *argv[] = { name, cmd, NULL };
	auto_free char *real = NULL, *fake = NULL;
	int st = -1;

	fake = run_fake(argv, &root, &st);
	is_int(st, 0, "emulated: fixed sequences across fork, exec, threads");
	is_str(fake, "ok\n", "all agree");
	real = run_real(argv, &st);
	if (real) {
		is_int(st, 0, "the kernel passes, too");
		is_str(real, "ok\n", "all agree");
	}
}

static void test_first(void)
{
	static const uint32_t groups[] = { 50, 7 };
	const struct user user = { .uid = 1000, .gid = 100, .groups = groups, .n_groups = 2, .caps = root.caps };
	const struct user nocap = { .caps = 0 };
	char name[] = "probe-ids", cmd[] = "expect", uid[] = "1000", gid[] = "100", list[] = "7,50";
	char rnd_cmd[] = "random", one[] = "3", n[] = "40";
	char *argv[] = { name, cmd, uid, gid, list, NULL }, *random[] = { name, rnd_cmd, one, n, NULL };
	auto_free char *a = NULL, *b = NULL;
	int st = -1;

	a = run_fake(argv, &user, &st);
	is_int(st, 0, "the first process starts as somebody else: %s", a ? a : "");
	b = run_fake(random, &nocap, &st);
	ok(b && strstr(b, "errno 1") && !strstr(b, "uid 1000"), "without CAP_SETUID not even id 0 gets other ids");
}

static void test_speed(void)
{
	char name[] = "probe-ids", cmd[] = "bench", n[] = "20000";
	char *argv[] = { name, cmd, n, NULL };
	auto_free char *text = NULL;
	int st = -1;

	text = run_fake(argv, &root, &st);
	ok(st == 0, "speed: %s", text ? str_trim(text) : "");
}

/* What the filter answers alone, in a child of ours under it: errors of the kernel stay, foreign owners are pretended.
 */
static int files_inside(void)
{
	char dir[] = "/tmp/skiff-fakeids-XXXXXX", path[64];
	struct stat st;
	int bad = 0, fd;

	if (!mkdtemp(dir))
		return 100;
	snprintf(path, sizeof(path), "%s/f", dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	bad |= (chown(path, 1000, 1000) != 0) << 0;
	bad |= (fchown(fd, 5, (gid_t)-1) != 0) << 1;
	bad |= (lchown(path, 0, 0) != 0) << 2;
	bad |= (chown("/no/such", 0, (gid_t)-1) == 0 || errno != ENOENT) << 3;
	bad |= (fchownat(AT_FDCWD, path, 7, 7, 0) != 0) << 4;
	snprintf(path, sizeof(path), "%s/dev", dir);
	bad |= (mknod(path, S_IFCHR | 0600, makedev(1, 3)) != 0 || stat(path, &st) == 0) << 5;
	snprintf(path, sizeof(path), "%s/fifo", dir);
	bad |= (mknod(path, S_IFIFO | 0600, 0) != 0 || stat(path, &st) != 0 || !S_ISFIFO(st.st_mode)) << 6;
	fs_remove_tree(AT_FDCWD, dir, NULL);
	return bad;
}

static void test_files(void)
{
	struct idmap map = {
		.uid[0] = { 0, geteuid(), 1 }, .gid[0] = { 0, getegid(), 1 }, .n_uid = 1, .n_gid = 1, .single = true
	};
	pid_t pid = userns_fork(&map, 0, NULL, NULL);
	int listener;

	if (pid == 0)
		_exit(fakeids_install(&listener, NULL) < 0 ? 99 : files_inside());
	is_int(proc_wait(pid), 0, "owners and devices");
}

/* Under the default policy: what the policy refuses stays refused, what it allows is reported. Whichever comes first.
 */
static int with_policy(bool policy_first)
{
	auto_seccomp_prog struct seccomp_prog p = { 0 };
	struct seccomp_spec s = { .kind = SECCOMP_DEFAULT, .caps = root.caps };
	struct sock_fprog prog;
	int listener = -1, r;

	if (seccomp_compile(&s, &p, NULL) < 0)
		return 98;
	prog = (struct sock_fprog) { .len = p.n, .filter = p.insns };
	if (policy_first && sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return 97;
	r = fakeids_install(&listener, NULL);
	if (r < 0)
		return 96;
	if (!policy_first && sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return 95;
	if (unshare(CLONE_NEWUSER) == 0 || errno != EPERM)
		return 1;
	if (fakeids_install(&r, NULL) != -EBUSY) /* a container in the container */
		return 2;
	close(listener); /* nobody answers: reported calls fail with ENOSYS */
	return syscall(SYS_setuid, 5) < 0 && errno == ENOSYS ? 0 : 3;
}

static void test_policy(void)
{
	struct idmap map = {
		.uid[0] = { 0, geteuid(), 1 }, .gid[0] = { 0, getegid(), 1 }, .n_uid = 1, .n_gid = 1, .single = true
	};

	for (int first = 0; first < 2; first++) {
		pid_t pid = userns_fork(&map, 0, NULL, NULL);

		if (pid == 0)
			_exit(with_policy(first));
		is_int(proc_wait(pid), 0, "with the policy filter %s", first ? "first" : "second");
	}
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return probe_ids(argc, argv);
	setlinebuf(stdout);
	test_check();
	test_random();
	test_first();
	test_files();
	test_policy();
	test_speed();
	return done();
}
