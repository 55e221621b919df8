/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"

#define REPLACE_TRIES 100

/**
 * fs_open_dir() - Open a folder for *at() calls
 * @dirfd:	Where a relative path starts
 * @path:	The folder
 * @ret_fd:	Its descriptor
 * @e:		Failure
 *
 * Return: 0, -ENOENT, -ENOTDIR, ...
 */
int fs_open_dir(int dirfd, const char *path, int *ret_fd, struct err *e)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, errno, "open folder '%s'", path);
	*ret_fd = fd;
	return 0;
}

/**
 * fs_make_dir() - mkdir, content with a folder that is there already
 * @dirfd:	Where a relative path starts
 * @name:	The folder
 * @mode:	Its mode, subject to the umask
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int fs_make_dir(int dirfd, const char *name, mode_t mode, struct err *e)
{
	struct stat st;

	if (mkdirat(dirfd, name, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return err_set(e, errno, "make folder '%s'", name);
	if (fstatat(dirfd, name, &st, 0) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return err_set(e, ENOTDIR, "make folder '%s'", name);
}

/**
 * fs_make_dirs() - mkdir -p for a path that we own (host side; for a container's tree see fs_make_dirs_in_root())
 * @dirfd:	Where a relative path starts
 * @path:	The folder
 * @mode:	Mode of each folder that is made
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int fs_make_dirs(int dirfd, const char *path, mode_t mode, struct err *e)
{
	auto_free char *p = xstrdup(path);
	int r;

	for (char *s = p + 1; *p && *s; s++) {
		if (*s != '/' || s[-1] == '/')
			continue;
		*s = '\0';
		if (faccessat(dirfd, p, F_OK, AT_EACCESS) < 0) {
			r = fs_make_dir(dirfd, p, mode, e);
			if (r < 0)
				return r;
		}
		*s = '/';
	}
	return fs_make_dir(dirfd, path, mode, e);
}

/**
 * fs_read_fd() - Read a whole file
 * @fd:		Open for reading
 * @max:	Bytes at most; more is -E2BIG
 * @ret:	The bytes, with a NUL behind them
 * @ret_len:	How many; may be NULL
 * @e:		Failure
 *
 * Return: 0, -E2BIG or negative errno
 */
int fs_read_fd(int fd, size_t max, char **ret, size_t *ret_len, struct err *e)
{
	auto_sbuf struct sbuf b = { 0 };
	char chunk[16384];

	for (;;) {
		ssize_t n = fd_read(fd, chunk, sizeof(chunk));

		if (n < 0)
			return err_set(e, (int)n, "read");
		if (n == 0)
			break;
		if (b.len + (size_t)n > max)
			return err_say(e, E2BIG, "larger than %zu bytes", max);
		sbuf_add(&b, chunk, (size_t)n);
	}
	if (ret_len)
		*ret_len = b.len;
	*ret = sbuf_take(&b);
	return 0;
}

/**
 * fs_read_regular() - Read a whole file that somebody else may have made a device or a pipe of
 * @fd:		Open (with O_NONBLOCK)
 * @max:	Bytes at most
 * @ret:	The bytes, with a NUL behind them
 * @ret_len:	How many; may be NULL
 *
 * Return: 0, -EINVAL for what is no regular file, -E2BIG, or another negative errno
 */
int fs_read_regular(int fd, size_t max, char **ret, size_t *ret_len)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return fs_read_fd(fd, max, ret, ret_len, NULL);
}

/**
 * fs_read_file() - Read a whole regular file; never blocks on a FIFO or a device
 * @dirfd:	Where a relative path starts
 * @path:	The file; a symlink in the last component is followed
 * @max:	Bytes at most; more is -E2BIG
 * @ret:	The bytes, with a NUL behind them
 * @ret_len:	How many; may be NULL
 * @e:		Failure
 *
 * Return: 0, -ENOENT, -E2BIG, -EINVAL for what is no regular file, or another negative errno
 */
int fs_read_file(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len, struct err *e)
{
	auto_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int r;

	if (fd < 0)
		return err_set(e, errno, "open '%s'", path);
	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_say(e, EINVAL, "open '%s': not a regular file", path);
	r = fs_read_fd(fd, max, ret, ret_len, e);
	return r < 0 ? err_wrap(e, r, "'%s'", path) : 0;
}

/* @path: for messages, which do not tell of temporary names: those are gone when somebody reads it */
static int fill(int fd, const char *path, const void *data, size_t len, bool sync, struct err *e)
{
	int r = fd_write_full(fd, data, len);

	if (r < 0)
		return err_set(e, r, "write '%s'", path);
	if (sync && fdatasync(fd) < 0)
		return err_set(e, errno, "sync '%s'", path);
	return 0;
}

/**
 * fs_write_file() - Create or overwrite a file in place (a reader may see half of it; see fs_replace_file())
 * @dirfd:	Where a relative path starts
 * @path:	The file
 * @data:	Content
 * @len:	Its length
 * @mode:	Mode of a new file
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int fs_write_file(int dirfd, const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
	auto_close int fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);

	return fd < 0 ? err_set(e, errno, "create '%s'", path) : fill(fd, path, data, len, false, e);
}

/* A new file beside @name, locked until it has its name: fs_remove_temps() tells by that whose maker is dead. */
static int make_temp(int dirfd, const char *name, mode_t mode, char **ret_tmp, int *ret_fd, struct err *e)
{
	char digits[17];
	int r = rand_hex(digits, 16, e);
	auto_free char *tmp = r < 0 ? NULL : xasprintf("%s.tmp-%s", name, digits);
	auto_close int fd = tmp ? openat(dirfd, tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode) : -EBADF;

	if (r < 0)
		return r;
	if (fd < 0)
		return err_set(e, errno, "create '%s'", name);
	(void)fd_lock(fd, false); /* somebody may hold it who is removing the file: then the rename fails */
	*ret_tmp = take_ptr(&tmp);
	*ret_fd = take_fd(&fd);
	return 0;
}

static int replace_once(int dirfd, const char *name, const void *data, size_t len, mode_t mode, int flags,
			struct err *e)
{
	auto_free char *tmp = NULL;
	auto_close int fd = -EBADF;
	int r = make_temp(dirfd, name, mode, &tmp, &fd, e);

	if (r < 0)
		return r;
	r = fill(fd, name, data, len, flags & FS_SYNC, e);
	if (r == 0 && renameat(dirfd, tmp, dirfd, name) < 0)
		r = errno == ENOENT ? -ESTALE : err_set(e, errno, "replace '%s'", name);
	if (r < 0)
		unlinkat(dirfd, tmp, 0);
	return r;
}

/**
 * fs_replace_file() - Replace a file's content so that readers and crashes see the old one or the new one
 * @dirfd:	The file's folder
 * @name:	The file; may have folders in it
 * @data:	Content
 * @len:	Its length
 * @mode:	Mode
 * @flags:	FS_SYNC: durable on return
 * @e:		Failure; the old content is still there then and no temporary file is left
 *
 * Killed, or cut off from power, it may leave NAME.tmp-DIGITS; fs_remove_temps() is for these.
 *
 * Return: 0 or negative errno
 */
int fs_replace_file(int dirfd, const char *name, const void *data, size_t len, mode_t mode, int flags, struct err *e)
{
	auto_free char *parent = NULL;
	auto_close int pfd = -EBADF;
	char *slash;
	int r;

	/* Taken for a dead one's between its making and its lock: again. In a folder that is gone, making it fails. */
	for (int tries = 0; (r = replace_once(dirfd, name, data, len, mode, flags, e)) == -ESTALE; tries++)
		if (tries == REPLACE_TRIES)
			return err_say(e, EBUSY, "replace '%s': its new content is removed again and again", name);
	if (r < 0 || !(flags & FS_SYNC))
		return r;
	parent = xstrdup(name);
	slash = strrchr(parent, '/');
	if (!slash)
		return fs_sync_dir(dirfd, e);
	*slash = '\0';
	r = fs_open_dir(dirfd, parent, &pfd, e);
	return r < 0 ? r : fs_sync_dir(pfd, e);
}

/**
 * fs_remove_temps() - Remove what fs_replace_file() of dead processes has left in a folder
 * @dirfd:	Where a relative path starts
 * @path:	The folder
 *
 * Whoever is at work on one holds its lock; one that is not locked yet begins again (fs_replace_file()). What cannot be
 * removed stays: it is in nobody's way.
 */
void fs_remove_temps(int dirfd, const char *path)
{
	auto_strv char **names = NULL;
	auto_close int dir = -EBADF;

	if (fs_open_dir(dirfd, path, &dir, NULL) < 0 || fs_list_dir(dir, ".", &names, NULL) < 0)
		return;
	for (char **n = names; n && *n; n++) {
		auto_close int fd = -EBADF;

		if (!strstr(*n, ".tmp-"))
			continue;
		fd = openat(dir, *n, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
		if (fd >= 0 && fd_lock(fd, false) == 0)
			unlinkat(dir, *n, 0);
	}
}

/**
 * fs_sync_dir() - Make the names in a folder durable
 * @dirfd:	The folder
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int fs_sync_dir(int dirfd, struct err *e)
{
	if (fsync(dirfd) < 0)
		return err_set(e, errno, "sync folder");
	return 0;
}

/* So deep are folders held open; a folder below that is moved up first, whatever the limit of descriptors and the
 * stack. */
#define REMOVE_DEPTH_MAX 64

/**
 * struct removal - a tree on its way out
 * @top:	its uppermost folder
 * @moved:	folders moved up into it so far
 */
struct removal {
	int top;
	unsigned moved;
};

static int move_up(struct removal *m, int at, const char *name, struct err *e)
{
	char to[32];

	for (int tries = 0; tries < 1000; tries++) {
		snprintf(to, sizeof(to), ".removing-%u", m->moved++);
		if (renameat(at, name, m->top, to) == 0)
			return 0;
		if (errno == EACCES && tries == 0 && fchmodat(at, name, 0700, 0) == 0)
			continue;
		if (errno != EEXIST && errno != ENOTEMPTY)
			break;
	}
	return err_set(e, errno, "remove folder '%s'", name);
}

static int remove_entry(struct removal *m, int at, const char *name, unsigned depth, struct err *e);

static int empty_folder(struct removal *m, DIR *d, unsigned depth, struct err *e)
{
	struct dirent *de;

	while ((de = readdir(d))) {
		int r;

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		if (unlinkat(dirfd(d), de->d_name, de->d_type == DT_DIR ? AT_REMOVEDIR : 0) == 0)
			continue;
		fchmod(dirfd(d), 0700); /* a read-only folder of a rootless image */
		r = remove_entry(m, dirfd(d), de->d_name, depth + 1, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int remove_folder(struct removal *m, int at, const char *name, int refused, unsigned depth, struct err *e)
{
	auto_close int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_closedir DIR *d = NULL;
	unsigned moved;

	if (fd < 0 && errno == EACCES && fchmodat(at, name, 0700, 0) == 0)
		fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) /* no folder after all: then the first refusal is what counts */
		return err_set(e, errno == ENOTDIR ? refused : errno, "remove '%s'", name);
	d = fdopendir(fd);
	if (!d)
		return err_set(e, errno, "read folder '%s'", name);
	take_fd(&fd);
	if (depth == 0)
		m->top = dirfd(d);
	do {
		int r;

		moved = m->moved;
		rewinddir(d);
		r = empty_folder(m, d, depth, e);
		if (r < 0)
			return r;
		if (unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
	} while (depth == 0 && errno == ENOTEMPTY && m->moved != moved);
	return err_set(e, errno, "remove folder '%s'", name);
}

static int remove_entry(struct removal *m, int at, const char *name, unsigned depth, struct err *e)
{
	int refused;

	if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
		return 0;
	refused = errno;
	if (errno != EISDIR && errno != EPERM && errno != EACCES)
		return err_set(e, errno, "remove '%s'", name);
	if (unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST && errno != EACCES)
		return err_set(e, errno, "remove '%s'", name);
	if (depth == REMOVE_DEPTH_MAX)
		return move_up(m, at, name, e);
	return remove_folder(m, at, name, refused, depth, e);
}

/**
 * fs_remove_tree() - rm -rf below a descriptor; follows no symlink, needs no entry to exist
 * @dirfd:	The parent folder
 * @name:	What to remove: a name in it
 * @e:		Failure
 *
 * Return: 0 or negative errno; what could be removed is gone either way
 */
int fs_remove_tree(int dirfd, const char *name, struct err *e)
{
	struct removal m = { .top = -EBADF };

	return remove_entry(&m, dirfd, name, 0, e);
}

/**
 * fs_readlink() - Read a symlink
 * @dirfd:	Where a relative path starts
 * @path:	The link
 * @ret:	Its target
 * @e:		Failure
 *
 * Return: 0, -ENOENT, -EINVAL for what is no link
 */
int fs_readlink(int dirfd, const char *path, char **ret, struct err *e)
{
	char buf[PATH_MAX];
	ssize_t n = readlinkat(dirfd, path, buf, sizeof(buf) - 1);

	if (n < 0)
		return err_set(e, errno, "read link '%s'", path);
	*ret = xstrndup(buf, (size_t)n);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/**
 * fs_list_dir() - The names in a folder, sorted, without . and ..
 * @dirfd:	Where a relative path starts
 * @path:	The folder
 * @ret_names:	The names; NULL when there are none
 * @e:		Failure
 *
 * Return: 0, -ENOENT, ...
 */
int fs_list_dir(int dirfd, const char *path, char ***ret_names, struct err *e)
{
	auto_closedir DIR *d = NULL;
	auto_close int fd = -EBADF;
	struct strvec names = { NULL, 0 };
	struct dirent *de;
	int r = fs_open_dir(dirfd, path, &fd, e);

	if (r < 0)
		return r;
	d = fdopendir(fd);
	if (!d)
		return err_set(e, errno, "read folder '%s'", path);
	take_fd(&fd);
	while ((de = readdir(d)))
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			strvec_add_take(&names, xstrdup(de->d_name));
	if (names.v)
		qsort(names.v, names.n, sizeof(*names.v), by_name);
	*ret_names = names.v;
	return 0;
}

/**
 * fs_has() - Is there something of that name? (a hint for messages; never a check before an open)
 * @dirfd:	Where a relative path starts
 * @path:	The name
 *
 * Return: whether it exists
 */
bool fs_has(int dirfd, const char *path)
{
	struct stat st;

	return fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/**
 * fs_open_in_root() - Open inside a tree that is not ours to trust
 * @rootfd:	The tree's root
 * @path:	Path as seen from inside; ".." and symlinks stay below @rootfd
 * @flags:	open flags
 * @mode:	Mode for O_CREAT
 *
 * Return: descriptor, or negative errno
 */
int fs_open_in_root(int rootfd, const char *path, int flags, mode_t mode)
{
	return sys_openat2(rootfd, *path ? path : ".", (uint64_t)(unsigned)flags | O_CLOEXEC,
			   flags & (O_CREAT | O_TMPFILE) ? mode : 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/**
 * fs_make_dirs_in_root() - mkdir -p inside a tree that is not ours to trust
 * @rootfd:	The tree's root
 * @path:	Folder as seen from inside
 * @mode:	Mode of each folder that is made (exact: the umask is undone)
 * @ret_fd:	O_PATH descriptor of the folder; may be NULL
 * @e:		Failure
 *
 * Existing components are followed below @rootfd, symlinks included; missing ones are made below the descriptor of
 * their parent, so that a container that swaps folders meanwhile gains nothing.
 *
 * Return: 0, -ENOTDIR where a component is no folder, or another negative errno
 */
int fs_make_dirs_in_root(int rootfd, const char *path, mode_t mode, int *ret_fd, struct err *e)
{
	auto_strv char **parts = strv_split(path, '/');
	auto_sbuf struct sbuf sofar = { 0 };
	auto_close int parent = fcntl(rootfd, F_DUPFD_CLOEXEC, 3);

	if (parent < 0)
		return err_set(e, errno, "duplicate descriptor");
	for (char **p = parts; *p; p++) {
		int fd;

		if (!**p || !strcmp(*p, "."))
			continue;
		sbuf_printf(&sofar, "/%s", *p);
		fd = fs_open_in_root(rootfd, sbuf_str(&sofar), O_PATH | O_DIRECTORY, 0);
		if (fd == -ENOENT && strcmp(*p, "..")) {
			if (mkdirat(parent, *p, mode) < 0 && errno != EEXIST)
				return err_set(e, errno, "make folder '%s' in the container", sbuf_str(&sofar));
			fd = fs_open_in_root(rootfd, sbuf_str(&sofar), O_PATH | O_DIRECTORY, 0);
		}
		if (fd < 0)
			return err_set(e, fd, "open folder '%s' in the container", sbuf_str(&sofar));
		fd_closep(&parent);
		parent = fd;
	}
	if (ret_fd)
		*ret_fd = take_fd(&parent);
	return 0;
}

/**
 * fs_remount() - Give an attached mount attributes without mount_setattr(2), which came with Linux 5.12
 * @fd:		The mount's root
 * @attrs:	MOUNT_ATTR_RDONLY, _NOSUID, _NODEV, _NOEXEC; those that it has stay
 *
 * mount(2) takes a path: /proc must be there, of whatever pid namespace.
 *
 * Return: 0 or negative errno
 */
int fs_remount(int fd, uint64_t attrs)
{
	static const struct {
		uint64_t attr;
		unsigned long st, ms;
	} flags[] = { { MOUNT_ATTR_RDONLY, ST_RDONLY, MS_RDONLY },
		      { MOUNT_ATTR_NOSUID, ST_NOSUID, MS_NOSUID },
		      { MOUNT_ATTR_NODEV, ST_NODEV, MS_NODEV },
		      { MOUNT_ATTR_NOEXEC, ST_NOEXEC, MS_NOEXEC } };
	unsigned long ms = MS_REMOUNT | MS_BIND; /* without a word on times, the kernel keeps them */
	struct statvfs st;
	char path[32];

	if (fstatvfs(fd, &st) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (attrs & flags[i].attr || st.f_flag & flags[i].st)
			ms |= flags[i].ms;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return mount(NULL, path, NULL, ms, NULL) < 0 ? -errno : 0; /* path: the descriptor's own */
}
