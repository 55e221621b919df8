/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor single|multi LOWERDIRS BASE COMMAND [ARG...]: the least work that gives a rootless container, the yardstick of
 * `make bench`. It makes user, mount, pid, ipc, uts and net namespaces, maps one id (single) or the caller's
 * subordinate ranges through newuidmap and newgidmap (multi), mounts a native overlay of LOWERDIRS (as the overlay
 * option has it) with its upper folder in BASE, /proc, /dev with six nodes, /sys, changes the root and executes
 * COMMAND. No network, no seccomp, no capabilities dropped, no state, no log.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerrordesc_np(errno));
	_exit(125);
}

static void check(int r, const char *what)
{
	if (r < 0) {
		errno = -r;
		die(what);
	}
}

static void mount_or_die(const char *from, const char *to, const char *type, unsigned long flags, const char *data)
{
	if (mount(from, to, type, flags, data) < 0)
		die(to);
}

static void bind_device(const char *name)
{
	char from[32], to[32];

	snprintf(from, sizeof(from), "/dev/%s", name);
	snprintf(to, sizeof(to), "dev/%s", name);
	close(open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
	mount_or_die(from, to, NULL, MS_BIND, NULL);
}

/* In the namespaces, once the maps are there. */
static void contain(const char *lower, const char *base, char **argv)
{
	static const char *const devices[] = { "null", "zero", "full", "random", "urandom", "tty" };
	auto_free char *options = NULL;

	check(sys_setresgid(0), "become group 0");
	check(sys_setresuid(0), "become user 0");
	mount_or_die(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (chdir(base) < 0)
		die(base);
	mkdir("root", 0755);
	mkdir("upper", 0755);
	mkdir("work", 0755);
	options = xasprintf("lowerdir=%s,upperdir=upper,workdir=work,userxattr", lower);
	mount_or_die("overlay", "root", "overlay", 0, options);
	if (chdir("root") < 0)
		die("root");
	mkdir("proc", 0755);
	mkdir("dev", 0755);
	mkdir("sys", 0755);
	mount_or_die("proc", "proc", "proc", 0, NULL);
	mount_or_die("tmpfs", "dev", "tmpfs", 0, "mode=755");
	mount_or_die("sysfs", "sys", "sysfs", MS_RDONLY, NULL);
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		bind_device(devices[i]);
	check(sys_pivot_root(".", "."), "pivot_root");
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		die("leave the old root");
	execv(argv[0], argv);
	die(argv[0]);
}

static void write_proc(pid_t pid, const char *name, const char *text)
{
	auto_free char *path = xasprintf("/proc/%d/%s", (int)pid, name);

	check(fs_write_file(AT_FDCWD, path, text, strlen(text), 0600, NULL), path);
}

static void map_single(pid_t pid)
{
	char text[32];

	write_proc(pid, "setgroups", "deny");
	snprintf(text, sizeof(text), "0 %u 1", getuid());
	write_proc(pid, "uid_map", text);
	snprintf(text, sizeof(text), "0 %u 1", getgid());
	write_proc(pid, "gid_map", text);
}

/* "name:start:count" of @user, as the arguments of the map helpers. */
static void find_range(const char *file, const char *user, char ***argv)
{
	auto_free char *text = NULL;

	check(fs_read_file(AT_FDCWD, file, 1 << 20, &text, NULL, NULL), file);
	for (char *line, *rest = text; (line = strsep(&rest, "\n"));) {
		auto_strv char **f = strv_split(line, ':');

		if (strv_len(f) == 3 && strcmp(f[0], user) == 0) {
			strv_add(argv, "1");
			strv_add(argv, f[1]);
			strv_add(argv, f[2]);
			return;
		}
	}
	fprintf(stderr, "floor: no range of %s in %s\n", user, file);
	_exit(125);
}

static pid_t start_helper(const char *tool, const char *file, const char *user, pid_t pid, unsigned own)
{
	auto_strv char **argv = NULL;
	struct proc_spec s = { .file = tool, .stdio = { 0, 1, 2 } };
	pid_t helper;

	strv_add(&argv, tool);
	strv_add_take(&argv, xasprintf("%d", (int)pid));
	strv_add(&argv, "0");
	strv_add_take(&argv, xasprintf("%u", own));
	strv_add(&argv, "1");
	find_range(file, user, &argv);
	s.argv = argv;
	check(proc_spawn(&s, &helper, NULL), tool);
	return helper;
}

static void map_multi(pid_t pid)
{
	const struct passwd *pw = getpwuid(getuid());
	pid_t u, g;

	if (!pw)
		die("who am I");
	u = start_helper("newuidmap", "/etc/subuid", pw->pw_name, pid, getuid());
	g = start_helper("newgidmap", "/etc/subgid", pw->pw_name, pid, getgid());
	if (proc_wait(u) || proc_wait(g)) {
		errno = EPERM;
		die("map helpers");
	}
}

int main(int argc, char **argv)
{
	int go[2];
	pid_t pid;

	if (argc < 5) {
		fputs("usage: floor single|multi LOWERDIRS BASE COMMAND [ARG...]\n", stderr);
		return 2;
	}
	check(fd_pipe(go, NULL), "pipe");
	pid = sys_clone_fork(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET,
			     NULL);
	check(pid, "clone");
	if (pid == 0) {
		char c;

		close(go[1]);
		if (fd_read(go[0], &c, 1) != 1)
			_exit(125);
		contain(argv[2], argv[3], argv + 4);
	}
	if (strcmp(argv[1], "multi") == 0)
		map_multi(pid);
	else
		map_single(pid);
	check(fd_write_full(go[1], "", 1), "go");
	return proc_wait(pid);
}
