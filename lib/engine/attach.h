/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The terminal's side of a container: what `run`, `attach`, `start -a` and `exec` do until it ends. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

#define ATTACH_DETACHED -1000 /* the user has pressed the detach keys */

/**
 * struct attach_opts - how to be attached
 * @stdin_on:	pass our stdin on
 * @tty:	the container has a terminal: ours becomes raw
 * @sig_proxy:	pass signals on
 * @keys:	detach keys, "ctrl-p,ctrl-q"; "" for none
 */
struct attach_opts {
	bool stdin_on;
	bool tty;
	bool sig_proxy;
	const char *keys;
};

/*
 * Signals that are to be passed on are blocked from here on, so that none is lost between the start and attach_run().
 * Call it before the container is started.
 */
void attach_block_signals(const struct attach_opts *o);
/* Until the container ends. Return: 0 with its exit code, ATTACH_DETACHED, or negative errno. */
int attach_run(int sock, const struct attach_opts *o, int *ret_code, struct err *e);
/* Parse "ctrl-a,b,ctrl-@". Return: how many keys, or -EINVAL. */
int attach_parse_keys(const char *text, unsigned char keys[16], struct err *e);
void attach_redraw(int sock);
void attach_window_size(uint16_t *rows, uint16_t *cols);

/**
 * struct exec_request - a process to start in a running container
 * @argv, @env: as execve takes them
 */
struct exec_request {
	const char *user, *cwd;
	char *const *argv;
	char *const *env;
	bool tty, interactive, privileged, detach;
	const char *keys;
};
/* Return: 0 with its exit code, ATTACH_DETACHED, or negative errno with *ret_code 125, 126, 127. */
int attach_exec(int sock, const struct exec_request *q, int *ret_code, struct err *e);
/* Wait for PROTO_EXIT. */
int attach_wait(int sock, int *ret_code, struct err *e);
/* Send a signal through the monitor. Return: 0, -ESRCH. */
int attach_signal(int sock, int sig, struct err *e);
