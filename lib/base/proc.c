/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

/**
 * proc_find() - Look a program up in PATH
 * @name:	Name, or a path with a slash
 * @ret_path:	Where it is
 *
 * /usr/sbin and /sbin are searched as well: an ordinary user's PATH often lacks them.
 *
 * Return: 0, -ENOENT
 */
int proc_find(const char *name, char **ret_path)
{
	const char *env = getenv("PATH");
	auto_free char *all = xasprintf("%s:/usr/bin:/bin:/usr/sbin:/sbin", env ? env : "/usr/local/bin");
	auto_strv char **dirs = NULL;

	if (strchr(name, '/')) {
		if (access(name, X_OK) < 0)
			return -ENOENT;
		*ret_path = xstrdup(name);
		return 0;
	}
	dirs = strv_split(all, ':');
	for (char **d = dirs; *d; d++) {
		auto_free char *p = xasprintf("%s/%s", **d ? *d : ".", name);
		struct stat st;

		if (stat(p, &st) == 0 && S_ISREG(st.st_mode) && access(p, X_OK) == 0) {
			*ret_path = take_ptr(&p);
			return 0;
		}
	}
	return -ENOENT;
}

/* In the child (vfork: it shares our memory until exec, so it touches nothing but descriptors and signals). */
static int child_setup(const struct proc_spec *s)
{
	sigset_t empty;

	for (int i = 0; i < 3; i++) {
		int fd = s->stdio[i];

		if (fd < 0 && i == 2)
			continue;
		if (fd < 0) {
			fd = open("/dev/null", O_RDWR | O_CLOEXEC);
			if (fd < 0)
				return -errno;
		}
		if (fd == i ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, i) < 0)
			return -errno;
	}
	for (size_t i = 0; i < s->n_keep; i++)
		if (fd_set_cloexec(s->keep[i], false) < 0)
			return -errno;
	sigemptyset(&empty);
	sigprocmask(SIG_SETMASK, &empty, NULL);
	signal(SIGPIPE, SIG_DFL);
	return 0;
}

/**
 * proc_spawn() - Start a helper program, without a shell
 * @s:		What to start; @s->stdio descriptors must be 3 or above, or equal to their target
 * @ret_pid:	Its pid: wait for it with proc_wait()
 * @e:		Failure; also a failed exec
 *
 * Return: 0, -ENOENT when there is no such program, or another negative errno
 */
int proc_spawn(const struct proc_spec *s, pid_t *ret_pid, struct err *e)
{
	auto_free char *path = NULL;
	volatile int failed = 0;
	pid_t pid;
	int r = proc_find(s->file, &path);

	if (r < 0)
		return err_set(e, r, "start '%s'", s->file);
	pid = vfork();
	if (pid < 0)
		return err_set(e, errno, "fork for '%s'", s->file);
	if (pid == 0) {
		failed = child_setup(s);
		if (failed == 0) {
			execve(path, s->argv, s->envp ? s->envp : environ);
			failed = -errno;
		}
		_exit(127);
	}
	if (failed) {
		proc_wait(pid);
		return err_set(e, failed, "start '%s'", path);
	}
	*ret_pid = pid;
	return 0;
}

/**
 * proc_wait() - Wait for a child
 * @pid:	The child
 *
 * Return: its exit status, 128 + signal number, or negative errno
 */
int proc_wait(pid_t pid)
{
	int st;
	pid_t r;

	do
		r = waitpid(pid, &st, 0);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

/**
 * proc_run() - Start a helper program and wait for it
 * @s:	What to start
 * @e:	Failure to start it
 *
 * Return: exit status (128 + signal), or negative errno when it could not be started
 */
int proc_run(const struct proc_spec *s, struct err *e)
{
	pid_t pid;
	int r = proc_spawn(s, &pid, e);

	return r < 0 ? r : proc_wait(pid);
}

static int stat_field(pid_t pid, int field, uint64_t *ret)
{
	auto_free char *text = NULL;
	char path[40], *p;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	r = fs_read_file(AT_FDCWD, path, 4096, &text, NULL, NULL);
	if (r < 0)
		return r;
	p = strrchr(text, ')'); /* the command's name may hold anything, brackets too */
	if (!p)
		return -EINVAL;
	for (int i = 2; i < field; i++) {
		p = strchr(p + 1, ' ');
		if (!p)
			return -EINVAL;
	}
	p[1 + strcspn(p + 1, " \n")] = '\0';
	return str_to_u64(p + 1, UINT64_MAX, ret);
}

/**
 * proc_start_time() - When a process started
 * @pid:	Process
 * @ret:	Field 22 of /proc/PID/stat: clock ticks since boot
 *
 * Return: 0, -ENOENT when there is no such process
 */
int proc_start_time(pid_t pid, uint64_t *ret)
{
	return stat_field(pid, 22, ret);
}

/**
 * proc_children() - The processes whose parent we are, as /proc shows it
 * @ret:	Owned array
 *
 * Return: how many
 */
size_t proc_children(pid_t **ret)
{
	auto_strv char **all = NULL;
	pid_t *v = NULL;
	size_t n = 0;

	if (fs_list_dir(AT_FDCWD, "/proc", &all, NULL) < 0)
		return 0;
	for (char **p = all; p && *p; p++) {
		uint64_t parent;
		uint32_t pid;

		if (str_to_u32(*p, &pid) < 0 || stat_field((pid_t)pid, 4, &parent) < 0 || parent != (uint64_t)getpid())
			continue;
		v = xrealloc(v, (n + 1) * sizeof(*v));
		v[n++] = (pid_t)pid;
	}
	*ret = v;
	return n;
}

/**
 * proc_boot_id() - The id of this boot
 * @buf:	Where to: 36 characters and a NUL
 *
 * Return: 0 or negative errno
 */
int proc_boot_id(char buf[40])
{
	auto_free char *text = NULL;
	int r = fs_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text, NULL, NULL);

	if (r < 0)
		return r;
	snprintf(buf, 40, "%s", str_trim(text));
	return 0;
}

/**
 * proc_pidfd_to_pid() - The pid of a pidfd's process as our /proc shows it
 * @pidfd:	The pidfd
 *
 * Return: pid, -1 when the process is gone, or another negative errno
 */
pid_t proc_pidfd_to_pid(int pidfd)
{
	auto_free char *text = NULL;
	char path[48], *line;
	int64_t v;
	int r;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	r = fs_read_file(AT_FDCWD, path, 4096, &text, NULL, NULL);
	if (r < 0)
		return r;
	line = strstr(text, "\nPid:\t");
	if (!line)
		return -EINVAL;
	line += strlen("\nPid:\t");
	line[strcspn(line, "\n")] = '\0';
	r = str_to_i64(line, &v);
	return r < 0 ? r : (pid_t)v;
}

/**
 * proc_self_dir() - The folder that our executable is in
 * @ret:	Absolute path
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int proc_self_dir(char **ret, struct err *e)
{
	char *slash;
	int r = fs_readlink(AT_FDCWD, "/proc/self/exe", ret, e);

	if (r < 0)
		return r;
	slash = strrchr(*ret, '/');
	if (slash)
		*slash = '\0';
	return 0;
}

/**
 * proc_libexec() - Find one of our helper programs or files
 * @name:	Its name below libexec/skiff: "skiff-init", "embedded/busybox.tar"
 * @ret_path:	Absolute path
 * @e:		Failure
 *
 * SKIFF_LIBEXEC names the folder; without it, it is found from our own executable: installed (bin/ beside libexec/), in
 * the build tree (libexec/ below), or we are such a helper ourselves.
 *
 * Return: 0, -ENOENT, or negative errno
 */
int proc_libexec(const char *name, char **ret_path, struct err *e)
{
	static const char *const tries[] = { "/../libexec/skiff", "/libexec/skiff", "" };
	const char *set = getenv("SKIFF_LIBEXEC");
	auto_free char *dir = NULL, *path = NULL;
	int r;

	if (!str_is_empty(set)) {
		path = xasprintf("%s/%s", set, name);
		if (access(path, F_OK) < 0)
			return err_set(e, errno, "find '%s' (SKIFF_LIBEXEC)", path);
		*ret_path = take_ptr(&path);
		return 0;
	}
	r = proc_self_dir(&dir, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
		free(path);
		path = xasprintf("%s%s/%s", dir, tries[i], name);
		if (access(path, F_OK) == 0) {
			*ret_path = take_ptr(&path);
			return 0;
		}
	}
	return err_say(e, ENOENT,
		       "'%s' is not installed beside '%s' (libexec/skiff); install skiff again or set SKIFF_LIBEXEC",
		       name, dir);
}

/**
 * proc_die_with() - End when the parent does, however it ends
 * @parent:	Its id, asked for before the fork
 * @e:		Failure
 *
 * Mustn't be called before the last change of ids: it makes the kernel forget.
 *
 * Return: 0, -ESRCH when it is gone already, or negative errno
 */
int proc_die_with(pid_t parent, struct err *e)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_set(e, errno, "ask to end with the parent");
	return getppid() == parent ? 0 : err_say(e, ESRCH, "the parent has ended");
}
