/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/engine/view.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/engine/ctr.h"
#include "lib/runtime/sandbox.h"
#include "lib/runtime/userns.h"
#include "storage/driver.h"
#include "storage/store.h"

/*
 * Theory of operation
 *
 * The layers and the container's upper folder are mounted once more, read-only, with the upper folder as the topmost
 * of the layers: so a running container's mount is left alone, and what is mounted inside it does not show. The mount
 * exists in a mount namespace that ends with the process; the pid namespace ends fuse-overlayfs with it.
 */

static int open_root(struct ctr *c, const struct driver *d, const struct idmap *map, int *ret_fd, struct err *e)
{
	auto_free char *path = xasprintf("containers/%s", c->config.id);
	struct driver_mount_spec spec = {
		.layers = c->config.layers,
		.upper = "upper",
		.work = "work",
		.is_view = true,
		.outer = map,
	};
	struct driver_mount m = { .fd = -EBADF };
	auto_close int dir = -EBADF;
	int r;

	if (c->config.rootfs) {
		*ret_fd = open(c->config.rootfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return *ret_fd < 0 ? err_set(e, errno, "open root file system '%s'", c->config.rootfs) : 0;
	}
	r = store_reopen(c->store, e);
	if (r == 0)
		r = fs_open_dir(store_fd(c->store), path, &dir, e);
	spec.dirfd = dir;
	if (r == 0)
		r = driver_mount(d, c->store, &spec, &m, e);
	if (r < 0)
		return r;
	*ret_fd = openat(m.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = *ret_fd < 0 ? err_set(e, errno, "open the container's root file system") : 0;
	fd_closep(&m.fd);
	return r;
}

static int enter_cage(int rootfd, struct err *e)
{
	const struct sandbox_path path = { .fd = rootfd, .rights = SANDBOX_READ };
	const struct sandbox_spec cage = { .paths = &path, .n_paths = 1 };
	int r = sandbox_enter(&cage, e);

	return r < 0 ? r : 0;
}

static int wait_child(int rd, int stop, struct err *e)
{
	struct pollfd p[2] = { { .fd = rd, .events = POLLIN }, { .fd = stop, .events = POLLIN } };
	struct err why;

	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "wait for the reader of the container's files");
	if (p[1].revents)
		return err_say(e, EINTR, "interrupted");
	if (fd_read_full(rd, &why, sizeof(why)) != (ssize_t)sizeof(why))
		return err_say(e, EIO, "the process that reads the container's files ended unexpectedly");
	why.msg[sizeof(why.msg) - 1] = '\0';
	return why.code > 0 ? err_say(e, why.code, "%s", why.msg) : 0;
}

int ctr_view(struct ctr *c, const char *driver, int stop, int (*fn)(void *arg, int rootfd, struct err *e), void *arg,
	     struct err *e)
{
	const char *forced = driver ? driver : c->config.storage_driver;
	auto_close int rd = -EBADF, wr = -EBADF;
	const struct driver *d = NULL;
	struct idmap map;
	pid_t pid;
	int p[2] = { -EBADF, -EBADF }, r = idmap_for_caller(&map, e);

	if (r == 0 && !c->config.rootfs)
		r = driver_choose(c->store, forced, &d, e);
	if (r == 0)
		r = fd_pipe(p, e);
	if (r < 0)
		return r;
	rd = p[0];
	wr = p[1];
	pid = userns_fork(&map, CLONE_NEWNS | CLONE_NEWPID, NULL, e);
	if (pid < 0)
		return (int)pid;
	if (pid == 0) {
		struct err why = { 0 };
		int root = -EBADF;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		r = open_root(c, d, &map, &root, &why);
		if (r == 0)
			r = enter_cage(root, &why);
		if (r == 0)
			r = fn(arg, root, &why);
		if (r == 0)
			why.code = 0;
		else if (why.code <= 0)
			why.code = EIO;
		fd_write_full(wr, &why, sizeof(why));
		_exit(r < 0);
	}
	fd_closep(&wr);
	r = wait_child(rd, stop, e);
	if (r < 0)
		kill(pid, SIGKILL);
	proc_wait(pid);
	return r;
}
