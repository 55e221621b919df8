/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From a container's config to the plan that skiff-init carries out. Runs in the monitor, inside level A. */

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/engine/ctr.h"
#include "lib/oci/mountspec.h"
#include "lib/oci/passwd.h"
#include "lib/runtime/plan_build.h"
#include "lib/runtime/seccomp.h"
#include "lib/runtime/userns.h"

enum net_mode { NET_NONE, NET_HOST, NET_SLIRP, NET_MODE__N };

/**
 * struct spec - a config with its option values parsed
 * @net:		network mode
 * @host_loopback:	slirp4netns:allow_host_loopback=true
 * @host_ipc, @host_pid, @host_uts, @host_cgroupns: shared with the host
 * @no_shm:		--ipc none: no /dev/shm
 * @outer_sys:		/sys is the outer container's: a new one would show what it covers
 * @caps:		bounding set
 * @seccomp:		profile
 * @masked, @readonly:	paths
 * @nnp:		no_new_privs
 * @mounts:		the user's, ordered by depth
 * @caller:		with keep-id: the caller's name, for an entry in passwd; else NULL
 */
struct spec {
	enum net_mode net;
	bool host_loopback, net_ipv6;
	bool host_ipc, host_pid, host_uts, host_cgroupns, no_shm, outer_sys;
	uint64_t caps;
	enum seccomp_kind seccomp_kind;
	char *seccomp_json;
	char **masked, **readonly;
	bool nnp;
	struct mountspec *mounts;
	size_t n_mounts;
	char *caller;
};

/* Parse and check all option values; called at create (to refuse mistakes) and at start. */
int spec_parse(const struct ctr_config *c, struct spec *ret, struct err *e);
/* --dns none (podman): resolv.conf stays the image's. */
bool spec_has_own_resolv(const struct ctr_config *c);
void spec_done(struct spec *s);
#define auto_spec __attribute__((cleanup(spec_done)))

int spec_userns(const struct ctr_config *c, const struct idmap *outer, struct idmap *ret, struct err *e);

/**
 * struct spec_fds - descriptors that the plan names: they must be open, and not close-on-exec, in skiff-init
 */
struct spec_fds {
	int *v;
	size_t n;
};
void spec_fds_add(struct spec_fds *f, int fd);
void spec_fds_done(struct spec_fds *f);
#define auto_spec_fds __attribute__((cleanup(spec_fds_done)))

/**
 * struct spec_run - what is known at start
 * @config, @spec: the container
 * @inner:	map of level B
 * @user:	who it runs as
 * @root_fd:	detached root file system
 * @seccomp:	compiled filter
 * @trace_fd:	or negative
 */
struct spec_run {
	const struct ctr_config *config;
	const struct spec *spec;
	const struct idmap *inner;
	const struct run_user *user;
	int root_fd;
	int dirfd;
	bool own_accounts; /* passwd and group of @dirfd cover the image's */
	const struct seccomp_prog *seccomp;
	int trace_fd;
	int stdio[3];
};

int spec_plan_run(const struct spec_run *r, struct plan_builder *b, struct spec_fds *fds, struct err *e);
/* The parts of a plan that run and exec share: identity, capabilities, filter. */
void spec_plan_identity(const struct spec_run *r, struct plan_builder *b);
/* PATH, HOSTNAME, HOME, TERM and the config's own; owned. */
char **spec_env(const struct ctr_config *c, const struct run_user *u, char *const *extra, bool tty);
/* hosts, resolv.conf and hostname in the container's folder. */
int spec_write_files(const struct ctr_config *c, const struct spec *s, int dirfd, struct err *e);
/* Who runs when nobody says: with keep-id the caller's own id, else the default of user_resolve(). Owned, or NULL. */
char *spec_default_user(const struct ctr_config *c, const struct idmap *inner);
/*
 * keep-id: passwd and group in the container's folder, as the image has them and with entries for @u, where it has
 * none. Return: 1 when they were written, 0 when nothing is missing, negative errno.
 */
int spec_add_account(int root_fd, int dirfd, const char *name, const char *home, const struct run_user *u,
		     struct err *e);
/* The user, from the container's own passwd and group files; spec_user_in(): of a running one, by its first process. */
int spec_user_in(int pidfd, const char *spec, char *const *groups, struct run_user *ret, struct err *e);
int spec_user(int root_fd, const char *spec, char *const *groups, struct run_user *ret, struct err *e);
/* Are its ids in the container's map? */
int spec_check_user(const struct idmap *inner, const struct run_user *u, struct err *e);
