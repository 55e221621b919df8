/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/oci/json.h"
#include "lib/runtime/userns.h"
#include "storage/unpack/unpack_int.h"

/*
 * Theory of operation
 *
 * Runs as id 0 of user namespace A with a umask of 0, alone in a folder nobody else can reach. Order for each file:
 * create, owner, mode (changing the owner clears set-id bits), extended attributes (writing clears capabilities),
 * times. What the kernel gives a new file anyway - owner 0, the mode without set-id bits - is not set again.
 *
 * Times of folders change with every entry in them; they are logged to a file and set at the end.
 *
 * A whiteout means something in lower layers. Where the same layer has an entry of that name the entry stays; a folder
 * becomes opaque, because the lower one's content must not shine through.
 */

/* Without this much free space we stop: the store itself must stay usable. */
#define SPACE_FLOOR (32ULL << 20)
#define SPACE_STEP  (64ULL << 20)
/* As many inodes, looked at as often as that many entries have come: folders take space without content. */
#define INODE_FLOOR  4096ULL
#define ENTRIES_STEP 4096
/* See applier_count_entry(). */
#define ENTRIES_FREE	 (64ULL << 10)
#define ENTRY_PACKED_MIN 16
/* Start writeback of long files early, so that the sync at the end finds little to do. */
#define FLUSH_STEP (8LL << 20)
#define FLUSH_MIN  (256LL << 10)
#define DIRS_FLUSH (64U << 10)

int applier_init(struct applier *a, int root, int dirs_fd, const struct idmap *map, struct err *e)
{
	*a = (struct applier){ .root = root, .map = map, .dir_fd = -EBADF, .dirs_fd = dirs_fd };
	a->skipped = json_new_array();
	a->implied = json_new_array();
	return a->skipped && a->implied ? 0 : err_say(e, ENOMEM, "out of memory");
}

void applier_done(struct applier *a)
{
	fd_closep(&a->dir_fd);
	sbuf_done(&a->dirs);
	json_freep(&a->skipped);
	json_freep(&a->implied);
}

static const struct timespec *times_of(const struct apply_entry *en, struct timespec ts[2])
{
	ts[0] = ts[1] = en->mtime;
	return ts;
}

/* Owner on disk; single-id maps have one owner for everything. */
static int owner_of(const struct applier *a, const struct apply_entry *en, uid_t *uid, gid_t *gid, struct err *e)
{
	*uid = 0;
	*gid = 0;
	if (a->map->single)
		return 0;
	if (en->uid < 0 || en->uid > UINT32_MAX || !idmap_has_inside(a->map->uid, a->map->n_uid, (uint32_t)en->uid))
		return err_say(e, EINVAL, "user id %lld is not among the %llu ids of this user's map (see /etc/subuid)",
			       (long long)en->uid, (unsigned long long)idmap_count(a->map->uid, a->map->n_uid));
	if (en->gid < 0 || en->gid > UINT32_MAX || !idmap_has_inside(a->map->gid, a->map->n_gid, (uint32_t)en->gid))
		return err_say(e, EINVAL,
			       "group id %lld is not among the %llu ids of this user's map (see /etc/subgid)",
			       (long long)en->gid, (unsigned long long)idmap_count(a->map->gid, a->map->n_gid));
	*uid = (uid_t)en->uid;
	*gid = (gid_t)en->gid;
	return 0;
}

/* Make room for an entry: what an earlier one of the same layer left there goes. */
static int remove_old(struct applier *a, const char *base, struct err *e)
{
	struct stat st;
	int r;

	if (fstatat(a->dir_fd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_set(e, errno, "stat what is there");
	a->has_replaced = true;
	if (S_ISREG(st.st_mode) && st.st_size > 0)
		a->is_lossy = true;
	if (!S_ISDIR(st.st_mode))
		return unlinkat(a->dir_fd, base, 0) < 0 ? err_set(e, errno, "replace what is there") : 0;
	a->is_lossy = true;
	r = fs_remove_tree(a->dir_fd, base, e);
	return r;
}

static bool old_is_whiteout(struct applier *a, const char *base, bool *ret_is_dir)
{
	struct stat st;

	*ret_is_dir = false;
	if (fstatat(a->dir_fd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	*ret_is_dir = S_ISDIR(st.st_mode);
	return S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
}

static int flush_dirs(struct applier *a, struct err *e)
{
	int r = fd_write_full(a->dirs_fd, a->dirs.p, a->dirs.len);

	sbuf_reset(&a->dirs);
	return r < 0 ? err_set(e, r, "write the list of folders") : 0;
}

struct dir_log {
	struct timespec mtime;
	uint32_t len;
};

static int log_dir(struct applier *a, const char *path, const struct timespec *mtime, struct err *e)
{
	struct dir_log head;

	memset(&head, 0, sizeof(head));
	head.mtime = *mtime;
	head.len = (uint32_t)strlen(path);
	sbuf_add(&a->dirs, &head, sizeof(head));
	sbuf_add(&a->dirs, path, head.len);
	return a->dirs.len >= DIRS_FLUSH ? flush_dirs(a, e) : 0;
}

/* Owner, mode and attributes of a folder whose descriptor we have. */
static int set_dir(struct applier *a, int fd, const struct apply_entry *en, apply_xattr_fn xattr, void *arg,
		   struct err *e)
{
	struct stat st;
	uid_t uid;
	gid_t gid;
	int r = owner_of(a, en, &uid, &gid, e);

	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "stat");
	if ((st.st_uid != uid || st.st_gid != gid) && fchown(fd, uid, gid) < 0)
		return err_set(e, errno, "set owner %u:%u", uid, gid);
	if ((st.st_mode & 07777) != en->mode && fchmod(fd, en->mode) < 0)
		return err_set(e, errno, "set mode %o", en->mode);
	return xattr ? xattr(arg, fd, e) : 0;
}

static int apply_dir(struct applier *a, const struct apply_entry *en, const struct tar_path *p, apply_xattr_fn xattr,
		     void *arg, struct err *e)
{
	auto_close int fd = -EBADF;
	bool is_dir, is_new = true, opaque = false;
	uid_t uid;
	gid_t gid;
	int r;

	if (mkdirat(a->dir_fd, p->base, en->mode & 0777) < 0) {
		if (errno != EEXIST)
			return err_set(e, errno, "make folder");
		is_new = false;
		opaque = old_is_whiteout(a, p->base, &is_dir);
		r = is_dir ? 0 : remove_old(a, p->base, e);
		if (r == 0 && !is_dir && mkdirat(a->dir_fd, p->base, en->mode & 0777) < 0)
			r = err_set(e, errno, "make folder");
		if (r < 0)
			return r;
	}
	r = owner_of(a, en, &uid, &gid, e);
	if (r < 0)
		return r;
	if (!is_new || uid || gid || a->dir_is_setgid || en->mode & 07000 || xattr) {
		fd = openat(a->dir_fd, p->base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return err_set(e, errno, "open folder");
		r = set_dir(a, fd, en, xattr, arg, e);
	}
	if (r == 0 && opaque)
		r = applier_make_opaque(a->dir_fd, p->base, e);
	return r < 0 ? r : log_dir(a, p->full, &en->mtime, e);
}

/* "./": only attributes (TL-05). */
static int apply_root(struct applier *a, const struct apply_entry *en, apply_xattr_fn xattr, void *arg, struct err *e)
{
	auto_close int fd = -EBADF;
	int r;

	if (en->is_hardlink || en->type != S_IFDIR)
		return err_say(e, EINVAL, "the root can only be a folder");
	fd = openat(a->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, errno, "open the layer's root");
	r = set_dir(a, fd, en, xattr, arg, e);
	return r < 0 ? r : log_dir(a, "", &en->mtime, e);
}

static int apply_symlink(struct applier *a, const struct apply_entry *en, const struct tar_path *p, struct err *e)
{
	struct timespec ts[2];
	uid_t uid;
	gid_t gid;
	int r = owner_of(a, en, &uid, &gid, e);

	if (r < 0)
		return r;
	if (!en->link || !*en->link)
		return err_say(e, EINVAL, "a symlink to nothing");
	if (symlinkat(en->link, a->dir_fd, p->base) < 0) {
		if (errno != EEXIST)
			return err_set(e, errno, "make symlink");
		r = remove_old(a, p->base, e);
		if (r < 0)
			return r;
		applier_forget_parent(a);
		r = applier_open_parent(a, p, e);
		if (r < 0)
			return r;
		if (symlinkat(en->link, a->dir_fd, p->base) < 0)
			return err_set(e, errno, "make symlink");
	}
	if ((uid || gid || a->dir_is_setgid) && fchownat(a->dir_fd, p->base, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "set owner %u:%u", uid, gid);
	if (utimensat(a->dir_fd, p->base, times_of(en, ts), AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "set times");
	return 0;
}

/* The target's folder may be reached through symlinks inside the root; the target itself is never followed (TL-03). */
static int open_link_target(struct applier *a, const struct tar_path *target, int *ret_dir, struct stat *st,
			    struct err *e)
{
	char dir[TAR_PATH_MAX + 1];
	auto_close int fd = -EBADF;

	memcpy(dir, target->full, target->dir_len);
	dir[target->dir_len] = '\0';
	fd = fs_open_in_root(a->root, dir, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return err_set(e, fd, "open the folder of a hard link's target");
	if (fstatat(fd, target->base, st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "find a hard link's target");
	*ret_dir = take_fd(&fd);
	return 0;
}

static int apply_hardlink(struct applier *a, const struct apply_entry *en, const struct tar_path *p, struct err *e)
{
	struct tar_path target;
	auto_close int dir = -EBADF;
	struct stat st = { 0 };
	int r = tar_path_parse(en->link ? en->link : "", &target, e);

	if (r == 0)
		r = open_link_target(a, &target, &dir, &st, e);
	if (r < 0)
		return r;
	if (!strcmp(target.full, p->full))
		return 0;
	if (S_ISDIR(st.st_mode))
		return err_say(e, EINVAL, "a hard link to a folder");
	if (S_ISCHR(st.st_mode))
		return err_say(e, EINVAL, "a hard link to something that was removed");
	for (int i = 0; linkat(dir, target.base, a->dir_fd, p->base, 0) < 0; i++) {
		if (errno != EEXIST || i)
			return err_set(e, errno, "make hard link");
		r = remove_old(a, p->base, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int apply_fifo(struct applier *a, const struct apply_entry *en, const struct tar_path *p, struct err *e)
{
	struct timespec ts[2];
	uid_t uid;
	gid_t gid;
	int r = owner_of(a, en, &uid, &gid, e);

	for (int i = 0; r == 0 && mknodat(a->dir_fd, p->base, S_IFIFO | (en->mode & 0777), 0) < 0; i++) {
		if (errno != EEXIST || i)
			return err_set(e, errno, "make fifo");
		r = remove_old(a, p->base, e);
	}
	if (r < 0)
		return r;
	if ((uid || gid || a->dir_is_setgid) && fchownat(a->dir_fd, p->base, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "set owner %u:%u", uid, gid);
	if (utimensat(a->dir_fd, p->base, times_of(en, ts), AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "set times");
	return 0;
}

/* Nobody without root can make a device node that works; what is missing is written down (TL-08). */
static int skip_device(struct applier *a, const struct apply_entry *en, const struct tar_path *p, struct err *e)
{
	struct json *d;

	if (S_ISCHR(en->type) && en->rdev == makedev(0, 0))
		return err_say(e, EINVAL, "a character device 0:0 (overlay's whiteout) is not allowed in a layer");
	a->n_skipped++;
	if (json_len(a->skipped) >= APPLY_LIST_MAX)
		return 0;
	d = json_add_object(a->skipped);
	json_set_str(d, "path", p->full);
	json_set_str(d, "type", S_ISBLK(en->type) ? "b" : S_ISCHR(en->type) ? "c" : "s");
	json_set_i64(d, "major", major(en->rdev));
	json_set_i64(d, "minor", minor(en->rdev));
	json_set_i64(d, "mode", en->mode);
	json_set_i64(d, "uid", en->uid);
	json_set_i64(d, "gid", en->gid);
	return 0;
}

static int apply_whiteout(struct applier *a, const char *name, struct err *e)
{
	struct stat st;

	if (mknodat(a->dir_fd, name, S_IFCHR, makedev(0, 0)) == 0)
		return 0;
	if (errno != EEXIST)
		return err_set(e, errno, "make whiteout");
	if (fstatat(a->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		return applier_make_opaque(a->dir_fd, name, e);
	return 0;
}

static int apply_in_parent(struct applier *a, const struct apply_entry *en, const struct tar_path *p,
			   apply_xattr_fn xattr, void *arg, struct err *e)
{
	enum whiteout kind;
	const char *gone;
	int r = whiteout_parse(p->base, &kind, &gone, e);

	if (r < 0 || kind == WHITEOUT_IGNORED)
		return r;
	r = applier_open_parent(a, p, e);
	if (r < 0)
		return r;
	if (kind == WHITEOUT_OPAQUE)
		return applier_make_opaque(a->dir_fd, ".", e);
	if (kind == WHITEOUT_NAME)
		return apply_whiteout(a, gone, e);
	if (en->is_hardlink)
		return apply_hardlink(a, en, p, e);
	switch (en->type) {
	case S_IFDIR:
		return apply_dir(a, en, p, xattr, arg, e);
	case S_IFLNK:
		return apply_symlink(a, en, p, e);
	case S_IFIFO:
		return apply_fifo(a, en, p, e);
	default:
		return skip_device(a, en, p, e);
	}
}

static int name_it(const struct apply_entry *en, int r, struct err *e)
{
	char shown[160];

	return r < 0 ? err_wrap(e, r, "'%s'", path_shown(en->name, shown)) : r;
}

/**
 * apply_entry() - Apply an entry that is no regular file, or a whiteout
 * @a:		The applier
 * @en:		The entry
 * @xattr:	Sets extended attributes of a folder; may be NULL
 * @arg:	For @xattr
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int apply_entry(struct applier *a, const struct apply_entry *en, apply_xattr_fn xattr, void *arg, struct err *e)
{
	struct tar_path p;
	int r = tar_path_parse(en->name, &p, e);

	if (r < 0)
		return r;
	if (!*p.base)
		r = apply_root(a, en, xattr, arg, e);
	else
		r = apply_in_parent(a, en, &p, xattr, arg, e);
	return name_it(en, r, e);
}

static int create_file(struct applier *a, const struct tar_path *p, mode_t mode, int *ret_fd, struct err *e)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int r, fd = openat(a->dir_fd, p->base, flags, mode);

	if (fd < 0 && errno == EEXIST) {
		r = remove_old(a, p->base, e);
		if (r == 0) {
			applier_forget_parent(a);
			r = applier_open_parent(a, p, e);
		}
		if (r < 0)
			return r;
		fd = openat(a->dir_fd, p->base, flags, mode);
	}
	if (fd < 0)
		return err_set(e, errno, "create file");
	*ret_fd = fd;
	return 0;
}

/**
 * apply_file_open() - Begin a regular file
 * @a:		The applier
 * @en:		The entry
 * @ret:	The file; after success apply_file_close() must be called
 * @e:		Failure
 *
 * Return: 0; 1 when the entry is a whiteout, which is applied; negative errno
 */
int apply_file_open(struct applier *a, const struct apply_entry *en, struct apply_file *ret, struct err *e)
{
	auto_close int fd = -EBADF;
	struct tar_path p;
	uid_t uid;
	gid_t gid;
	int r = tar_path_parse(en->name, &p, e);

	if (r < 0)
		return r;
	if (!*p.base)
		return err_say(e, EINVAL, "'%s': the root can only be a folder", en->name);
	if (!strncmp(p.base, ".wh.", 4)) {
		r = apply_in_parent(a, en, &p, NULL, NULL, e);
		return r < 0 ? name_it(en, r, e) : 1;
	}
	r = applier_open_parent(a, &p, e);
	if (r == 0)
		r = owner_of(a, en, &uid, &gid, e);
	if (r == 0)
		r = create_file(a, &p, en->mode & 0777, &fd, e);
	if (r == 0 && (uid || gid || a->dir_is_setgid) && fchown(fd, uid, gid) < 0)
		r = err_set(e, errno, "set owner %u:%u", uid, gid);
	if (r < 0)
		return name_it(en, r, e);
	*ret = (struct apply_file){ .fd = take_fd(&fd), .mode = en->mode & 07000 ? en->mode : 0 };
	return 0;
}

static int look_at_space(struct applier *a, struct err *e)
{
	struct statvfs v;

	if (fstatvfs(a->root, &v) < 0)
		return 0;
	if ((uint64_t)v.f_bavail * v.f_frsize < SPACE_FLOOR)
		return err_say(e, ENOSPC, "the file system is full (less than %llu MiB are left)", SPACE_FLOOR >> 20);
	/* No count: a file system that makes inodes as they are needed. */
	if (v.f_files && v.f_favail < INODE_FLOOR)
		return err_say(e, ENOSPC, "the file system is full (less than %llu files can be made)", INODE_FLOOR);
	return 0;
}

static int check_space(struct applier *a, struct err *e)
{
	if (a->limits.size && a->bytes > a->limits.size) {
		err_say(e, EFBIG, "the layer is larger than the limit of %llu bytes",
			(unsigned long long)a->limits.size);
		return err_hint(e, -EFBIG, "--max-layer-size sets it");
	}
	if (a->bytes < a->next_space_check)
		return 0;
	a->next_space_check = a->bytes + SPACE_STEP;
	return look_at_space(a, e);
}

/**
 * applier_count_entry() - Another entry comes: may it?
 * @a:		The applier
 * @packed:	compressed bytes read so far
 * @e:		Failure
 *
 * A file costs the kernel some 20 microseconds to make and 4 KiB or an inode to keep, whoever makes it (tar(1) is not
 * faster), and an empty one takes three to ten bytes in a compressed layer: three million of them are a minute's work
 * for 10 MB of download (TL-10). So what a layer may make grows with what was sent for it. Layers of real images have
 * hundreds of compressed bytes for each entry; nothing but a machine's symbolic links has 26 with gzip and 12 with zstd
 * at its best. Those with fewer than ENTRY_PACKED_MIN are small, or refused. What is above it costs the sender as much
 * as any large layer, and takes as long as that.
 *
 * Return: 0, -E2BIG for too many, -ENOSPC
 */
int applier_count_entry(struct applier *a, uint64_t packed, struct err *e)
{
	const uint64_t max = a->limits.entries;

	if (a->limits.packed && packed > a->limits.packed)
		packed = a->limits.packed;
	a->entries++;
	if (max && a->entries > max) {
		err_say(e, E2BIG, "more than %llu entries", (unsigned long long)max);
		return err_hint(e, -E2BIG, "--max-layer-entries sets the limit");
	}
	if (!max && a->entries > ENTRIES_FREE + packed / ENTRY_PACKED_MIN) {
		err_say(e, E2BIG, "%llu entries in %llu compressed bytes look like a bomb",
			(unsigned long long)a->entries, (unsigned long long)packed);
		return err_hint(e, -E2BIG, "--max-layer-entries=N takes layers of up to N entries");
	}
	return a->entries % ENTRIES_STEP ? 0 : look_at_space(a, e);
}

/**
 * apply_file_write() - A part of a file's content
 * @a:		The applier
 * @f:		The file
 * @data:	Bytes
 * @len:	How many
 * @off:	Where in the file; what is skipped stays a hole
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int apply_file_write(struct applier *a, struct apply_file *f, const void *data, size_t len, int64_t off, struct err *e)
{
	const char *p = data;
	int r;

	a->bytes += len;
	r = check_space(a, e);
	if (r < 0)
		return r;
	while (len) {
		ssize_t n = pwrite(f->fd, p, len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, errno, "write");
		p += n;
		len -= (size_t)n;
		off += n;
	}
	f->end = off;
	if (f->end - f->flushed >= FLUSH_STEP) {
		sync_file_range(f->fd, f->flushed, f->end - f->flushed, SYNC_FILE_RANGE_WRITE);
		f->flushed = f->end;
	}
	return 0;
}

/**
 * apply_file_close() - End a regular file
 * @a:		The applier
 * @f:		The file; closed in any case
 * @en:		The entry
 * @xattr:	Sets extended attributes; may be NULL
 * @arg:	For @xattr
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int apply_file_close(struct applier *a, struct apply_file *f, const struct apply_entry *en, apply_xattr_fn xattr,
		     void *arg, struct err *e)
{
	struct timespec ts[2];
	int r = 0;

	(void)a;
	if (f->end < en->size && ftruncate(f->fd, en->size) < 0)
		r = err_set(e, errno, "set size %lld", (long long)en->size);
	if (r == 0 && f->mode && fchmod(f->fd, f->mode) < 0)
		r = err_set(e, errno, "set mode %o", f->mode);
	if (r == 0 && xattr)
		r = xattr(arg, f->fd, e);
	if (r == 0 && futimens(f->fd, times_of(en, ts)) < 0)
		r = err_set(e, errno, "set times");
	if (r == 0 && f->end - f->flushed >= FLUSH_MIN)
		sync_file_range(f->fd, f->flushed, f->end - f->flushed, SYNC_FILE_RANGE_WRITE);
	fd_closep(&f->fd);
	return name_it(en, r, e);
}

/*
 * Folders of one parent mostly come one after the other: its descriptor is kept. Where entries were replaced, the path
 * may lead to something that is no folder any more, and is looked at first: what replaced it has other times.
 */
static void set_dir_times(struct applier *a, const char *path, const struct timespec *mtime)
{
	const struct timespec ts[2] = { *mtime, *mtime };
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	auto_close int fd = -EBADF;

	if (!a->has_replaced && *base) {
		if (applier_find_parent(a, path, slash ? (size_t)(slash - path) : 0) == 0)
			utimensat(a->dir_fd, base, ts, AT_SYMLINK_NOFOLLOW);
		return;
	}
	fd = fs_open_in_root(a->root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd >= 0)
		futimens(fd, ts);
}

/**
 * applier_finish() - Set the times of folders
 * @a:	The applier
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int applier_finish(struct applier *a, struct err *e)
{
	struct dir_log head;
	char path[TAR_PATH_MAX + 1];
	auto_fclose FILE *f = NULL;
	int fd, r = flush_dirs(a, e);

	if (r < 0)
		return r;
	if (lseek(a->dirs_fd, 0, SEEK_SET) < 0)
		return err_set(e, errno, "read the list of folders");
	fd = fcntl(a->dirs_fd, F_DUPFD_CLOEXEC, 3);
	f = fd < 0 ? NULL : fdopen(fd, "re");
	if (!f)
		return err_set(e, errno, "read the list of folders");
	while (fread(&head, sizeof(head), 1, f) == 1) {
		if (head.len > TAR_PATH_MAX || fread(path, 1, head.len, f) != head.len)
			return err_say(e, EIO, "the list of folders is damaged");
		path[head.len] = '\0';
		set_dir_times(a, path, &head.mtime);
	}
	return 0;
}
