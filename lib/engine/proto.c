/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/engine/proto.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"

/**
 * proto_send() - Send one packet
 * @fd:		Socket
 * @type:	Packet's type
 * @arg:	Its argument
 * @data:	Its data
 * @len:	How much, at most PROTO_DATA_MAX
 * @fds:	Descriptors to pass
 * @n_fds:	How many
 *
 * Return: 0 or negative errno; -EAGAIN when the socket is non-blocking and full
 */
int proto_send(int fd, enum proto_type type, uint32_t arg, const void *data, size_t len, const int *fds, size_t n_fds)
{
	char buf[sizeof(struct proto_head) + PROTO_DATA_MAX];
	struct proto_head h = { type, arg };
	ssize_t n;

	if (len > PROTO_DATA_MAX)
		return -E2BIG;
	memcpy(buf, &h, sizeof(h));
	if (len)
		memcpy(buf + sizeof(h), data, len);
	n = fd_send(fd, buf, sizeof(h) + len, fds, n_fds, 0);
	return n < 0 ? (int)n : 0;
}

long proto_recv(int fd, struct proto_head *ret, void *buf, int *fds, size_t max_fds, size_t *ret_n_fds, int flags)
{
	char packet[sizeof(struct proto_head) + PROTO_DATA_MAX];
	ssize_t n = fd_recv(fd, packet, sizeof(packet), fds, max_fds, ret_n_fds, flags);

	if (n < 0)
		return n;
	if (n < (ssize_t)sizeof(*ret))
		return -EPIPE;
	memcpy(ret, packet, sizeof(*ret));
	n -= (ssize_t)sizeof(*ret);
	if (n)
		memcpy(buf, packet + sizeof(*ret), (size_t)n);
	return n;
}

/**
 * proto_connect() - Connect to a monitor
 * @path:	Its socket
 * @ret_fd:	Connected socket
 * @e:		Failure
 *
 * Return: 0, -ENOENT or -ECONNREFUSED when no monitor is there, or another negative errno
 */
int proto_connect(const char *path, int *ret_fd, struct err *e)
{
	auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (fd < 0)
		return err_set(e, errno, "open a socket");
	if ((size_t)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path) >= sizeof(a.sun_path))
		return err_set(e, ENAMETOOLONG, "socket '%s'", path);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return err_set(e, errno, "connect to the container's monitor");
	*ret_fd = take_fd(&fd);
	return 0;
}

bool proto_queue_is_empty(const struct proto_queue *q)
{
	return q->at == q->b.len;
}

int proto_queue_send(struct proto_queue *q, int fd, enum proto_type type, uint32_t arg, const void *data, size_t len)
{
	struct proto_head h = { type, arg };
	uint32_t size = (uint32_t)(sizeof(h) + len);
	int r = proto_queue_is_empty(q) ? proto_send(fd, type, arg, data, len, NULL, 0) : -EAGAIN;

	if (r != -EAGAIN)
		return r;
	sbuf_add(&q->b, &size, sizeof(size));
	sbuf_add(&q->b, &h, sizeof(h));
	if (len)
		sbuf_add(&q->b, data, len);
	return 0;
}

int proto_queue_flush(struct proto_queue *q, int fd)
{
	while (!proto_queue_is_empty(q)) {
		uint32_t size;
		ssize_t n;

		memcpy(&size, q->b.p + q->at, sizeof(size));
		n = fd_send(fd, q->b.p + q->at + sizeof(size), size, NULL, 0, 0);
		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return (int)n;
		q->at += sizeof(size) + size;
	}
	sbuf_done(&q->b); /* not kept: a monitor is small while nothing waits */
	q->at = 0;
	return 0;
}

/**
 * proto_queue_done() - Release what waits
 * @q:	The queue
 */
void proto_queue_done(struct proto_queue *q)
{
	sbuf_done(&q->b);
	q->at = 0;
}
