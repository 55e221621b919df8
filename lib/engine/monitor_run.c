/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor: one small process for each container, a fork of the command that started it.
 *
 * Theory of operation
 *
 *	command (host)		monitor (level A)			skiff-init (level B)
 *	clone(user,mnt,pid)
 *	newuidmap, newgidmap	lock, skiff-init's memory file, filter
 *	go ------------------->	root file system, user, plan
 *				clone(user,mnt,pid,ipc,uts,net)
 *				writes B's map, go ------------------->	mounts, pivot_root, ...
 *				network stack				READY
 *				GO once both are ready ---------------> ids, seccomp, exec
 *	<------- STARTED	socket's end of file = exec succeeded
 *
 * It is pid 1 of its pid namespace: when it dies, the kernel ends everything in the container. It holds the container's
 *lock as long as it lives, which is what "running" means. It has one thread and one epoll loop; nothing in it waits for
 *a client, a reader of the log, or the network.
 *
 * End: the container's first process has ended and its output is read to the end; then the state is written, with --rm
 * the container removed, and everybody told: in this order, so that whoever is told finds it done.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/sys.h"
#include "lib/base/time.h"
#include "lib/engine/life.h"
#include "lib/engine/monitor_int.h"
#include "lib/engine/monitor_run.h"
#include "lib/oci/runspec.h"
#include "lib/runtime/caps.h"
#include "lib/runtime/fakeids.h"
#include "lib/runtime/walls.h"
#include "storage/store.h"

#define HELPER_PATIENCE_MS 2000
#define UPLINK_LIFE_MIN	   (1 * NSEC_PER_SEC) /* one that ends sooner would end again */

/**
 * mon_watch() - Watch a descriptor, or change what is asked of it
 * @m:		Monitor
 * @s:		Source; must stay where it is
 * @events:	EPOLL*; 0: only errors and hang-ups
 */
void mon_watch(struct mon *m, struct source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	if (s->fd < 0)
		return;
	if (epoll_ctl(m->epoll, EPOLL_CTL_MOD, s->fd, &ev) < 0)
		epoll_ctl(m->epoll, EPOLL_CTL_ADD, s->fd, &ev);
	s->events = events;
}

/**
 * mon_unwatch() - Stop watching
 * @m:	Monitor
 * @s:	Source
 */
void mon_unwatch(struct mon *m, struct source *s)
{
	if (s->fd >= 0)
		epoll_ctl(m->epoll, EPOLL_CTL_DEL, s->fd, NULL);
	s->events = 0;
}

static void on_ids(struct mon *m, struct source *s, uint32_t events)
{
	struct ids *i = (struct ids *)((char *)s - offsetof(struct ids, src)), **p = &m->ids;

	if (events & EPOLLIN && fakeids_handle(i->server) == 0)
		return;
	while (*p != i)
		p = &(*p)->next;
	*p = i->next;
	mon_unwatch(m, s);
	fakeids_free(i->server);
	free(i);
}

void mon_add_ids(struct mon *m, int listener)
{
	struct ids *i = xcalloc(1, sizeof(*i));

	if (fakeids_new(listener, m->spec.caps, &i->server, NULL) < 0) {
		close(listener);
		free(i);
		return;
	}
	i->src = (struct source) { .fd = fakeids_fd(i->server), .on = on_ids };
	i->next = m->ids;
	m->ids = i;
	mon_watch(m, &i->src, EPOLLIN);
}

/* The memory file lives as long as something is to be started from it: it is most of what a monitor would weigh. */
static int make_init_exe(struct mon *m, struct err *e)
{
	int r = fd_memfd_sealed_copy("skiff-init", m->init_file, true, &m->init_exe, e);

	return r < 0 ? r : fd_move_high(&m->init_exe, e);
}

/* Where a namespace has no root (keep-id with one id only), an exec would leave skiff-init nothing to set up with. */
static void keep_caps_over_exec(void)
{
	uint64_t all = caps_of_kernel();
	const uint32_t v[2] = { (uint32_t)all, (uint32_t)(all >> 32) };

	if (sys_capset(v, v, v) < 0)
		_exit(125);
	for (int c = 0; c < 64; c++)
		if (all >> c & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0) < 0)
			_exit(125);
}

/* In the child: what is its in the right places, then skiff-init. */
static void become_init(struct mon *m, int go, int plan, int sock, const struct spec_fds *fds, const struct idmap *map)
{
	static char name[] = "skiff-init";
	char *argv[] = { name, NULL }, *envp[] = { NULL };
	char c;

	if (go >= 0) {
		uint32_t uid, gid;

		if (fd_read(go, &c, 1) != 1)
			_exit(125);
		uid = idmap_has_inside(map->uid, map->n_uid, 0) ? 0 : map->uid[0].inside;
		gid = idmap_has_inside(map->gid, map->n_gid, 0) ? 0 : map->gid[0].inside;
		if (userns_become(map, uid, gid, NULL) < 0)
			_exit(125);
		if (uid)
			keep_caps_over_exec();
	}
	for (size_t i = 0; i < fds->n; i++)
		fd_set_cloexec(fds->v[i], false);
	if (dup2(plan, PLAN_FD) < 0 || dup2(sock, PLAN_SOCK_FD) < 0)
		_exit(125);
	sys_execveat(m->init_exe, "", argv, envp, AT_EMPTY_PATH);
	_exit(125);
}

int mon_spawn_init(struct mon *m, uint64_t clone_flags, int plan, int sock, const struct spec_fds *fds,
		   const struct idmap *map, pid_t *ret_pid, int *ret_pidfd, struct err *e)
{
	auto_close int rd = -EBADF, wr = -EBADF, pidfd = -EBADF;
	struct userns_maps maps;
	int go[2], r = m->init_exe < 0 ? make_init_exe(m, e) : 0;
	pid_t pid;

	if (r < 0)
		return r;
	if (map) {
		r = fd_pipe(go, e);
		if (r < 0)
			return r;
		rd = go[0];
		wr = go[1];
	}
	pid = sys_clone_fork(clone_flags, &pidfd);
	if (pid < 0)
		return walls_explain_userns(pid, e);
	if (pid == 0) {
		fd_closep(&wr);
		become_init(m, rd, plan, sock, fds, map);
	}
	if (map) {
		/* Our /proc is the host's: the child's number there comes from its pidfd. */
		pid_t shown = proc_pidfd_to_pid(pidfd);

		r = shown > 0 ? userns_maps_start(map, shown, &maps, e)
			      : err_set(e, shown, "find the container's process in /proc");
		if (r == 0)
			r = userns_maps_finish(&maps, e);
		if (r == 0 && fd_write_full(wr, "g", 1) < 0)
			r = err_say(e, EPIPE, "the container's first process ended early");
	}
	if (r < 0) {
		fd_closep(&wr);
		kill(pid, SIGKILL);
		proc_wait(pid);
		return r;
	}
	fd_closep(&m->init_exe);
	*ret_pid = pid;
	*ret_pidfd = take_fd(&pidfd);
	return 0;
}

static void write_state(struct mon *m)
{
	struct err e = { 0 };

	if (ctr_write_state(m->dirfd, &m->state, &e) < 0)
		log_err("container %.12s: %s", m->c->id, e.msg);
}

/**
 * mon_fail() - The container does not start; clean_up() tells why, when the container is free again
 * @m:		Monitor
 * @exit_code:	125, 126 or 127
 * @e:		Why
 */
void mon_fail(struct mon *m, int exit_code, const struct err *e)
{
	if (m->failed || m->started)
		return;
	m->failed = true;
	m->exit_code = exit_code;
	m->state.error = xstrdup(e->msg);
	if (m->pidfd.fd >= 0)
		sys_pidfd_send_signal(m->pidfd.fd, SIGKILL);
}

static void give_go(struct mon *m)
{
	uint32_t go = PLAN_MSG_GO;

	if (m->init_ready && m->net_ready)
		fd_send(m->init_sock.fd, &go, sizeof(go), NULL, 0, 0);
}

/* What was asked for; after a new start of the network stack, what was taken then. */
static int publish_ports(struct mon *m, struct err *e)
{
	auto_strv char **taken = m->state.ports;

	m->state.ports = NULL;
	for (char **t = taken ? taken : m->c->ports; t && *t; t++) {
		struct portspec *p = NULL;
		size_t n = 0;
		int r = portspec_parse(*t, &p, &n, e);

		for (size_t i = 0; r == 0 && i < n; i++) {
			unsigned port;

			r = uplink_publish(m->api_path, &p[i], &port, e);
			if (r == 0)
				strv_add_take(&m->state.ports, xasprintf("%s:%u:%u/%s", p[i].ip ? p[i].ip : "0.0.0.0",
									 port, p[i].port, port_proto_name(p[i].proto)));
		}
		portspec_free(p, n);
		if (r < 0)
			return r;
	}
	return 0;
}

static int start_network(struct mon *m, struct err *e);

static void on_uplink_ready(struct mon *m, struct source *s, uint32_t events)
{
	struct err e = { 0 };
	int r;

	(void)events;
	mon_unwatch(m, s);
	r = uplink_wait_ready(&m->uplink, &e);
	s->fd = -EBADF;
	if (r == 0)
		r = publish_ports(m, &e);
	if (r < 0 && m->started)
		log_err("container %.12s: it has no network any more: %s", m->c->id, e.msg);
	else if (r < 0)
		mon_fail(m, 125, &e);
	trace_mark("network ready");
	if (m->state.ports)
		write_state(m);
	if (r < 0 || m->net_ready)
		return;
	m->net_ready = true;
	give_go(m);
}

/* The container's namespace outlives the stack: another one serves it as before. */
static void on_uplink_end(struct mon *m, struct source *s, uint32_t events)
{
	struct err e = { 0 };

	(void)events;
	mon_unwatch(m, s);
	fd_closep(&s->fd);
	if (!m->net_ready || m->exited || m->uplink_ready.fd >= 0)
		return; /* on_uplink_ready() says so */
	uplink_stop(&m->uplink);
	if (time_mono() - m->uplink_started < UPLINK_LIFE_MIN)
		log_err("container %.12s: slirp4netns ends at once: it has no network any more", m->c->id);
	else if (start_network(m, &e) < 0)
		log_err("container %.12s: it has no network any more: %s", m->c->id, e.msg);
}

static void container_started(struct mon *m)
{
	trace_mark("container started");
	m->started = true;
	for (size_t i = 0; i < MON_MAX_CLIENTS; i++)
		if (m->clients[i].used)
			clients_send(m, &m->clients[i], PROTO_STARTED, (uint32_t)m->state.pid, NULL, 0);
}

static void on_init(struct mon *m, struct source *s, uint32_t events)
{
	struct plan_msg_error msg = { 0 };
	int fd = -EBADF;
	size_t n_fds = 0;
	ssize_t n = fd_recv(s->fd, &msg, sizeof(msg), &fd, 1, &n_fds, MSG_DONTWAIT);

	(void)events;
	if (n == -EAGAIN)
		return;
	if (n >= (ssize_t)sizeof(msg.type) && msg.type == PLAN_MSG_READY) {
		m->init_ready = true;
		trace_mark("skiff-init ready");
		give_go(m);
	} else if (n_fds == 1 && msg.type == PLAN_MSG_PTY) {
		io_set_pty(m, fd);
	} else if (n_fds == 1 && msg.type == PLAN_MSG_LISTENER) {
		mon_add_ids(m, fd);
	} else if (n == (ssize_t)sizeof(msg) && msg.type == PLAN_MSG_ERROR) {
		struct err e = { .code = msg.code };

		msg.msg[sizeof(msg.msg) - 1] = '\0';
		memcpy(e.msg, msg.msg, sizeof(e.msg));
		mon_fail(m, msg.exit_code, &e);
	} else {
		mon_unwatch(m, s);
		fd_closep(&s->fd);
		if (!m->failed)
			container_started(m);
	}
}

static void on_end(struct mon *m, struct source *s, uint32_t events)
{
	int code = proc_wait(m->pid);

	(void)events;
	mon_unwatch(m, s);
	if (m->init_sock.fd >= 0) /* its last words may still be in the socket */
		on_init(m, &m->init_sock, 0);
	if (m->init_sock.fd >= 0 && !m->failed)
		on_init(m, &m->init_sock, 0);
	if (!m->failed)
		m->exit_code = code < 0 ? 255 : code;
	m->exited = true;
	trace_mark("container's first process ended");
}

static int start_network(struct mon *m, struct err *e)
{
	auto_close int user = -EBADF, net = -EBADF;
	auto_free char *path = NULL;
	struct uplink_spec spec = { .host_loopback = m->spec.host_loopback, .ipv6 = m->spec.net_ipv6 };
	int r;

	if (m->spec.net != NET_SLIRP) {
		m->net_ready = true;
		return 0;
	}
	path = xasprintf("/proc/%d/ns/user", (int)m->state.pid);
	user = open(path, O_RDONLY | O_CLOEXEC);
	memcpy(strrchr(path, '/'), "/net", 5);
	net = user < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (net < 0)
		return err_set(e, errno, "open the container's namespaces '%s'", path);
	spec.userns_fd = user;
	spec.netns_fd = net;
	spec.api_socket = m->c->ports ? m->api_path : NULL;
	if (m->c->ports)
		unlink(m->api_path); /* of one that was killed */
	r = uplink_start(&spec, &m->uplink, e);
	if (r < 0)
		return r;
	m->uplink_started = time_mono();
	m->uplink_ready = (struct source) { .fd = m->uplink.ready_fd, .on = on_uplink_ready };
	mon_watch(m, &m->uplink_ready, EPOLLIN);
	m->uplink_end = (struct source) { .fd = sys_pidfd_open(m->uplink.pid, 0), .on = on_uplink_end };
	mon_watch(m, &m->uplink_end, EPOLLIN);
	return 0;
}

static uint64_t namespaces(const struct mon *m)
{
	uint64_t f = CLONE_NEWUSER | CLONE_NEWNS;

	if (!m->spec.host_pid)
		f |= CLONE_NEWPID;
	if (!m->spec.host_ipc)
		f |= CLONE_NEWIPC;
	if (!m->spec.host_uts)
		f |= CLONE_NEWUTS;
	if (m->spec.net != NET_HOST)
		f |= CLONE_NEWNET;
	return f;
}

static int mount_root(struct mon *m, struct err *e)
{
	struct driver_mount_spec spec = { .layers = m->c->layers,
					  .dirfd = m->dirfd,
					  .upper = "upper",
					  .work = "work",
					  .is_volatile = m->c->auto_remove,
					  .outer = &m->outer,
					  .shift = idmap_is_shifted(&m->inner) ? &m->inner : NULL };
	int r;

	if (m->rootfs >= 0) {
		m->root.fd = take_fd(&m->rootfs);
	} else if (m->c->rootfs) {
		m->root.fd = sys_open_tree(AT_FDCWD, m->c->rootfs, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
		if (m->root.fd < 0)
			return err_set(e, m->root.fd, "open root file system '%s'", m->c->rootfs);
	} else {
		r = driver_mount(m->driver, m->store, &spec, &m->root, e);
		if (r < 0)
			return r;
	}
	return fd_move_high(&m->root.fd, e);
}

static int spawn_container(struct mon *m, struct err *e)
{
	auto_plan struct plan_builder b;
	auto_spec_fds struct spec_fds fds = { 0 };
	auto_close int plan = -EBADF, theirs = -EBADF;
	int stdio[3] = { -1, -1, -1 }, pair[2] = { -EBADF, -EBADF }, r;
	struct spec_run run = { .config = m->c,
				.spec = &m->spec,
				.inner = &m->inner,
				.user = &m->user,
				.root_fd = m->root.fd,
				.dirfd = m->dirfd,
				.own_accounts = m->own_accounts,
				.seccomp = &m->seccomp,
				.trace_fd = -1 };

	r = io_open_streams(m, stdio, e);
	for (int i = 0; r == 0 && i < 3; i++) {
		if (stdio[i] < 0)
			continue;
		r = fd_move_high(&stdio[i], e);
		spec_fds_add(&fds, stdio[i]);
		run.stdio[i] = stdio[i];
	}
	for (int i = 0; i < 3; i++)
		run.stdio[i] = stdio[i];
	plan_begin(&b, PLAN_RUN);
	b.head.tty_rows = m->opts->rows;
	b.head.tty_cols = m->opts->cols;
	if (r == 0)
		r = spec_plan_run(&run, &b, &fds, e);
	spec_fds_add(&fds, take_fd(&m->root.fd));
	if (r == 0)
		r = plan_finish(&b, &plan, e);
	if (r == 0)
		r = fd_socketpair(SOCK_SEQPACKET, pair, e);
	if (r < 0)
		return r;
	theirs = pair[1];
	m->init_sock = (struct source) { .fd = pair[0], .on = on_init };
	m->join_flags = namespaces(m);
	trace_mark("plan");
	r = mon_spawn_init(m, m->join_flags, plan, theirs, &fds, &m->inner, &m->pid, &m->pidfd.fd, e);
	if (r < 0)
		return r;
	m->join_flags &= ~(uint64_t)CLONE_NEWPID;
	if (!m->spec.host_cgroupns)
		m->join_flags |= CLONE_NEWCGROUP;
	m->pidfd.on = on_end;
	trace_mark("container's namespaces");
	return 0;
}

static int open_log(struct mon *m, struct err *e)
{
	m->log = -EBADF;
	if (str_is_eq(m->c->log_driver, "none"))
		return 0;
	m->log = openat(m->dirfd, "log.json", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	return m->log < 0 ? err_set(e, errno, "open the container's log") : 0;
}

/* Ours is the container's and that of everything started in it later; an ordinary user can only raise it. */
static int set_oom_score(const struct mon *m, struct err *e)
{
	auto_close int fd = -EBADF;
	int64_t own = 0;
	char buf[24];
	ssize_t n;

	if (!m->c->has_oom_score_adj)
		return 0;
	fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	n = fd < 0 ? -errno : fd_read(fd, buf, sizeof(buf) - 1);
	if (n < 0)
		return err_set(e, (int)n, "open /proc/self/oom_score_adj");
	buf[n] = '\0';
	if (str_to_i64(str_trim(buf), &own) == 0 && own >= m->c->oom_score_adj)
		return 0; /* the command has said so at create */
	n = snprintf(buf, sizeof(buf), "%lld", (long long)m->c->oom_score_adj);
	n = fd_write_full(fd, buf, (size_t)n);
	return n < 0 ? err_set(e, (int)n, "set the OOM score to %s", buf) : 0;
}

static int take_lock(struct mon *m, struct err *e)
{
	auto_close int lock = openat(m->dirfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (lock < 0)
		return err_set(e, errno, "open the container's lock");
	r = fd_lock(lock, false);
	if (r == -EAGAIN && fd_lock_is_held(lock) == 0) /* somebody writes down how it ended (ctr_settle()) */
		r = fd_lock_wait(lock, false);
	if (r == -EAGAIN)
		return err_say(e, EBUSY, "container %.12s is already running", m->c->id);
	if (r < 0)
		return err_set(e, r, "lock the container");
	m->lock = take_fd(&lock);
	return 0;
}

/* What needs no id: done while newuidmap and newgidmap work. */
static int before_maps(struct mon *m, const struct mon_start *s, struct err *e)
{
	int r = 0;

	m->epoll = epoll_create1(EPOLL_CLOEXEC); /* first: without it nobody can be told what fails */
	if (m->epoll < 0)
		return err_set(e, errno, "create an epoll instance");
	m->lock = s->ctr->lock; /* run has it since it made the container; there is no moment without */
	if (m->lock < 0)
		r = take_lock(m, e);
	if (r < 0)
		return r;
	m->init_file = s->init_file;
	m->rootfs = s->rootfs;
	r = make_init_exe(m, e);
	if (r == 0)
		r = open_log(m, e);
	return r == 0 ? set_oom_score(m, e) : r;
}

/* The same folders once more, through level A's own mounts: overlay takes no others. */
static int reopen(struct mon *m, struct err *e)
{
	auto_free char *path = xasprintf("containers/%s", m->c->id);
	int fd = -EBADF, r = store_reopen(m->store, e);

	if (r == 0)
		r = fs_open_dir(store_fd(m->store), path, &fd, e);
	if (r < 0)
		return r;
	close(m->dirfd);
	m->dirfd = fd;
	return 0;
}

/* Numbers as the host sees them: /proc is the host's, whose "self" is what it calls us. */
static void fill_state(struct mon *m)
{
	auto_free char *self = NULL;
	struct ctr_state *s = &m->state;

	*s = (struct ctr_state) { .status = CTR_RUNNING, .started_ns = time_now() };
	s->pid = proc_pidfd_to_pid(m->pidfd.fd);
	if (s->pid > 0)
		proc_start_time((pid_t)s->pid, (uint64_t *)&s->pid_start);
	if (fs_readlink(AT_FDCWD, "/proc/self", &self, NULL) == 0 && str_to_i64(self, &s->monitor_pid) == 0)
		proc_start_time((pid_t)s->monitor_pid, (uint64_t *)&s->monitor_start);
}

static int find_user(struct mon *m, struct err *e)
{
	const char *home = str_is_empty(m->c->cwd) ? "/" : m->c->cwd;
	int r;

	m->default_user = spec_default_user(m->c, &m->inner);
	r = spec_user(m->root.fd, m->c->user ? m->c->user : m->default_user, m->c->groups, &m->user, e);
	if (r == 0)
		r = spec_check_user(&m->inner, &m->user, e);
	if (r < 0 || !m->default_user || m->c->user || !m->spec.caller)
		return r;
	r = spec_add_account(m->root.fd, m->dirfd, m->spec.caller, home, &m->user, e);
	if (r > 0) {
		m->own_accounts = true;
		m->user.name = xstrdup(m->spec.caller);
		m->user.home = xstrdup(home);
	}
	return r < 0 ? r : 0;
}

/*
 * With keep-id the container's user is us, whom files that we make belong to: /etc/passwd and the others are the
 * container's root's all the same.
 */
static int give_files_to_root(const struct mon *m, struct err *e)
{
	static const char *const files[] = { "hostname", "hosts", "resolv.conf", "passwd", "group" };
	uint32_t uid = 0, gid = 0;

	idmap_to_outside(m->inner.uid, m->inner.n_uid, 0, &uid);
	idmap_to_outside(m->inner.gid, m->inner.n_gid, 0, &gid);
	for (size_t i = 0; (uid || gid) && i < (m->own_accounts ? 5 : 3); i++)
		if (fchownat(m->dirfd, files[i], uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
			return err_set(e, errno, "give '%s' to the container's root", files[i]);
	return 0;
}

static void on_stop_late(struct mon *m, struct source *s, uint32_t events)
{
	(void)events;
	mon_unwatch(m, s);
	sys_pidfd_send_signal(m->pidfd.fd, SIGKILL);
}

/* SIGTERM: the host goes down, or the user's session. What `skiff stop` does; else both would wait for us in vain. */
static void on_stop(struct mon *m, struct source *s, uint32_t events)
{
	struct itimerspec at = { .it_value.tv_sec = m->c->stop_timeout, .it_value.tv_nsec = 1 };
	int sig = m->c->stop_signal ? signal_parse(m->c->stop_signal, NULL) : SIGTERM;

	(void)events;
	mon_unwatch(m, s);
	sys_pidfd_send_signal(m->pidfd.fd, sig > 0 ? sig : SIGTERM);
	if (m->c->stop_timeout < 0)
		return;
	m->stop_late = (struct source) { .fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), .on = on_stop_late };
	if (m->stop_late.fd < 0 || timerfd_settime(m->stop_late.fd, 0, &at, NULL) < 0)
		sys_pidfd_send_signal(m->pidfd.fd, SIGKILL);
	else
		mon_watch(m, &m->stop_late, EPOLLIN);
}

static void watch_stop(struct mon *m)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	m->stop = (struct source) { .fd = signalfd(-1, &mask, SFD_CLOEXEC), .on = on_stop };
	mon_watch(m, &m->stop, EPOLLIN);
}

static int set_up(struct mon *m, struct err *e)
{
	int r = reopen(m, e);

	if (r == 0)
		r = mount_root(m, e);
	trace_mark("root file system");
	if (r == 0)
		r = find_user(m, e);
	if (r == 0)
		r = spec_write_files(m->c, &m->spec, m->dirfd, e);
	if (r == 0)
		r = give_files_to_root(m, e);
	if (r == 0)
		r = spawn_container(m, e);
	if (r < 0)
		return r;
	fill_state(m);
	r = start_network(m, e);
	if (r < 0)
		return r;
	write_state(m);
	clients_listen(m);
	mon_watch(m, &m->init_sock, EPOLLIN);
	mon_watch(m, &m->pidfd, EPOLLIN);
	watch_stop(m);
	io_watch_streams(m);
	trace_mark("monitor set up");
	return 0;
}

static void loop(struct mon *m)
{
	struct epoll_event ev[16];

	while (!m->exited) {
		int n = epoll_wait(m->epoll, ev, 16, -1);

		if (n < 0 && errno != EINTR)
			break;
		for (int i = 0; i < n; i++) {
			struct source *s = ev[i].data.ptr;

			if (s->fd >= 0 && s->on) /* not closed by an earlier one of this batch */
				s->on(m, s, ev[i].events);
		}
	}
}

/*
 * A pid namespace of its own ends with its first process. Where the container has none, what it leaves becomes our
 * child (we are a subreaper), until none is left.
 */
static void kill_orphans(void)
{
	size_t n = 1;

	while (n) {
		auto_free pid_t *pids = NULL;

		n = proc_children(&pids);
		for (size_t i = 0; i < n; i++)
			kill(pids[i], SIGKILL);
		for (size_t i = 0; i < n; i++)
			proc_wait(pids[i]);
	}
}

/*
 * And when the monitor is killed, they become the guard's, which is its parent and has nothing else to do. It has none
 * of our descriptors: what the lock and the sockets tell others must not depend on it.
 */
static int fork_below_guard(struct err *e)
{
	pid_t pid;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid = fork();
	if (pid < 0)
		return err_set(e, errno, "fork the monitor");
	if (pid == 0) {
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
		return 0;
	}
	prctl(PR_SET_NAME, "skiff-guard");
	sys_close_range(0, ~0U, 0);
	proc_wait(pid);
	kill_orphans();
	_exit(0);
}

/* It ends by itself when the container's mount of it is gone. */
static void end_helper(pid_t pid)
{
	auto_close int pidfd = sys_pidfd_open(pid, 0);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	if (pidfd >= 0 && poll(&p, 1, HELPER_PATIENCE_MS) <= 0)
		kill(pid, SIGKILL);
	proc_wait(pid);
}

/*
 * The order is what others rely on: whoever is told of the end finds the state written or the container removed, its
 * name, ports and lock free. Only then does anything wait for a client that reads slowly.
 */
static void clean_up(struct mon *m)
{
	struct err e = { 0 };

	exec_end_all(m);
	if (m->c->ports || m->spec.host_pid)
		uplink_stop(&m->uplink); /* else later: nobody waits for it */
	fd_closep(&m->root.fd);
	if (m->root.helper > 0)
		end_helper(m->root.helper);
	if (m->spec.host_pid)
		kill_orphans();
	io_drain(m);
	io_log_flush(m);
	if (m->listen.fd >= 0) {
		unlink(m->socket_path);
		mon_unwatch(m, &m->listen);
		fd_closep(&m->listen.fd);
	}
	if (m->c->ports)
		unlink(m->api_path);
	m->state.status = m->started ? CTR_EXITED : CTR_CREATED;
	m->state.pid = m->state.monitor_pid = 0;
	strv_freep(&m->state.ports);
	m->state.exit_code = m->exit_code;
	m->state.finished_ns = time_now();
	if (!m->c->auto_remove) {
		write_state(m);
		fd_closep(&m->lock);
	} else if (ctr_discard(m->store, m->c, &e) < 0) {
		log_err("container %.12s: %s", m->c->id, e.msg);
	}
	clients_broadcast_end(m);
	trace_mark("told everybody");
	uplink_stop(&m->uplink);
	if (m->c->auto_remove && ctr_discard_finish(m->store, m->c, &e) < 0)
		log_err("container %.12s: %s", m->c->id, e.msg);
	fd_closep(&m->lock); /* until here it told the store that somebody works in the trash */
	clients_finish(m);
}

/* Descriptors that the caller's parents left open are not ours to keep: ours are all close-on-exec. */
static void close_inherited(void)
{
	auto_strv char **all = NULL;

	if (fs_list_dir(AT_FDCWD, "/proc/self/fd", &all, NULL) < 0)
		return;
	for (char **p = all; p && *p; p++) {
		uint32_t fd;
		int fl;

		if (str_to_u32(*p, &fd) < 0 || fd <= STDERR_FILENO)
			continue;
		fl = fcntl((int)fd, F_GETFD);
		if (fl >= 0 && !(fl & FD_CLOEXEC))
			close((int)fd);
	}
}

static void detach(struct mon *m)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), out = -EBADF;
	sigset_t mask;

	setsid();
	close_inherited();
	if (!m->c->auto_remove)
		out = openat(m->dirfd, "monitor.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	for (int i = 0; i < 3; i++)
		dup2(i == 2 && out >= 0 ? out : null, i);
	close(null);
	fd_closep(&out);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, sig == SIGCHLD ? SIG_DFL : SIG_IGN);
	/* Ignored and blocked: it waits for watch_stop(), and helpers, whose mask is empty, ignore it. */
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	umask(0);
	if (chdir("/") < 0)
		log_debug("cannot enter /");
	prctl(PR_SET_NAME, "skiff-monitor");
}

/**
 * monitor_run() - Be the monitor
 * @s:	What the starting command has prepared
 *
 * Return: exit status of this process
 */
int monitor_run(const struct mon_start *s)
{
	static struct mon mon; /* zero, and off the stack */
	struct mon *m = &mon;
	struct err e = { 0 };
	char c;
	int r;

	*m = (struct mon) { .store = s->ctr->store,
			    .c = &s->ctr->config,
			    .opts = s->opts,
			    .driver = s->driver,
			    .spec = *s->spec,
			    .outer = *s->outer,
			    .inner = *s->inner,
			    .dirfd = s->ctr->dirfd,
			    .seccomp = *s->seccomp };
	m->lock = m->epoll = m->init_file = m->rootfs = m->init_exe = m->log = m->root.fd = m->pidfd.fd =
		m->init_sock.fd = m->listen.fd = -EBADF;
	m->uplink.ready_fd = m->uplink.exit_fd = m->out.src.fd = m->err.src.fd = m->in.fd = m->uplink_ready.fd =
		m->uplink_end.fd = m->stop.fd = m->stop_late.fd = -EBADF;
	memcpy(m->socket_path, s->socket_path, sizeof(m->socket_path));
	memcpy(m->api_path, s->api_path, sizeof(m->api_path));
	for (size_t i = 0; i < MON_MAX_CLIENTS; i++)
		m->clients[i].src.fd = -EBADF;
	detach(m);
	r = before_maps(m, s, &e);
	if (m->epoll >= 0)
		clients_add(m, s->sock, s->opts->attach);
	trace_mark("monitor prepared");
	if (fd_read(s->go, &c, 1) != 1)
		return 125; /* the maps failed; the command says so */
	if (r == 0)
		r = userns_become(&m->outer, 0, 0, &e);
	if (r == 0 && m->spec.host_pid)
		r = fork_below_guard(&e);
	trace_mark("id maps");
	if (r == 0)
		r = set_up(m, &e);
	if (r < 0) {
		m->failed = false;
		mon_fail(m, 125, &e);
		m->exited = true;
		if (m->pid > 0)
			proc_wait(m->pid);
		if (m->lock < 0) { /* another monitor's: nothing to clean up */
			clients_broadcast_end(m);
			clients_finish(m);
			return 125;
		}
	} else {
		loop(m);
	}
	clean_up(m);
	return 0;
}
