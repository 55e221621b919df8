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
