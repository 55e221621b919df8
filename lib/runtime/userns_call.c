/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/proc.h"
#include "lib/runtime/userns.h"

static _Noreturn void run_in_child(const struct userns_call *c, int pipe_wr)
{
	struct err why = { 0 };
	int r = c->run(c->arg, &why);

	if (r < 0 && !why.code)
		err_set(&why, r, "work in the user namespace");
	fd_write_full(pipe_wr, &why, sizeof(why));
	if (r >= 0 && c->result_len)
		fd_write_full(pipe_wr, c->result, c->result_len);
	_exit(r < 0);
}

static bool read_all(int fd, void *buf, size_t len)
{
	return fd_read_full(fd, buf, len) == (ssize_t)len;
}

int userns_call(const struct userns_call *c, struct err *e)
{
	auto_close int rd = -EBADF, wr = -EBADF;
	int p[2] = { -EBADF, -EBADF }, status, r = 0;
	struct err why = { 0 };
	struct idmap own;
	bool answered;
	pid_t pid;

	if (!c->map)
		r = idmap_for_caller(&own, e);
	if (r == 0)
		r = fd_pipe(p, e);
	if (r < 0)
		return r;
	rd = p[0];
	wr = p[1];
	pid = userns_fork(c->map ? c->map : &own, c->flags, NULL, e);
	if (pid < 0)
		return (int)pid;
	if (pid == 0)
		run_in_child(c, wr);
	fd_closep(&wr);
	answered = read_all(rd, &why, sizeof(why)) && (why.code || read_all(rd, c->result, c->result_len));
	status = proc_wait(pid);
	if (!answered)
		return err_say(e, EIO, "the process in the user namespace ended early, with status %d", status);
	return why.code ? err_say(e, why.code, "%.*s", (int)sizeof(why.msg) - 1, why.msg) : 0;
}
