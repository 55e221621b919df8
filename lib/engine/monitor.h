/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Starting a container: the caller's half. The monitor itself is monitor_run.c and its neighbours. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/engine/ctr.h"

/**
 * struct monitor_opts - how to start
 * @attach:	PROTO_A_*: the returned socket is an attached client from the start, so that no output is missed
 * @rows, @cols: size of the terminal
 * @storage_driver: forced, or NULL
 */
struct monitor_opts {
	uint32_t attach;
	uint16_t rows, cols;
	const char *storage_driver;
};

/*
 * Fork the monitor and wait until the container's program runs. @ret_sock: a connected client (proto.h).
 * Only from a process with one thread.
 *
 * Return: 0; or negative errno with @ret_exit (125, 126, 127): the container did not start, and is as before (or, with
 * --rm, removed).
 */
int monitor_start(struct ctr *c, const struct monitor_opts *o, int *ret_sock, int *ret_exit, struct err *e);
