/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Runs inside a container (static) and says what is really possible there. Each subcommand prints "0" or the name of
 *the errno it met, or what it found.
 *
 *	probe all			one line "what: result" for everything below that needs no argument
 *	probe socket FAMILY TYPE PROTO	socket(2)
 *	probe nr NUMBER [ARG...]	any system call
 *	probe int80 NUMBER [ARG...]	through i386's door
 *	probe status			ids, groups, capabilities, seccomp and no_new_privs of this process, from /proc
 *	probe fds			open descriptors and what they are
 *	probe ioctl NUMBER		on stdin
 *	probe keys NAME			look for a user key called NAME
 *	probe addkey NAME		make one, in the session's and the user's keyring
 *	probe watch SECONDS		print what /proc/PID/{cwd,root,exe,fd} of other processes point to
 *	probe grab SECONDS		try to write to every /proc/PID/exe; prints what could be opened
 *	probe environ			number of processes whose environment can be read; ARG: those that have it
 *	probe swap A B SECONDS		exchange two names in a loop
 *	probe abstract			connect to every abstract socket of this network namespace
 *	probe udp PORT			give datagrams back
 *	probe euid			real and effective uid
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

static const char *result(long r)
{
	if (r >= 0)
		return "0";
	return strerrorname_np(errno) ? strerrorname_np(errno) : "?";
}

static long number(const char *s)
{
	return (long)strtoull(s, NULL, 0);
}

static int raw(int argc, char **argv)
{
	long a[7] = { 0 };

	for (int i = 0; i < argc && i < 7; i++)
		a[i] = number(argv[i]);
	puts(result(syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6])));
	return 0;
}

static const char *int80(long nr, long a, long b, long c)
{
#ifdef __x86_64__
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
	errno = (int)r < 0 ? -(int)r : 0;
	return result((int)r < 0 ? -1 : 0);
#else
	(void)nr, (void)a, (void)b, (void)c;
	return "ENOSYS";
#endif
}

static int show_file(const char *path, const char *const *prefixes)
{
	char line[4096];
	FILE *f = fopen(path, "re");

	if (!f) {
		printf("%s: %s\n", path, result(-1));
		return 1;
	}
	while (fgets(line, sizeof(line), f))
		for (const char *const *p = prefixes; *p; p++)
			if (!strncmp(line, *p, strlen(*p)))
				fputs(line, stdout);
	fclose(f);
	return 0;
}

static int show_status(void)
{
	static const char *const prefixes[] = { "Uid:", "Gid:", "Groups:", "Cap", "NoNewPrivs:", "Seccomp:", NULL };

	return show_file("/proc/self/status", prefixes);
}

static int show_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *de;
	char target[4096];

	while (d && (de = readdir(d))) {
		ssize_t n = readlinkat(dirfd(d), de->d_name, target, sizeof(target) - 1);

		if (n < 0 || number(de->d_name) == dirfd(d))
			continue;
		target[n] = '\0';
		printf("%s %s\n", de->d_name, target);
	}
	return d ? 0 : 1;
}

static int run_socket(int family, int type, int proto)
{
	int fd = socket(family, type | SOCK_CLOEXEC, proto);

	if (fd >= 0)
		close(fd);
	return fd;
}

static const char *try_clone3(void)
{
	uint64_t args[8] = { CLONE_NEWUSER, 0, 0, 0, SIGCHLD, 0, 0, 0 };
	long r = syscall(SYS_clone3, args, sizeof(args));

	if (r == 0)
		_exit(0);
	return result(r);
}

static const char *try_clone(unsigned long flags)
{
	long r = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (r == 0)
		_exit(0);
	return result(r);
}

/* In a child: whoever is our own parent would become the tracer, and has to be asked for every signal then. */
static const char *try_ptrace(void)
{
	pid_t pid = fork();
	int st;

	if (pid == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? errno : 0);
	if (pid < 0 || waitpid(pid, &st, 0) != pid || !WIFEXITED(st))
		return "?";
	errno = WEXITSTATUS(st);
	return result(errno ? -1 : 0);
}

static const char *try_sysctl(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return result(fd);
}

static const char *try_pvm(pid_t pid)
{
	char buf[8];
	struct iovec l = { buf, sizeof(buf) }, r = { (void *)(uintptr_t)&errno, sizeof(buf) };

	return result(process_vm_readv(pid, &l, 1, &r, 1, 0));
}

static void line(const char *what, const char *res)
{
	printf("%s: %s\n", what, res);
}

static void all_sockets(void)
{
	static const struct {
		const char *name;
		int family, type, proto;
	} rows[] = {
		{ "socket unix", AF_UNIX, SOCK_STREAM, 0 },
		{ "socket inet", AF_INET, SOCK_STREAM, 0 },
		{ "socket inet6", AF_INET6, SOCK_DGRAM, 0 },
		{ "socket netlink route", AF_NETLINK, SOCK_RAW, 0 },
		{ "socket netlink generic", AF_NETLINK, SOCK_RAW, 16 },
		{ "socket netlink xfrm", AF_NETLINK, SOCK_RAW, 6 },
		{ "socket netlink audit", AF_NETLINK, SOCK_RAW, 9 },
		{ "socket key", 15, SOCK_RAW, 2 },
		{ "socket packet", AF_PACKET, SOCK_RAW, 0 },
		{ "socket inet raw", AF_INET, SOCK_RAW, 1 },
		{ "socket tipc", 30, SOCK_DGRAM, 0 },
		{ "socket rxrpc", 33, SOCK_DGRAM, 2 },
		{ "socket alg", 38, SOCK_SEQPACKET, 0 },
		{ "socket vsock", 40, SOCK_STREAM, 0 },
		{ "socket xdp", 44, SOCK_RAW, 0 },
	};
	long r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		line(rows[i].name, result(run_socket(rows[i].family, rows[i].type, rows[i].proto)));
	/* an int parameter: the kernel drops the upper half, a filter must, too */
	r = syscall(SYS_socket, 0x100000026L, SOCK_SEQPACKET, 0);
	line("socket alg with a hidden family", result(r));
}

static void all_calls(void)
{
	line("unshare user", result(unshare(CLONE_NEWUSER)));
	line("unshare mount", result(unshare(CLONE_NEWNS)));
	line("clone user", try_clone(CLONE_NEWUSER));
	line("clone plain", try_clone(0));
	line("clone3", try_clone3());
	line("mount", result(mount("none", "/tmp", "tmpfs", 0, NULL)));
	line("umount", result(umount2("/proc", MNT_DETACH)));
	line("fsopen", result(syscall(430, "tmpfs", 0)));
	line("pivot_root", result(syscall(SYS_pivot_root, ".", ".")));
	line("setns", result(setns(-1, 0)));
	line("keyctl", result(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, -3 /* session */, 0)));
	line("add_key", result(syscall(SYS_add_key, "user", "skiff", "x", 1, -3)));
	line("request_key", result(syscall(SYS_request_key, "user", "skiff", NULL, 0)));
	line("bpf", result(syscall(SYS_bpf, 0, NULL, 0)));
	line("perf_event_open", result(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0)));
	line("userfaultfd", result(syscall(SYS_userfaultfd, 0)));
	line("io_uring_setup", result(syscall(425, 1, NULL)));
	line("kexec_load", result(syscall(SYS_kexec_load, 0, 0, NULL, 0)));
	line("open_by_handle_at", result(syscall(SYS_open_by_handle_at, -1, NULL, 0)));
	line("ptrace child", try_ptrace());
	line("vmsplice", result(syscall(SYS_vmsplice, -1, NULL, 0, 0)));
	line("memfd_secret", result(syscall(447, 0)));
	line("process_vm_readv of itself", try_pvm(getpid()));
	line("name_to_handle_at of nothing", result(syscall(SYS_name_to_handle_at, -1, "x", NULL, NULL, 0)));
	line("kcmp", result(syscall(SYS_kcmp, getpid(), getpid(), 0 /* KCMP_FILE */, 0, 0)));
	line("pidfd_getfd", result(syscall(438, -1, 0, 0)));
	line("syslog", result(syscall(SYS_syslog, 9 /* unread bytes */, NULL, 0)));
	line("number 467", result(syscall(467, 0, 0, 0, 0, 0)));
	line("number 9999", result(syscall(9999)));
	line("chroot", result(chroot("/")));
	line("sethostname", result(sethostname("x", 1)));
}

static int all(void)
{
	all_sockets();
	all_calls();
	errno = 0;
	line("i386 socketcall", int80(102, 1 /* SYS_SOCKET */, 0, 0));
	line("i386 mount", int80(21, 0, 0, 0));
	line("sysrq-trigger", try_sysctl("/proc/sysrq-trigger"));
	line("core_pattern", try_sysctl("/proc/sys/kernel/core_pattern"));
	line("kcore", result(open("/proc/kcore", O_RDONLY | O_CLOEXEC)));
	return 0;
}

static int find_key(const char *name)
{
	static const int rings[] = { -1, -2, -3, -4, -5 }; /* thread, process, session, user, user session */

	for (size_t i = 0; i < sizeof(rings) / sizeof(*rings); i++)
		printf("%d: %s\n", rings[i], result(syscall(SYS_keyctl, KEYCTL_SEARCH, rings[i], "user", name, 0)));
	return 0;
}

static int add_key(const char *name)
{
	for (int ring = -3; ring >= -4; ring--)
		printf("%d: %s\n", ring, result(syscall(SYS_add_key, "user", name, "secret", 6, ring)));
	return 0;
}

static time_t now(void)
{
	return time(NULL);
}

static void show_link(int dir, const char *name)
{
	char target[4096];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

	if (n > 0)
		printf("%.*s\n", (int)n, target);
}

static void show_process(const char *pid)
{
	static const char *const names[] = { "cwd", "root", "exe" };
	char path[64];
	DIR *fds;
	int dir;

	snprintf(path, sizeof(path), "/proc/%.20s", pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return;
	for (int i = 0; i < 3; i++)
		show_link(dir, names[i]);
	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	fds = opendir(path);
	for (struct dirent *de; fds && (de = readdir(fds));)
		if (de->d_name[0] != '.')
			show_link(dirfd(fds), de->d_name);
	if (fds)
		closedir(fds);
	close(dir);
}

/* For every process but ourselves and pid 1, which is the container's own. */
static void each_process(void (*fn)(const char *pid))
{
	DIR *d = opendir("/proc");

	for (struct dirent *de; d && (de = readdir(d));) {
		long pid = number(de->d_name);

		if (pid > 1 && pid != getpid())
			fn(de->d_name);
	}
	if (d)
		closedir(d);
}

static int loop(void (*fn)(const char *pid), long seconds)
{
	time_t end = now() + seconds;

	while (now() < end)
		each_process(fn);
	puts("end");
	return 0;
}

static void grab(const char *pid)
{
	char path[64], target[4096] = "";
	int fd, out;

	snprintf(path, sizeof(path), "/proc/%.20s/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (readlink(path, target, sizeof(target) - 1) < 0)
		target[0] = '\0';
	/* the process must be gone before its program can be written to: hold it open meanwhile */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (int i = 0; i < 200; i++) {
		out = open(path, O_WRONLY | O_CLOEXEC);
		if (out >= 0) {
			printf("written to: %s %s\n", target, result(write(out, "#!", 2)));
			close(out);
			break;
		}
		if (errno != ETXTBSY)
			break;
		usleep(200);
	}
	close(fd);
}

static const char *wanted;
static int readable;

static void read_environ(const char *pid)
{
	char path[64], buf[65536];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.20s/environ", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));
	if (n > 0 && (!wanted || memmem(buf, (size_t)n, wanted, strlen(wanted))))
		readable++;
	if (fd >= 0)
		close(fd);
}

static int swap(const char *a, const char *b, long seconds)
{
	time_t end = now() + seconds;
	long n = 0;

	while (now() < end)
		for (int i = 0; i < 1000; i++, n++)
			if (syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2 /* RENAME_EXCHANGE */) < 0) {
				puts(result(-1));
				return 1;
			}
	printf("%ld\n", n);
	return 0;
}

static int try_abstract(void)
{
	char text[4096];
	FILE *f = fopen("/proc/net/unix", "re");
	int seen = 0, connected = 0;

	while (f && fgets(text, sizeof(text), f)) {
		struct sockaddr_un a = { .sun_family = AF_UNIX };
		char *at = strchr(text, '@');
		size_t len;
		int fd;

		if (!at)
			continue;
		at[strcspn(at, "\n")] = '\0';
		len = strnlen(at + 1, sizeof(a.sun_path) - 1);
		memcpy(a.sun_path + 1, at + 1, len);
		seen++;
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (strstr(at, "skiff"))
			printf("named after us: %s\n", at);
		if (connect(fd, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)) ==
		    0)
			connected++;
		close(fd);
	}
	printf("seen %d connected %d\n", seen, connected);
	return 0;
}

static int three(char **a)
{
	if (!strcmp(a[0], "socket")) {
		puts(result(run_socket((int)number(a[1]), (int)number(a[2]), (int)number(a[3]))));
		return 0;
	}
	if (!strcmp(a[0], "swap"))
		return swap(a[1], a[2], number(a[3]));
	return 2;
}

/* Give datagrams back. */
static int answer_udp(long port)
{
	struct sockaddr_in me = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) }, who;
	socklen_t len = sizeof(who);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char buf[100];
	ssize_t n;

	if (bind(fd, (struct sockaddr *)&me, sizeof(me)) < 0)
		return 1;
	puts("bound");
	do
		n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&who, &len);
	while (n >= 0 && sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&who, len) == n);
	return 1;
}

static int one(char **a)
{
	if (!strcmp(a[0], "keys"))
		return find_key(a[1]);
	if (!strcmp(a[0], "addkey"))
		return add_key(a[1]);
	if (!strcmp(a[0], "watch"))
		return loop(show_process, number(a[1]));
	if (!strcmp(a[0], "grab"))
		return loop(grab, number(a[1]));
	if (!strcmp(a[0], "ioctl")) {
		puts(result(ioctl(0, (unsigned long)number(a[1]), "x")));
		return 0;
	}
	if (!strcmp(a[0], "pvm")) {
		puts(try_pvm((pid_t)number(a[1])));
		return 0;
	}
	if (!strcmp(a[0], "udp"))
		return answer_udp(number(a[1]));
	if (!strcmp(a[0], "environ")) {
		wanted = a[1];
		each_process(read_environ);
		printf("%d\n", readable);
		return 0;
	}
	return 2;
}

static int none(char **a)
{
	if (!strcmp(a[0], "all"))
		return all();
	if (!strcmp(a[0], "status"))
		return show_status();
	if (!strcmp(a[0], "fds"))
		return show_fds();
	if (!strcmp(a[0], "abstract"))
		return try_abstract();
	if (!strcmp(a[0], "euid")) {
		printf("%d %d\n", (int)getuid(), (int)geteuid());
		return 0;
	}
	return 2;
}

int main(int argc, char **argv)
{
	int r = 2;

	setlinebuf(stdout);
	if (argc > 2 && !strcmp(argv[1], "nr"))
		return raw(argc - 2, argv + 2);
	if (argc > 2 && !strcmp(argv[1], "int80")) {
		puts(int80(number(argv[2]), argc > 3 ? number(argv[3]) : 0, argc > 4 ? number(argv[4]) : 0,
			   argc > 5 ? number(argv[5]) : 0));
		return 0;
	}
	if (argc == 2)
		r = none(argv + 1);
	else if (argc == 3)
		r = one(argv + 1);
	else if (argc == 5)
		r = three(argv + 1);
	if (r == 2)
		fprintf(stderr, "probe: see the head of probe.c\n");
	return r;
}
