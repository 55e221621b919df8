/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The half of the id emulation (lib/runtime/fakeids.h) that runs inside the container: needs lib/base and the kernel
 * only.
 */

#include "lib/base/err.h"

/*
 * Load the filter that reports calls about ids to whoever holds @ret_listener (close-on-exec). From here on this
 * process's own set*id and get*id calls wait for the monitor, too: what really changes ids comes before, in a process
 * that has CAP_SYS_ADMIN in its namespace or no_new_privs.
 *
 * Return: 0; -EBUSY when an emulation of an outer container is in force already (it serves us, nothing is to be
 * done), or another negative errno
 */
int fakeids_install(int *ret_listener, struct err *e);
