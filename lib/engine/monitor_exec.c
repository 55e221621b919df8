/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec: one more process in the container. It is a child of the monitor, in level A, and joins the container's
 * namespaces as skiff-init: so it dies with the container, its ids can be emulated, and nothing of the host is ever its
 * executable. Without a terminal it has the client's own descriptors: no data passes through here. With one, skiff-init
 * allocates a pty in the container and its master goes to the client.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/proc.h"
#include "lib/base/sys.h"
#include "lib/engine/monitor_int.h"
#include "lib/runtime/caps.h"

#define EXEC_MAX_STRINGS 65536
#define EXEC_MAX_BYTES	 (8U << 20) /* the kernel takes 6 MB */

/**
 * struct request - a decoded PROTO_EXEC
 * @head:	fixed part
 * @user:	"" means the container's
 * @cwd:	"" means the container's
 * @argv:	borrowed strings
 * @env:	borrowed strings
 */
struct request {
	struct proto_exec head;
	const char *user, *cwd;
	char **argv, **env;
};

static char *next_string(char **p, const char *end)
{
	char *s = *p, *nul = s < end ? memchr(s, '\0', (size_t)(end - s)) : NULL;

	if (!nul)
		return NULL;
	*p = nul + 1;
	return s;
}

static int decode(char *data, size_t len, struct request *r)
{
	char *p = data + sizeof(r->head), *end = data + len;

	if (len < sizeof(r->head))
		return -EINVAL;
	memcpy(&r->head, data, sizeof(r->head));
	if (r->head.n_argv == 0 || r->head.n_argv > EXEC_MAX_STRINGS || r->head.n_env > EXEC_MAX_STRINGS)
		return -EINVAL;
	r->user = next_string(&p, end);
	r->cwd = r->user ? next_string(&p, end) : NULL;
	if (!r->cwd)
		return -EINVAL;
	r->argv = xcalloc(r->head.n_argv + 1U, sizeof(char *));
	r->env = xcalloc(r->head.n_env + 1U, sizeof(char *));
	for (uint32_t i = 0; i < r->head.n_argv + r->head.n_env; i++) {
		char *s = next_string(&p, end);

		if (!s)
			return -EINVAL;
		if (i < r->head.n_argv)
			r->argv[i] = s;
		else
			r->env[i - r->head.n_argv] = s;
	}
	return 0;
}

static const char *path_of(char *const *env)
{
	const char *path = NULL;

	for (; env && *env; env++)
		if (str_has_prefix(*env, "PATH="))
			path = *env + 5;
	return path;
}

static int build_plan(struct mon *m, const struct request *q, const int stdio[3], const struct run_user *u, int *ret_fd,
		      struct err *e)
{
	auto_plan struct plan_builder b;
	struct spec spec = m->spec;
	auto_seccomp_prog struct seccomp_prog none = { 0 };
	bool priv = q->head.flags & PROTO_X_PRIVILEGED;
	struct spec_run run = { .config = m->c,
				.spec = &spec,
				.inner = &m->inner,
				.user = u,
				.trace_fd = -1,
				.seccomp = priv ? &none : &m->seccomp,
				.stdio = { stdio[0], stdio[1], stdio[2] } };
	auto_strv char **env = spec_env(m->c, u, q->env, q->head.flags & PROTO_X_TTY);

	if (priv)
		spec.caps = caps_of_kernel();
	plan_begin(&b, PLAN_EXEC);
	b.head.join_pidfd = m->pidfd.fd;
	b.head.join_flags = (uint32_t)m->join_flags;
	b.head.tty_rows = q->head.rows;
	b.head.tty_cols = q->head.cols;
	if (q->head.flags & PROTO_X_TTY)
		b.head.flags |= PLAN_F_TTY;
	spec_plan_identity(&run, &b);
	b.head.argv = plan_add_strv(&b, q->argv);
	b.head.env = plan_add_strv(&b, env);
	b.head.exec_path = plan_add_str(&b, path_of(env));
	b.head.cwd = plan_add_str(&b, *q->cwd ? q->cwd : str_is_empty(m->c->cwd) ? "/" : m->c->cwd);
	return plan_finish(&b, ret_fd, e);
}

static void unlink_exec(struct mon *m, struct exec *x)
{
	struct exec **p = &m->execs;

	while (*p && *p != x)
		p = &(*p)->next;
	if (*p)
		*p = x->next;
	mon_unwatch(m, &x->sock);
	mon_unwatch(m, &x->pidfd);
	fd_closep(&x->sock.fd);
	fd_closep(&x->pidfd.fd);
	fd_closep(&x->pty);
	free(x);
}

/* It has ended, and its socket is read to the end: tell the client how. */
static void finish_exec(struct mon *m, struct exec *x)
{
	if (!x->ended || x->sock.fd >= 0)
		return;
	if (x->client) {
		x->client->exec = NULL;
		clients_send(m, x->client, PROTO_EXIT, (uint32_t)x->exit_code, NULL, 0);
	}
	unlink_exec(m, x);
}

/**
 * exec_end_all() - The container has ended: what was started in it ends too, and whoever waits for it is told
 * @m:	Monitor
 */
void exec_end_all(struct mon *m)
{
	while (m->execs) {
		struct exec *x = m->execs;

		mon_unwatch(m, &x->sock);
		fd_closep(&x->sock.fd);
		if (!x->ended) {
			int code;

			/* Dead already, but where the pid namespace is not the container's own. */
			sys_pidfd_send_signal(x->pidfd.fd, SIGKILL);
			code = proc_wait(x->pid);
			x->ended = true;
			x->exit_code = code < 0 ? 255 : code;
		}
		finish_exec(m, x);
	}
}

static void exec_running(struct mon *m, struct exec *x)
{
	x->started = true;
	if (x->client)
		clients_send_fd(m, x->client, PROTO_EXEC_STARTED, (uint32_t)proc_pidfd_to_pid(x->pidfd.fd), x->pty);
	fd_closep(&x->pty);
}

static void on_exec_sock(struct mon *m, struct source *s, uint32_t events)
{
	struct exec *x = (struct exec *)((char *)s - offsetof(struct exec, sock));
	struct plan_msg_error msg;
	int fd = -EBADF;
	size_t n_fds = 0;
	ssize_t n = fd_recv(s->fd, &msg, sizeof(msg), &fd, 1, &n_fds, MSG_DONTWAIT);

	(void)events;
	if (n == -EAGAIN)
		return;
	if (n >= (ssize_t)sizeof(msg.type) && msg.type == PLAN_MSG_PTY && n_fds == 1) {
		x->pty = fd;
		return;
	}
	if (n >= (ssize_t)sizeof(msg.type) && msg.type == PLAN_MSG_LISTENER && n_fds == 1) {
		mon_add_ids(m, fd);
		return;
	}
	if (n == (ssize_t)sizeof(msg) && msg.type == PLAN_MSG_ERROR) {
		msg.msg[sizeof(msg.msg) - 1] = '\0';
		if (x->client) {
			clients_error(m, x->client, msg.exit_code, msg.msg);
			if (x->client)
				x->client->exec = NULL;
			x->client = NULL;
		}
	} else if (!x->started && x->client) {
		exec_running(m, x);
	}
	mon_unwatch(m, &x->sock);
	fd_closep(&x->sock.fd);
	finish_exec(m, x);
}

static void on_exec_end(struct mon *m, struct source *s, uint32_t events)
{
	struct exec *x = (struct exec *)((char *)s - offsetof(struct exec, pidfd));
	int code = proc_wait(x->pid);

	(void)events;
	x->ended = true;
	x->exit_code = code < 0 ? 255 : code;
	mon_unwatch(m, &x->pidfd);
	finish_exec(m, x);
}

static int fork_exec(struct mon *m, struct exec *x, int plan, int sock, const struct spec_fds *fds, struct err *e)
{
	auto_close int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	bool join = !m->spec.host_pid;
	int r;

	/* Children of ours are born in the container's pid namespace until we say otherwise. */
	r = own < 0 ? -errno : join ? sys_setns(m->pidfd.fd, CLONE_NEWPID) : 0;
	if (r < 0)
		return err_set(e, r, "join the container's pid namespace");
	r = mon_spawn_init(m, 0, plan, sock, fds, NULL, &x->pid, &x->pidfd.fd, e);
	if (join && sys_setns(own, CLONE_NEWPID) < 0)
		_exit(125); /* every later child would be in the wrong namespace */
	return r;
}

static int launch(struct mon *m, struct client *c, const struct request *q, const int stdio[3], struct err *e)
{
	auto_user struct run_user u = { 0 };
	auto_close int plan = -EBADF, theirs = -EBADF;
	auto_spec_fds struct spec_fds fds = { 0 };
	struct exec *x;
	int pair[2] = { -EBADF, -EBADF }, r;

	if (m->exited || !m->started)
		return err_say(e, ESRCH, "container %.12s is not running", m->c->id);
	r = spec_user_in(m->pidfd.fd,
			 *q->user     ? q->user
			 : m->c->user ? m->c->user
				      : m->default_user,
			 m->c->groups, &u, e);
	if (r == 0)
		r = spec_check_user(&m->inner, &u, e);
	if (r == 0)
		r = build_plan(m, q, stdio, &u, &plan, e);
	if (r == 0)
		r = fd_socketpair(SOCK_SEQPACKET, pair, e);
	if (r < 0)
		return r;
	theirs = pair[1];
	x = xcalloc(1, sizeof(*x));
	*x = (struct exec) {
		.client = c, .pidfd = { .fd = -EBADF }, .sock = { .fd = pair[0] }, .pty = -EBADF, .flags = q->head.flags
	};
	for (int i = 0; i < 3; i++)
		if (stdio[i] >= 0)
			spec_fds_add(&fds, stdio[i]);
	spec_fds_add(&fds, m->pidfd.fd);
	r = fork_exec(m, x, plan, theirs, &fds, e);
	free(take_ptr(&fds.v)); /* they are not ours to close */
	fds.n = 0;
	x->next = m->execs;
	m->execs = x;
	if (r < 0) {
		unlink_exec(m, x);
		return r;
	}
	c->exec = x;
	x->sock.on = on_exec_sock;
	x->pidfd.on = on_exec_end;
	mon_watch(m, &x->sock, EPOLLIN);
	mon_watch(m, &x->pidfd, EPOLLIN);
	return 0;
}

/**
 * exec_start() - A client asks for a process
 * @m:		Monitor
 * @c:		Client
 * @data:	The request
 * @len:	Its length
 * @fds:	stdin, stdout, stderr; or none for a terminal, or for /dev/null
 * @n_fds:	How many
 */
void exec_start(struct mon *m, struct client *c, const void *data, size_t len, int *fds, size_t n_fds)
{
	struct request q = { 0 };
	struct err e = { 0 };
	auto_free char *copy = xmalloc(len);
	int stdio[3] = { -1, -1, -1 };
	int r = 0;

	memcpy(copy, data, len);
	for (size_t i = 0; i < 3 && i < n_fds; i++) {
		if (fd_move_high(&fds[i], &e) < 0)
			r = -EMFILE;
		stdio[i] = fds[i];
	}
	if (r == 0)
		r = decode(copy, len, &q);
	if (r < 0 || c->exec)
		r = err_say(&e, EINVAL, "malformed request");
	else
		r = launch(m, c, &q, stdio, &e);
	if (r < 0)
		clients_error(m, c, 125, e.msg);
	free(q.argv);
	free(q.env);
}

/**
 * exec_start_file() - A client asks for a process with very long arguments
 * @m:		Monitor
 * @c:		Client
 * @fds:	As for exec_start(), and a memory file with the request
 * @n_fds:	How many
 */
void exec_start_file(struct mon *m, struct client *c, int *fds, size_t n_fds)
{
	auto_free char *data = NULL;
	size_t len = 0;

	if (n_fds == 0 || lseek(fds[n_fds - 1], 0, SEEK_SET) < 0 ||
	    fs_read_regular(fds[n_fds - 1], EXEC_MAX_BYTES, &data, &len) < 0)
		clients_error(m, c, 125, "malformed request");
	else
		exec_start(m, c, data, len, fds, n_fds - 1);
}

/**
 * exec_forget_client() - Whoever started a process has gone: it goes on
 * @m:	Monitor
 * @c:	Client
 */
void exec_forget_client(struct mon *m, struct client *c)
{
	(void)m;
	if (c->exec)
		c->exec->client = NULL;
	c->exec = NULL;
}
