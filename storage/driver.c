/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "lib/runtime/userns.h"
#include "storage/driver_int.h"
#include "storage/store_int.h"

/*
 * Theory of operation
 *
 * What works is found by doing it: in a user and mount namespace of its own, below tmp/, a lower folder is mounted, a
 * file of it removed and written again. The answer depends on the kernel, the file system and the program's version; it
 * is kept in cache/driver with exactly these as its first line.
 */

static const struct driver *const drivers[] = { &driver_overlay, &driver_fuse_overlayfs, &driver_vfs };

#define CACHE_FILE "cache/driver"
#define CACHE_MAX  4096

static const struct driver *find_driver(const char *name)
{
	if (str_is_eq(name, "overlay2"))
		return &driver_overlay;
	for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++)
		if (str_is_eq(drivers[i]->name, name))
			return drivers[i];
	return NULL;
}

/*
 * Read-only where mount_setattr(2) is not known: only an attached mount can be remounted, and what is detached again
 * keeps what it has become. It is attached to its own folder, in the mount namespace that we have for this container.
 */
static int make_read_only_attached(int folder, int *m)
{
	auto_close int again = -EBADF;
	char path[32];
	int r = sys_move_mount(*m, "", folder, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);

	if (r < 0)
		return r;
	r = fs_remount(*m, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV);
	if (r == 0)
		r = again = sys_open_tree(*m, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *m);
	if (umount2(path, MNT_DETACH) < 0 && r >= 0) /* path: the descriptor's own */
		r = -errno;
	if (r < 0)
		return r;
	fd_closep(m);
	*m = take_fd(&again);
	return 0;
}

/**
 * driver_clone_folder() - A detached bind mount
 * @fd:		The folder, open in our mount namespace
 * @read_only:	Make it read-only
 * @ret_fd:	The mount
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int driver_clone_folder(int fd, bool read_only, int *ret_fd, struct err *e)
{
	auto_close int m = sys_open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	int r;

	if (m < 0)
		return err_set(e, m, "clone a folder of the store");
	r = sys_mount_setattr(m, "", AT_EMPTY_PATH, MOUNT_ATTR_NODEV | (read_only ? MOUNT_ATTR_RDONLY : 0), 0, 0);
	if (r == -ENOSYS)
		r = read_only ? make_read_only_attached(fd, &m) : 0;
	if (r < 0)
		return err_set(e, r, "make a folder of the store %s", read_only ? "read-only" : "nodev");
	*ret_fd = take_fd(&m);
	return 0;
}

static int open_made(int dirfd, const char *name, mode_t mode, int *ret_fd, bool *ret_is_new, struct err *e)
{
	*ret_is_new = mkdirat(dirfd, name, mode) == 0;
	if (!*ret_is_new && errno != EEXIST)
		return err_set(e, errno, "make the container's folder '%s'", name);
	*ret_fd = openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *ret_fd < 0 ? err_set(e, errno, "open the container's folder '%s'", name) : 0;
}

/* What the container sees as "/" takes its attributes from the upper folder. */
static int copy_root_attributes(int from, int dirfd, const char *name, struct err *e)
{
	struct stat st;

	if (fstat(from, &st) < 0)
		return err_set(e, errno, "stat a layer");
	if (fchownat(dirfd, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "set the owner of '%s'", name);
	if (fchmodat(dirfd, name, st.st_mode & 07777, 0) < 0)
		return err_set(e, errno, "set the mode of '%s'", name);
	return 0;
}

/**
 * driver_open_upper() - Make and open a container's own folders
 * @spec:	What to mount
 * @lower:	Its layers
 * @n_lower:	How many
 * @ret:	The folders
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int driver_open_upper(const struct driver_mount_spec *spec, const int *lower, size_t n_lower, struct driver_upper *ret,
		      struct err *e)
{
	bool is_new;
	int r;

	*ret = (struct driver_upper) { -EBADF, -EBADF };
	if (spec->dirfd < 0 || spec->is_view)
		return 0;
	r = open_made(spec->dirfd, spec->upper, 0755, &ret->upper, &is_new, e);
	if (r == 0 && is_new && n_lower)
		r = copy_root_attributes(lower[n_lower - 1], spec->dirfd, spec->upper, e);
	if (r == 0)
		r = open_made(spec->dirfd, spec->work, 0700, &ret->work, &is_new, e);
	return r;
}

void driver_upper_done(struct driver_upper *u)
{
	fd_closep(&u->upper);
	fd_closep(&u->work);
}

/* ---- probing ---- */

/* A folder with one file, mounted, changed through the mount, and looked at below it. */
static int probe_mount(const struct driver *d, struct store *s, int dir, struct err *e)
{
	struct driver_mount_spec spec = { .dirfd = dir, .upper = "upper", .work = "work" };
	struct driver_mount m = { .fd = -EBADF };
	auto_close int lower = -EBADF, mnt = -EBADF;
	struct stat st;
	int r = fs_make_dirs(dir, "lower/folder", 0755, e);

	if (r == 0)
		r = fs_write_file(dir, "lower/file", "x", 1, 0644, e);
	if (r == 0)
		r = fs_open_dir(dir, "lower", &lower, e);
	if (r == 0)
		r = d->mount(s, &spec, &lower, 1, &m, e);
	if (r < 0)
		return r;
	mnt = m.fd;
	if (unlinkat(mnt, "file", 0) < 0 || unlinkat(mnt, "folder", AT_REMOVEDIR) < 0)
		return err_set(e, errno, "remove a file of a lower layer");
	if (mkdirat(mnt, "folder", 0755) < 0) /* must become opaque */
		return err_set(e, errno, "make a folder again that a lower layer has");
	r = fs_write_file(mnt, "folder/file", "y", 1, 0644, e);
	if (r == 0 && fstatat(dir, "upper/folder/file", &st, AT_SYMLINK_NOFOLLOW) < 0)
		r = err_set(e, errno, "find in the upper layer what was written");
	return r;
}

struct probe_job {
	const struct driver *d;
	struct store *s;
	const char *name; /* of a folder below tmp/ */
};

static int probe_in_userns(void *arg, struct err *e)
{
	const struct probe_job *j = arg;
	auto_free char *path = xasprintf("tmp/%s", j->name);
	auto_close int dir = -EBADF;
	int r = store_reopen(j->s, e);

	if (r == 0)
		r = fs_open_dir(j->s->fd, path, &dir, e);
	return r == 0 ? probe_mount(j->d, j->s, dir, e) : r;
}

static int probe(const struct driver *d, struct store *s, struct err *e)
{
	auto_close int fd = -EBADF, lock = -EBADF;
	struct err why;
	char name[17];
	struct probe_job j = { d, s, name };
	/* The pid namespace ends fuse-overlayfs together with the child. */
	struct userns_call call = { .flags = CLONE_NEWNS | CLONE_NEWPID, .run = probe_in_userns, .arg = &j };
	int r = work_open(s, "tmp", name, &fd, &lock, e);

	if (r < 0)
		return r;
	r = userns_call(&call, e);
	if (work_remove(s, "tmp", name, &why) < 0)
		log_warn("ignored, going on: clean up the store: %s", why.msg);
	return r;
}

/* ---- the cache ---- */

static char *cache_key(struct store *s)
{
	struct utsname u;
	struct statfs f = { 0 };
	struct stat st = { 0 };

	uname(&u);
	fstatfs(s->fd, &f);
	fstat(s->fd, &st);
	return xasprintf("%s %s fs %lx dev %lx uid %u skiff " SKIFF_VERSION, u.release, u.version,
			 (unsigned long)f.f_type, (unsigned long)st.st_dev, geteuid());
}

static const struct driver *cache_read(struct store *s, const char *key, char **ret_reason)
{
	auto_free char *text = NULL;
	auto_strv char **lines = NULL;
	const struct driver *d;

	if (fs_read_file(s->fd, CACHE_FILE, CACHE_MAX, &text, NULL, NULL) < 0)
		return NULL;
	lines = strv_split(text, '\n');
	if (strv_len(lines) < 3 || !str_is_eq(lines[0], key))
		return NULL;
	d = find_driver(lines[1]);
	if (d && ret_reason)
		*ret_reason = xstrdup(lines[2]);
	return d;
}

static void cache_write(struct store *s, const char *key, const struct driver *d, const char *reason)
{
	auto_free char *text = xasprintf("%s\n%s\n%s\n", key, d->name, reason);

	/* Without it the next start probes again. */
	fs_replace_file(s->fd, CACHE_FILE, text, strlen(text), 0600, 0, NULL);
}

int driver_choose(struct store *s, const char *forced, const struct driver **ret, struct err *e)
{
	auto_free char *key = NULL, *reason = NULL;
	struct err overlay_why = { 0 }, fuse_why = { 0 };

	if (forced) {
		*ret = find_driver(forced);
		return *ret ? 0
			    : err_say(e, EINVAL, "unknown storage driver '%s': overlay, fuse-overlayfs or vfs", forced);
	}
	key = cache_key(s);
	*ret = cache_read(s, key, NULL);
	if (*ret)
		return 0;
	if (probe(&driver_overlay, s, &overlay_why) == 0) {
		*ret = &driver_overlay;
		reason = xstrdup("native overlay works here in a user namespace");
	} else if (probe(&driver_fuse_overlayfs, s, &fuse_why) == 0) {
		*ret = &driver_fuse_overlayfs;
		reason = xasprintf("native overlay does not work here: %s", overlay_why.msg);
	} else {
		return err_say(e, ENOTSUP,
			       "no storage driver works: overlay: %.160s; fuse-overlayfs: %.160s "
			       "(--storage-driver vfs copies whole images instead)",
			       overlay_why.msg, fuse_why.msg);
	}
	cache_write(s, key, *ret, reason);
	return 0;
}

const char *driver_name(const struct driver *d)
{
	return d->name;
}

const char *driver_cached_name(struct store *s)
{
	auto_free char *key = cache_key(s);
	const struct driver *d = cache_read(s, key, NULL);

	return d ? d->name : driver_overlay.name;
}

bool driver_can_shift(const struct driver *d)
{
	return d->can_shift;
}

int driver_reason(struct store *s, const struct driver *d, char **ret, struct err *e)
{
	auto_free char *key = cache_key(s);

	(void)e;
	if (cache_read(s, key, ret) == d)
		return 0;
	free(*ret);
	*ret = xstrdup("it was asked for");
	return 0;
}

/* ---- mounting ---- */

/* Every layer costs descriptors; the soft limit of 1024 is for programs that use select(2). */
static void raise_file_limit(size_t n)
{
	struct rlimit l;

	if (n < 200 || getrlimit(RLIMIT_NOFILE, &l) < 0)
		return;
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
}

/*
 * A layer may say that nothing below it exists any more (an opaque whiteout of "/"). The kernel looks for the mark in
 * folders that it looks up, and the root is not looked up.
 */
static bool is_opaque(int layer)
{
	char path[32], value;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", layer);
	return getxattr(path, "user.overlay.opaque", &value, 1) == 1 && value == 'y';
}

/* A container that never ran has no upper folder. Return: 1 it was opened, 0, negative errno */
static int open_view(const struct driver *d, const struct driver_mount_spec *spec, int *ret, struct err *e)
{
	if (!spec->is_view || spec->dirfd < 0 || d == &driver_vfs)
		return 0;
	*ret = openat(spec->dirfd, spec->upper, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret < 0 && errno != ENOENT)
		return err_set(e, errno, "open the container's folder '%s'", spec->upper);
	return *ret >= 0;
}

int driver_mount(const struct driver *d, struct store *s, const struct driver_mount_spec *spec,
		 struct driver_mount *ret, struct err *e)
{
	size_t n = strv_len(spec->layers), opened = 0, first = 0;
	int *lower = xcalloc(n + 2, sizeof(*lower));
	int r = 0;

	if (spec->shift && !d->can_shift) {
		free(lower);
		return err_say(e, ENOTSUP, "storage driver %s cannot show shifted ids; use fuse-overlayfs", d->name);
	}
	raise_file_limit(n);
	for (; opened < n && r == 0; opened++) {
		char path[STORE_LAYER_PATH_SIZE];

		lower[opened] = -EBADF;
		if (store_layer_path(spec->layers[opened], path) < 0) {
			r = err_say(e, EINVAL, "'%s' is not a diff id", spec->layers[opened]);
			break;
		}
		lower[opened] = openat(store_home_of(s, path), path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (lower[opened] < 0)
			r = err_set(e, errno, "open layer %s", spec->layers[opened]);
		else if (is_opaque(lower[opened]))
			first = opened;
	}
	if (r == 0)
		r = open_view(d, spec, &lower[opened], e);
	if (r > 0)
		opened = ++n;
	if (r >= 0)
		r = d->mount(s, spec, lower + first, n - first, ret, e);
	for (size_t i = 0; i < opened; i++)
		fd_closep(&lower[i]);
	free(lower);
	return r;
}
