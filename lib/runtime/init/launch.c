/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "lib/runtime/init/init_int.h"

/**
 * step_join() - PLAN_EXEC: enter the container's namespaces
 * @s:	Stage
 * @e:	Failure
 *
 * The pid namespace was joined by the monitor before it forked us. We are not dumpable and belong to level A until the
 * user namespace is joined: nothing in the container can trace us or read our descriptors meanwhile (CVE-2016-9962).
 *
 * Return: 0 or negative errno
 */
int step_join(struct stage *s, struct err *e)
{
	int r = sys_setns(s->p->join_pidfd, (int)s->p->join_flags);

	if (r < 0)
		return err_set(e, r, "enter its namespaces");
	r = sys_setresgid(s->p->root_gid);
	if (r == 0)
		r = sys_setresuid(s->p->root_uid);
	if (r < 0)
		return err_set(e, r, "become root of the user namespace");
	prctl(PR_SET_DUMPABLE, 0);
	s->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->root < 0)
		return err_set(e, errno, "open the container's root");
	return 0;
}

/**
 * step_cwd() - Enter the working folder, below the container's root and through no magic link (CVE-2024-21626)
 * @s:	Stage
 * @e:	Failure
 *
 * For PLAN_RUN this only makes the folder where it is missing; pivot_root would lose it, so step_stdio() enters it.
 *
 * Return: 0 or negative errno
 */
int step_cwd(struct stage *s, struct err *e)
{
	const char *cwd = plan_get_str(s->p, s->p->cwd);
	auto_close int fd = -EBADF;

	if (!cwd)
		return 0;
	fd = fs_open_in_root(s->root, cwd, O_PATH | O_DIRECTORY, 0);
	if (fd == -ENOENT && s->p->flags & PLAN_F_CREATE_CWD)
		return fs_make_dirs_in_root(s->root, cwd, 0755, NULL, e);
	if (fd == -ENOENT)
		s->exit_code = 127;
	else if (fd == -EACCES || fd == -ENOTDIR || fd == -ELOOP)
		s->exit_code = 126;
	return fd < 0 ? err_set(e, fd, "working directory '%s'", cwd) : 0;
}

static int enter_cwd(const struct stage *s, struct err *e)
{
	const char *cwd = plan_get_str(s->p, s->p->cwd);
	auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -EBADF;
	char now[4096];

	fd = fs_open_in_root(root, cwd ? cwd : "/", O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return err_set(e, fd, "open working directory '%s'", cwd);
	if (fchdir(fd) < 0)
		return err_set(e, errno, "enter working directory '%s'", cwd);
	if (!getcwd(now, sizeof(now)) || now[0] != '/')
		return err_say(e, EPERM, "working directory '%s' is outside the container", cwd);
	return 0;
}

/**
 * step_stdio() - The working folder, and descriptors 0, 1, 2
 * @s:	Stage
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int step_stdio(struct stage *s, struct err *e)
{
	int r = enter_cwd(s, e);

	if (r < 0)
		return r;
	for (int i = 0; i < 3; i++) {
		int fd = s->tty >= 0 ? s->tty : s->p->stdio[i];
		struct stat st;

		if (fd < 0)
			fd = open("/dev/null", O_RDWR | O_CLOEXEC); /* path: after pivot_root, on our own /dev */
		if (fd < 0)
			return err_set(e, errno, "open /dev/null of the container");
		/* A pipe belongs to who made it; /dev/stdout must open for the container's user. */
		if (s->p->uid && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
			(void)!fchown(fd, s->p->uid, s->p->gid);
		if (fd == i ? fd_set_cloexec(fd, false) < 0 : dup2(fd, i) < 0)
			return err_set(e, errno, "set descriptor %d", i);
	}
	return 0;
}

/**
 * step_ready() - Tell the monitor that only the exec is left, and wait for its word (the network may still be coming
 * up)
 * @s:	Stage
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int step_ready(struct stage *s, struct err *e)
{
	uint32_t type = PLAN_MSG_READY;
	ssize_t n;

	if (!(s->p->flags & PLAN_F_WAIT_GO))
		return 0;
	n = fd_send(s->sock, &type, sizeof(type), NULL, 0, 0);
	if (n > 0)
		n = fd_recv(s->sock, &type, sizeof(type), NULL, 0, NULL, 0);
	if (n != sizeof(type) || type != PLAN_MSG_GO)
		return err_say(e, EPIPE, "the monitor has ended");
	return 0;
}

/**
 * step_cloexec() - Nothing above stderr survives the exec (CVE-2024-21626)
 * @s:	Stage
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int step_cloexec(struct stage *s, struct err *e)
{
	int r = fd_cloexec_from(3);

	(void)s;
	return r < 0 ? err_set(e, r, "mark descriptors close-on-exec") : 0;
}

static volatile sig_atomic_t reaped_child;

static void forward(int sig)
{
	if (reaped_child > 0)
		kill((pid_t)reaped_child, sig);
}

/* --init: pid 1 of the container that only reaps and forwards. Its descriptors are closed: the exec must close the
 * socket. */
static void reap_for_ever(pid_t child)
{
	int st;

	reaped_child = child;
	sys_close_range(0, ~0U, 0);
	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGCHLD && sig != SIGKILL && sig != SIGSTOP && sig != SIGSEGV && sig != SIGBUS &&
		    sig != SIGFPE && sig != SIGILL && sig != SIGABRT && sig != SIGTRAP && sig != SIGSYS)
			signal(sig, forward);
	for (;;) {
		pid_t pid = waitpid(-1, &st, 0);

		if (pid < 0 && errno != EINTR)
			_exit(125);
		if (pid == child)
			_exit(WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st));
	}
}

static int fork_reaper(struct err *e)
{
	pid_t pid = fork();

	if (pid < 0)
		return err_set(e, errno, "fork for --init");
	if (pid > 0)
		reap_for_ever(pid);
	setpgid(0, 0);
	if (isatty(STDIN_FILENO)) {
		signal(SIGTTOU, SIG_IGN);
		tcsetpgrp(STDIN_FILENO, getpid());
		signal(SIGTTOU, SIG_DFL);
	}
	return 0;
}

static char **strings(const struct plan *p, struct plan_array a)
{
	const pstr *v = plan_get_array(p, a);
	char **r = xcalloc(a.n + 1U, sizeof(*r));

	for (uint32_t i = 0; i < a.n; i++) {
		const char *s = plan_get_str(p, v[i]);

		memcpy(&r[i], &s, sizeof(s)); /* execve takes char *const, and does not write */
	}
	return r;
}

/* What a shell would say, and the exit status that goes with it. */
static int exec_failed(struct stage *s, const char *name, int code, bool in_path, struct err *e)
{
	s->exit_code = code == ENOENT || code == ENOTDIR ? 127 : 126;
	if (code == ENOENT && in_path)
		return err_say(e, ENOENT, "exec: \"%s\": executable file not found in $PATH", name);
	if (code == ENOENT)
		return err_say(e, ENOENT, "exec: \"%s\": no such file or directory", name);
	if (code == EACCES || code == EISDIR)
		return err_say(e, EACCES, "exec: \"%s\": permission denied", name);
	if (code == ENOEXEC)
		return err_say(e, ENOEXEC, "exec: \"%s\": exec format error (is the image for another platform?)",
			       name);
	return err_set(e, code, "exec: \"%s\"", name);
}

static int exec_in_path(const char *name, const char *path, char **argv, char **env)
{
	auto_strv char **dirs = strv_split(path, ':');
	int best = ENOENT;

	for (char **d = dirs; *d; d++) {
		auto_free char *full = xasprintf("%s/%s", **d ? *d : ".", name);
		struct stat st;

		if (stat(full, &st) < 0) { /* path: after pivot_root, what exec will resolve */
			if (errno == EACCES)
				best = EACCES;
			continue;
		}
		if (S_ISDIR(st.st_mode))
			continue;
		execve(full, argv, env);
		if (errno != ENOENT && errno != EACCES)
			return errno;
		/* found, but its interpreter is missing, or it is not executable: look on, remember why */
		best = EACCES;
	}
	return best;
}

/**
 * step_exec() - Become the container's program
 * @s:	Stage; exit_code is set for the shell's 126 and 127
 * @e:	Failure
 *
 * Return: negative errno; it does not return on success
 */
int step_exec(struct stage *s, struct err *e)
{
	char **argv = strings(s->p, s->p->argv), **env = strings(s->p, s->p->env);
	const char *path = plan_get_str(s->p, s->p->exec_path);
	int r, code;

	if (s->p->flags & PLAN_F_REAPER) {
		r = fork_reaper(e);
		if (r < 0)
			return r;
	}
	if (!*argv[0])
		return exec_failed(s, argv[0], ENOENT, true, e);
	if (strchr(argv[0], '/')) {
		struct stat st;

		execve(argv[0], argv, env);
		code = errno;
		/* path: after pivot_root, only for the message */
		if (code == EACCES && stat(argv[0], &st) == 0 && S_ISDIR(st.st_mode))
			code = EISDIR;
		return exec_failed(s, argv[0], code, false, e);
	}
	code = exec_in_path(argv[0], path ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", argv,
			    env);
	return exec_failed(s, argv[0], code, true, e);
}
