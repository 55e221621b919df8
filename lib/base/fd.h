/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

/* Reads and writes that EINTR and short counts do not disturb. Results are counts or negative errno. */
ssize_t fd_read(int fd, void *buf, size_t len);
ssize_t fd_read_full(int fd, void *buf, size_t len);
int fd_write_full(int fd, const void *buf, size_t len);

int fd_pipe(int ret[2], struct err *e);
int fd_socketpair(int type, int ret[2], struct err *e);
int fd_move_high(int *fd, struct err *e);
int fd_set_cloexec(int fd, bool on);
int fd_set_nonblock(int fd, bool on);
int fd_cloexec_from(int first);

/* One message with up to FD_MAX_PASSED descriptors over a unix socket. */
#define FD_MAX_PASSED 16
ssize_t fd_send(int sock, const void *buf, size_t len, const int *fds, size_t n_fds, int flags);
ssize_t fd_recv(int sock, void *buf, size_t len, int *fds, size_t max_fds, size_t *ret_n_fds, int flags);

/* The same, with the content of the file @from, copied in the kernel. */
int fd_memfd_sealed_copy(const char *name, int from, bool exec, int *ret_fd, struct err *e);
int fd_memfd_sealed(const char *name, const void *data, size_t len, bool exec, int *ret_fd, struct err *e);

/* Exclusive open-file-description lock on the whole file. Return: 0, -EAGAIN when held elsewhere, negative errno. */
int fd_lock(int fd, bool shared);
int fd_lock_wait(int fd, bool shared);
/* Is it held by somebody else? Return: 1, 0 or negative errno. */
int fd_lock_is_held(int fd);
