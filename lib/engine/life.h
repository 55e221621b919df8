/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What other commands do to a running container, through its monitor. */

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/engine/ctr.h"

/* Connect to its monitor. Return: 0, -ESRCH "container X is not running". */
int ctr_connect(const struct ctr *c, int *ret_sock, struct err *e);
/* "TERM", "SIGTERM", "15". Return: number or -EINVAL. */
int signal_parse(const char *text, struct err *e);
int ctr_kill(const struct ctr *c, int sig, struct err *e);
/*
 * Its stop signal, then SIGKILL after @timeout_s (negative: never). Returns when it has ended.
 */
int ctr_stop(const struct ctr *c, const char *signal, int64_t timeout_s, struct err *e);
/* SIGKILL for the monitor, which takes the container with it: for one that answers nothing. */
int ctr_kill_monitor(const struct ctr *c, struct err *e);
/* Remove it even when it runs (rm -f). */
int ctr_remove_forced(struct ctr *c, struct err *e);
/* Wait until it does not run. @timeout_ms negative: for ever. Return: 0, -ETIMEDOUT. */
int ctr_wait_ended(const struct ctr *c, int64_t timeout_ms, struct err *e);
/* Its monitor has ended without a word: ctr_settle() as soon as that can be done. */
void ctr_settle_killed(const struct ctr *c);
/* ctr_is_running(), once a monitor that has written its container's end and is leaving has left. */
bool ctr_is_running_settled(const struct ctr *c);
