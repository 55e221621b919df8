/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a monitor and its clients say to each other, one packet each, over a SOCK_SEQPACKET socket: a socket pair for
 * the command that started the monitor, the path socket in the run folder for all others. The numbers are fixed: a
 * monitor may be older than the command that talks to it. Unknown types are ignored by both sides.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

#define PROTO_DATA_MAX 65536
/*
 * A client has at most this much stdin on its way that the container has not read: the monitor never has to stop
 * listening to anybody, so a signal is never stuck behind data.
 */
#define PROTO_STDIN_WINDOW (512U << 10)

enum proto_type {
	/* client to monitor */
	PROTO_ATTACH = 1, /* arg: PROTO_A_*; output follows as it comes */
	PROTO_STDIN = 2,  /* data */
	PROTO_STDIN_EOF = 3,
	PROTO_RESIZE = 4, /* arg: rows << 16 | columns */
	PROTO_SIGNAL = 5, /* arg: signal number; answered with PROTO_OK or PROTO_ERROR */
	PROTO_EXEC = 6, /* data: struct proto_exec and strings; descriptors: the process's stdio unless it has a tty */
	PROTO_WAIT = 7, /* answered with PROTO_EXIT when the container ends */
	PROTO_EXEC_FILE = 9, /* PROTO_EXEC whose data is too long for a packet: the content of the last descriptor */
	PROTO_PING = 8, /* answered with PROTO_OK */
	/* monitor to client */
	PROTO_OK = 64,
	PROTO_ERROR = 65,	 /* arg: exit code; data: struct err's message */
	PROTO_STARTED = 66,	 /* arg: pid as the host sees it */
	PROTO_STDOUT = 67,	 /* data */
	PROTO_STDERR = 68,	 /* data */
	PROTO_EXIT = 69,	 /* arg: exit code */
	PROTO_EXEC_STARTED = 70, /* arg: pid; descriptor: master of the pty when there is one */
	PROTO_WARNING = 71,	 /* data: a sentence for stderr */
	PROTO_STDIN_ACK = 72,	 /* arg: so many bytes of PROTO_STDIN more are done with */
};

enum { PROTO_A_STDIN = 1, PROTO_A_STDOUT = 2, PROTO_A_STDERR = 4 };

struct proto_head {
	uint32_t type;
	uint32_t arg;
};

enum { PROTO_X_TTY = 1, PROTO_X_PRIVILEGED = 2, PROTO_X_DETACH = 4 };

/**
 * struct proto_exec - the fixed part of PROTO_EXEC; NUL-terminated strings follow: user, cwd, argv..., env...
 */
struct proto_exec {
	uint32_t flags;
	uint32_t n_argv;
	uint32_t n_env;
	uint16_t rows, cols;
};

int proto_send(int fd, enum proto_type type, uint32_t arg, const void *data, size_t len, const int *fds, size_t n_fds);
/* Return: length of the data, -EPIPE at the end, or another negative errno. @buf has PROTO_DATA_MAX bytes. */
long proto_recv(int fd, struct proto_head *ret, void *buf, int *fds, size_t max_fds, size_t *ret_n_fds, int flags);
int proto_connect(const char *path, int *ret_fd, struct err *e);

/**
 * struct proto_queue - packets that did not fit into a socket yet
 * @b:	length (u32) and bytes of each
 * @at:	where the first one begins
 */
struct proto_queue {
	struct sbuf b;
	size_t at;
};

bool proto_queue_is_empty(const struct proto_queue *q);
/* Send, or put behind what waits. Return: 0, or negative errno when the other side is gone. */
int proto_queue_send(struct proto_queue *q, int fd, enum proto_type type, uint32_t arg, const void *data, size_t len);
/* Send what waits, as far as it goes. Return: 0, or negative errno when the other side is gone. */
int proto_queue_flush(struct proto_queue *q, int fd);
void proto_queue_done(struct proto_queue *q);
