/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private to the monitor. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/str.h"
#include "lib/engine/ctr.h"
#include "lib/engine/monitor.h"
#include "lib/engine/proto.h"
#include "lib/engine/spec.h"
#include "netns/uplink.h"
#include "storage/driver.h"

struct fakeids;
struct mon;

/*
 * Everything that epoll watches is a struct source: the event loop calls @on with the object that embeds it.
 */
struct source {
	int fd;
	uint32_t events; /* what is asked for now */
	void (*on)(struct mon *m, struct source *s, uint32_t events);
};

/* A pipe or pty from the container. */
struct stream {
	struct source src;
	const char *name; /* in the log */
	enum proto_type type;
	struct sbuf partial; /* a line without its end yet */
	bool open;
};

#define MON_MAX_CLIENTS 128

/* A connection. */
struct client {
	struct source src;
	bool used;
	uint32_t attach;	  /* PROTO_A_* */
	bool wants_exit;	  /* gets PROTO_EXIT of the container */
	struct proto_queue queue; /* what did not fit into the socket */
	bool behind;		  /* attached and with something queued: counted in mon.blocked */
	size_t stdin_unacked;
	struct exec *exec; /* what it started, or NULL */
};

/* A process started by PROTO_EXEC. */
struct exec {
	struct exec *next;
	struct source pidfd, sock;
	struct client *client; /* NULL: nobody listens any more */
	pid_t pid;
	int pty;
	bool started, ended;
	int exit_code;
	uint32_t flags;
};

/* A seccomp listener of the id emulation. */
struct ids {
	struct ids *next;
	struct source src;
	struct fakeids *server;
};

struct mon {
	struct store *store;
	const struct ctr_config *c;
	const struct monitor_opts *opts;
	const struct driver *driver;
	struct spec spec;
	struct idmap outer, inner;
	int dirfd, lock, epoll, init_file, rootfs, init_exe, log;
	struct seccomp_prog seccomp;
	struct driver_mount root;
	struct run_user user;
	char *default_user;
	bool own_accounts;
	struct ctr_state state;

	pid_t pid;
	struct source pidfd;	 /* the container's first process */
	struct source init_sock; /* skiff-init, until its exec */
	struct source listen;	 /* path socket */
	struct source uplink_ready, uplink_end;
	struct source stop, stop_late; /* SIGTERM to us, and the time the container has from then on */
	struct uplink uplink;
	int64_t uplink_started; /* time_mono() */
	char socket_path[108], api_path[108];
	uint64_t join_flags;
	bool init_ready, net_ready, started, failed, exited;
	int exit_code;

	struct stream out, err;
	struct source in;	/* write end of the container's stdin, or the pty */
	struct sbuf in_pending; /* from in_at on: not written yet */
	size_t in_at;
	bool in_open, in_eof;
	unsigned blocked; /* attached clients that have not read what they were sent: the container's output waits */

	struct client clients[MON_MAX_CLIENTS];
	struct exec *execs;
	struct ids *ids;
};

/* monitor_run.c */
void mon_watch(struct mon *m, struct source *s, uint32_t events);
void mon_unwatch(struct mon *m, struct source *s);
void mon_add_ids(struct mon *m, int listener);
/* Fork skiff-init with a plan; descriptors of @fds are inherited. */
int mon_spawn_init(struct mon *m, uint64_t clone_flags, int plan, int sock, const struct spec_fds *fds,
		   const struct idmap *map, pid_t *ret_pid, int *ret_pidfd, struct err *e);
void mon_fail(struct mon *m, int exit_code, const struct err *e);
int mon_trace_fd(void);
/* monitor_io.c */
int io_open_streams(struct mon *m, int child_stdio[3], struct err *e);
/* Read the container's output, or, while an attached client is behind, leave it where it is. */
void io_watch_streams(struct mon *m);
void io_set_pty(struct mon *m, int master);
void io_drain(struct mon *m);
void io_stdin(struct mon *m, const void *data, size_t len);
void io_stdin_eof(struct mon *m);
void io_log_flush(struct mon *m);
/* monitor_clients.c */
void clients_add(struct mon *m, int fd, uint32_t attach);
void clients_listen(struct mon *m);
/* What clients sent for stdin is done with, but for a rest: they may send more. */
void clients_ack_stdin(struct mon *m);
/* After the container's end: until everybody has read what was sent, or is gone. */
void clients_finish(struct mon *m);
void clients_output(struct mon *m, enum proto_type type, const void *data, size_t len);
bool clients_send(struct mon *m, struct client *c, enum proto_type type, uint32_t arg, const void *data, size_t len);
void clients_send_fd(struct mon *m, struct client *c, enum proto_type type, uint32_t arg, int fd);
void clients_error(struct mon *m, struct client *c, int exit_code, const char *msg);
void clients_broadcast_end(struct mon *m);
void clients_drop(struct mon *m, struct client *c);
/* monitor_exec.c */
void exec_start(struct mon *m, struct client *c, const void *data, size_t len, int *fds, size_t n_fds);
void exec_start_file(struct mon *m, struct client *c, int *fds, size_t n_fds);
void exec_forget_client(struct mon *m, struct client *c);
/* The container has ended: tell those who wait for a process in it. */
void exec_end_all(struct mon *m);
