/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/image/output.h"

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"

static int choose_tmp(const char *path, struct output *o, struct err *e)
{
	size_t len = strlen(path);
	char digits[9];
	int r = rand_hex(digits, 8, e);

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (r < 0)
		return r;
	o->path = xstrndup(path, len);
	o->tmp = xasprintf("%s.tmp-%s", o->path, digits);
	return 0;
}

int output_open_file(const char *path, struct output *ret, struct err *e)
{
	auto_free char *real = NULL;
	struct stat st;
	int r;

	if (!path) {
		ret->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		return ret->fd < 0 ? err_set(e, errno, "duplicate stdout") : 0;
	}
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return err_say(e, EISDIR, "it is a folder");
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		ret->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		return ret->fd < 0 ? err_set(e, errno, "open") : 0;
	}
	real = realpath(path, NULL); /* a symlink stays one */
	r = choose_tmp(real ? real : path, ret, e);
	if (r < 0)
		return r;
	ret->fd = open(ret->tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (ret->fd >= 0)
		return 0;
	r = err_set(e, errno, "create the file");
	free(take_ptr(&ret->tmp));
	return r;
}

int output_open_dir(const char *path, struct output *ret, struct err *e)
{
	auto_strv char **names = NULL;
	int r = fs_list_dir(AT_FDCWD, path, &names, e);

	if (r < 0 && r != -ENOENT)
		return r;
	if (names)
		return err_say(e, ENOTEMPTY, "it is there and not empty");
	r = choose_tmp(path, ret, e);
	if (r < 0)
		return r;
	ret->is_dir = true;
	if (mkdir(ret->tmp, 0755) < 0) {
		r = err_set(e, errno, "make the folder");
		free(take_ptr(&ret->tmp));
		return r;
	}
	return fs_open_dir(AT_FDCWD, ret->tmp, &ret->fd, e);
}

int output_commit(struct output *o, struct err *e)
{
	if (o->tmp && rename(o->tmp, o->path) < 0)
		return err_set(e, errno, "give it its name");
	free(take_ptr(&o->tmp));
	return 0;
}

void output_done(struct output *o)
{
	fd_closep(&o->fd);
	if (o->tmp && o->is_dir)
		fs_remove_tree(AT_FDCWD, o->tmp, NULL);
	else if (o->tmp)
		unlink(o->tmp);
	free(o->tmp);
	free(o->path);
	*o = (struct output)OUTPUT_NONE;
}
