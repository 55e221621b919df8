/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/engine/ctr.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"
#include "lib/base/time.h"
#include "lib/format/names.h"
#include "lib/oci/json.h"
#include "lib/oci/mountspec.h"
#include "storage/store.h"

/* Seconds: younger folders without a config may still be in the making. */
#define HALF_MADE_AGE 2

/* One table says how both files are written and read: a field that is not in it is not kept. */
enum field_kind { F_STR, F_STRV, F_MAP, F_BOOL, F_I64, F_U64 };

struct field {
	const char *key;
	enum field_kind kind;
	size_t off;
};

#define C(key_, kind_, member)                                                                                         \
	{                                                                                                              \
		key_, kind_, offsetof(struct ctr_config, member)                                                       \
	}
static const struct field config_fields[] = {
	C("Id", F_STR, id),
	C("Name", F_STR, name),
	C("Created", F_I64, created_ns),
	C("Image", F_STR, image),
	C("ImageConfig", F_STR, image_config),
	C("Platform", F_STR, platform),
	C("Layers", F_STRV, layers),
	C("Rootfs", F_STR, rootfs),
	C("Entrypoint", F_STRV, entrypoint),
	C("Cmd", F_STRV, cmd),
	C("Env", F_STRV, env),
	C("Labels", F_MAP, labels),
	C("WorkingDir", F_STR, cwd),
	C("User", F_STR, user),
	C("Hostname", F_STR, hostname),
	C("Domainname", F_STR, domainname),
	C("Tty", F_BOOL, tty),
	C("OpenStdin", F_BOOL, open_stdin),
	C("StdinOnce", F_BOOL, stdin_once),
	C("StopSignal", F_STR, stop_signal),
	C("StopTimeout", F_I64, stop_timeout),
	C("IsRun", F_BOOL, is_run),
	C("AutoRemove", F_BOOL, auto_remove),
	C("Init", F_BOOL, init),
	C("Privileged", F_BOOL, privileged),
	C("ReadonlyRootfs", F_BOOL, read_only),
	C("ReadonlyTmpfs", F_BOOL, read_only_tmpfs),
	C("NoNewPrivileges", F_BOOL, no_new_privs),
	C("NoHosts", F_BOOL, no_hosts),
	C("NetworkMode", F_STR, network),
	C("IpcMode", F_STR, ipc),
	C("PidMode", F_STR, pid),
	C("UTSMode", F_STR, uts),
	C("UsernsMode", F_STR, userns),
	C("CgroupnsMode", F_STR, cgroupns),
	C("Ports", F_STRV, ports),
	C("BaseDir", F_STR, base_dir),
	C("Binds", F_STRV, volumes),
	C("Mounts", F_STRV, mounts),
	C("Tmpfs", F_STRV, tmpfs),
	C("CapAdd", F_STRV, cap_add),
	C("CapDrop", F_STRV, cap_drop),
	C("SecurityOpt", F_STRV, security_opt),
	C("Devices", F_STRV, devices),
	C("Ulimits", F_STRV, ulimits),
	C("GroupAdd", F_STRV, groups),
	C("ExtraHosts", F_STRV, extra_hosts),
	C("Sysctls", F_STRV, sysctls),
	C("Dns", F_STRV, dns),
	C("DnsSearch", F_STRV, dns_search),
	C("DnsOptions", F_STRV, dns_opts),
	C("ShmSize", F_U64, shm_size),
	C("LogDriver", F_STR, log_driver),
	C("LogOpts", F_MAP, log_opts),
	C("Umask", F_STR, umask),
	C("Timezone", F_STR, tz),
	C("CidFile", F_STR, cidfile),
	C("Annotations", F_MAP, annotations),
	C("DetachKeys", F_STR, detach_keys),
	C("OomScoreAdj", F_I64, oom_score_adj),
	C("HasOomScoreAdj", F_BOOL, has_oom_score_adj),
	C("StorageDriver", F_STR, storage_driver),
	{ NULL, F_STR, 0 },
};
#undef C

#define S(key_, kind_, member)                                                                                         \
	{                                                                                                              \
		key_, kind_, offsetof(struct ctr_state, member)                                                        \
	}
static const struct field state_fields[] = {
	S("Status", F_I64, status),
	S("Pid", F_I64, pid),
	S("PidStart", F_I64, pid_start),
	S("MonitorPid", F_I64, monitor_pid),
	S("MonitorStart", F_I64, monitor_start),
	S("ExitCode", F_I64, exit_code),
	S("Error", F_STR, error),
	S("StartedAt", F_I64, started_ns),
	S("FinishedAt", F_I64, finished_ns),
	S("Ports", F_STRV, ports),
	S("OOMKilled", F_BOOL, oom_killed),
	{ NULL, F_STR, 0 },
};
#undef S

static const char *const status_names[] = { "created", "running", "paused", "exited", "dead" };
static_assert(sizeof(status_names) / sizeof(*status_names) == CTR_STATUS__N, "a name for every status");

static struct json *fields_to_json(const struct field *f, const void *base)
{
	struct json *j = json_new_object();

	for (; f->key; f++) {
		const char *at = (const char *)base + f->off;
		char *const *v;

		switch (f->kind) {
		case F_STR:
			memcpy(&v, at, sizeof(v));
			if (v)
				json_set_str(j, f->key, (const char *)v);
			break;
		case F_STRV:
		case F_MAP:
			memcpy(&v, at, sizeof(v));
			if (!v)
				break;
			if (f->kind == F_STRV)
				json_set_strv(j, f->key, v);
			else
				json_set_map(j, f->key, v);
			break;
		case F_BOOL:
			if (*(const bool *)at)
				json_set_bool(j, f->key, true);
			break;
		case F_I64:
		case F_U64:
			json_set_i64(j, f->key, *(const int64_t *)(const void *)at);
			break;
		}
	}
	return j;
}

static void fields_from_json(const struct field *f, const struct json *j, void *base)
{
	for (; f->key; f++) {
		char *at = (char *)base + f->off;
		void *p;

		switch (f->kind) {
		case F_STR:
			p = xstrdup(json_get_str(j, f->key));
			memcpy(at, &p, sizeof(p));
			break;
		case F_STRV:
		case F_MAP:
			p = f->kind == F_STRV ? json_get_strv(j, f->key) : json_get_map(j, f->key);
			memcpy(at, &p, sizeof(p));
			break;
		case F_BOOL:
			*(bool *)at = json_get_bool(j, f->key, false);
			break;
		case F_I64:
		case F_U64:
			*(int64_t *)(void *)at = json_get_i64(j, f->key, 0);
			break;
		}
	}
}

static void fields_done(const struct field *f, void *base)
{
	for (; f->key; f++) {
		char *at = (char *)base + f->off;
		void *p;

		if (f->kind != F_STR && f->kind != F_STRV && f->kind != F_MAP)
			continue;
		memcpy(&p, at, sizeof(p));
		if (f->kind == F_STR)
			free(p);
		else
			strv_free(p);
		memset(at, 0, sizeof(p));
	}
}

/**
 * ctr_config_done() - Release a config
 * @c:	The config
 */
void ctr_config_done(struct ctr_config *c)
{
	fields_done(config_fields, c);
}

/**
 * ctr_config_to_json() - What becomes config.json
 * @c:	The config
 *
 * Return: owned document
 */
struct json *ctr_config_to_json(const struct ctr_config *c)
{
	return fields_to_json(config_fields, c);
}

/**
 * ctr_config_from_json() - Read config.json
 * @j:		Document
 * @ret:	Config; what the document lacks is zero
 */
void ctr_config_from_json(const struct json *j, struct ctr_config *ret)
{
	*ret = (struct ctr_config) { 0 };
	fields_from_json(config_fields, j, ret);
}

/**
 * ctr_state_done() - Release a state
 * @s:	The state
 */
void ctr_state_done(struct ctr_state *s)
{
	fields_done(state_fields, s);
}

/**
 * ctr_status_name() - docker's word for a status
 * @s:	Status
 *
 * Return: the word
 */
const char *ctr_status_name(enum ctr_status s)
{
	return status_names[s];
}

/**
 * ctr_close() - Release an open container
 * @c:	The container; may be zero
 */
void ctr_close(struct ctr *c)
{
	if (c->store) {
		fd_closep(&c->dirfd);
		fd_closep(&c->lock);
	}
	c->store = NULL;
	ctr_config_done(&c->config);
}

static bool is_id(const char *s)
{
	size_t n = strspn(s, "0123456789abcdef");

	return n == CTR_ID_LEN && !s[n];
}

static int claim_name(int root, const char *name, const char *id, struct err *e)
{
	auto_free char *link = xasprintf("names/%s", name), *holder = NULL;

	if (symlinkat(id, root, link) == 0)
		return 0;
	if (errno == ENOENT) {
		int r = fs_make_dir(root, "names", 0700, e);

		if (r < 0)
			return r;
		if (symlinkat(id, root, link) == 0)
			return 0;
	}
	if (errno != EEXIST)
		return err_set(e, errno, "name the container '%s'", name);
	if (fs_readlink(root, link, &holder, NULL) < 0)
		holder = xstrdup("?");
	return err_say(e, EEXIST,
		       "Conflict. The container name \"/%s\" is already in use by container \"%s\". You have to remove "
		       "(or rename) "
		       "that container to be able to reuse that name (or use --replace).",
		       name, holder);
}

static int write_config(int dirfd, const struct ctr_config *cfg, struct err *e)
{
	auto_json struct json *j = ctr_config_to_json(cfg);
	auto_free char *text = json_compact(j);

	return fs_replace_file(dirfd, "config.json", text, strlen(text), 0600, cfg->auto_remove ? 0 : FS_SYNC, e);
}

/* A --rm container whose monitor was killed is still there only because nobody was left to remove it. */
static bool clear_if_dead(struct ctr *c)
{
	struct ctr_state state;
	bool dead;

	ctr_read_state(c, &state);
	dead = c->config.auto_remove && state.monitor_died;
	ctr_state_done(&state);
	return dead && ctr_settle(c);
}

/* Its maker, or its monitor, who would hold the lock, is gone? */
static bool is_abandoned(struct store *s, const char *id)
{
	auto_free char *path = xasprintf("containers/%s/lock", id);
	auto_close int fd = openat(store_fd(s), path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? errno == ENOENT : fd_lock(fd, false) == 0;
}

/* The lock first: who has let go of it has written the config. */
static bool is_half_made(struct store *s, const char *id)
{
	auto_json struct json *j = NULL;

	return is_abandoned(s, id) && store_container_config(s, id, &j, NULL) == -ENOENT;
}

/*
 * Free a name whose holder is rubbish: what a command or monitor that was killed has left. One at a time, and only what
 * the name still stands for: two who want it must not take it from each other.
 */
static bool clear_leftover(struct store *s, const char *name)
{
	auto_close int lock = openat(store_fd(s), "names.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	auto_free char *link = xasprintf("names/%s", name), *id = NULL, *path = NULL;
	auto_ctr struct ctr old = { 0 };

	if (lock < 0 || fd_lock_wait(lock, false) < 0 || fs_readlink(store_fd(s), link, &id, NULL) < 0 || !is_id(id))
		return false;
	if (ctr_open_id(s, id, &old, NULL) == 0)
		return clear_if_dead(&old);
	if (!is_half_made(s, id))
		return false;
	path = xasprintf("containers/%s", id);
	fs_remove_tree(store_fd(s), path, NULL);
	return unlinkat(store_fd(s), link, 0) == 0;
}

/* Random names until one is free; a name that was asked for is tried again only when its holder was rubbish. */
static int claim_some_name(struct store *s, struct ctr_config *cfg, struct err *e)
{
	int root = store_fd(s), err;
	char buf[64];

	if (cfg->name) {
		err = claim_name(root, cfg->name, cfg->id, e);
		return err == -EEXIST && clear_leftover(s, cfg->name) ? claim_name(root, cfg->name, cfg->id, e) : err;
	}
	for (int tries = 0; tries < 64; tries++) {
		int r;

		names_random(buf);
		r = claim_name(root, buf, cfg->id, e);
		if (r == 0)
			cfg->name = xstrdup(buf);
		if (r != -EEXIST)
			return r;
	}
	return err_say(e, EEXIST, "no free random name found: give one with --name");
}

int ctr_sync_all(struct store *s, struct err *e)
{
	static const char *const folders[] = { "containers", "names" };

	for (int i = 0; i < 2; i++) {
		auto_close int fd = -EBADF;
		int r = fs_open_dir(store_fd(s), folders[i], &fd, e);

		if (r == 0)
			r = fs_sync_dir(fd, e);
		if (r < 0)
			return err_wrap(e, r, "make '%s' durable", folders[i]);
	}
	return 0;
}

/* Until its config is there, the lock says that a container is being made. */
static int lock_new(int dirfd, int *ret, struct err *e)
{
	auto_close int fd = openat(dirfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r = fd < 0 ? -errno : fd_lock(fd, false);

	if (r < 0)
		return err_set(e, r, "lock the new container");
	*ret = take_fd(&fd);
	return 0;
}

int ctr_create(struct store *s, struct ctr_config *cfg, struct ctr *ret, struct err *e)
{
	char path[sizeof("containers/") + CTR_ID_LEN], id[CTR_ID_LEN + 1];
	auto_free char *link = NULL;
	auto_close int dirfd = -EBADF, lock = -EBADF;
	int root = store_fd(s), r;

	if (cfg->name && !name_is_valid(cfg->name))
		return err_say(e, EINVAL, "Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
			       cfg->name);
	r = rand_hex(id, CTR_ID_LEN, e);
	if (r < 0)
		return r;
	if (!cfg->id)
		cfg->id = xstrdup(id);
	cfg->created_ns = time_now();
	snprintf(path, sizeof(path), "containers/%s", cfg->id);
	if (mkdirat(root, path, 0700) < 0 &&
	    (errno != ENOENT || fs_make_dir(root, "containers", 0700, e) < 0 || mkdirat(root, path, 0700) < 0))
		return err_set(e, errno, "make the container's folder '%s'", path);
	r = fs_open_dir(root, path, &dirfd, e);
	if (r == 0)
		r = lock_new(dirfd, &lock, e);
	if (r == 0)
		r = claim_some_name(s, cfg, e);
	if (r == 0) {
		link = xasprintf("names/%s", cfg->name);
		r = write_config(dirfd, cfg, e);
		if (r == 0) /* the reference is on disk: now the layers cannot vanish unseen */
			r = store_layers_check(s, cfg->layers, e);
		if (r == 0 && !cfg->auto_remove)
			r = ctr_sync_all(s, e);
	}
	if (r < 0) {
		if (link)
			unlinkat(root, link, 0);
		fs_remove_tree(root, path, NULL);
		return r;
	}
	ret->store = s;
	ret->dirfd = take_fd(&dirfd);
	ret->lock = cfg->is_run ? take_fd(&lock) : -EBADF;
	ret->config = *cfg;
	*cfg = (struct ctr_config) { 0 };
	return 0;
}

int ctr_open_id(struct store *s, const char *id, struct ctr *ret, struct err *e)
{
	char path[sizeof("containers/") + CTR_ID_LEN];
	auto_json struct json *j = NULL;
	auto_close int dirfd = -EBADF;
	int r;

	if (!is_id(id))
		return err_say(e, EINVAL, "'%s' is no container id", id);
	snprintf(path, sizeof(path), "containers/%s", id);
	r = fs_open_dir(store_fd(s), path, &dirfd, e);
	if (r < 0)
		return r;
	r = store_container_config(s, id, &j, e);
	if (r < 0)
		return err_wrap(e, r, "container %.12s", id);
	ctr_config_from_json(j, &ret->config);
	if (!ret->config.name || !name_is_valid(ret->config.name) || !str_is_eq(ret->config.id, id)) {
		ctr_config_done(&ret->config);
		return err_say(e, EINVAL, "container %.12s: config.json is damaged", id);
	}
	ret->store = s;
	ret->dirfd = take_fd(&dirfd);
	ret->lock = -EBADF;
	return 0;
}

static int find_by_prefix(struct store *s, const char *text, char **ret_id, struct err *e)
{
	auto_strv char **ids = NULL;
	int r = fs_list_dir(store_fd(s), "containers", &ids, NULL);

	if (r < 0 && r != -ENOENT)
		return err_set(e, r, "list containers");
	for (char **i = ids; i && *i; i++) {
		if (!is_id(*i) || !str_has_prefix(*i, text))
			continue;
		if (*ret_id)
			return err_say(e, EINVAL, "multiple IDs found with provided prefix: %s", text);
		*ret_id = xstrdup(*i);
	}
	return 0;
}

int ctr_find(struct store *s, const char *text, struct ctr *ret, struct err *e)
{
	auto_free char *link = NULL, *id = NULL;
	const char *name = *text == '/' ? text + 1 : text;
	int r;

	if (name_is_valid(name)) {
		link = xasprintf("names/%s", name);
		if (fs_readlink(store_fd(s), link, &id, NULL) == 0 && !is_id(id))
			free(take_ptr(&id));
		if (!id && strspn(name, "0123456789abcdef") == strlen(name)) {
			r = find_by_prefix(s, name, &id, e);
			if (r < 0)
				return r;
		}
	}
	r = id ? ctr_open_id(s, id, ret, e) : -ENOENT;
	if (r == -ENOENT)
		return err_say(e, ENOENT, "No such container: %s", text);
	return r;
}

static int newest_first(const void *a, const void *b)
{
	int64_t x = ((const struct ctr *)a)->config.created_ns, y = ((const struct ctr *)b)->config.created_ns;

	return x < y ? 1 : x > y ? -1 : 0;
}

/*
 * A folder without a config, whose maker was killed; one that is being made has its lock held, but for its first
 * microseconds.
 */
static void clear_half_made(struct store *s, const char *id)
{
	auto_free char *path = xasprintf("containers/%s", id), *trash = xasprintf("trash/%.16s", id);
	struct stat st;

	if (fstatat(store_fd(s), path, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    time_now() / NSEC_PER_SEC - st.st_ctime < HALF_MADE_AGE || !is_half_made(s, id))
		return;
	if (renameat(store_fd(s), path, store_fd(s), trash) == 0)
		store_remove_tree(s, store_fd(s), trash, NULL);
}

int ctr_list(struct store *s, struct ctr **ret, size_t *ret_n, struct err *e)
{
	auto_strv char **ids = NULL;
	struct ctr *all;
	size_t n = 0;
	int r = fs_list_dir(store_fd(s), "containers", &ids, NULL);

	if (r < 0 && r != -ENOENT)
		return err_set(e, r, "list containers");
	all = xcalloc(strv_len(ids), sizeof(*all));
	for (char **i = ids; i && *i; i++) {
		if (!is_id(*i))
			continue;
		r = ctr_open_id(s, *i, &all[n], NULL);
		if (r == 0)
			n++;
		else if (r == -ENOENT)
			clear_half_made(s, *i);
	}
	if (n)
		qsort(all, n, sizeof(*all), newest_first);
	*ret = all;
	*ret_n = n;
	return 0;
}

/**
 * ctr_list_free() - Release what ctr_list() gave
 * @c:	The containers
 * @n:	How many
 */
void ctr_list_free(struct ctr *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ctr_close(&c[i]);
	free(c);
}

bool ctr_is_running(const struct ctr *c)
{
	auto_close int fd = openat(c->dirfd, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	return fd >= 0 && fd_lock_is_held(fd) == 1;
}

void ctr_read_state(const struct ctr *c, struct ctr_state *ret)
{
	auto_json struct json *j = NULL;
	bool alive = ctr_is_running(c);

	*ret = (struct ctr_state) { 0 };
	if (json_parse_file(c->dirfd, "state.json", 65536, &j, NULL) == 0)
		fields_from_json(state_fields, j, ret);
	else if (!alive && c->config.is_run && c->config.auto_remove)
		ret->monitor_died = true; /* or the command, before there was a monitor */
	if (ret->status < 0 || ret->status >= CTR_STATUS__N)
		ret->status = CTR_EXITED;
	if (alive || (ret->status != CTR_RUNNING && ret->status != CTR_PAUSED))
		return;
	/* A monitor ends by writing the truth; one that was killed took its container with it. */
	ret->status = CTR_EXITED;
	ret->monitor_died = true;
	ret->exit_code = 128 + SIGKILL;
	ret->pid = 0;
}

/*
 * A full disk has no room for another file, but the block of the old one is ours: what a power cut may tear is better
 * than an exit code that nobody learns. Blanks cover the end of a longer text, so that no reader finds half of it.
 */
static int overwrite_state(int dirfd, const char *text)
{
	auto_close int fd = openat(dirfd, "state.json", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	auto_free char *padded = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	padded = xasprintf("%-*s", (int)st.st_size, text);
	n = pwrite(fd, padded, strlen(padded), 0);
	return n < 0 ? -errno : n == (ssize_t)strlen(padded) ? 0 : -ENOSPC;
}

/*
 * Not synced, by design: after a power cut nothing runs, whatever was written here, so a container that ran is told as
 * Exited, or as Created when not even its start had reached the disk (ctr_read_state()); a start or an end that waited
 * for the disk would cost every run more than all the rest of it. Its config, its name and its removal are durable.
 */
int ctr_write_state(int dirfd, const struct ctr_state *s, struct err *e)
{
	auto_json struct json *j = fields_to_json(state_fields, s);
	auto_free char *text = json_compact(j);
	int r = fs_replace_file(dirfd, "state.json", text, strlen(text), 0600, 0, e);

	return (r == -ENOSPC || r == -EDQUOT) && overwrite_state(dirfd, text) == 0 ? 0 : r;
}

/* The name goes only when it is ours: a container whose name was taken meanwhile must not take another's. */
static void release_name(int root, const struct ctr_config *cfg)
{
	auto_free char *link = xasprintf("names/%s", cfg->name), *id = NULL;

	if (fs_readlink(root, link, &id, NULL) == 0 && str_is_eq(id, cfg->id))
		unlinkat(root, link, 0);
}

/* A name as the store's own; our lock, which moves along, tells the store that somebody is at work there. */
static char *trash_name(const struct ctr_config *cfg)
{
	return xasprintf("trash/%.16s", cfg->id);
}

int ctr_discard(struct store *s, const struct ctr_config *cfg, struct err *e)
{
	auto_free char *path = xasprintf("containers/%s", cfg->id), *trash = trash_name(cfg);

	release_name(store_fd(s), cfg);
	if (renameat(store_fd(s), path, store_fd(s), trash) < 0)
		return err_set(e, errno, "move '%s' to the trash", path);
	return 0;
}

int ctr_discard_finish(struct store *s, const struct ctr_config *cfg, struct err *e)
{
	auto_free char *trash = trash_name(cfg);
	int r = store_trash_remove(s, strchr(trash, '/') + 1, e);

	return r < 0 ? r : store_reclaim_trash(s, e);
}

/* Out of sight by one rename: if we are killed before the rest is gone, the next one who looks into the trash goes on.
 */
static int remove_locked(const struct ctr *c, struct err *e)
{
	auto_free char *trash = trash_name(&c->config);
	int r = ctr_discard(c->store, &c->config, e);

	return r < 0 ? r : store_trash_remove(c->store, strchr(trash, '/') + 1, e);
}

void ctr_remove_sockets(const struct ctr *c)
{
	char path[128];

	if (ctr_socket_path(c->store, c->config.id, path, sizeof(path), NULL) < 0)
		return;
	unlink(path);
	memcpy(strrchr(path, '.'), ".net", 5);
	unlink(path);
}

/* Its folder is where it was, and not on its way through the trash already? */
static bool is_in_place(const struct ctr *c)
{
	auto_free char *path = xasprintf("containers/%s", c->config.id);
	struct stat own, there;

	return fstat(c->dirfd, &own) == 0 && fstatat(store_fd(c->store), path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       own.st_ino == there.st_ino;
}

bool ctr_settle(const struct ctr *c)
{
	auto_close int lock = openat(c->dirfd, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct ctr_state s;

	if (lock < 0 && errno == ENOENT)
		return true;
	/* A reader's lock, so that we are not taken for a monitor; only one can remove. */
	if (lock < 0 || fd_lock(lock, !c->config.auto_remove) < 0)
		return false;
	if (!is_in_place(c))
		return true;
	ctr_remove_sockets(c);
	if (c->config.auto_remove)
		return remove_locked(c, NULL) == 0;
	ctr_read_state(c, &s);
	if (s.monitor_died) {
		s.monitor_pid = 0;
		free(s.error);
		s.error = xstrdup("monitor died");
		s.finished_ns = time_now();
		strv_freep(&s.ports);
		ctr_write_state(c->dirfd, &s, NULL);
	}
	ctr_state_done(&s);
	return false;
}

int ctr_remove(struct ctr *c, struct err *e)
{
	auto_close int lock = openat(c->dirfd, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	int r;

	if (lock < 0 && errno == ENOENT) /* --rm: its monitor was faster */
		return 0;
	if (lock < 0)
		return err_set(e, errno, "open the container's lock");
	r = fd_lock(lock, false);
	if (r == -EAGAIN)
		return err_say(e, EBUSY, "container %.12s is running", c->config.id);
	if (r < 0)
		return err_set(e, r, "lock the container");
	ctr_remove_sockets(c);
	return is_in_place(c) ? remove_locked(c, e) : 0;
}

int ctr_socket_path(struct store *s, const char *id, char *buf, size_t size, struct err *e)
{
	const char *dir;
	int r = store_run_dir(s, &dir, NULL, e);

	if (r < 0)
		return r;
	if ((size_t)snprintf(buf, size, "%s/%.12s.sock", dir, id) >= size)
		return err_say(e, ENAMETOOLONG,
			       "the path of the run folder '%s' is too long for a socket (use --runroot)", dir);
	return 0;
}
