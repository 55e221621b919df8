/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "lib/runtime/userns.h"
#include "lib/runtime/walls.h"
#include "storage/store_int.h"

/*
 * Theory of operation
 *
 *	version			"1", then the store's id
 *	oci/			oci-layout, index.json (derived from tags/), blobs/sha256/HEX: manifests and configs
 *	tags/NAME		one file per name of an image (tag.c)
 *	layers/HEX/		diff/ (the unpacked tree), frame (what is needed to write the tar again), meta.json
 *	containers/ names/ volumes/ networks/ pods/ secrets/ build/ swarm/	other owners
 *	tmp/ID/			a writer's work: lock (held while it lives), refs, layers/SLOT/
 *	tmp/blobs/HEX		a blob that is being downloaded; locked by the process that does
 *	trash/ID/		on its way out (trash.c)
 *	cache/			answers that can be found again (driver)
 *	damaged/		what `system check --repair` has moved aside (repair.c)
 *
 * Nothing below tmp/ and trash/ is ever seen by readers; everything else appears by one rename of something that was
 * synced before, and is not changed in place afterwards. So a reader needs no lock, and a crash leaves rubbish only
 * in these two, which the next writer removes when its owner's lock is free.
 *
 * Folders belong to the caller; where the caller is root, to the root of user namespace A (it must be able to walk).
 */

#define STORE_VERSION	 1
#define VERSION_FILE_MAX 4096

static const char *const folders[] = {
	"oci",	 "oci/blobs", "oci/blobs/sha256", "tags",  "layers", "containers",
	"names", "tmp",	      "tmp/blobs",	  "trash", "cache",
};

/* Names that may be in the folder of a store that is only half made. */
static const char *const known_names[] = {
	"version", "oci",   "tags",  "layers", "containers", "names", "volumes", "networks",   "lists", "pods",
	"secrets", "build", "swarm", "tmp",    "trash",	     "cache", "damaged", "names.lock", NULL,
};

/**
 * store_make_dir() - mkdir with the store's owner and 0700, content with a folder that is there
 * @s:		The store
 * @dirfd:	Where a relative path starts
 * @name:	The folder
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int store_make_dir(const struct store *s, int dirfd, const char *name, struct err *e)
{
	int r = fs_make_dir(dirfd, name, 0700, e);

	if (r == 0 && s->owner != geteuid() && fchownat(dirfd, name, s->owner, s->group, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "give folder '%s' to the user namespace", name);
	return r;
}

static int default_root(char **ret, struct err *e)
{
	const char *v = getenv("SKIFF_ROOT");

	if (!str_is_empty(v))
		*ret = xstrdup(v);
	else if (geteuid() == 0 && access("/var/lib", W_OK) == 0) /* not so for the root of a user's own namespace */
		*ret = xstrdup("/var/lib/skiff");
	else if (!str_is_empty(v = getenv("XDG_DATA_HOME")) && *v == '/')
		*ret = xasprintf("%s/skiff", v);
	else if (!str_is_empty(v = getenv("HOME")) && *v == '/')
		*ret = xasprintf("%s/.local/share/skiff", v);
	else
		return err_say(e, ENOENT, "HOME is not set: name the store's folder with --root");
	return 0;
}

static int make_absolute(char **path, struct err *e)
{
	char cwd[PATH_MAX];
	char *full;

	if (**path == '/')
		return 0;
	if (!getcwd(cwd, sizeof(cwd)))
		return err_set(e, errno, "find the current folder");
	full = xasprintf("%s/%s", cwd, *path);
	free(*path);
	*path = full;
	return 0;
}

/**
 * store_owns_name() - Is this one of the names at the top of a store?
 * @name:	The name
 *
 * Return: whether it is
 */
bool store_owns_name(const char *name)
{
	for (const char *const *k = known_names; *k; k++)
		if (str_is_eq(name, *k))
			return true;
	return str_has_prefix(name, "version.tmp-");
}

static int check_foreign(const struct store *s, struct err *e)
{
	auto_strv char **names = NULL;
	int r = fs_list_dir(s->fd, ".", &names, e);

	if (r < 0)
		return r;
	for (char **n = names; n && *n; n++)
		if (!store_owns_name(*n))
			return err_say(e, ENOTEMPTY, "'%s' is not a store of skiff and has other files in it ('%s')",
				       s->root, *n);
	return 0;
}

/*
 * The version file is linked into place last: whoever comes first gives the store its id. Its content is on the disk
 * by then: with an empty one, which a power cut would leave, the store could not be used any more. The lock keeps it
 * from fs_remove_temps() of somebody who was first; should it come too late, there is a version.
 */
static int write_version(struct store *s, struct err *e)
{
	auto_close int fd = -EBADF;
	char id[17], tmp[32], text[64];
	int r = rand_hex(id, 16, e);

	if (r < 0)
		return r;
	snprintf(tmp, sizeof(tmp), "version.tmp-%s", id);
	snprintf(text, sizeof(text), "%d\n%s\n", STORE_VERSION, id);
	fd = openat(s->fd, tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(e, errno, "create '%s/%s'", s->root, tmp);
	(void)fd_lock(fd, false);
	r = fd_write_full(fd, text, strlen(text));
	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	if (r == 0 && linkat(s->fd, tmp, s->fd, "version", 0) < 0 && errno != EEXIST && errno != ENOENT)
		r = -errno;
	unlinkat(s->fd, tmp, 0);
	return r < 0 ? err_set(e, r, "create '%s/version'", s->root) : 0;
}

static int make_layout(struct store *s, struct err *e)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}\n";
	int r = check_foreign(s, e);

	for (size_t i = 0; r == 0 && i < sizeof(folders) / sizeof(*folders); i++)
		r = store_make_dir(s, s->fd, folders[i], e);
	if (r == 0)
		r = fs_replace_file(s->fd, "oci/oci-layout", layout, sizeof(layout) - 1, 0600, FS_SYNC, e);
	if (r == 0)
		r = write_version(s, e);
	return r;
}

/**
 * store_read_version() - Is this a store, and do we know its format?
 * @fd:		Its folder
 * @root:	Its path, for messages
 * @id:		Its id
 * @e:		Failure
 *
 * Return: 0, -ENOENT, -EPROTO
 */
int store_read_version(int fd, const char *root, char id[17], struct err *e)
{
	auto_free char *text = NULL;
	auto_strv char **lines = NULL;
	uint64_t version;
	int r = fs_read_file(fd, "version", VERSION_FILE_MAX, &text, NULL, e);

	if (r < 0)
		return r;
	lines = strv_split(text, '\n');
	if (strv_len(lines) < 2 || str_to_u64(lines[0], UINT32_MAX, &version) < 0)
		return err_say(e, EPROTO, "'%s/version' is damaged", root);
	if (version > STORE_VERSION)
		return err_say(e, EPROTO,
			       "the store '%s' has format %llu, this skiff knows up to %d: use a newer skiff", root,
			       (unsigned long long)version, STORE_VERSION);
	if (strlen(lines[1]) != 16 || strspn(lines[1], "0123456789abcdef") != 16)
		return err_say(e, EPROTO, "'%s/version' is damaged", root);
	memcpy(id, lines[1], 17);
	return 0;
}

/* CP-08: nobody else may read the store, and it must be ours. */
static int check_owner(struct store *s, struct err *e)
{
	struct stat st;

	if (fstat(s->fd, &st) < 0)
		return err_set(e, errno, "stat '%s'", s->root);
	if (geteuid() != 0 && st.st_uid != geteuid())
		return err_say(e, EPERM, "the store '%s' belongs to user %u", s->root, st.st_uid);
	if ((st.st_mode & 077) && fchmod(s->fd, 0700) < 0)
		return err_set(e, errno, "the store '%s' can be read by others; set its mode to 0700", s->root);
	s->owner = st.st_uid;
	s->group = st.st_gid;
	return 0;
}

static int make_root(struct store *s, struct err *e)
{
	struct idmap map;
	int r = fs_make_dirs(AT_FDCWD, s->root, 0700, e);

	if (r < 0 || geteuid() != 0)
		return r;
	r = idmap_for_caller(&map, e);
	if (r < 0)
		return r;
	if (map.uid[0].outside != 0 && chown(s->root, map.uid[0].outside, map.gid[0].outside) < 0)
		return err_set(e, errno, "give '%s' to the user namespace's root", s->root);
	return 0;
}

static int open_root(struct store *s, struct err *e)
{
	int r = fs_open_dir(AT_FDCWD, s->root, &s->fd, NULL);

	if (r == -ENOENT) {
		r = make_root(s, e);
		if (r < 0)
			return r;
		r = fs_open_dir(AT_FDCWD, s->root, &s->fd, e);
	} else if (r < 0) {
		return err_set(e, r, "open the store '%s'", s->root);
	}
	if (r == 0)
		r = check_owner(s, e);
	if (r < 0)
		return r;
	r = store_read_version(s->fd, s->root, s->id, e);
	if (r != -ENOENT)
		return r;
	r = make_layout(s, e);
	return r < 0 ? r : store_read_version(s->fd, s->root, s->id, e);
}

int store_open(const char *root, const char *runroot, struct store **ret, struct err *e)
{
	auto_store struct store *s = xcalloc(1, sizeof(*s));
	int r = 0;

	s->fd = s->run_fd = s->tree_fd = -EBADF;
	s->runroot = str_is_empty(runroot) ? NULL : xstrdup(runroot);
	if (str_is_empty(root))
		r = default_root(&s->root, e);
	else
		s->root = xstrdup(root);
	if (r == 0)
		r = make_absolute(&s->root, e);
	if (r == 0 && s->runroot)
		r = make_absolute(&s->runroot, e);
	if (r == 0)
		r = walls_explain_store(s->root, e);
	if (r == 0)
		r = open_root(s, e);
	if (r < 0)
		return r;
	if (geteuid() == 0) { /* EPERM inside another user namespace: then the path must do */
		s->tree_fd = sys_open_tree(s->fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
		if (s->tree_fd < 0)
			s->tree_fd = -EBADF;
	}
	extra_open(s);
	*ret = take_ptr(&s);
	return 0;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	fd_closep(&s->fd);
	fd_closep(&s->run_fd);
	fd_closep(&s->tree_fd);
	extra_close(s);
	free(s->root);
	free(s->runroot);
	free(s->run_path);
	free(s);
}

void store_freep(struct store **s)
{
	store_free(*s);
	*s = NULL;
}

int store_fd(const struct store *s)
{
	return s->fd;
}

const char *store_root(const struct store *s)
{
	return s->root;
}

/**
 * store_spare_place() - An empty folder of the host to mount something on, in our own mount namespace
 * @e:	Failure
 *
 * Empty: so nobody binds something below it into a container. Not in /proc or /sys: the kernel lets nobody mount these
 * two again where a part of them is covered.
 *
 * Return: its path, or NULL
 */
const char *store_spare_place(struct err *e)
{
	static const char *const places[] = { "/media", "/mnt", "/srv", "/opt", "/boot", "/home" };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		auto_strv char **names = NULL;

		if (fs_list_dir(AT_FDCWD, places[i], &names, NULL) == 0 && !names)
			return places[i];
	}
	err_say(e, ENOENT, "there is no empty folder such as /mnt or /media to mount on");
	return NULL;
}

/* Overlay takes only layers of mounts in its own namespace: the clone has to be attached somewhere. */
static int attach_clone(struct store *s, int *ret_fd, struct err *e)
{
	const char *place = store_spare_place(e);
	int r;

	if (!place)
		return err_wrap(e, -ENOENT, "attach the store '%s' in the user namespace", s->root);
	r = sys_move_mount(s->tree_fd, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH);
	if (r < 0)
		return err_set(e, r, "attach the store '%s' in the user namespace", s->root);
	return fs_open_dir(AT_FDCWD, place, ret_fd, e);
}

int store_reopen(struct store *s, struct err *e)
{
	auto_close int fd = open(s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd >= 0 && faccessat(fd, "layers", X_OK, AT_EACCESS) < 0)
		fd_closep(&fd);
	if (fd < 0 && s->tree_fd < 0)
		return err_set(e, errno, "open the store '%s' in the user namespace", s->root);
	r = fd < 0 ? attach_clone(s, &fd, e) : 0;
	if (r < 0)
		return r;
	fd_closep(&s->fd);
	s->fd = take_fd(&fd);
	extra_reopen(s);
	return 0;
}
