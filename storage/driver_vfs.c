/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "storage/driver_int.h"

/*
 * Theory of operation
 *
 * For file systems where neither overlay nor fuse works, and only when asked for: all layers are copied into the
 * container's upper folder (as reflinks where the file system has them), lowest first, whiteouts and opaque folders
 * removing what lower ones brought. The copy is made beside and renamed: an upper folder that is there is whole.
 */

#define XATTR_MAX 65536

/**
 * struct copied_link - a file with several names that was copied already
 * @ino:	inode in the layer
 * @path:	where its copy is, below the new root
 */
struct copied_link {
	ino_t ino;
	char *path;
};

/**
 * struct copy - state of copying one layer
 * @root:	the new root
 * @links:	files with several names
 * @n_links:	how many
 * @path:	path of the folder that is being copied, below the new root
 */
struct copy {
	int root;
	struct copied_link *links;
	size_t n_links;
	struct sbuf path;
};

static int copy_xattrs(int from, int to, struct err *e)
{
	auto_free char *names = xmalloc(XATTR_MAX), *value = xmalloc(XATTR_MAX);
	ssize_t n = flistxattr(from, names, XATTR_MAX);

	for (const char *p = names; n > 0 && p < names + n; p += strlen(p) + 1) {
		ssize_t len;

		if (str_has_prefix(p, "user.overlay."))
			continue;
		len = fgetxattr(from, p, value, XATTR_MAX);
		if (len >= 0 && fsetxattr(to, p, value, (size_t)len, 0) < 0 && errno != ENOTSUP && errno != EPERM)
			return err_set(e, errno, "copy extended attribute '%s'", p);
	}
	return 0;
}

static int copy_attributes(int from, int to, const struct stat *st, struct err *e)
{
	const struct timespec ts[2] = { st->st_mtim, st->st_mtim };

	if (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0)
		return err_set(e, errno, "copy owner and mode");
	int r = copy_xattrs(from, to, e);

	if (r == 0 && futimens(to, ts) < 0)
		r = err_set(e, errno, "copy times");
	return r;
}

static int copy_data(int from, int to, off_t size, struct err *e)
{
	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	while (size > 0) {
		ssize_t n = copy_file_range(from, NULL, to, NULL, (size_t)size, 0);

		if (n < 0)
			return err_set(e, errno, "copy a file");
		if (n == 0)
			break;
		size -= n;
	}
	return 0;
}

static int clear_way(int to_dir, const char *name, struct err *e)
{
	return fs_has(to_dir, name) ? fs_remove_tree(to_dir, name, e) : 0;
}

/* A second name of a file: link to the copy. Return: 1 done, 0 it is the first name, negative errno */
static int copy_as_link(struct copy *c, int to_dir, const char *name, const struct stat *st, struct err *e)
{
	for (size_t i = 0; i < c->n_links; i++)
		if (c->links[i].ino == st->st_ino)
			return linkat(c->root, c->links[i].path, to_dir, name, 0) < 0
				       ? err_set(e, errno, "link '%s'", name)
				       : 1;
	c->links = xrealloc(c->links, (c->n_links + 1) * sizeof(*c->links));
	c->links[c->n_links].ino = st->st_ino;
	c->links[c->n_links++].path = xasprintf("%s%s%s", sbuf_str(&c->path), c->path.len ? "/" : "", name);
	return 0;
}

static int copy_file(struct copy *c, int from_dir, int to_dir, const char *name, const struct stat *st, struct err *e)
{
	auto_close int from = -EBADF, to = -EBADF;
	int r = st->st_nlink > 1 ? copy_as_link(c, to_dir, name, st, e) : 0;

	if (r != 0)
		return r < 0 ? r : 0;
	from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (from < 0 || to < 0)
		return err_set(e, errno, "copy '%s'", name);
	r = copy_data(from, to, st->st_size, e);
	return r < 0 ? r : copy_attributes(from, to, st, e);
}

static int copy_special(int from_dir, int to_dir, const char *name, const struct stat *st, struct err *e)
{
	const struct timespec ts[2] = { st->st_mtim, st->st_mtim };
	auto_free char *target = NULL;
	int r = 0;

	if (S_ISLNK(st->st_mode)) {
		r = fs_readlink(from_dir, name, &target, e);
		if (r == 0 && symlinkat(target, to_dir, name) < 0)
			r = err_set(e, errno, "copy symlink '%s'", name);
	} else if (mknodat(to_dir, name, st->st_mode & (S_IFMT | 07777), 0) < 0) {
		r = err_set(e, errno, "copy '%s'", name);
	}
	if (r == 0 && fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		r = err_set(e, errno, "copy the owner of '%s'", name);
	if (r == 0)
		utimensat(to_dir, name, ts, AT_SYMLINK_NOFOLLOW);
	return r;
}

static int copy_folder(struct copy *c, int from, int to, struct err *e);

static int copy_subfolder(struct copy *c, int from_dir, int to_dir, const char *name, struct err *e)
{
	auto_close int from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), to = -EBADF;
	size_t len = c->path.len;
	struct stat st;
	char opaque;
	int r = 0;

	if (from < 0)
		return err_set(e, errno, "open folder '%s'", name);
	if (fstatat(to_dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (!S_ISDIR(st.st_mode) || fgetxattr(from, "user.overlay.opaque", &opaque, 1) == 1))
		r = fs_remove_tree(to_dir, name, e);
	if (r == 0)
		r = fs_make_dir(to_dir, name, 0700, e);
	if (r < 0)
		return r;
	to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return err_set(e, errno, "open folder '%s'", name);
	sbuf_printf(&c->path, "%s%s", len ? "/" : "", name);
	r = copy_folder(c, from, to, e);
	c->path.len = len;
	if (c->path.p)
		c->path.p[len] = '\0';
	return r;
}

static int copy_entry(struct copy *c, int from, int to, const char *name, struct err *e)
{
	struct stat st;
	int r;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "stat '%s'", name);
	if (S_ISDIR(st.st_mode))
		return copy_subfolder(c, from, to, name, e);
	r = clear_way(to, name, e);
	if (r < 0 || (S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0))) /* a whiteout: gone is what it wants */
		return r;
	return S_ISREG(st.st_mode) ? copy_file(c, from, to, name, &st, e) : copy_special(from, to, name, &st, e);
}

static int copy_folder(struct copy *c, int from, int to, struct err *e)
{
	auto_strv char **names = NULL;
	struct stat st = { 0 };
	int r = fs_list_dir(from, ".", &names, e);

	for (char **n = names; r == 0 && n && *n; n++)
		r = copy_entry(c, from, to, *n, e);
	if (r == 0 && fstat(from, &st) < 0)
		r = err_set(e, errno, "stat a folder");
	return r < 0 ? r : copy_attributes(from, to, &st, e);
}

static int copy_layer(int layer, int root, struct err *e)
{
	auto_close int from = openat(layer, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct copy c = { .root = root };
	int r;

	if (from < 0)
		return err_set(e, errno, "open a layer");
	r = copy_folder(&c, from, root, e);
	for (size_t i = 0; i < c.n_links; i++)
		free(c.links[i].path);
	free(c.links);
	sbuf_done(&c.path);
	return r;
}

static int copy_all(const struct driver_mount_spec *spec, const int *lower, size_t n, struct err *e)
{
	auto_free char *part = xasprintf("%s.part", spec->upper);
	auto_close int root = -EBADF;
	int r = clear_way(spec->dirfd, part, e);

	if (r == 0)
		r = fs_make_dir(spec->dirfd, part, 0755, e);
	if (r == 0)
		r = fs_open_dir(spec->dirfd, part, &root, e);
	for (size_t i = 0; i < n && r == 0; i++)
		r = copy_layer(lower[i], root, e);
	if (r == 0 && renameat(spec->dirfd, part, spec->dirfd, spec->upper) < 0)
		r = err_set(e, errno, "rename '%s'", part);
	return r;
}

static int vfs_mount(struct store *s, const struct driver_mount_spec *spec, const int *lower, size_t n_lower,
		     struct driver_mount *ret, struct err *e)
{
	auto_close int fd = -EBADF;
	int r = 0;

	(void)s;
	if (spec->dirfd < 0)
		return err_say(e, ENOTSUP, "storage driver vfs cannot mount an image without a container");
	if (!fs_has(spec->dirfd, spec->upper))
		r = copy_all(spec, lower, n_lower, e);
	if (r < 0)
		return err_wrap(e, r, "copy the image's layers");
	fd = openat(spec->dirfd, spec->upper, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, errno, "open the container's folder '%s'", spec->upper);
	*ret = (struct driver_mount) { .fd = -EBADF };
	return driver_clone_folder(fd, (spec->read_only || spec->is_view), &ret->fd, e);
}

const struct driver driver_vfs = { .name = "vfs", .mount = vfs_mount };
