/* SPDX-License-Identifier: Apache-2.0 */
/* Credential helpers: programs docker-credential-NAME, one of get, store, erase, list as argument. No shell. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/base/time.h"
#include "lib/oci/auth_int.h"

#define HELPER_PREFIX	  "docker-credential-"
#define HELPER_TIMEOUT_NS (60 * NSEC_PER_SEC)
/* What a pipe takes without a reader. */
#define INPUT_MAX 32768U

/* Read what the helper prints, until it ends or the time is over. Return: bytes or negative errno. */
static ssize_t read_answer(int fd, char *buf, size_t size)
{
	int64_t deadline = time_mono() + HELPER_TIMEOUT_NS;
	size_t n = 0;

	while (n < size) {
		int64_t left = (deadline - time_mono()) / NSEC_PER_MSEC;
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t got;

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
		if (!p.revents)
			continue;
		got = fd_read(fd, buf + n, size - n);
		if (got <= 0)
			return got < 0 ? got : (ssize_t)n;
		n += (size_t)got;
	}
	return -E2BIG;
}

int auth_helper_run(const char *name, const char *verb, const char *input, char *answer, size_t *ret_len, struct err *e)
{
	auto_free char *file = xasprintf(HELPER_PREFIX "%s", name), *word = xstrdup(verb);
	int in[2] = { -EBADF, -EBADF }, out[2] = { -EBADF, -EBADF };
	char *argv[] = { file, word, NULL };
	struct proc_spec spec = { .file = file, .argv = argv, .stdio = { -1, -1, -1 } };
	ssize_t n = 0;
	pid_t pid;
	int r;

	if (!auth_helper_name_is_valid(name))
		return err_say(e, EINVAL, "the name of a credential helper is not [a-z0-9_-]+");
	if (strlen(input) > INPUT_MAX)
		return err_say(e, E2BIG, "too much for a credential helper");
	r = fd_pipe(in, e);
	if (r == 0)
		r = fd_pipe(out, e);
	/* It fits into the pipe; written before the start, a helper that reads nothing cannot end us by SIGPIPE. */
	if (r == 0 && fd_write_full(in[1], input, strlen(input)) < 0)
		r = err_set(e, EIO, "write to %s", file);
	fd_closep(&in[1]);
	spec.stdio[0] = in[0];
	spec.stdio[1] = out[1];
	if (r == 0)
		r = proc_spawn(&spec, &pid, e);
	fd_closep(&in[0]);
	fd_closep(&out[1]);
	if (r == 0) {
		n = read_answer(out[0], answer, AUTH_HELPER_MAX);
		if (n < 0)
			kill(pid, SIGKILL);
		r = proc_wait(pid);
	}
	fd_closep(&out[0]);
	if (n < 0)
		return err_set(e, (int)n, "ask %s", file);
	*ret_len = (size_t)n;
	return r;
}
