/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "lib/runtime/userns.h"
#include "lib/runtime/walls.h"
#include "storage/driver_int.h"
#include "storage/store_int.h"

/*
 * Theory of operation
 *
 * The fuse file system is mounted by us (detached, no mount point needed), and fuse-overlayfs gets the open /dev/fuse
 * as "/dev/fd/N": there is nothing to wait for, the kernel queues requests until it answers. It ends when the last
 * mount of the file system is gone. Folders are given to it as /proc/self/fd/N, which it resolves at its start: no path
 * of the store stands in its options. But it takes the resolved path of the upper folder apart at ':' once more; where
 * that would hurt, the container's folder is mounted at a place with a plain name, in our own mount namespace.
 *
 * Shifted ids: on disk a file has the image's ids (those of level A); level B knows them as other ids of A. Each range
 * of B's map (inside, outside) is exactly that translation.
 */

/* Descriptors of the folders stay open in the helper under their own numbers until it has opened them. */
static int start_helper(char *options, int fuse, const int *keep, size_t n_keep, pid_t *ret, struct err *e)
{
	char mountpoint[32];
	char name[] = "fuse-overlayfs", dash_f[] = "-f", dash_o[] = "-o";
	char *argv[] = { name, dash_f, dash_o, options, mountpoint, NULL };
	/* It greets with "unknown argument ignored: lazytime". */
	auto_close int null = log_is_on(LOG_DEBUG) ? -EBADF : open("/dev/null", O_WRONLY | O_CLOEXEC);
	const struct proc_spec p = {
		.file = "fuse-overlayfs",
		.argv = argv,
		.stdio = { -EBADF, -EBADF, null },
		.keep = keep,
		.n_keep = n_keep,
	};
	auto_free char *path = NULL;

	if (proc_find("fuse-overlayfs", &path) < 0)
		return err_say(e, ENOENT, "fuse-overlayfs is not installed");
	snprintf(mountpoint, sizeof(mountpoint), "/dev/fd/%d", fuse);
	return proc_spawn(&p, ret, e);
}

static int mount_fuse(int fuse, bool read_only, int *ret_fd, struct err *e)
{
	auto_close int fs = sys_fsopen("fuse", FSOPEN_CLOEXEC);
	char text[16];
	int m, r;

	if (fs < 0)
		return err_set(e, fs, "open the fuse file system");
	snprintf(text, sizeof(text), "%d", fuse);
	r = sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", "fuse-overlayfs", 0);
	if (r == 0)
		r = sys_fsconfig(fs, FSCONFIG_SET_STRING, "fd", text, 0);
	if (r == 0)
		r = sys_fsconfig(fs, FSCONFIG_SET_STRING, "rootmode", "40000", 0);
	if (r == 0)
		r = sys_fsconfig(fs, FSCONFIG_SET_STRING, "user_id", "0", 0);
	if (r == 0)
		r = sys_fsconfig(fs, FSCONFIG_SET_STRING, "group_id", "0", 0);
	if (r == 0)
		r = sys_fsconfig(fs, FSCONFIG_SET_FLAG, "default_permissions", NULL, 0);
	if (r == 0)
		r = sys_fsconfig(fs, FSCONFIG_SET_FLAG, "allow_other", NULL, 0);
	if (r == 0)
		r = sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (r < 0)
		return err_set(e, r, "mount the fuse file system");
	m = sys_fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV | (read_only ? MOUNT_ATTR_RDONLY : 0));
	if (m < 0)
		return err_set(e, m, "mount the fuse file system");
	*ret_fd = m;
	return 0;
}

static void add_mapping(struct sbuf *o, const char *key, const struct idmap_range *r, unsigned n)
{
	sbuf_printf(o, ",%s=", key);
	for (unsigned i = 0; i < n; i++)
		sbuf_printf(o, "%s%u:%u:%u", i ? ":" : "", r[i].inside, r[i].outside, r[i].count);
}

/* *ret: where the container's folder has a plain name now, or NULL when its own path is fine. */
static int make_path_plain(const struct driver_mount_spec *spec, const char **ret, struct err *e)
{
	auto_close int m = -EBADF;
	auto_free char *path = NULL;
	char link[32];
	int r;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", spec->dirfd);
	r = fs_readlink(AT_FDCWD, link, &path, e);
	if (r < 0 || !strpbrk(path, ":,\\"))
		return r;
	m = sys_open_tree(spec->dirfd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (m < 0)
		return err_set(e, m, "clone the container's folder");
	*ret = store_spare_place(e);
	if (!*ret)
		return -ENOENT;
	r = sys_move_mount(m, "", AT_FDCWD, *ret, MOVE_MOUNT_F_EMPTY_PATH);
	return r < 0 ? err_set(e, r, "mount the container's folder at '%s'", *ret) : 0;
}

static int add_options(struct sbuf *o, const struct driver_mount_spec *spec, const int *lower, size_t n,
		       const struct driver_upper *up, struct err *e)
{
	const char *plain = NULL;
	int r = up->upper >= 0 ? make_path_plain(spec, &plain, e) : 0;

	if (r < 0)
		return r;
	sbuf_adds(o, "lowerdir=");
	for (size_t i = n; i-- > 0;)
		sbuf_printf(o, "/proc/self/fd/%d%s", lower[i], i ? ":" : "");
	if (plain)
		sbuf_printf(o, ",upperdir=%s/%s,workdir=%s/%s", plain, spec->upper, plain, spec->work);
	else if (up->upper >= 0)
		sbuf_printf(o, ",upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d", up->upper, up->work);
	if (spec->is_volatile)
		sbuf_adds(o, ",volatile");
	if (spec->shift) {
		add_mapping(o, "uidmapping", spec->shift->uid, spec->shift->n_uid);
		add_mapping(o, "gidmapping", spec->shift->gid, spec->shift->n_gid);
	}
	return 0;
}

static int fuse_mount(struct store *s, const struct driver_mount_spec *spec, const int *lower, size_t n_lower,
		      struct driver_mount *ret, struct err *e)
{
	auto_driver_upper struct driver_upper up = { -EBADF, -EBADF };
	auto_close int fuse = -EBADF, m = -EBADF;
	auto_sbuf struct sbuf options = { 0 };
	size_t n_keep = 0;
	int *keep;
	int r = driver_open_upper(spec, lower, n_lower, &up, e);

	(void)s;
	if (r < 0)
		return r;
	if (n_lower == 0)
		return err_say(e, EINVAL, "fuse-overlayfs needs a layer");
	fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fuse < 0)
		return walls_explain_fuse(errno, e);
	r = mount_fuse(fuse, (spec->read_only || spec->is_view), &m, e);
	if (r == 0)
		r = add_options(&options, spec, lower, n_lower, &up, e);
	if (r < 0)
		return r;
	keep = xcalloc(n_lower + 3, sizeof(*keep));
	for (size_t i = 0; i < n_lower; i++)
		keep[n_keep++] = lower[i];
	if (up.upper >= 0) {
		keep[n_keep++] = up.upper;
		keep[n_keep++] = up.work;
	}
	keep[n_keep++] = fuse;
	*ret = (struct driver_mount) { .fd = -EBADF };
	r = start_helper(options.p, fuse, keep, n_keep, &ret->helper, e);
	free(keep);
	if (r == 0)
		ret->fd = take_fd(&m);
	return r;
}

const struct driver driver_fuse_overlayfs = { .name = "fuse-overlayfs", .can_shift = true, .mount = fuse_mount };
