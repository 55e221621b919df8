/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private to attach.c and attach_exec.c. */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/str.h"
#include "lib/engine/attach.h"

#define ATTACH_NO_READER -1001 /* nobody reads our stdout any more */

/* How much of the detach sequence has been typed. */
struct keys {
	unsigned char v[16];
	int n, at;
};

/*
 * Pass typed bytes through the detach keys: what is no part of the sequence goes to @out.
 * Return: whether the sequence is complete.
 */
bool attach_filter_keys(struct keys *k, const char *in, size_t len, struct sbuf *out);
/* The signals that are passed on, and SIGWINCH with a terminal. */
void attach_signal_set(const struct attach_opts *o, sigset_t *set);
void attach_make_tty_raw(void);
void attach_restore_tty(void);
/*
 * One packet from the monitor: output goes out, @unacked (may be NULL) is lowered.
 * Return: 1 go on, 0 ended, ATTACH_NO_READER, negative errno.
 */
int attach_on_packet(int sock, size_t *unacked, int *ret_code, struct err *e);
