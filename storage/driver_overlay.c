/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "storage/driver_int.h"

/*
 * Theory of operation
 *
 * Folders are handed to the kernel as descriptors (Linux 6.13), else as "/proc/self/fd/N" (lowerdir+, 6.7), else as
 * numbers relative to /proc/self/fd in one option string: no path of the store is ever part of an option, so neither
 * its length nor
 * ':' ',' '\' in it matter, and 500 layers fit (CP-06).
 *
 * userxattr: overlay's own marks are user.overlay.*, which the applier does not let images bring; with it the kernel
 * neither follows redirects nor honours metacopy. Both are said again, for a kernel that would change its mind (TL-07).
 */

#define MAX_LAYERS 500

#ifndef FSCONFIG_SET_FD
#define FSCONFIG_SET_FD 5
#endif

static int set_folder(int fs, const char *key, int fd)
{
	char path[32];
	int r = sys_fsconfig(fs, FSCONFIG_SET_FD, key, NULL, fd);

	if (r == 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return sys_fsconfig(fs, FSCONFIG_SET_STRING, key, path, 0);
}

/* The kernel's own words are in the context's log; the last line is the cause. */
static int say_why(int fs, int code, const char *what, struct err *e)
{
	char buf[400], last[400] = "";
	ssize_t n;

	while ((n = read(fs, buf, sizeof(buf) - 1)) > 0) {
		buf[n] = '\0';
		str_trim(buf);
		snprintf(last, sizeof(last), "%s", buf[0] && buf[1] == ' ' ? buf + 2 : buf);
	}
	err_set(e, code, "%s", what);
	return *last ? err_hint(e, code, "%.200s", last) : code;
}

/*
 * Before Linux 6.5 overlay's context is the old option string in disguise: it takes any word, and only the mount itself
 * refuses "lowerdir+", with EINVAL. A word that nobody knows tells them apart.
 */
static bool takes_anything(int fs)
{
	return sys_fsconfig(fs, FSCONFIG_SET_FLAG, "skiff_asks", NULL, 0) == 0;
}

/* Return: 0, -EOPNOTSUPP where the kernel wants the old way, another negative errno */
static int mount_new(const struct driver_mount_spec *spec, const int *lower, size_t n, const struct driver_upper *up,
		     int *ret_fd, struct err *e)
{
	auto_close int fs = sys_fsopen("overlay", FSOPEN_CLOEXEC);
	unsigned attrs = MOUNT_ATTR_NODEV | ((spec->read_only || spec->is_view) ? MOUNT_ATTR_RDONLY : 0);
	int m, r = 0;

	if (fs < 0)
		return fs == -ENOSYS ? -EOPNOTSUPP : err_set(e, fs, "open the overlay file system");
	if (takes_anything(fs))
		return -EOPNOTSUPP;
	for (size_t i = n; i-- > 0 && r == 0;) /* topmost first */
		r = set_folder(fs, "lowerdir+", lower[i]);
	if (r == -EINVAL)
		return -EOPNOTSUPP;
	if (r == 0 && up->upper >= 0)
		r = set_folder(fs, "upperdir", up->upper);
	if (r == 0 && up->upper >= 0)
		r = set_folder(fs, "workdir", up->work);
	if (r == 0)
		r = sys_fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0);
	if (r == 0 && spec->is_volatile && up->upper >= 0)
		r = sys_fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0);
	if (r < 0)
		return say_why(fs, r, "configure the overlay file system", e);
	sys_fsconfig(fs, FSCONFIG_SET_STRING, "redirect_dir", "nofollow", 0);
	sys_fsconfig(fs, FSCONFIG_SET_STRING, "metacopy", "off", 0);
	r = sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (r < 0)
		return say_why(fs, r, "mount the overlay file system", e);
	m = sys_fsmount(fs, FSMOUNT_CLOEXEC, attrs);
	if (m < 0)
		return err_set(e, m, "mount the overlay file system");
	*ret_fd = m;
	return 0;
}

/* mount(2) needs a place: a folder of the container, from which the mount is taken off again as a detached one. */
static int mount_at(const struct driver_mount_spec *spec, const char *options, int *ret_fd, struct err *e)
{
	unsigned long flags = MS_NODEV | ((spec->read_only || spec->is_view) ? MS_RDONLY : 0);
	char target[48];
	int m, r = fs_make_dir(spec->dirfd, "merged", 0700, e);

	if (r < 0)
		return r;
	snprintf(target, sizeof(target), "/proc/self/fd/%d/merged", spec->dirfd);
	if (mount("overlay", target, "overlay", flags, options) < 0)
		return err_set(e, errno, "mount the overlay file system");
	m = sys_open_tree(AT_FDCWD, target, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	umount2(target, MNT_DETACH);
	if (m < 0)
		return err_set(e, m, "detach the overlay file system");
	*ret_fd = m;
	return 0;
}

static int mount_old(const struct driver_mount_spec *spec, const int *lower, size_t n, const struct driver_upper *up,
		     int *ret_fd, struct err *e)
{
	auto_close int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_sbuf struct sbuf o = { 0 };
	int r;

	if (spec->dirfd < 0)
		return err_say(e, ENOTSUP, "a read-only overlay mount needs Linux 6.7");
	sbuf_adds(&o, "userxattr,redirect_dir=nofollow,metacopy=off,lowerdir=");
	for (size_t i = n; i-- > 0;)
		sbuf_printf(&o, "%d%s", lower[i], i ? ":" : "");
	if (up->upper >= 0)
		sbuf_printf(&o, ",upperdir=%d,workdir=%d", up->upper, up->work);
	if (spec->is_volatile)
		sbuf_adds(&o, ",volatile");
	if (o.len >= (size_t)sysconf(_SC_PAGESIZE))
		return err_say(e, E2BIG, "%zu layers are more than this kernel can mount", n);
	if (chdir("/proc/self/fd") < 0)
		return err_set(e, errno, "enter /proc/self/fd");
	r = mount_at(spec, sbuf_str(&o), ret_fd, e);
	if (cwd >= 0 && fchdir(cwd) < 0)
		log_warn("ignored, going on: return to the working folder failed");
	return r;
}

static int overlay_mount(struct store *s, const struct driver_mount_spec *spec, const int *lower, size_t n_lower,
			 struct driver_mount *ret, struct err *e)
{
	auto_driver_upper struct driver_upper up = { -EBADF, -EBADF };
	int r;

	(void)s;
	if (n_lower > MAX_LAYERS)
		return err_say(e, E2BIG, "an image of %zu layers: the kernel's overlay takes %d", n_lower, MAX_LAYERS);
	r = driver_open_upper(spec, lower, n_lower, &up, e);
	if (r < 0)
		return r;
	*ret = (struct driver_mount) { .fd = -EBADF };
	if (n_lower == 0 && up.upper >= 0)
		return driver_clone_folder(up.upper, (spec->read_only || spec->is_view), &ret->fd, e);
	if (n_lower == 1 && up.upper < 0)
		return driver_clone_folder(lower[0], true, &ret->fd, e);
	if (n_lower == 0)
		return err_say(e, EINVAL, "nothing to mount");
	/* A volatile container whose host went down: the kernel would refuse it for ever. */
	if (up.work >= 0)
		unlinkat(up.work, "work/incompat/volatile", AT_REMOVEDIR);
	r = mount_new(spec, lower, n_lower, &up, &ret->fd, e);
	return r == -EOPNOTSUPP ? mount_old(spec, lower, n_lower, &up, &ret->fd, e) : r;
}

const struct driver driver_overlay = { .name = "overlay", .mount = overlay_mount };
