/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * SIGINT, SIGTERM and SIGHUP as something to poll for, so that an interrupted command cleans up behind itself: they are
 * blocked from stop_open() on.
 */

#include "lib/base/err.h"

int stop_open(int *ret_fd, struct err *e);
/* The signal that has come, or 0. Does not wait; the first one is kept for later calls. */
int stop_signal(int fd);
