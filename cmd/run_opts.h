/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Options of run and create: one table. The first RUN_ONLY options are those that create does not have, so create's
 * table is the rest of the same array. Values are kept as written; the parsers of lib/oci check them when the container
 * is made.
 */

#include <stdbool.h>
#include <stdint.h>

#include "cmd/opt.h"

enum pull_policy { PULL_MISSING, PULL_ALWAYS, PULL_NEVER, PULL_NEWER, PULL_POLICY__N };

/**
 * struct run_opts - what run and create were told
 * @is_run:		run, not create: no option
 * @detach:		-d
 * @detach_keys:	NULL: ctrl-p,ctrl-q
 * @sig_proxy:		default true
 * @rootfs:		the IMAGE operand is a folder
 * @entrypoint:		NULL: the image's; "": none
 * @network:		every --network; empty: the default
 * @stop_timeout:	seconds; -1: for ever
 * @shm_size:		0: the default
 * @oom_score_adj:	ctx_is_given() tells whether it was given
 * @tls_verify:		for a pull; ctx_is_given()
 *
 * The other strings are NULL and the other vectors empty when they were not given.
 */
struct run_opts {
	bool is_run;
	bool detach;
	const char *detach_keys;
	bool sig_proxy;

	bool interactive, tty, rm, replace, quiet, init, privileged, read_only, read_only_tmpfs;
	bool no_hosts, no_healthcheck, env_host, unsetenv_all, rootfs, tls_verify;
	const char *name, *cidfile, *platform, *entrypoint, *workdir, *user, *hostname, *domainname;
	const char *ipc, *pid, *uts, *userns, *cgroupns, *stop_signal, *umask, *tz, *log_driver;
	enum pull_policy pull;
	const char *restart; /* "no", the only policy for now, or NULL */
	int64_t stop_timeout, oom_score_adj;
	uint64_t shm_size;
	char **env, **env_file, **unsetenv, **label, **label_file, **annotation;
	char **publish, **network, **add_host, **dns, **dns_search, **dns_option;
	char **volume, **mount, **tmpfs, **device;
	char **cap_add, **cap_drop, **security_opt, **ulimit, **group_add, **sysctl, **log_opt;
};

#define RUN_ONLY 3
extern const struct opt run_opts_table[];
