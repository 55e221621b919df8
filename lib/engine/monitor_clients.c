/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/sys.h"
#include "lib/engine/monitor_int.h"

#define QUEUE_MAX (64U << 20) /* who asks and never reads the answers */

static void watch(struct mon *m, struct client *c)
{
	mon_watch(m, &c->src, EPOLLIN | (proto_queue_is_empty(&c->queue) ? 0 : EPOLLOUT));
}

/* Only who reads the container's output holds it back. */
static void count_behind(struct mon *m, struct client *c)
{
	bool behind = c->attach & (PROTO_A_STDOUT | PROTO_A_STDERR) && !proto_queue_is_empty(&c->queue);

	if (behind == c->behind)
		return;
	c->behind = behind;
	m->blocked += behind ? 1U : -1U;
	io_watch_streams(m);
}

/**
 * clients_drop() - End a connection
 * @m:	Monitor
 * @c:	Client
 */
void clients_drop(struct mon *m, struct client *c)
{
	bool fed = c->attach & PROTO_A_STDIN;

	if (!c->used)
		return;
	if (c->exec)
		exec_forget_client(m, c);
	mon_unwatch(m, &c->src);
	fd_closep(&c->src.fd);
	proto_queue_done(&c->queue);
	count_behind(m, c);
	*c = (struct client) { .src = { .fd = -EBADF } };
	if (fed && m->c->stdin_once && !m->c->tty)
		io_stdin_eof(m);
}

/**
 * clients_send() - Send a packet, or keep it until the socket takes it
 * @m:		Monitor
 * @c:		Client; dropped when it is gone
 * @type:	Packet's type
 * @arg:	Its argument
 * @data:	Its data
 * @len:	How much
 *
 * Return: whether the client is still there
 */
bool clients_send(struct mon *m, struct client *c, enum proto_type type, uint32_t arg, const void *data, size_t len)
{
	if (proto_queue_send(&c->queue, c->src.fd, type, arg, data, len) < 0 || c->queue.b.len > QUEUE_MAX) {
		clients_drop(m, c);
		return false;
	}
	if (!proto_queue_is_empty(&c->queue)) {
		watch(m, c);
		count_behind(m, c);
	}
	return true;
}

/**
 * clients_send_fd() - Send a packet with a descriptor
 * @m:		Monitor
 * @c:		Client
 * @type:	Packet's type
 * @arg:	Its argument
 * @fd:		Descriptor, or negative for none
 */
void clients_send_fd(struct mon *m, struct client *c, enum proto_type type, uint32_t arg, int fd)
{
	if (proto_send(c->src.fd, type, arg, NULL, 0, &fd, fd >= 0) < 0)
		clients_drop(m, c);
}

/**
 * clients_error() - Tell a client what failed
 * @m:		Monitor
 * @c:		Client
 * @exit_code:	What it should exit with
 * @msg:	Sentence
 */
void clients_error(struct mon *m, struct client *c, int exit_code, const char *msg)
{
	clients_send(m, c, PROTO_ERROR, (uint32_t)exit_code, msg, strlen(msg));
}

/**
 * clients_output() - Pass output on to every attached client
 * @m:		Monitor
 * @type:	PROTO_STDOUT or PROTO_STDERR
 * @data:	Bytes
 * @len:	How many
 */
void clients_output(struct mon *m, enum proto_type type, const void *data, size_t len)
{
	uint32_t want = type == PROTO_STDOUT ? PROTO_A_STDOUT : PROTO_A_STDERR;

	for (size_t i = 0; i < MON_MAX_CLIENTS; i++)
		if (m->clients[i].used && m->clients[i].attach & want)
			clients_send(m, &m->clients[i], type, 0, data, len);
}

/**
 * clients_broadcast_end() - The last word to everybody who waits
 * @m:	Monitor
 */
void clients_broadcast_end(struct mon *m)
{
	for (size_t i = 0; i < MON_MAX_CLIENTS; i++) {
		struct client *c = &m->clients[i];

		if (!c->used)
			continue;
		if (m->failed)
			clients_error(m, c, m->exit_code, m->state.error);
		else if (c->wants_exit || c->attach)
			clients_send(m, c, PROTO_EXIT, (uint32_t)m->exit_code, NULL, 0);
	}
}

static void signal_container(struct mon *m, struct client *c, int sig)
{
	int r = sys_pidfd_send_signal(m->pidfd.fd, sig);

	if (r < 0)
		clients_error(m, c, 1, r == -ESRCH ? "the container has ended" : "cannot signal the container");
	else
		clients_send(m, c, PROTO_OK, 0, NULL, 0);
}

static void resize(struct mon *m, struct client *c, uint32_t arg)
{
	struct winsize ws = { .ws_row = (unsigned short)(arg >> 16), .ws_col = (unsigned short)arg };

	if (!c->exec && m->c->tty && m->in_open) /* an exec's client has the pty itself */
		ioctl(m->in.fd, TIOCSWINSZ, &ws);
}

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fd_closep(&fds[i]);
}

static void packet(struct mon *m, struct client *c, const struct proto_head *h, const void *data, size_t len, int *fds,
		   size_t n_fds)
{
	switch (h->type) {
	case PROTO_ATTACH:
		c->attach = h->arg & (PROTO_A_STDIN | PROTO_A_STDOUT | PROTO_A_STDERR);
		c->wants_exit = true;
		clients_send(m, c, PROTO_OK, 0, NULL, 0);
		break;
	case PROTO_STDIN:
		c->stdin_unacked += len;
		io_stdin(m, data, len);
		break;
	case PROTO_STDIN_EOF:
		io_stdin_eof(m);
		break;
	case PROTO_RESIZE:
		resize(m, c, h->arg);
		break;
	case PROTO_SIGNAL:
		signal_container(m, c, (int)h->arg);
		break;
	case PROTO_EXEC:
		exec_start(m, c, data, len, fds, n_fds);
		break;
	case PROTO_EXEC_FILE:
		exec_start_file(m, c, fds, n_fds);
		break;
	case PROTO_WAIT:
		c->wants_exit = true;
		break;
	case PROTO_PING:
		clients_send(m, c, PROTO_OK, 0, NULL, 0);
		break;
	default:
		break;
	}
	close_all(fds, n_fds);
}

static void on_client(struct mon *m, struct source *s, uint32_t events)
{
	static char buf[PROTO_DATA_MAX];
	struct client *c = (struct client *)s; /* its first member */
	int fds[FD_MAX_PASSED];
	struct proto_head h;
	size_t n_fds = 0;
	long n;

	if (!proto_queue_is_empty(&c->queue) && events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
		if (proto_queue_flush(&c->queue, s->fd) < 0) {
			clients_drop(m, c);
			return;
		}
		watch(m, c);
		count_behind(m, c);
	}
	if (!(events & ~(uint32_t)EPOLLOUT))
		return;
	n = proto_recv(s->fd, &h, buf, fds, FD_MAX_PASSED, &n_fds, MSG_DONTWAIT);
	if (n == -EAGAIN)
		return;
	if (n < 0) {
		close_all(fds, n_fds);
		clients_drop(m, c);
		return;
	}
	packet(m, c, &h, buf, (size_t)n, fds, n_fds);
}

/**
 * clients_add() - Take a connection on
 * @m:		Monitor
 * @fd:		Socket; owned from now on
 * @attach:	PROTO_A_*: attached from the start
 */
void clients_add(struct mon *m, int fd, uint32_t attach)
{
	for (size_t i = 0; i < MON_MAX_CLIENTS; i++) {
		struct client *c = &m->clients[i];

		if (c->used)
			continue;
		*c = (struct client) {
			.src = { .fd = fd, .on = on_client }, .used = true, .attach = attach, .wants_exit = attach != 0
		};
		fd_set_nonblock(fd, true);
		mon_watch(m, &c->src, EPOLLIN);
		return;
	}
	close(fd);
}

void clients_ack_stdin(struct mon *m)
{
	for (size_t i = 0; i < MON_MAX_CLIENTS; i++) {
		struct client *c = &m->clients[i];
		uint32_t n = (uint32_t)c->stdin_unacked;

		c->stdin_unacked = 0;
		if (c->used && n)
			clients_send(m, c, PROTO_STDIN_ACK, n, NULL, 0);
	}
}

void clients_finish(struct mon *m)
{
	for (;;) {
		struct epoll_event ev[16];
		bool waiting = false;
		int n;

		for (size_t i = 0; i < MON_MAX_CLIENTS; i++) {
			if (m->clients[i].used && proto_queue_is_empty(&m->clients[i].queue))
				clients_drop(m, &m->clients[i]);
			waiting = waiting || m->clients[i].used;
		}
		if (!waiting)
			return;
		n = epoll_wait(m->epoll, ev, 16, -1);
		if (n < 0 && errno != EINTR)
			return;
		for (int i = 0; i < n; i++) {
			struct source *s = ev[i].data.ptr;

			if (s->fd >= 0 && s->on == on_client)
				on_client(m, s, ev[i].events);
			else
				mon_unwatch(m, s);
		}
	}
}

static void on_listen(struct mon *m, struct source *s, uint32_t events)
{
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd >= 0)
		clients_add(m, fd, 0);
}

/**
 * clients_listen() - Open the path socket, in a folder that is ours alone
 * @m:	Monitor
 *
 * Without it the container runs all the same; other commands then cannot reach it, and say so.
 */
void clients_listen(struct mon *m)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", m->socket_path);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		if (errno == EADDRINUSE) { /* left by a killed predecessor: we hold the container's lock */
			unlink(m->socket_path);
			if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
				goto bound;
		}
		log_warn("listen on '%s': %s", m->socket_path, strerrordesc_np(errno));
		close(fd);
		return;
	}
bound:
	if (listen(fd, 64) < 0) {
		close(fd);
		return;
	}
	m->listen = (struct source) { .fd = fd, .on = on_listen };
	mon_watch(m, &m->listen, EPOLLIN);
}
