/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"
#include "lib/oci/digest.h"
#include "storage/store_int.h"

/*
 * Theory of operation
 *
 * A work folder (tmp/ID, trash/ID) has a file "lock" on which its owner holds a write lock while it lives. Making the
 * folder and taking the lock are two steps, looking at somebody's lock is a third: PARENT/guard is held over each of
 * them, for microseconds, so that a folder without a lock is never a living owner's.
 */

static int take_guard(struct store *s, const char *parent, int *ret_fd, struct err *e)
{
	auto_free char *path = xasprintf("%s/guard", parent);
	auto_close int fd = openat(s->fd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return err_set(e, errno, "open lock '%s/%s'", s->root, path);
	r = fd_lock_wait(fd, false);
	if (r < 0)
		return err_set(e, r, "take lock '%s'", path);
	*ret_fd = take_fd(&fd);
	return 0;
}

static int open_lock(struct store *s, const char *parent, const char *name, int flags, int *ret_fd)
{
	auto_free char *path = xasprintf("%s/%s/lock", parent, name);
	auto_close int fd = openat(s->fd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = fd_lock(fd, false);
	if (r < 0)
		return r;
	*ret_fd = take_fd(&fd);
	return 0;
}

/**
 * work_open() - Make a work folder with a living owner: this process
 * @s:		The store
 * @parent:	"tmp" or "trash"
 * @ret_name:	Its name
 * @ret_fd:	The folder
 * @ret_lock:	The lock; closing it gives the folder up
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int work_open(struct store *s, const char *parent, char ret_name[17], int *ret_fd, int *ret_lock, struct err *e)
{
	auto_close int guard = -EBADF, lock = -EBADF;
	auto_free char *path = NULL;
	int r = rand_hex(ret_name, 16, e);

	if (r == 0)
		r = take_guard(s, parent, &guard, e);
	if (r < 0)
		return r;
	path = xasprintf("%s/%s", parent, ret_name);
	r = store_make_dir(s, s->fd, path, e);
	if (r < 0)
		return r;
	r = open_lock(s, parent, ret_name, O_CREAT | O_EXCL, &lock);
	if (r < 0)
		return err_set(e, r, "lock '%s'", path);
	r = fs_open_dir(s->fd, path, ret_fd, e);
	if (r == 0)
		*ret_lock = take_fd(&lock);
	return r;
}

/**
 * work_next_dead() - Take over the next work folder whose owner is gone
 * @s:		The store
 * @parent:	"tmp" or "trash"
 * @names:	Listing of @parent
 * @pos:	Where to go on in @names; points behind the folder found
 * @ret_lock:	Its lock, now ours
 * @e:		Failure
 *
 * Return: 1 when there is one (names[*pos - 1]), 0 at the end, negative errno
 */
int work_next_dead(struct store *s, const char *parent, char **names, size_t *pos, int *ret_lock, struct err *e)
{
	for (; names && names[*pos]; (*pos)++) {
		auto_close int guard = -EBADF;
		int r;

		if (strlen(names[*pos]) != 16 || !digest_is_hex(names[*pos], 16))
			continue;
		r = take_guard(s, parent, &guard, e);
		if (r < 0)
			return r;
		r = open_lock(s, parent, names[*pos], 0, ret_lock);
		if (r == -ENOENT) { /* gone, or its owner died before it took the lock */
			auto_free char *path = xasprintf("%s/%s", parent, names[*pos]);

			if (unlinkat(s->fd, path, AT_REMOVEDIR) < 0 && errno == ENOTEMPTY)
				r = open_lock(s, parent, names[*pos], O_CREAT, ret_lock);
		}
		if (r == 0) {
			(*pos)++;
			return 1;
		}
	}
	return 0;
}

/**
 * work_remove() - Remove a work folder whose lock we hold
 * @s:		The store
 * @parent:	"tmp" or "trash"
 * @name:	Its name
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int work_remove(struct store *s, const char *parent, const char *name, struct err *e)
{
	auto_close int dir = -EBADF, fd = -EBADF, guard = -EBADF;
	auto_strv char **names = NULL;
	int r = fs_open_dir(s->fd, parent, &dir, e);

	if (r == 0)
		r = fs_open_dir(dir, name, &fd, e);
	if (r == 0)
		r = fs_list_dir(fd, ".", &names, e);
	for (char **n = names; r == 0 && n && *n; n++)
		if (!str_is_eq(*n, "lock"))
			r = store_remove_tree(s, fd, *n, e);
	if (r == 0)
		r = take_guard(s, parent, &guard, e);
	return r < 0 ? r : fs_remove_tree(dir, name, e);
}
