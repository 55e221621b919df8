/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/base/cleanup.h"
#include "lib/base/proc.h"
#include "lib/base/time.h"
#include "lib/runtime/sandbox.h"
#include "tests/unit/tap.h"

static char dir[] = "/tmp/skiff-sandbox-XXXXXX";

/* Each probe runs in a child of its own; its result is an exit status: 0 or the errno that it met. */
typedef int (*probe_fn)(void);

static int run_in(const struct sandbox_spec *s, probe_fn fn)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct err e;

		_exit(sandbox_enter(s, &e) < 0 ? 255 : fn());
	}
	return proc_wait(pid);
}

static int as_errno(long r)
{
	return r < 0 ? errno : 0;
}

static int p_nothing(void)
{
	return 0;
}

static int p_socket(void)
{
	return as_errno(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int p_alg(void)
{
	return as_errno(socket(38, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
}

static int p_netlink_route(void)
{
	return as_errno(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int p_netlink_xfrm(void)
{
	return as_errno(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 6));
}

static int p_exec(void)
{
	execl("/bin/true", "true", NULL);
	return errno;
}

static int p_unshare(void)
{
	return as_errno(unshare(CLONE_NEWUSER));
}

static int p_clone_ns(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return as_errno(pid);
}

static int p_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return as_errno(pid);
}

static int p_kill_parent(void)
{
	return as_errno(kill(getppid(), 0));
}

static int p_kill_self(void)
{
	return as_errno(kill(getpid(), 0));
}

static int p_ptrace(void)
{
	return as_errno(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int p_setuid(void)
{
	return as_errno(syscall(SYS_setuid, getuid()));
}

static int p_new_call(void)
{
	return as_errno(syscall(9999));
}

static int p_read_passwd(void)
{
	return as_errno(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int p_write_dir(void)
{
	char path[80], other[80];
	int fd;

	snprintf(path, sizeof(path), "%s/sub", dir);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return errno;
	snprintf(path, sizeof(path), "%s/a", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, 10) < 0)
		return errno;
	close(fd);
	snprintf(other, sizeof(other), "%s/sub/b", dir);
	if (link(path, other) < 0 || rename(other, path) < 0)
		return errno;
	return unlink(other) < 0 ? as_errno(unlink(path)) : 0;
}

static int p_write_elsewhere(void)
{
	return as_errno(open("/tmp/skiff-sandbox-outside", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void *thread_main(void *arg)
{
	return arg;
}

static int p_thread(void)
{
	pthread_t t;
	int r = pthread_create(&t, NULL, thread_main, NULL);

	return r ? r : pthread_join(t, NULL);
}

static int p_sti(void)
{
	return as_errno(ioctl(0, TIOCSTI, "x"));
}

static int p_core(void)
{
	struct rlimit l;

	return getrlimit(RLIMIT_CORE, &l) < 0 || l.rlim_max != 0;
}

static int p_memory(void)
{
	return malloc(512UL << 20) ? 0 : errno;
}

static int p_connect(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return as_errno(connect(fd, (struct sockaddr *)&a, sizeof(a)));
}

static int p_abort(void)
{
	abort();
}

#ifdef __x86_64__
static int p_x86(void)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20 /* getpid */) : "memory");
	return r < 0;
}
#endif

static void test_paths(int abi)
{
	auto_close int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct sandbox_path rw = { fd, SANDBOX_READ | SANDBOX_WRITE }, ro = { fd, SANDBOX_READ };
	struct sandbox_spec s_rw = { .paths = &rw, .n_paths = 1 }, s_ro = { .paths = &ro, .n_paths = 1 };
	struct sandbox_spec s_none = { 0 };

	is_int(run_in(&s_rw, p_write_dir), 0, "write, link and rename below an allowed folder");
	if (!abi) {
		printf("ok %d # skip this kernel has no Landlock\n", ++tap_n);
		return;
	}
	is_int(run_in(&s_rw, p_write_elsewhere), EACCES, "no writing elsewhere");
	is_int(run_in(&s_ro, p_write_dir), EACCES, "no writing below a readable folder");
	is_int(run_in(&s_none, p_read_passwd), EACCES, "no reading elsewhere");
}

static void test_ports(int abi)
{
	uint16_t nine = 9, ten = 10;
	struct sandbox_spec s = { .ports = &nine, .n_ports = 1, .allow = SANDBOX_ALLOW_SOCKET };
	struct sandbox_spec other = { .ports = &ten, .n_ports = 1, .allow = SANDBOX_ALLOW_SOCKET };

	is_int(run_in(&s, p_connect), ECONNREFUSED, "an allowed port can be tried");
	if (abi >= 4)
		is_int(run_in(&other, p_connect), EACCES, "another port cannot");
}

int main(void)
{
	struct sandbox_spec none = { 0 }, sock = { .allow = SANDBOX_ALLOW_SOCKET };
	struct sandbox_spec fork_ok = { .allow = SANDBOX_ALLOW_FORK }, ids = { .allow = SANDBOX_ALLOW_IDS };
	struct sandbox_spec small = { .max_memory = 256 << 20 };
	struct err e;
	pid_t pid;
	int abi;

	setlinebuf(stdout); /* stderr and forks come between */
	if (!mkdtemp(dir))
		return 1;
	pid = fork();
	if (pid == 0) {
		int64_t t = time_mono();
		int r = sandbox_enter(&none, &e);

		fprintf(stderr, "# entering took %lld us\n", (long long)(time_mono() - t) / 1000);
		_exit(r < 0 ? 255 : r);
	}
	abi = proc_wait(pid);
	ok(abi >= 0 && abi < 255, "enter (Landlock ABI %d)", abi);

	is_int(run_in(&none, p_nothing), 0, "nothing is nothing");
	is_int(run_in(&none, p_socket), EPERM, "no sockets");
	is_int(run_in(&sock, p_socket), 0, "sockets when allowed");
	is_int(run_in(&sock, p_alg), EAFNOSUPPORT, "never AF_ALG");
	is_int(run_in(&sock, p_netlink_route), 0, "NETLINK_ROUTE for getaddrinfo");
	is_int(run_in(&sock, p_netlink_xfrm), EAFNOSUPPORT, "never NETLINK_XFRM");
	is_int(run_in(&none, p_exec), EPERM, "no exec");
	is_int(run_in(&none, p_unshare), EPERM, "no unshare");
	is_int(run_in(&none, p_clone_ns), EPERM, "no namespaces by clone");
	is_int(run_in(&fork_ok, p_clone_ns), EPERM, "no namespaces by clone where fork is allowed");
	is_int(run_in(&none, p_fork), EPERM, "no fork");
	is_int(run_in(&fork_ok, p_fork), 0, "fork when allowed");
	is_int(run_in(&none, p_thread), 0, "threads");
	is_int(run_in(&none, p_kill_parent), EPERM, "no signals to others");
	is_int(run_in(&none, p_kill_self), 0, "signals to itself");
	is_int(run_in(&none, p_abort), 128 + SIGABRT, "abort() ends by SIGABRT");
	is_int(run_in(&none, p_ptrace), EPERM, "no ptrace");
	is_int(run_in(&none, p_setuid), EPERM, "no setuid");
	is_int(run_in(&ids, p_setuid), 0, "setuid when allowed");
	is_int(run_in(&none, p_new_call), ENOSYS, "unknown system calls do not exist");
	is_int(run_in(&none, p_sti), EPERM, "no TIOCSTI");
	is_int(run_in(&none, p_core), 0, "no core dumps");
#ifdef __SANITIZE_ADDRESS__ /* its shadow alone is terabytes of address space */
	(void)small;
	(void)p_memory;
#else
	is_int(run_in(&small, p_memory), ENOMEM, "memory limit");
#endif
#ifdef __x86_64__
	is_int(run_in(&none, p_x86), 128 + SIGSYS, "another architecture's call kills");
#endif
	test_paths(abi);
	test_ports(abi);

	if (fork() == 0)
		execlp("rm", "rm", "-rf", dir, NULL);
	wait(NULL);
	return done();
}
