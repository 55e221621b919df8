/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif
#ifndef MFD_EXEC
#define MFD_EXEC	0x10U
#define MFD_NOEXEC_SEAL 0x8U
#endif

/**
 * fd_read() - read(2) that does not stop for signals
 * @fd:		Descriptor
 * @buf:	Where to
 * @len:	Bytes at most
 *
 * Return: count, 0 at the end, or negative errno
 */
ssize_t fd_read(int fd, void *buf, size_t len)
{
	ssize_t n;

	do
		n = read(fd, buf, len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/**
 * fd_read_full() - Read until the buffer is full or the input ends
 * @fd:		Descriptor
 * @buf:	Where to
 * @len:	Bytes wanted
 *
 * Return: count (less than @len only at the end), or negative errno
 */
ssize_t fd_read_full(int fd, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = fd_read(fd, (char *)buf + done, len - done);

		if (n < 0)
			return n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/**
 * fd_write_full() - Write everything
 * @fd:		Descriptor, blocking
 * @buf:	Bytes
 * @len:	How many
 *
 * Return: 0 or negative errno
 */
int fd_write_full(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/**
 * fd_pipe() - A close-on-exec pipe
 * @ret:	Read end, write end
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int fd_pipe(int ret[2], struct err *e)
{
	if (pipe2(ret, O_CLOEXEC) < 0)
		return err_set(e, errno, "make a pipe");
	return 0;
}

/**
 * fd_socketpair() - A close-on-exec pair of unix sockets
 * @type:	SOCK_SEQPACKET, SOCK_STREAM, SOCK_DGRAM; may be or'ed with SOCK_NONBLOCK
 * @ret:	The two ends
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int fd_socketpair(int type, int ret[2], struct err *e)
{
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ret) < 0)
		return err_set(e, errno, "make a socket pair");
	return 0;
}

/**
 * fd_move_high() - Move a descriptor to 10 or above, out of the way of stdin, stdout, stderr
 * @fd:		Address of the descriptor; replaced
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int fd_move_high(int *fd, struct err *e)
{
	int n;

	if (*fd >= 10)
		return 0;
	n = fcntl(*fd, F_DUPFD_CLOEXEC, 10);
	if (n < 0)
		return err_set(e, errno, "duplicate descriptor");
	fd_closep(fd);
	*fd = n;
	return 0;
}

/**
 * fd_set_cloexec() - Set or clear close-on-exec
 * @fd:	Descriptor
 * @on:	Close on exec?
 *
 * Return: 0 or negative errno
 */
int fd_set_cloexec(int fd, bool on)
{
	return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0 ? -errno : 0;
}

/**
 * fd_set_nonblock() - Set or clear O_NONBLOCK (on the open file, which other processes may share)
 * @fd:	Descriptor
 * @on:	Non-blocking?
 *
 * Return: 0 or negative errno
 */
int fd_set_nonblock(int fd, bool on)
{
	int fl = fcntl(fd, F_GETFL);

	if (fl < 0)
		return -errno;
	return fcntl(fd, F_SETFL, on ? fl | O_NONBLOCK : fl & ~O_NONBLOCK) < 0 ? -errno : 0;
}

/**
 * fd_cloexec_from() - Mark every descriptor from @first on close-on-exec
 * @first:	First descriptor
 *
 * Return: 0 or negative errno
 */
int fd_cloexec_from(int first)
{
	return sys_close_range((unsigned)first, UINT_MAX, CLOSE_RANGE_CLOEXEC);
}

/**
 * fd_send() - Send one message and descriptors
 * @sock:	Unix socket
 * @buf:	Message; at least one byte
 * @len:	Its length
 * @fds:	Descriptors; stay open here
 * @n_fds:	How many, at most FD_MAX_PASSED
 * @flags:	MSG_* flags; MSG_NOSIGNAL is implied
 *
 * Return: bytes sent or negative errno
 */
ssize_t fd_send(int sock, const void *buf, size_t len, const int *fds, size_t n_fds, int flags)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * FD_MAX_PASSED)];
	} u = { 0 };
	struct iovec iov;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	memcpy(&iov.iov_base, &buf, sizeof(buf)); /* sendmsg does not write through it */
	iov.iov_len = len;
	if (n_fds > FD_MAX_PASSED)
		return -EINVAL;
	if (n_fds) {
		struct cmsghdr *c = &u.align;

		m.msg_control = u.buf;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	do
		n = sendmsg(sock, &m, flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/**
 * fd_recv() - Receive one message and its descriptors
 * @sock:	Unix socket
 * @buf:	Where to
 * @len:	Room; a longer message of a packet socket is -EMSGSIZE
 * @fds:	Where received descriptors go (close-on-exec)
 * @max_fds:	Room there; more than that are closed
 * @ret_n_fds:	How many came
 * @flags:	MSG_* flags
 *
 * Return: bytes, 0 at the end, or negative errno
 */
ssize_t fd_recv(int sock, void *buf, size_t len, int *fds, size_t max_fds, size_t *ret_n_fds, int flags)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * FD_MAX_PASSED)];
	} u = { 0 };
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.buf, .msg_controllen = sizeof(u.buf) };
	size_t got = 0;
	ssize_t n;

	if (ret_n_fds)
		*ret_n_fds = 0;
	do
		n = recvmsg(sock, &m, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		int one;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
			memcpy(&one, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (got < max_fds)
				fds[got++] = one;
			else
				close(one);
		}
	}
	if (ret_n_fds)
		*ret_n_fds = got;
	return m.msg_flags & MSG_TRUNC ? -EMSGSIZE : n;
}

static int memfd(const char *name, bool exec)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create(name, flags | (exec ? MFD_EXEC : MFD_NOEXEC_SEAL));

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create(name, flags);
	return fd;
}

static int seal(int fd, const char *name, struct err *e)
{
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return err_set(e, errno, "seal memory file '%s'", name);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_set(e, errno, "rewind memory file '%s'", name);
	return 0;
}

/**
 * fd_memfd_sealed() - An anonymous file whose content can never change again
 * @name:	Shown in /proc/PID/fd
 * @data:	Content
 * @len:	Its length
 * @exec:	Will it be executed?
 * @ret_fd:	Descriptor (close-on-exec), at offset 0
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int fd_memfd_sealed(const char *name, const void *data, size_t len, bool exec, int *ret_fd, struct err *e)
{
	auto_close int fd = memfd(name, exec);
	int r;

	if (fd < 0)
		return err_set(e, errno, "create memory file '%s'", name);
	r = fd_write_full(fd, data, len);
	if (r < 0)
		return err_set(e, r, "write memory file '%s'", name);
	r = seal(fd, name, e);
	if (r == 0)
		*ret_fd = take_fd(&fd);
	return r;
}

/**
 * fd_memfd_sealed_copy() - fd_memfd_sealed() with the content of a file, which is not mapped for it
 * @name:	Shown in /proc/PID/fd
 * @from:	File, read from its start
 * @exec:	Will it be executed?
 * @ret_fd:	Descriptor (close-on-exec), at offset 0
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int fd_memfd_sealed_copy(const char *name, int from, bool exec, int *ret_fd, struct err *e)
{
	auto_close int fd = memfd(name, exec);
	off_t at = 0;
	int r;

	if (fd < 0)
		return err_set(e, errno, "create memory file '%s'", name);
	for (;;) {
		ssize_t n = sendfile(fd, from, &at, 1U << 30);

		if (n < 0 && errno != EINTR)
			return err_set(e, errno, "fill memory file '%s'", name);
		if (n == 0)
			break;
	}
	r = seal(fd, name, e);
	if (r == 0)
		*ret_fd = take_fd(&fd);
	return r;
}

static int lock_op(int fd, int cmd, bool shared)
{
	struct flock fl = { .l_type = shared ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };
	int r;

	do
		r = fcntl(fd, cmd, &fl);
	while (r < 0 && errno == EINTR && cmd == F_OFD_SETLKW);
	if (r < 0)
		return errno == EACCES ? -EAGAIN : -errno;
	return 0;
}

/**
 * fd_lock() - Take an open-file-description lock without waiting
 * @fd:		Lock file (open for writing unless @shared)
 * @shared:	Readers' lock?
 *
 * Return: 0, -EAGAIN when somebody holds it, negative errno
 */
int fd_lock(int fd, bool shared)
{
	return lock_op(fd, F_OFD_SETLK, shared);
}

/**
 * fd_lock_wait() - Take an open-file-description lock, waiting for it
 * @fd:		Lock file
 * @shared:	Readers' lock?
 *
 * Return: 0 or negative errno
 */
int fd_lock_wait(int fd, bool shared)
{
	return lock_op(fd, F_OFD_SETLKW, shared);
}

/**
 * fd_lock_is_held() - Does another open file hold a write lock?
 * @fd:	Lock file, opened for reading at least
 *
 * Return: 1, 0, or negative errno
 */
int fd_lock_is_held(int fd)
{
	struct flock fl = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_GETLK, &fl) < 0)
		return -errno;
	return fl.l_type == F_WRLCK;
}
