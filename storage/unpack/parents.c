/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/oci/json.h"
#include "storage/unpack/unpack_int.h"

/*
 * Theory of operation
 *
 * The folder of an entry is opened in one step by openat2 with RESOLVE_IN_ROOT: symlinks that earlier entries made are
 * followed, but the layer's root is "/" for all of them, and ".." stops there (TL-02). Only where the folder is not
 * there yet is it made component by component. The descriptor is kept for the entries that follow: they mostly live in
 * the same folder, and nothing changes the tree but we.
 */

#define DANGLING_MAX 8

void applier_forget_parent(struct applier *a)
{
	fd_closep(&a->dir_fd);
	a->dir_is_cached = false;
}

/**
 * applier_make_opaque() - Hide what lower layers have in a folder
 * @dirfd:	The folder's parent
 * @name:	The folder
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int applier_make_opaque(int dirfd, const char *name, struct err *e)
{
	auto_close int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) < 0)
		return err_set(e, errno, "mark folder as opaque");
	return 0;
}

static bool is_whiteout(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(0, 0);
}

/* A folder that has no entry of its own (yet): as root's, and remembered, because a lower layer may know better. */
static int make_one(struct applier *a, int parent, const char *name, const char *sofar, struct err *e)
{
	bool was_whiteout = is_whiteout(parent, name);

	if (was_whiteout && unlinkat(parent, name, 0) < 0)
		return err_set(e, errno, "replace a whiteout");
	if (mkdirat(parent, name, 0755) < 0)
		return -errno;
	if (json_len(a->implied) < APPLY_LIST_MAX)
		json_add_str(a->implied, sofar);
	return was_whiteout ? applier_make_opaque(parent, name, e) : 0;
}

/* The folder stands behind a symlink to nowhere: what it points to is made inside the root. */
static int splice_link(int parent, const char *name, const char *sofar, const char *rest, char *path, struct err *e)
{
	char target[PATH_MAX], joined[2 * PATH_MAX];
	const char *slash = strrchr(sofar, '/');
	ssize_t n = readlinkat(parent, name, target, sizeof(target) - 1);
	int len;

	if (n < 0)
		return err_set(e, ENOTDIR, "a file stands where a folder is needed");
	target[n] = '\0';
	if (*target == '/' || !slash)
		len = snprintf(joined, sizeof(joined), "%s/%s", target, rest);
	else
		len = snprintf(joined, sizeof(joined), "%.*s/%s/%s", (int)(slash - sofar), sofar, target, rest);
	if (len < 0 || len > TAR_PATH_MAX)
		return err_say(e, ENAMETOOLONG, "a chain of symlinks is too long");
	memcpy(path, joined, (size_t)len + 1);
	return 0;
}

/* Return: 1 when @path was rewritten and must be walked again, 0 with *ret_fd, negative errno */
static int walk(struct applier *a, char *path, int *ret_fd, struct err *e)
{
	auto_close int parent = fs_open_in_root(a->root, ".", O_PATH | O_DIRECTORY, 0);
	size_t pos = 0;

	if (parent < 0)
		return err_set(e, parent, "open the layer's root");
	while (path[pos]) {
		size_t start = pos + strspn(path + pos, "/"), end = start + strcspn(path + start, "/");
		char sofar[TAR_PATH_MAX + 1], name[NAME_MAX + 1];
		int fd, r;

		if (start == end)
			break;
		if (end - start > NAME_MAX)
			return err_say(e, ENAMETOOLONG, "a name is too long");
		memcpy(sofar, path, end);
		sofar[end] = '\0';
		memcpy(name, path + start, end - start);
		name[end - start] = '\0';
		fd = fs_open_in_root(a->root, sofar, O_PATH | O_DIRECTORY, 0);
		if (fd == -ENOENT || (fd == -ENOTDIR && is_whiteout(parent, name))) {
			r = make_one(a, parent, name, sofar, e);
			if (r == -EEXIST) {
				r = splice_link(parent, name, sofar, path + end, path, e);
				return r < 0 ? r : 1;
			}
			if (r < 0)
				return err_set(e, r, "make the parent folder");
			fd = fs_open_in_root(a->root, sofar, O_PATH | O_DIRECTORY, 0);
		}
		if (fd < 0)
			return err_set(e, fd, "open the parent folder");
		fd_closep(&parent);
		parent = fd;
		pos = end;
	}
	*ret_fd = take_fd(&parent);
	return 0;
}

/* What stands in the cache is for the first @len bytes of @path. */
static bool is_cached(const struct applier *a, const char *path, size_t len)
{
	return a->dir_is_cached && a->dir_len == len && !memcmp(a->dir, path, len);
}

static void cache(struct applier *a, int fd, const char *path, size_t len)
{
	a->dir_fd = fd;
	memmove(a->dir, path, len);
	a->dir_len = len;
	a->dir_is_cached = true;
}

/**
 * applier_find_parent() - Make applier.dir_fd a folder that must be there
 * @a:		The applier
 * @path:	Begins with the folder's path
 * @len:	Which is that long
 *
 * Return: 0 or negative errno
 */
int applier_find_parent(struct applier *a, const char *path, size_t len)
{
	char dir[TAR_PATH_MAX + 1];
	int fd;

	if (is_cached(a, path, len))
		return 0;
	applier_forget_parent(a);
	memcpy(dir, path, len);
	dir[len] = '\0';
	fd = fs_open_in_root(a->root, dir, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	cache(a, fd, path, len);
	return 0;
}

/**
 * applier_open_parent() - Make applier.dir_fd the folder of an entry
 * @a:	The applier
 * @p:	The entry's name
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int applier_open_parent(struct applier *a, const struct tar_path *p, struct err *e)
{
	char path[TAR_PATH_MAX + 1];
	struct stat st;
	int fd, r = 1;

	if (is_cached(a, p->full, p->dir_len))
		return 0;
	applier_forget_parent(a);
	memcpy(path, p->full, p->dir_len);
	path[p->dir_len] = '\0';
	fd = fs_open_in_root(a->root, path, O_PATH | O_DIRECTORY, 0);
	if (fd == -ENOENT || fd == -ENOTDIR) {
		for (int i = 0; r == 1 && i < DANGLING_MAX; i++)
			r = walk(a, path, &fd, e);
		if (r == 1)
			r = err_say(e, ELOOP, "too many symlinks to nowhere");
		if (r < 0)
			return r;
	} else if (fd < 0) {
		return err_set(e, fd, "open the parent folder");
	}
	if (fstat(fd, &st) < 0) {
		r = err_set(e, errno, "stat the parent folder");
		close(fd);
		return r;
	}
	a->dir_is_setgid = st.st_mode & S_ISGID;
	cache(a, fd, p->full, p->dir_len);
	return 0;
}
