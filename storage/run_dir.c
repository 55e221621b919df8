/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "storage/store_int.h"

/*
 * Theory of operation
 *
 * The run folder is BASE/skiff/ID, ID from the store's version file. A session, ssh, cron and su must find the same
 * one, although XDG_RUNTIME_DIR is not set in all of them: a folder that exists already in any of the bases wins, in
 * the order $XDG_RUNTIME_DIR, /run/user/UID, /tmp/skiff-UID; else it is made in the first base that is there.
 *
 * Every component of ours is opened without following symlinks and must be owned by us with mode 0700: /tmp is
 * everybody's (UN-04).
 */

/* Open @name below @dirfd, made when @make; our own private folder or nothing. */
static int open_private(int dirfd, const char *name, bool make, int *ret_fd, struct err *e)
{
	auto_close int fd = -EBADF;
	struct stat st;

	if (make && mkdirat(dirfd, name, 0700) < 0 && errno != EEXIST)
		return err_set(e, errno, "make folder '%s'", name);
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, errno, "open folder '%s'", name);
	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "stat '%s'", name);
	if (st.st_uid != geteuid())
		return err_say(e, EPERM, "folder '%s' belongs to user %u, not to us", name, st.st_uid);
	if ((st.st_mode & 077) && fchmod(fd, 0700) < 0)
		return err_set(e, errno, "make folder '%s' private", name);
	*ret_fd = take_fd(&fd);
	return 0;
}

static int try_base(struct store *s, const char *base, bool make, struct err *e)
{
	auto_close int base_fd = -EBADF, skiff_fd = -EBADF;
	int r;

	if (str_has_prefix(base, "/tmp/"))
		r = open_private(AT_FDCWD, base, make, &base_fd, e);
	else
		r = fs_open_dir(AT_FDCWD, base, &base_fd, e);
	if (r == 0)
		r = open_private(base_fd, "skiff", make, &skiff_fd, e);
	if (r == 0)
		r = open_private(skiff_fd, s->id, make, &s->run_fd, e);
	if (r < 0)
		return err_wrap(e, r, "run folder below '%s'", base);
	s->run_path = xasprintf("%s/skiff/%s", base, s->id);
	return 0;
}

static bool is_ours(const char *dir)
{
	struct stat st;

	return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022);
}

static int find_run_dir(struct store *s, struct err *e)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	const char *bases[4];
	char run_user[40], tmp[40];
	size_t n = 0;

	if (s->runroot) {
		int r = fs_make_dirs(AT_FDCWD, s->runroot, 0700, e);

		return r < 0 ? r : try_base(s, s->runroot, true, e);
	}
	snprintf(run_user, sizeof(run_user), "/run/user/%u", geteuid());
	snprintf(tmp, sizeof(tmp), "/tmp/skiff-%u", geteuid());
	if (xdg && *xdg == '/' && is_ours(xdg))
		bases[n++] = xdg;
	if (is_ours(run_user) && !(n && str_is_eq(xdg, run_user)))
		bases[n++] = run_user;
	if (geteuid() == 0 && n == 0)
		bases[n++] = "/run";
	bases[n++] = tmp;
	for (size_t i = 0; n > 1 && i < n; i++)
		if (try_base(s, bases[i], false, NULL) == 0)
			return 0;
	return try_base(s, bases[0], true, e);
}

int store_run_dir(struct store *s, const char **ret_path, int *ret_fd, struct err *e)
{
	int r = s->run_path ? 0 : find_run_dir(s, e);

	if (r < 0)
		return r;
	if (ret_path)
		*ret_path = s->run_path;
	if (ret_fd)
		*ret_fd = s->run_fd;
	return 0;
}
