/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/engine/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/sys.h"
#include "lib/engine/life.h"
#include "lib/engine/monitor_run.h"
#include "lib/runtime/walls.h"
#include "netns/uplink.h"
#include "storage/store.h"

/* Opened, not read: the monitor keeps this file, so that an upgrade meanwhile does not mix versions. */
static int open_init(struct mon_start *s, struct err *e)
{
	auto_free char *path = NULL;
	struct stat st;
	int r = proc_libexec("skiff-init", &path, e);

	if (r < 0)
		return r;
	s->init_file = open(path, O_RDONLY | O_CLOEXEC);
	if (s->init_file < 0)
		return err_set(e, errno, "open '%s'", path);
	if (fstat(s->init_file, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < 1024)
		return err_say(e, ENOEXEC, "'%s' is not skiff's first stage", path);
	return 0;
}

static int load_filter(const struct ctr *c, const struct spec *spec, struct seccomp_prog *ret, struct err *e)
{
	struct seccomp_spec s = { .kind = spec->seccomp_kind,
				  .json = spec->seccomp_json,
				  .caps = spec->caps,
				  .host_pid = spec->host_pid,
				  .json_len = spec->seccomp_json ? strlen(spec->seccomp_json) : 0 };
	auto_close int cache = -EBADF;
	int root = store_fd(c->store);

	s.x86 = c->config.platform && str_has_prefix(c->config.platform, "linux/386");
	if (fs_make_dir(root, "cache", 0700, e) < 0 || fs_open_dir(root, "cache", &cache, e) < 0)
		return -e->code;
	return seccomp_program(&s, cache, ret, e);
}

/* The first word from the monitor: the container runs, or why not. */
static int first_word(int sock, int *ret_exit, struct err *e)
{
	static char buf[PROTO_DATA_MAX + 1];
	struct proto_head h;

	for (;;) {
		long n = proto_recv(sock, &h, buf, NULL, 0, NULL, 0);

		*ret_exit = 125;
		if (n < 0)
			return err_say(e, EPIPE, "the container's monitor ended without a word (out of memory?)");
		if (h.type == PROTO_STARTED)
			return 0;
		if (h.type != PROTO_ERROR)
			continue;
		buf[n] = '\0';
		*ret_exit = (int)h.arg;
		return err_say(e, ECANCELED, "%s", buf);
	}
}

static int fork_monitor(struct mon_start *s, int ours, struct err *e)
{
	auto_close int rd = -EBADF, wr = -EBADF;
	uint64_t flags = CLONE_NEWUSER | CLONE_NEWNS | (s->spec->host_pid ? 0 : CLONE_NEWPID);
	struct userns_maps maps;
	int go[2] = { -EBADF, -EBADF }, r = walls_explain_kernel(e);
	pid_t pid;

	if (r == 0)
		r = fd_pipe(go, e);
	if (r < 0)
		return r;
	rd = go[0];
	wr = go[1];
	pid = sys_clone_fork(flags, NULL);
	if (pid < 0)
		return walls_explain_userns(pid, e);
	if (pid == 0) {
		fd_closep(&wr);
		close(ours);
		s->go = rd;
		_exit(monitor_run(s));
	}
	trace_mark("fork");
	r = userns_maps_start(s->outer, pid, &maps, e);
	if (r == 0)
		r = userns_maps_finish(&maps, e);
	trace_mark("newuidmap, newgidmap");
	if (r == 0)
		(void)fd_write_full(wr, "g", 1); /* if it has ended, first_word() says so */
	fd_closep(&wr);
	if (r < 0)
		proc_wait(pid);
	return r;
}

static int prepare(struct ctr *c, struct mon_start *s, struct err *e)
{
	const char *run;
	int r = store_run_dir(c->store, &run, NULL, e);

	if (r < 0)
		return r;
	if ((size_t)snprintf(s->socket_path, sizeof(s->socket_path), "%s/%.12s.sock", run, c->config.id) >=
		    sizeof(s->socket_path) ||
	    (size_t)snprintf(s->api_path, sizeof(s->api_path), "%s/%.12s.net", run, c->config.id) >=
		    sizeof(s->api_path))
		return err_say(e, ENAMETOOLONG, "the run folder's path '%s' is too long for a socket: use --runroot",
			       run);
	return open_init(s, e);
}

/*
 * Where an outer container has covered parts of /proc, the kernel refuses a new proc file system that would show them.
 * Every engine makes /proc/sys read-only; the other two are covered where a profile leaves it alone.
 */
static bool proc_is_covered(void)
{
	static const char *const files[] = { "/proc/keys", "/proc/timer_list" };
	struct statvfs v;
	struct stat st;

	if (statvfs("/proc/sys", &v) == 0 && v.f_flag & ST_RDONLY)
		return true;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (stat(files[i], &st) == 0 && S_ISCHR(st.st_mode))
			return true;
	return false;
}

static void share_outer_pids(struct spec *s)
{
	if (!proc_is_covered())
		return;
	s->outer_sys = true; /* the same rule for sysfs */
	if (s->host_pid)
		return;
	s->host_pid = true;
	log_warn("/proc is partly covered here (by an outer container): the container shares our pid namespace and "
		 "/proc "
		 "(--security-opt unmask=ALL for the outer one gives it its own)");
}

/* A --rm container that did not start must not stay: its monitor removes it, unless that is what failed. */
static void drop_failed(struct ctr *c)
{
	if (c->config.auto_remove && ctr_wait_ended(c, 5000, NULL) == 0)
		ctr_remove(c, NULL);
}

/* A map that moves ids needs a driver that can show them moved; which one is nobody's choice then. */
static int choose_driver(struct ctr *c, const struct monitor_opts *o, bool shifted, const struct driver **ret,
			 struct err *e)
{
	const char *forced = o->storage_driver ? o->storage_driver : c->config.storage_driver;
	int r = driver_choose(c->store, forced, ret, e);

	if (r == 0 && shifted && !driver_can_shift(*ret) && !c->config.rootfs)
		r = driver_choose(c->store, "fuse-overlayfs", ret, e);
	return r;
}

/*
 * A folder that belongs to ids which the container does not get, as one that the host's root has made: shown to it with
 * its own ids, 0 for 0, as a loaded image is. Only the host's root may do that. Where the file system cannot, the
 * folder must be given away.
 */
static int open_foreign_rootfs(const char *path, const struct idmap *outer, int *ret, struct err *e)
{
	auto_close int tree = -EBADF, ns = -EBADF;
	struct stat st;
	int r;

	if (stat(path, &st) < 0)
		return err_set(e, errno, "root file system '%s'", path);
	if (st.st_uid - outer->uid[0].outside < outer->uid[0].count)
		return 0;
	r = userns_open(outer, &ns, e);
	if (r < 0)
		return r;
	tree = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree < 0)
		return err_set(e, tree, "open root file system '%s'", path);
	r = sys_mount_idmap(tree, AT_EMPTY_PATH | AT_RECURSIVE, ns);
	if (r == -EINVAL || r == -EPERM || r == -ENOSYS)
		return err_say(
			e, -r,
			"root file system '%s' belongs to id %u, which the container does not get, and its file system "
			"cannot show it with other ids: chown -R %u:%u it",
			path, (unsigned)st.st_uid, outer->uid[0].outside, outer->gid[0].outside);
	if (r < 0)
		return err_set(e, r, "show root file system '%s' with the container's ids", path);
	*ret = take_fd(&tree);
	return 0;
}

int monitor_start(struct ctr *c, const struct monitor_opts *o, int *ret_sock, int *ret_exit, struct err *e)
{
	auto_spec struct spec spec = { 0 };
	auto_seccomp_prog struct seccomp_prog prog = { 0 };
	auto_close int ours = -EBADF, theirs = -EBADF;
	struct mon_start s = {
		.ctr = c, .opts = o, .spec = &spec, .seccomp = &prog, .init_file = -EBADF, .rootfs = -EBADF
	};
	struct idmap outer = { 0 }, inner;
	int pair[2] = { -EBADF, -EBADF }, r;

	*ret_exit = 125;
	r = spec_parse(&c->config, &spec, e);
	share_outer_pids(&spec);
	if (r == 0)
		r = idmap_for_caller(&outer, e);
	if (r == 0)
		r = spec_userns(&c->config, &outer, &inner, e);
	if (r == 0 && c->config.userns && str_has_prefix(c->config.userns, "keep-id"))
		spec.caller = idmap_user_name(getuid());
	if (r == 0 && spec.net == NET_SLIRP)
		r = uplink_check(e);
	if (r == 0)
		r = load_filter(c, &spec, &prog, e);
	if (r == 0)
		r = choose_driver(c, o, idmap_is_shifted(&inner), &s.driver, e);
	if (r == 0)
		r = prepare(c, &s, e);
	if (r == 0 && c->config.rootfs && outer.host_root)
		r = open_foreign_rootfs(c->config.rootfs, &outer, &s.rootfs, e);
	if (r == 0)
		r = fd_socketpair(SOCK_SEQPACKET, pair, e);
	if (r < 0) {
		fd_closep(&s.init_file);
		fd_closep(&s.rootfs);
		fd_closep(&c->lock);
		drop_failed(c);
		return r;
	}
	ours = pair[0];
	theirs = pair[1];
	s.sock = theirs;
	s.outer = &outer;
	s.inner = &inner;
	idmap_tell_single(&outer);
	trace_mark("prepared");
	r = fork_monitor(&s, ours, e);
	fd_closep(&theirs);
	fd_closep(&s.init_file);
	fd_closep(&s.rootfs);
	fd_closep(&c->lock); /* the monitor has it */
	if (r == 0)
		r = first_word(ours, ret_exit, e);
	trace_mark("first word");
	if (r < 0) {
		drop_failed(c);
		return r;
	}
	*ret_sock = take_fd(&ours);
	return 0;
}
