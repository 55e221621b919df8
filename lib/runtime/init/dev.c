/* SPDX-License-Identifier: Apache-2.0 */
/* /dev: a tmpfs of our own, so that nothing the image has there (CVE-2026-41579, CVE-2025-52565) is ever walked
 * through. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "lib/runtime/init/init_int.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

static const struct {
	const char *name;
	unsigned char major, minor;
} nodes[] = {
	{ "null", 1, 3 }, { "zero", 1, 5 }, { "full", 1, 7 }, { "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
};

static const struct {
	const char *name, *to;
} links[] = {
	{ "fd", "/proc/self/fd" },	 { "stdin", "/proc/self/fd/0" }, { "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" }, { "core", "/proc/kcore" },	 { "ptmx", "pts/ptmx" },
};

/* Put a detached mount of a device node on a new empty file @name below @dir. */
static int place_node(int dir, const char *name, int mount, dev_t rdev, struct err *e)
{
	auto_close int made = -EBADF;
	struct stat st;
	int r;

	if (fstat(mount, &st) < 0)
		return err_set(e, errno, "stat device '%s'", name);
	if (!(S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) || (rdev && st.st_rdev != rdev))
		return err_say(e, ENODEV, "'%s' of the host is not the device that it should be", name);
	made = openat(dir, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0666);
	if (made < 0)
		return err_set(e, errno, "make '/dev/%s'", name);
	r = sys_move_mount(mount, "", dir, name, MOVE_MOUNT_F_EMPTY_PATH);
	return r < 0 ? err_set(e, r, "mount '/dev/%s'", name) : 0;
}

static int mount_pts(struct stage *s, struct err *e)
{
	auto_close int fs = sys_fsopen("devpts", FSOPEN_CLOEXEC);
	char gid[12];
	int r = fs;

	snprintf(gid, sizeof(gid), "%u", s->p->tty_gid);
	if (r >= 0)
		r = sys_fsconfig(fs, FSCONFIG_SET_STRING, "ptmxmode", "0666", 0);
	if (r >= 0)
		r = sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0620", 0);
	if (r >= 0 && s->p->tty_gid != UINT32_MAX)
		r = sys_fsconfig(fs, FSCONFIG_SET_STRING, "gid", gid, 0);
	if (r >= 0)
		r = sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (r >= 0)
		r = s->pts = sys_fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (r >= 0)
		r = sys_move_mount(s->pts, "", s->dev, "pts", MOVE_MOUNT_F_EMPTY_PATH);
	return r < 0 ? err_set(e, r, "mount /dev/pts") : 0;
}

/**
 * dev_populate() - Fill a new /dev
 * @s:		Stage; keeps the descriptors of /dev and /dev/pts
 * @dev_mount:	The attached, empty tmpfs; owned from now on
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int dev_populate(struct stage *s, int dev_mount, struct err *e)
{
	s->dev = dev_mount;
	if (mkdirat(s->dev, "pts", 0755) < 0)
		return err_set(e, errno, "make '/dev/pts'");
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (symlinkat(links[i].to, s->dev, links[i].name) < 0)
			return err_set(e, errno, "link '/dev/%s'", links[i].name);
	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++) {
		char host[32];
		auto_close int mnt = -EBADF;
		int r;

		snprintf(host, sizeof(host), "/dev/%s", nodes[i].name);
		mnt = sys_open_tree(AT_FDCWD, host, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		if (mnt < 0)
			return err_set(e, mnt, "open '%s' of the host", host);
		r = place_node(s->dev, nodes[i].name, mnt, makedev(nodes[i].major, nodes[i].minor), e);
		if (r < 0)
			return r;
	}
	return mount_pts(s, e);
}

/**
 * step_devices() - Add the devices that were asked for (--device)
 * @s:	Stage
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int step_devices(struct stage *s, struct err *e)
{
	const struct plan_device *d = plan_get_array(s->p, s->p->devices);

	for (uint32_t i = 0; i < s->p->devices.n; i++) {
		auto_free char *path = xstrdup(plan_get_str(s->p, d[i].target));
		auto_close int dir = -EBADF;
		char *slash = strrchr(path, '/');
		int r;

		if (!slash || !slash[1])
			return err_say(e, EINVAL, "'%s' is no path for a device", path);
		*slash = '\0';
		r = fs_make_dirs_in_root(s->root, path, 0755, &dir, e);
		if (r == 0)
			r = place_node(dir, slash + 1, d[i].fd, d[i].rdev, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The pty comes from a devpts that is checked to be one, and its peer from the kernel, not from a name
 * (CVE-2025-52565). */
static int open_pty(const struct stage *s, int *ret_master, int *ret_slave, struct err *e)
{
	auto_close int master = -EBADF;
	struct statfs sfs;
	int unlock = 0, slave;

	if (s->pts >= 0)
		master = openat(s->pts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	else
		master = fs_open_in_root(s->root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, 0);
	if (master < 0)
		return err_set(e, s->pts >= 0 ? errno : master, "open /dev/pts/ptmx of the container");
	if (fstatfs(master, &sfs) < 0 || (long)sfs.f_type != DEVPTS_SUPER_MAGIC)
		return err_say(e, EPERM, "/dev/pts/ptmx of the container is no pseudo-terminal");
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_set(e, errno, "unlock the pseudo-terminal");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_set(e, errno, "open the pseudo-terminal");
	*ret_slave = slave;
	*ret_master = take_fd(&master);
	return 0;
}

static int bind_console(const struct stage *s, struct err *e)
{
	auto_close int mnt = sys_open_tree(s->tty, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	if (mnt < 0)
		return err_set(e, mnt, "clone the terminal for /dev/console");
	return place_node(s->dev, "console", mnt, 0, e);
}

/**
 * step_tty() - Allocate the container's terminal and send its master to the monitor
 * @s:	Stage
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int step_tty(struct stage *s, struct err *e)
{
	struct winsize ws = { .ws_row = s->p->tty_rows, .ws_col = s->p->tty_cols };
	uint32_t type = PLAN_MSG_PTY;
	auto_close int master = -EBADF;
	ssize_t n;
	int r = open_pty(s, &master, &s->tty, e);

	if (r < 0)
		return r;
	if (ws.ws_row || ws.ws_col)
		ioctl(master, TIOCSWINSZ, &ws);
	if (s->p->uid && fchown(s->tty, s->p->uid, (gid_t)-1) < 0 && !(s->p->flags & PLAN_F_SINGLE))
		return err_set(e, errno, "give the terminal to user %u", s->p->uid);
	if (s->p->flags & PLAN_F_CONSOLE) {
		r = bind_console(s, e);
		if (r < 0)
			return r;
	}
	n = fd_send(s->sock, &type, sizeof(type), &master, 1, 0);
	return n < 0 ? err_set(e, (int)n, "send the terminal to the monitor") : 0;
}
