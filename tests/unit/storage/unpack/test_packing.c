/* SPDX-License-Identifier: Apache-2.0 */
/* The process that compresses a layer: it is caged, and ends with its parent. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/runtime/userns.h"
#include "storage/unpack/pack.h"
#include "tests/unit/tap.h"

#define BLOB_SIZE (8U << 20)

/* Begins to write a blob into a pipe that nobody reads, and waits for its end. */
static pid_t start_parent(int out)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct idmap map;
		struct pack_spec spec = { .layer_fd = -EBADF, .out_fd = out, .map = &map, .diff_id = "none" };
		struct pack *p;

		spec.blob_fd = memfd_create("blob", MFD_CLOEXEC);
		if (ftruncate(spec.blob_fd, BLOB_SIZE) < 0 || idmap_for_caller(&map, NULL) < 0 ||
		    pack_start(&spec, &p, NULL) < 0)
			_exit(1);
		close(out);
		pause();
		_exit(0);
	}
	return pid;
}

/* Of the only child of @parent. */
static char *status_of_child(pid_t parent)
{
	auto_free char *path = xasprintf("/proc/%d/task/%d/children", (int)parent, (int)parent), *list = NULL,
		       *status = NULL;
	char *text = NULL;

	if (fs_read_file(AT_FDCWD, path, 4096, &list, NULL, NULL) < 0)
		return NULL;
	status = xasprintf("/proc/%s/status", str_trim(list));
	fs_read_file(AT_FDCWD, status, 65536, &text, NULL, NULL);
	return text;
}

int main(void)
{
	int p[2];
	char buf[65536];
	size_t all = 0;
	pid_t pid;
	ssize_t n;

	if (fd_pipe(p, NULL) < 0)
		return 1;
	pid = start_parent(p[1]);
	close(p[1]);
	/* What comes out comes from behind the cage's door. */
	poll(&(struct pollfd) { .fd = p[0], .events = POLLIN }, 1, -1);
	auto_free char *status = status_of_child(pid);

	if (status)
		ok(strstr(status, "\nSeccomp:\t2") && strstr(status, "\nNoNewPrivs:\t1"), "it is caged");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	while ((n = fd_read(p[0], buf, sizeof(buf))) > 0)
		all += (size_t)n;
	ok(all > 0 && all < BLOB_SIZE / 2, "it has ended with its parent, after %zu bytes", all);
	return done();
}
