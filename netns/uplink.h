/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The way from a network namespace of a user to the host's network: a user-mode TCP/IP stack in a process of its own.
 * Behind one interface, so that bridges (whose namespace has one uplink) and other stacks fit in.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/base/err.h"

struct portspec;

/* What slirp4netns gives its guest; resolv.conf and hosts are written from these. */
#define UPLINK_ADDRESS "10.0.2.100"
#define UPLINK_GATEWAY "10.0.2.2"
#define UPLINK_DNS     "10.0.2.3"

/**
 * struct uplink_spec - which namespace, and how
 * @userns_fd:	user namespace that owns the network namespace
 * @netns_fd:	network namespace
 * @host_loopback: may the guest reach 127.0.0.1 of the host (as the gateway)? Off unless asked for.
 * @ipv6:	also IPv6
 * @mtu:	0: 65520
 * @api_socket:	path of the control socket to make; NULL: none (nothing can be published then)
 */
struct uplink_spec {
	int userns_fd;
	int netns_fd;
	bool host_loopback;
	bool ipv6;
	unsigned mtu;
	const char *api_socket;
};

/**
 * struct uplink - a running stack
 * @pid:	its process, a child of the caller
 * @ready_fd:	becomes readable (one byte) when the interface is configured; end of file: it failed
 * @exit_fd:	it ends when this is closed
 */
struct uplink {
	pid_t pid;
	int ready_fd;
	int exit_fd;
};

int uplink_start(const struct uplink_spec *s, struct uplink *ret, struct err *e);
/* Block until it is up. Return: 0 or negative errno when it ended first. */
int uplink_wait_ready(struct uplink *u, struct err *e);
/* Forward one host port to the guest; @ret_port: the host port that was taken (host_first 0 means any). */
int uplink_publish(const char *api_socket, const struct portspec *p, unsigned *ret_port, struct err *e);
void uplink_stop(struct uplink *u);
/* Can there be an uplink at all? Return: 0, or -ENOENT, -EACCES with what to do. */
int uplink_check(struct err *e);
