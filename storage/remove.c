/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/proc.h"
#include "lib/runtime/userns.h"
#include "storage/store_int.h"

/* In the child: what went wrong goes over the pipe, the exit status only says that it did. */
static void remove_in_child(int dirfd, const char *name, int pipe_wr)
{
	struct err why = { 0 };
	int r = fs_remove_tree(dirfd, name, &why);

	if (r < 0)
		fd_write_full(pipe_wr, &why, sizeof(why));
	_exit(r < 0);
}

static int remove_in_userns(int dirfd, const char *name, struct err *e)
{
	auto_close int rd = -EBADF, wr = -EBADF;
	struct err why = { 0 };
	struct idmap map;
	int p[2], status;
	pid_t pid;
	int r = idmap_for_caller(&map, e);

	if (r == 0)
		r = fd_pipe(p, e);
	if (r < 0)
		return r;
	rd = p[0];
	wr = p[1];
	pid = userns_fork(&map, 0, NULL, e);
	if (pid < 0)
		return (int)pid;
	if (pid == 0)
		remove_in_child(dirfd, name, wr);
	fd_closep(&wr);
	if (fd_read_full(rd, &why, sizeof(why)) != (ssize_t)sizeof(why))
		why.code = 0;
	status = proc_wait(pid);
	if (status == 0)
		return 0;
	if (why.code)
		return err_say(e, why.code, "%.*s", (int)sizeof(why.msg) - 1, why.msg);
	return err_say(e, EIO, "remove '%s': the process in the user namespace ended with status %d", name, status);
}

int store_remove_tree(struct store *s, int dirfd, const char *name, struct err *e)
{
	int r = fs_remove_tree(dirfd, name, e);

	(void)s;
	if ((r != -EACCES && r != -EPERM) || geteuid() == 0)
		return r;
	return remove_in_userns(dirfd, name, e);
}
