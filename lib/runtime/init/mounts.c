/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's file systems. A target is opened once, below the root's descriptor (openat2, RESOLVE_IN_ROOT), and a
 * mount is moved onto that descriptor: no path is looked up twice, so another container that swaps folders on a shared
 * volume meanwhile (CVE-2021-30465, CVE-2024-45310) changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "lib/runtime/init/init_int.h"

static int attach(int mount, int target, const char *path, struct err *e)
{
	int r = sys_move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);

	return r < 0 ? err_set(e, r, "mount on '%s'", path) : 0;
}

/* fsconfig for "size=64m,mode=1777,ro": a key with a value, or a flag. */
static int configure(int fs, const char *data, struct err *e)
{
	auto_strv char **opts = str_is_empty(data) ? NULL : strv_split(data, ',');

	for (char **o = opts; o && *o; o++) {
		char *eq = strchr(*o, '=');
		int r;

		if (eq)
			*eq = '\0';
		r = sys_fsconfig(fs, eq ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, *o, eq ? eq + 1 : NULL, 0);
		if (r < 0)
			return err_set(e, r, "mount option '%s%s%s'", *o, eq ? "=" : "", eq ? eq + 1 : "");
	}
	return 0;
}

static int new_fs(const char *type, const char *data, uint64_t attrs, int *ret, struct err *e)
{
	auto_close int fs = sys_fsopen(type, FSOPEN_CLOEXEC);
	int r;

	if (fs < 0)
		return err_set(e, fs, "open file system '%s'", type);
	r = configure(fs, data, e);
	if (r < 0)
		return r;
	r = sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (r < 0)
		return err_set(e, r, "create file system '%s'", type);
	r = sys_fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)attrs);
	if (r < 0)
		return err_set(e, r, "mount file system '%s'", type);
	*ret = r;
	return 0;
}

/**
 * step_root() - Attach the root file system, where no name of the host is needed
 * @s:	Stage
 * @e:	Failure
 *
 * The detached mount goes on top of "/" itself: lookups of "/dev/null" still start below it, since our root folder does
 * not change before pivot_root.
 *
 * Return: 0 or negative errno
 */
int step_root(struct stage *s, struct err *e)
{
	int r;

	/* Nothing that we mount may travel back to where our mounts came from. */
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return err_set(e, errno, "make the mounts private");
	s->null = sys_open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (s->null < 0)
		return err_set(e, s->null, "open /dev/null of the host");
	r = sys_move_mount(s->p->root_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
	if (r < 0)
		return err_set(e, r, "attach the root file system");
	s->root = s->p->root_fd;
	return 0;
}

/* Open a mount's target; make it where it is missing. */
static int open_target(const struct stage *s, const char *path, bool file, int *ret, struct err *e)
{
	auto_free char *parent = NULL;
	auto_close int dir = -EBADF, made = -EBADF;
	char *slash;
	int fd, r;

	fd = fs_open_in_root(s->root, path, O_PATH | (file ? 0 : O_DIRECTORY), 0);
	if (fd >= 0) {
		*ret = fd;
		return 0;
	}
	if (fd != -ENOENT)
		return err_set(e, fd, "open '%s' in the container", path);
	if (!file)
		return fs_make_dirs_in_root(s->root, path, 0755, ret, e);
	parent = xstrdup(path);
	slash = strrchr(parent, '/');
	if (!slash || !slash[1])
		return err_say(e, EINVAL, "'%s' is no file name", path);
	*slash = '\0';
	r = fs_make_dirs_in_root(s->root, parent, 0755, &dir, e);
	if (r < 0)
		return r;
	made = openat(dir, slash + 1, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (made < 0) /* a dangling link of the image: its target is made instead, below the root */
		made = fs_open_in_root(s->root, path, O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (made < 0)
		return err_set(e, made, "make '%s' in the container", path);
	fd = fs_open_in_root(s->root, path, O_PATH, 0);
	if (fd < 0)
		return err_set(e, fd, "open '%s' in the container", path);
	*ret = fd;
	return 0;
}

/* proc and sysfs go on a folder that is one: writes below /proc must meet the kernel's files (CVE-2019-19921). */
static int require_folder(const struct stage *s, const char *path, struct err *e)
{
	struct stat st;

	if (fstatat(s->root, path + 1, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode))
		return err_say(e, ENOTDIR, "'%s' of the image must be a folder", path);
	return 0;
}

/* Attach @mnt to @at; what is read-only is never seen writable where the kernel has mount_setattr(2). */
static int attach_with(const struct stage *s, int mnt, int at, const char *target, const struct mount_look *l,
		       struct err *e)
{
	int r = 0;

	if (l->all || l->propagation)
		r = sys_mount_setattr(mnt, "", AT_EMPTY_PATH | AT_RECURSIVE, l->all, 0, l->propagation);
	if (r == 0 && l->top)
		r = sys_mount_setattr(mnt, "", AT_EMPTY_PATH, l->top, 0, 0);
	if (r < 0 && r != -ENOSYS)
		return err_set(e, r, "set the attributes of the mount on '%s'", target);
	if (r == 0)
		return attach(mnt, at, target, e);
	r = attach(mnt, at, target, e);
	return r < 0 ? r : remount(s, target, l, e);
}

static int bind_mount(const struct stage *s, const struct plan_mount *m, const char *target, struct err *e)
{
	uint64_t top = m->flags & PLAN_M_RO_TOP ? MOUNT_ATTR_RDONLY : 0;
	struct mount_look look = { .all = m->attr_set & ~top, .top = top, .propagation = m->propagation };
	auto_close int at = -EBADF;
	int r = open_target(s, target, m->flags & PLAN_M_FILE, &at, e);

	return r < 0 ? r : attach_with(s, m->fd, at, target, &look, e);
}

static int fs_mount(struct stage *s, const struct plan_mount *m, const char *target, struct err *e)
{
	static const char *const types[PLAN_MOUNT__N] = {
		[PLAN_MOUNT_TMPFS] = "tmpfs",	[PLAN_MOUNT_PROC] = "proc", [PLAN_MOUNT_SYSFS] = "sysfs",
		[PLAN_MOUNT_MQUEUE] = "mqueue", [PLAN_MOUNT_DEV] = "tmpfs",
	};
	auto_close int at = -EBADF, mnt = -EBADF;
	int r = 0;

	if (m->kind == PLAN_MOUNT_PROC || m->kind == PLAN_MOUNT_SYSFS)
		r = require_folder(s, target, e);
	if (r == 0)
		r = new_fs(types[m->kind], plan_get_str(s->p, m->data), m->attr_set, &mnt, e);
	if (r == 0)
		r = open_target(s, target, false, &at, e);
	if (r == 0)
		r = attach(mnt, at, target, e);
	if (r < 0)
		return m->flags & PLAN_M_OPTIONAL ? 0 : r;
	if (m->kind == PLAN_MOUNT_PROC)
		s->proc = take_fd(&mnt);
	else if (m->kind == PLAN_MOUNT_DEV)
		return dev_populate(s, take_fd(&mnt), e);
	return 0;
}

/**
 * step_mounts() - Make every mount of the plan, in its order
 * @s:	Stage
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int step_mounts(struct stage *s, struct err *e)
{
	const struct plan_mount *m = plan_get_array(s->p, s->p->mounts);

	for (uint32_t i = 0; i < s->p->mounts.n; i++, m++) {
		const char *target = plan_get_str(s->p, m->target);
		int r = m->kind == PLAN_MOUNT_BIND ? bind_mount(s, m, target, e) : fs_mount(s, m, target, e);

		if (r < 0)
			return r;
	}
	return 0;
}

static int check_super(int fd, long magic)
{
	struct statfs st;

	return fstatfs(fd, &st) == 0 && (long)st.f_type == magic ? 0 : -EPERM;
}

/**
 * step_sysctls() - Write the settings, through the proc file system that we mounted ourselves (CVE-2025-52881)
 * @s:	Stage
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int step_sysctls(struct stage *s, struct err *e)
{
	const struct plan_pair *y = plan_get_array(s->p, s->p->sysctls);

	for (uint32_t i = 0; i < s->p->sysctls.n; i++) {
		const char *key = plan_get_str(s->p, y[i].key), *value = plan_get_str(s->p, y[i].value);
		auto_free char *path = xasprintf("sys/%s", key);
		auto_close int fd = -EBADF;
		int r;

		for (char *c = path; *c; c++)
			if (*c == '.')
				*c = '/';
		if (s->proc < 0)
			return err_say(e, ENOTSUP, "'%s' cannot be set: this container has no /proc of its own", key);
		fd = sys_openat2(s->proc, path, O_WRONLY | O_CLOEXEC, 0,
				 RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
		if (fd < 0)
			return err_set(e, fd, "open sysctl '%s'", key);
		if (check_super(fd, PROC_SUPER_MAGIC) < 0)
			return err_say(e, EPERM, "sysctl '%s' is not on a proc file system", key);
		r = fd_write_full(fd, value, strlen(value));
		if (r < 0)
			return err_set(e, r, "set sysctl '%s' to '%s'", key, value);
	}
	return 0;
}

/* A fresh read-only empty folder for each masked one would cost a super block each: the first is cloned. */
static int mask_folder(int *first, int at, const char *path, struct err *e)
{
	auto_close int mnt = -EBADF;
	int r;

	if (*first < 0) {
		r = new_fs("tmpfs", "size=0,mode=555,nr_inodes=2",
			   MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, first, e);
		return r < 0 ? r : attach(*first, at, path, e);
	}
	mnt = sys_open_tree(*first, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (mnt < 0)
		return err_set(e, mnt, "clone the mask for '%s'", path);
	return attach(mnt, at, path, e);
}

static int mask_file(const struct stage *s, int at, const char *path, struct err *e)
{
	auto_close int mnt = -EBADF;
	struct stat st;

	/* The host's node, opened before the image's could be met (CVE-2025-31133), and looked at once more. */
	if (fstat(s->null, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != 0x103)
		return err_say(e, EPERM, "/dev/null of the host is not the null device");
	mnt = sys_open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (mnt < 0)
		return err_set(e, mnt, "open /dev/null of the host");
	if (fstat(mnt, &st) < 0 || st.st_rdev != 0x103)
		return err_say(e, EPERM, "/dev/null of the host is not the null device");
	return attach(mnt, at, path, e);
}

/**
 * step_masked() - Hide paths: a file behind the null device, a folder behind an empty one
 * @s:	Stage
 * @e:	Failure
 *
 * A path that the kernel or the image does not have is nothing to hide.
 *
 * Return: 0 or negative errno
 */
int step_masked(struct stage *s, struct err *e)
{
	const pstr *v = plan_get_array(s->p, s->p->masked);
	auto_close int first = -EBADF;

	for (uint32_t i = 0; i < s->p->masked.n; i++) {
		const char *path = plan_get_str(s->p, v[i]);
		auto_close int at = fs_open_in_root(s->root, path, O_PATH, 0);
		struct stat st;
		int r;

		if (at == -ENOENT || at == -ENOTDIR)
			continue;
		if (at < 0)
			return err_set(e, at, "open '%s' to mask it", path);
		if (fstat(at, &st) < 0)
			return err_set(e, errno, "stat '%s'", path);
		r = S_ISDIR(st.st_mode) ? mask_folder(&first, at, path, e) : mask_file(s, at, path, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/**
 * step_readonly() - Make paths read-only by a mount of them onto themselves
 * @s:	Stage
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int step_readonly(struct stage *s, struct err *e)
{
	static const struct mount_look look = { .all = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
						       MOUNT_ATTR_NOEXEC };
	const pstr *v = plan_get_array(s->p, s->p->readonly);

	for (uint32_t i = 0; i < s->p->readonly.n; i++) {
		const char *path = plan_get_str(s->p, v[i]);
		auto_close int at = fs_open_in_root(s->root, path, O_PATH, 0), mnt = -EBADF;
		int r;

		if (at == -ENOENT || at == -ENOTDIR)
			continue;
		if (at < 0)
			return err_set(e, at, "open '%s' to make it read-only", path);
		mnt = sys_open_tree(at, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
		if (mnt < 0)
			return err_set(e, mnt, "clone '%s'", path);
		r = attach_with(s, mnt, at, path, &look, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/**
 * step_root_ro() - Make the root mount itself read-only
 * @s:	Stage
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int step_root_ro(struct stage *s, struct err *e)
{
	static const struct mount_look look = { .top = MOUNT_ATTR_RDONLY };
	int r = sys_mount_setattr(s->root, "", AT_EMPTY_PATH, MOUNT_ATTR_RDONLY, 0, 0);

	if (r == -ENOSYS)
		return remount(s, "/", &look, e);
	return r < 0 ? err_set(e, r, "make the root file system read-only") : 0;
}

/**
 * step_pivot() - Make the container's root our root; the host's mounts are gone afterwards
 * @s:	Stage
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int step_pivot(struct stage *s, struct err *e)
{
	int r;

	if (fchdir(s->root) < 0)
		return err_set(e, errno, "enter the root file system");
	r = sys_pivot_root(".", ".");
	if (r < 0)
		return err_set(e, r, "change the root");
	if (umount2(".", MNT_DETACH) < 0)
		return err_set(e, errno, "detach the host's mounts");
	if (chdir("/") < 0)
		return err_set(e, errno, "enter the root folder");
	return 0;
}
