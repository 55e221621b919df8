/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "storage/store_int.h"

/* Nothing that runs loses its files under it. */
static int check_running(struct store *s, struct err *e)
{
	auto_strv char **ids = NULL;
	int r = fs_list_dir(s->fd, "containers", &ids, e);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (char **id = ids; id && *id; id++) {
		auto_free char *path = xasprintf("containers/%s/lock", *id);
		auto_close int fd = openat(s->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

		if (fd >= 0 && fd_lock_is_held(fd) == 1)
			return err_say(e, EBUSY, "container %.12s is running: stop it first", *id);
	}
	return 0;
}

static int remove_run_dir(struct store *s, struct err *e)
{
	auto_close int parent = -EBADF;
	auto_free char *path = NULL;
	const char *run;
	char *slash;
	int r = store_run_dir(s, &run, NULL, e);

	if (r < 0)
		return r;
	path = xstrdup(run);
	slash = strrchr(path, '/');
	*slash = '\0';
	r = fs_open_dir(AT_FDCWD, path, &parent, e);
	return r < 0 ? r : fs_remove_tree(parent, slash + 1, e);
}

int store_reset(struct store *s, struct err *e)
{
	auto_strv char **names = NULL;
	int r = check_running(s, e);

	if (r == 0)
		r = fs_list_dir(s->fd, ".", &names, e);
	if (r == 0)
		r = remove_run_dir(s, e);
	/* The version file goes first: what a crash leaves is a store that is not made yet. */
	if (r == 0 && unlinkat(s->fd, "version", 0) < 0 && errno != ENOENT)
		r = err_set(e, errno, "remove '%s/version'", s->root);
	for (char **n = names; r == 0 && n && *n; n++)
		if (store_owns_name(*n))
			r = store_remove_tree(s, s->fd, *n, e);
	if (r == 0)
		rmdir(s->root); /* stays when somebody has put something there */
	return r;
}
