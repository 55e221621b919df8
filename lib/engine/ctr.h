/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A container on disk: containers/ID/ in the store.
 *
 *	config.json	what was asked for; written once at create, before anything refers to the image's layers
 *	state.json	what happened: written by the monitor
 *	lock		held (OFD write lock) exactly while a monitor runs: this is what "running" means
 *	upper/ work/	the container's own files
 *	log.json	output, by the json-file driver
 *
 * names/NAME is a symlink to the ID: symlink(2) makes names unique without a lock.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

struct json;
struct store;

#define CTR_ID_LEN 64

/**
 * struct ctr_config - what a container is made from
 *
 * Option values keep docker's syntax (they were parsed once, to refuse mistakes at create, and are parsed again at
 * start). Strings may be NULL, vectors empty. @labels and @log_opts are string maps (kv.h).
 */
struct ctr_config {
	char *id, *name;
	int64_t created_ns;
	char *image;	    /* as the user wrote it */
	char *image_config; /* digest: the image's id */
	char *platform;
	char **layers; /* diff ids, base first */
	char *rootfs;  /* --rootfs */
	char **entrypoint, **cmd;
	char **env;
	char **labels;
	char *cwd, *user, *hostname, *domainname;
	bool tty, open_stdin, stdin_once; /* stdin_once: it ends with the client that feeds it */
	char *stop_signal;
	int64_t stop_timeout;
	bool is_run; /* made by run, which hands its lock over to the monitor */
	bool auto_remove, init, privileged, read_only, no_new_privs, read_only_tmpfs, no_hosts;
	char *network, *ipc, *pid, *uts, *userns, *cgroupns;
	char **ports, **volumes, **mounts, **tmpfs;
	char *base_dir; /* for sources such as ./data */
	char **cap_add, **cap_drop, **security_opt, **devices, **ulimits, **groups, **extra_hosts, **sysctls;
	char **dns, **dns_search, **dns_opts;
	uint64_t shm_size;
	char *log_driver;
	char **log_opts;
	char *umask, *tz, *cidfile;
	char **annotations;
	char *detach_keys;
	int64_t oom_score_adj;
	bool has_oom_score_adj;
	char *storage_driver; /* forced by --storage-driver at create */
};

void ctr_config_done(struct ctr_config *c);
struct json *ctr_config_to_json(const struct ctr_config *c);
void ctr_config_from_json(const struct json *j, struct ctr_config *ret);

enum ctr_status { CTR_CREATED, CTR_RUNNING, CTR_PAUSED, CTR_EXITED, CTR_DEAD, CTR_STATUS__N };

/**
 * struct ctr_state - what happened to a container
 * @status:	CTR_RUNNING is believed only while the lock is held
 * @pid:	of its first process, as the host sees it
 * @pid_start:	when that process started: a number used anew is told from it
 * @monitor_pid: of its monitor
 * @monitor_start: when that one started
 * @exit_code:	of the last run
 * @error:	why the last start failed, or NULL
 * @started_ns:	0: never
 * @finished_ns: 0: never
 * @ports:	what is published, as -p has it, with the host ports that were taken
 * @monitor_died: derived: it says running, or run --rm was about to start it, and nobody holds the lock
 */
struct ctr_state {
	int64_t status;
	int64_t pid, pid_start, monitor_pid, monitor_start;
	int64_t exit_code;
	char *error;
	int64_t started_ns, finished_ns;
	char **ports;
	bool oom_killed;
	bool monitor_died;
};

void ctr_state_done(struct ctr_state *s);
const char *ctr_status_name(enum ctr_status s);

/**
 * struct ctr - an open container
 * @store:	borrowed
 * @dirfd:	its folder
 * @lock:	of a container that run has made, until its monitor has it; else -EBADF
 * @config:	read
 */
struct ctr {
	struct store *store;
	int dirfd, lock;
	struct ctr_config config;
};

void ctr_close(struct ctr *c);
#define auto_ctr __attribute__((cleanup(ctr_close)))

/*
 * Create the folder, the config and the name; @cfg's id and name are filled in when they are NULL. @ret_unique_tries...
 * Return: 0, -EEXIST (name in use: the sentence is docker's), -ENOENT (layers vanished), ...
 */
int ctr_create(struct store *s, struct ctr_config *cfg, struct ctr *ret, struct err *e);
/* By name, id, or unique id prefix. Return: 0, -ENOENT "No such container: X", -EINVAL (several match). */
int ctr_find(struct store *s, const char *text, struct ctr *ret, struct err *e);
int ctr_open_id(struct store *s, const char *id, struct ctr *ret, struct err *e);
/* All of them, newest first. What killed commands have left half made or half removed is cleared away. */
int ctr_list(struct store *s, struct ctr **ret, size_t *ret_n, struct err *e);
void ctr_list_free(struct ctr *c, size_t n);
/*
 * Which containers there are, and under which names, survives a power cut: once for all that a command has created or
 * removed. Not for --rm containers, of which nothing need survive.
 */
int ctr_sync_all(struct store *s, struct err *e);

/* Never fails: a damaged or missing file reads as created or exited with an unknown code. */
void ctr_read_state(const struct ctr *c, struct ctr_state *ret);
int ctr_write_state(int dirfd, const struct ctr_state *s, struct err *e);
bool ctr_is_running(const struct ctr *c);
/*
 * What a monitor that was killed could not do itself: write how the container ended (137), or remove it (--rm). For a
 * state with @monitor_died. Return: whether the container is gone.
 */
bool ctr_settle(const struct ctr *c);

/*
 * Remove a container that does not run: name first, then its folder (files of subordinate ids included). Durable after
 * ctr_sync_all().
 */
int ctr_remove(struct ctr *c, struct err *e);
/*
 * As the monitor of a --rm container does it, inside level A already: out of sight at once (name and folder), then the
 * files when everybody has been told. What a kill leaves in trash/ the next writer removes.
 */
int ctr_discard(struct store *s, const struct ctr_config *cfg, struct err *e);
int ctr_discard_finish(struct store *s, const struct ctr_config *cfg, struct err *e);
/* "<run dir>/<12 digits>.sock" */
int ctr_socket_path(struct store *s, const char *id, char *buf, size_t size, struct err *e);
/* What a killed monitor has left in the run folder. */
void ctr_remove_sockets(const struct ctr *c);
