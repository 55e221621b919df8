/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/runtime/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "lib/runtime/walls.h"

/*
 * Theory of operation
 *
 *	parent					child
 *	clone(CLONE_NEWUSER | ...)
 *	newuidmap, newgidmap (in parallel)	blocks in read(go)
 *	verify /proc/PID/uid_map, gid_map
 *	write(go)				becomes id 0
 *
 * The child is blocked until its map is verified and the parent has not reaped it, so its pid cannot be reused while
 *the set-uid helpers look it up (UN-03). /proc/PID is opened once, before the helpers start, and the verification reads
 *below that descriptor: it dies with the process, whatever happens to the number.
 *
 * Where the parent may not write multi-range maps (an ordinary user in the host's namespace), newuidmap(1) and
 *newgidmap(1) do it. Without them or without ranges the namespace gets one id, and setgroups is denied first
 *(CVE-2014-8989).
 */

/**
 * idmap_count() - How many ids a map has
 * @r:	Ranges
 * @n:	How many ranges
 *
 * Return: sum of the counts
 */
uint64_t idmap_count(const struct idmap_range *r, unsigned n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += r[i].count;
	return sum;
}

/**
 * idmap_to_outside() - Translate an id to the parent namespace
 * @r:		Ranges
 * @n:		How many ranges
 * @inside:	Id inside
 * @ret:	Id outside
 *
 * Return: false when it is not mapped
 */
bool idmap_to_outside(const struct idmap_range *r, unsigned n, uint32_t inside, uint32_t *ret)
{
	for (unsigned i = 0; i < n; i++)
		if (inside >= r[i].inside && inside - r[i].inside < r[i].count) {
			*ret = r[i].outside + (inside - r[i].inside);
			return true;
		}
	return false;
}

/**
 * idmap_has_inside() - Is an id mapped?
 * @r:		Ranges
 * @n:		How many ranges
 * @inside:	Id inside
 *
 * Return: whether it is
 */
bool idmap_has_inside(const struct idmap_range *r, unsigned n, uint32_t inside)
{
	uint32_t unused;

	return idmap_to_outside(r, n, inside, &unused);
}

/* Level B gets all of A but host root, which is A's last range when root called. */
static unsigned usable(const struct idmap *outer, unsigned n)
{
	return outer->host_root ? n - 1 : n;
}

static void nested_ranges(const struct idmap_range *outer, unsigned n, struct idmap_range *ret)
{
	for (unsigned i = 0; i < n; i++)
		ret[i] = (struct idmap_range) { outer[i].inside, outer[i].inside, outer[i].count };
}

/**
 * idmap_nested() - The map of a level B that sees the same ids as its level A
 * @outer:	Map of A
 * @ret:	Map of B, written directly by somebody in A
 */
void idmap_nested(const struct idmap *outer, struct idmap *ret)
{
	*ret = (struct idmap) { .single = outer->single, .direct = true };
	ret->n_uid = usable(outer, outer->n_uid);
	ret->n_gid = usable(outer, outer->n_gid);
	nested_ranges(outer->uid, ret->n_uid, ret->uid);
	nested_ranges(outer->gid, ret->n_gid, ret->gid);
}

/*
 * A's ids 1..max (the subordinate ones) fill B's ids around @keep, which is A's 0, the caller:
 * B 0..keep-1 = A 1..keep; B keep = A 0; B keep+1.. = A keep+1..
 */
static int keep_ranges(uint64_t total, uint32_t keep, struct idmap_range *ret, unsigned *ret_n)
{
	unsigned n = 0;

	if (keep == UINT32_MAX)
		return -EINVAL;
	if (keep > 0 && total > 1)
		ret[n++] = (struct idmap_range) { 0, 1, keep < total ? keep : (uint32_t)total - 1 };
	ret[n++] = (struct idmap_range) { keep, 0, 1 };
	if (keep + 1ULL < total)
		ret[n++] = (struct idmap_range) { keep + 1, keep + 1, (uint32_t)(total - keep - 1) };
	*ret_n = n;
	return 0;
}

/**
 * idmap_keep_id() - The map of a level B in which the caller keeps an id (--userns=keep-id)
 * @outer:	Map of A: 0 is the caller, 1..N are subordinate
 * @uid:	The caller's user id inside B
 * @gid:	The caller's group id inside B
 * @ret:	Map of B
 * @e:		Failure
 *
 * Return: 0, -EINVAL
 */
int idmap_keep_id(const struct idmap *outer, uint32_t uid, uint32_t gid, struct idmap *ret, struct err *e)
{
	*ret = (struct idmap) { .single = outer->single, .direct = true };
	if (keep_ranges(idmap_count(outer->uid, usable(outer, outer->n_uid)), uid, ret->uid, &ret->n_uid) < 0 ||
	    keep_ranges(idmap_count(outer->gid, usable(outer, outer->n_gid)), gid, ret->gid, &ret->n_gid) < 0)
		return err_say(e, EINVAL, "--userns=keep-id: id 4294967295 cannot be mapped");
	return 0;
}

/**
 * idmap_nomap() - The map of a level B in which the caller has no id at all (--userns=nomap)
 * @outer:	Map of A
 * @ret:	Map of B: 0.. are A's 1..
 * @e:		Failure
 *
 * Return: 0, -EINVAL where there are no subordinate ids to fill it with
 */
int idmap_nomap(const struct idmap *outer, struct idmap *ret, struct err *e)
{
	uint64_t uids = idmap_count(outer->uid, usable(outer, outer->n_uid));
	uint64_t gids = idmap_count(outer->gid, usable(outer, outer->n_gid));

	if (uids < 2 || gids < 2)
		return err_say(e, EINVAL,
			       "--userns=nomap needs subordinate ids: add a range for this user to "
			       "/etc/subuid and /etc/subgid (skiff doctor)");
	*ret = (struct idmap) { .n_uid = 1, .n_gid = 1, .direct = true };
	ret->uid[0] = (struct idmap_range) { 0, 1, (uint32_t)(uids - 1) };
	ret->gid[0] = (struct idmap_range) { 0, 1, (uint32_t)(gids - 1) };
	return 0;
}

/**
 * idmap_is_shifted() - Does B see other ids than A has?
 * @inner:	Map of B, whose outside ids are A's
 *
 * Return: whether one id has another number in B
 */
bool idmap_is_shifted(const struct idmap *inner)
{
	if (inner->single) /* every file is the caller's, whatever its number */
		return false;
	for (unsigned i = 0; i < inner->n_uid; i++)
		if (inner->uid[i].inside != inner->uid[i].outside)
			return true;
	for (unsigned i = 0; i < inner->n_gid; i++)
		if (inner->gid[i].inside != inner->gid[i].outside)
			return true;
	return false;
}

static int write_proc(int procfd, const char *name, const char *text)
{
	auto_close int fd = openat(procfd, name, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return fd_write_full(fd, text, strlen(text));
}

static int write_map(int procfd, const char *name, const struct idmap_range *r, unsigned n, struct err *e)
{
	auto_sbuf struct sbuf b = { 0 };
	int err;

	for (unsigned i = 0; i < n; i++)
		sbuf_printf(&b, "%u %u %u\n", r[i].inside, r[i].outside, r[i].count);
	err = write_proc(procfd, name, sbuf_str(&b));
	return err < 0 ? err_set(e, err, "write %s", name) : 0;
}

static int start_helper(const char *tool, pid_t pid, const struct idmap_range *r, unsigned n, pid_t *ret, struct err *e)
{
	char text[3 * IDMAP_MAX + 1][12];
	char *argv[3 * IDMAP_MAX + 3];
	struct proc_spec s = { .argv = argv, .file = tool, .stdio = { -EBADF, -EBADF, -EBADF } };
	unsigned k = 0;

	argv[k++] = xstrdup(tool);
	snprintf(text[0], sizeof(text[0]), "%d", (int)pid);
	argv[k++] = text[0];
	for (unsigned i = 0; i < n; i++) {
		const uint32_t v[] = { r[i].inside, r[i].outside, r[i].count };

		for (unsigned j = 0; j < 3; j++) {
			snprintf(text[1 + 3 * i + j], sizeof(text[0]), "%u", v[j]);
			argv[k++] = text[1 + 3 * i + j];
		}
	}
	argv[k] = NULL;
	/* What they say on failure is less than what userns_maps_finish() knows. */
	auto_close int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	s.stdio[2] = null;
	int err = proc_spawn(&s, ret, e);
	free(argv[0]);
	return err;
}

/**
 * userns_maps_start() - Begin to write the maps of a new user namespace
 * @map:	The map; must stay until userns_maps_finish()
 * @pid:	The blocked child in the namespace
 * @ret:	State for userns_maps_finish(), which must be called after success
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int userns_maps_start(const struct idmap *map, pid_t pid, struct userns_maps *ret, struct err *e)
{
	char path[32];
	int r;

	*ret = (struct userns_maps) { .helper = { -1, -1 }, .map = map };
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	r = fs_open_dir(AT_FDCWD, path, &ret->proc_fd, e);
	if (r < 0)
		return r;
	if (map->single) {
		r = write_proc(ret->proc_fd, "setgroups", "deny");
		if (r < 0 && r != -ENOENT)
			r = err_set(e, r, "deny setgroups in the user namespace");
		else
			r = 0;
	}
	if (r == 0 && (map->direct || map->single)) {
		r = write_map(ret->proc_fd, "uid_map", map->uid, map->n_uid, e);
		if (r == 0)
			r = write_map(ret->proc_fd, "gid_map", map->gid, map->n_gid, e);
	} else if (r == 0) {
		r = start_helper("newuidmap", pid, map->uid, map->n_uid, &ret->helper[0], e);
		if (r == 0)
			r = start_helper("newgidmap", pid, map->gid, map->n_gid, &ret->helper[1], e);
		if (r < 0 && ret->helper[0] > 0)
			proc_wait(ret->helper[0]);
	}
	if (r < 0)
		fd_closep(&ret->proc_fd);
	return r;
}

/* What the kernel has must be what was asked: a helper with other ideas is not trusted (UN-02). */
static int verify_map(int procfd, const char *name, const struct idmap_range *want, unsigned n, struct err *e)
{
	auto_free char *text = NULL;
	const char *p;
	unsigned found = 0;
	int used, r;

	r = fs_read_file(procfd, name, 8192, &text, NULL, e);
	if (r < 0)
		return r;
	for (p = text; *p; p += used) {
		unsigned v[3];

		if (sscanf(p, " %u %u %u\n%n", &v[0], &v[1], &v[2], &used) != 3)
			break;
		for (unsigned i = 0; i < n; i++)
			if (v[0] == want[i].inside && v[1] == want[i].outside && v[2] == want[i].count)
				found++;
	}
	if (found == n && !*p)
		return 0;
	return err_say(e, EPERM, "%s of the user namespace is not what was asked for", name);
}

/**
 * userns_maps_finish() - Wait until the maps are written, and verify them
 * @m:	State of userns_maps_start(); released
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int userns_maps_finish(struct userns_maps *m, struct err *e)
{
	static const char *const tool[] = { "newuidmap", "newgidmap" };
	int r = 0;

	for (int i = 0; i < 2; i++) {
		int st = m->helper[i] > 0 ? proc_wait(m->helper[i]) : 0;

		if (st != 0 && r == 0)
			r = walls_explain_idmap(tool[i], st, e);
	}
	if (r == 0 && m->helper[0] > 0) {
		r = verify_map(m->proc_fd, "uid_map", m->map->uid, m->map->n_uid, e);
		if (r == 0)
			r = verify_map(m->proc_fd, "gid_map", m->map->gid, m->map->n_gid, e);
	}
	fd_closep(&m->proc_fd);
	return r;
}

/**
 * userns_become() - Take on ids of the user namespace
 * @map:	Its map (for @single: setgroups is denied there and skipped)
 * @uid:	User id inside
 * @gid:	Group id inside
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int userns_become(const struct idmap *map, uint32_t uid, uint32_t gid, struct err *e)
{
	int r = sys_setresgid(gid);

	if (r == 0 && !map->single)
		r = sys_setgroups(0, NULL);
	if (r == 0)
		r = sys_setresuid(uid);
	if (r < 0)
		return err_set(e, r, "become id %u:%u of the user namespace", uid, gid);
	/* Changing ids cleared it; /proc/self must stay ours. */
	prctl(PR_SET_DUMPABLE, 1);
	return 0;
}

static int child_wait(int go, const struct idmap *map, struct err *e)
{
	char c;

	if (fd_read(go, &c, 1) != 1)
		_exit(125); /* the parent has failed and said why */
	return userns_become(map, 0, 0, e);
}

pid_t userns_fork(const struct idmap *map, uint64_t flags, int *ret_pidfd, struct err *e)
{
	auto_close int rd = -EBADF, wr = -EBADF, pidfd = -EBADF;
	struct userns_maps m;
	int go[2] = { -EBADF, -EBADF }, r;
	pid_t pid;

	r = walls_explain_kernel(e);
	if (r == 0)
		r = fd_pipe(go, e);
	if (r < 0)
		return r;
	rd = go[0];
	wr = go[1];
	pid = sys_clone_fork(CLONE_NEWUSER | flags, &pidfd);
	if (pid < 0)
		return walls_explain_userns(pid, e);
	if (pid == 0) {
		fd_closep(&wr);
		r = child_wait(rd, map, e);
		if (r < 0) {
			log_err("%s", e ? e->msg : "cannot enter the user namespace");
			_exit(125);
		}
		return 0;
	}
	r = userns_maps_start(map, pid, &m, e);
	if (r == 0)
		r = userns_maps_finish(&m, e);
	if (r == 0 && fd_write_full(wr, "g", 1) < 0)
		r = err_say(e, EPIPE, "the process in the new user namespace ended early");
	if (r < 0) {
		fd_closep(&wr);
		proc_wait(pid);
		return r;
	}
	if (ret_pidfd)
		*ret_pidfd = take_fd(&pidfd);
	return pid;
}

/**
 * userns_open() - A user namespace that no process is in
 * @map:	Its map: host root, the last range where root called, is left out
 * @ret_fd:	The namespace
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int userns_open(const struct idmap *map, int *ret_fd, struct err *e)
{
	struct idmap m = *map;
	auto_close int rd = -EBADF, wr = -EBADF;
	char path[40], c;
	int fds[2], r = fd_pipe(fds, e);
	pid_t pid;

	if (r < 0)
		return r;
	rd = fds[0];
	wr = fds[1];
	m.n_uid = usable(map, map->n_uid);
	m.n_gid = usable(map, map->n_gid);
	pid = userns_fork(&m, 0, NULL, e);
	if (pid < 0)
		return pid;
	if (pid == 0) {
		fd_closep(&wr);
		_exit((int)fd_read(rd, &c, 1)); /* until we are done, or dead */
	}
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	r = open(path, O_RDONLY | O_CLOEXEC);
	if (r >= 0)
		*ret_fd = r;
	else
		r = err_set(e, errno, "open '%s'", path);
	fd_closep(&wr);
	proc_wait(pid);
	return r < 0 ? r : 0;
}
