/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private to skiff-init. */

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/runtime/plan.h"

/**
 * struct stage - what the set-up knows so far
 * @p:		the plan
 * @sock:	to the monitor; closed by a successful exec
 * @root:	the root file system: O_PATH before pivot_root and after
 * @proc:	the proc file system that we mounted ourselves, or negative: settings are only ever written through it
 * @dev:	the root of our /dev
 * @pts:	the root of our devpts
 * @null:	detached mount of the host's /dev/null, checked
 * @tty:	the pty's slave, or negative
 * @exit_code:	what the monitor is to report when the current step fails
 */
struct stage {
	const struct plan *p;
	int sock;
	int root;
	int proc;
	int dev;
	int pts;
	int null;
	int tty;
	int exit_code;
};

/**
 * struct mount_look - how a mount is to be
 * @all:		MOUNT_ATTR_* of it and of every mount below
 * @top:		MOUNT_ATTR_* of it alone
 * @propagation:	MS_PRIVATE, MS_SHARED, ... of all, or 0
 */
struct mount_look {
	uint64_t all;
	uint64_t top;
	uint64_t propagation;
};

const char *plan_get_str(const struct plan *p, pstr off);
const void *plan_get_array(const struct plan *p, struct plan_array a);
int plan_check(const void *block, size_t size, struct err *e);

/* mounts.c */
int step_root(struct stage *s, struct err *e);
int step_mounts(struct stage *s, struct err *e);
int step_sysctls(struct stage *s, struct err *e);
int step_masked(struct stage *s, struct err *e);
int step_readonly(struct stage *s, struct err *e);
int step_root_ro(struct stage *s, struct err *e);
int step_pivot(struct stage *s, struct err *e);
/* remount.c */
int remount(const struct stage *s, const char *target, const struct mount_look *l, struct err *e);
/* dev.c */
int dev_populate(struct stage *s, int dev_mount, struct err *e);
int step_devices(struct stage *s, struct err *e);
int step_tty(struct stage *s, struct err *e);
/* identity.c */
int step_loopback(struct stage *s, struct err *e);
int step_cgroupns(struct stage *s, struct err *e);
int step_hostname(struct stage *s, struct err *e);
int step_limits(struct stage *s, struct err *e);
int step_session(struct stage *s, struct err *e);
int step_ids(struct stage *s, struct err *e);
int step_nnp(struct stage *s, struct err *e);
int step_seccomp(struct stage *s, struct err *e);
int step_fakeids(struct stage *s, struct err *e);
/* launch.c */
int step_join(struct stage *s, struct err *e);
int step_cwd(struct stage *s, struct err *e);
int step_stdio(struct stage *s, struct err *e);
int step_ready(struct stage *s, struct err *e);
int step_cloexec(struct stage *s, struct err *e);
int step_exec(struct stage *s, struct err *e);
