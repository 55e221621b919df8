/* SPDX-License-Identifier: Apache-2.0 */
/* Which ids a caller has to give: subordinate ranges, its own map where it is root of a namespace, or just itself. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/oci/passwd.h"
#include "lib/runtime/userns.h"

/* Used by root where nobody has set ranges aside: above what distributions and systemd give out. */
#define ROOT_FALLBACK_START 0x7c000000u
#define ROOT_FALLBACK_COUNT 65536u

/**
 * idmap_nss_has_subids() - Are subordinate ids kept somewhere else than in the two files (LDAP, SSSD)?
 *
 * Return: whether /etc/nsswitch.conf says so
 */
bool idmap_nss_has_subids(void)
{
	auto_free char *text = NULL;
	const char *line;

	if (fs_read_file(AT_FDCWD, "/etc/nsswitch.conf", 65536, &text, NULL, NULL) < 0)
		return false;
	line = str_has_prefix(text, "subid:") ? text : strstr(text, "\nsubid:");
	return line != NULL;
}

/* "0: alice 100000 65536" of getsubids(1) as lines of the files, "alice:100000:65536". */
static char *ask_nss(bool groups, const char *name)
{
	auto_close int rd = -EBADF, wr = -EBADF;
	auto_free char *out = NULL;
	auto_sbuf struct sbuf b = { 0 };
	auto_strv char **argv = NULL;
	struct proc_spec s = { .file = "getsubids", .stdio = { -EBADF, -EBADF, -EBADF } };
	int fds[2];
	pid_t pid;

	if (fd_pipe(fds, NULL) < 0)
		return NULL;
	rd = fds[0];
	wr = fds[1];
	strv_add(&argv, "getsubids");
	if (groups)
		strv_add(&argv, "-g");
	strv_add(&argv, name);
	s.argv = argv;
	s.stdio[1] = wr;
	if (proc_spawn(&s, &pid, NULL) < 0)
		return NULL;
	fd_closep(&wr);
	int r = fs_read_fd(rd, PASSWD_MAX, &out, NULL, NULL);

	proc_wait(pid);
	if (r < 0)
		return NULL;
	for (char *line, *rest = out; (line = strsep(&rest, "\n"));) {
		unsigned start, count;

		if (sscanf(line, "%*u: %*s %u %u", &start, &count) == 2)
			sbuf_printf(&b, "%s:%u:%u\n", name, start, count);
	}
	return sbuf_take(&b);
}

/*
 * The ranges of @name or @uid in one of the two files, else from the directory that /etc/nsswitch.conf names; @ret_n is
 * 0 where there are none.
 */
static int read_ranges(const char *file, const char *name, uint32_t uid, uint32_t own, struct subid_range **ret,
		       size_t *ret_n, struct err *e)
{
	auto_free char *text = NULL;
	size_t len;
	int r = fs_read_file(AT_FDCWD, file, PASSWD_MAX, &text, &len, e);

	*ret = NULL;
	*ret_n = 0;
	if (r == 0)
		r = subid_parse(text, len, file, name, uid, own, ret, ret_n, e);
	if ((r == 0 || r == -ENOENT) && *ret_n == 0 && name && idmap_nss_has_subids()) {
		auto_free char *answer = ask_nss(str_has_suffix(file, "gid"), name);

		r = answer ? subid_parse(answer, strlen(answer), "getsubids", name, uid, own, ret, ret_n, e) : 0;
	}
	return r == -ENOENT ? 0 : r;
}

/**
 * idmap_user_name() - A host user's name, without NSS where /etc/passwd has it: loading NSS modules costs more than a
 * container
 * @uid:	User
 *
 * Return: owned name, or NULL
 */
char *idmap_user_name(uid_t uid)
{
	auto_free char *text = NULL;
	auto_user struct run_user u = { 0 };
	struct passwd *pw;
	size_t len;

	if (fs_read_file(AT_FDCWD, "/etc/passwd", PASSWD_MAX, &text, &len, NULL) == 0 &&
	    passwd_find_uid((struct passwd_file) { text, len }, uid, &u) == 0)
		return take_ptr(&u.name);
	pw = getpwuid(uid);
	return pw ? xstrdup(pw->pw_name) : NULL;
}

static bool helper_works(const char *tool)
{
	auto_free char *path = NULL;
	struct statvfs fs;
	struct stat st;

	if (proc_find(tool, &path) < 0 || stat(path, &st) < 0)
		return false;
	if (statvfs(path, &fs) == 0 && fs.f_flag & ST_NOSUID)
		return false;
	return (st.st_mode & S_ISUID && st.st_uid == 0) || getxattr(path, "security.capability", NULL, 0) > 0;
}

static unsigned add_ranges(struct idmap_range *map, const struct subid_range *r, size_t n)
{
	unsigned used = 1;
	uint32_t inside = 1;

	for (size_t i = 0; i < n && used < IDMAP_MAX; i++) {
		map[used++] = (struct idmap_range) { inside, r[i].start, r[i].count };
		inside += r[i].count;
	}
	return used;
}

static void single_id(struct idmap *m, const char *why)
{
	*m = (struct idmap) { .n_uid = 1, .n_gid = 1, .single = true, .why_single = why };
	m->uid[0] = (struct idmap_range) { 0, geteuid(), 1 };
	m->gid[0] = (struct idmap_range) { 0, getegid(), 1 };
}

static int for_user(struct idmap *m, struct err *e)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	auto_free char *name = idmap_user_name(uid);
	auto_free struct subid_range *u = NULL, *g = NULL;
	size_t n_u = 0, n_g = 0;
	int r = read_ranges("/etc/subuid", name, uid, uid, &u, &n_u, e);

	if (r == 0)
		r = read_ranges("/etc/subgid", name, uid, gid, &g, &n_g, e);
	if (r < 0)
		return r;
	if (n_u == 0 || n_g == 0) {
		single_id(m, "this user has no subordinate ids in /etc/subuid and /etc/subgid");
		return 0;
	}
	if (!helper_works("newuidmap") || !helper_works("newgidmap")) {
		single_id(m, "newuidmap and newgidmap are not installed with their privileges (package uidmap)");
		return 0;
	}
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
		single_id(m, "no_new_privs is set, so newuidmap cannot gain its privileges");
		return 0;
	}
	*m = (struct idmap) { 0 };
	m->uid[0] = (struct idmap_range) { 0, uid, 1 };
	m->gid[0] = (struct idmap_range) { 0, gid, 1 };
	m->n_uid = add_ranges(m->uid, u, n_u);
	m->n_gid = add_ranges(m->gid, g, n_g);
	return 0;
}

static uint64_t count_ranges(const struct subid_range *r, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += r[i].count;
	return sum;
}

/**
 * idmap_count_subids() - How many subordinate ids the caller has
 * @ret_uids:	User ids
 * @ret_gids:	Group ids; both 0 where the files cannot be read
 */
void idmap_count_subids(uint64_t *ret_uids, uint64_t *ret_gids)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	auto_free char *name = idmap_user_name(uid);
	auto_free struct subid_range *u = NULL, *g = NULL;
	size_t n_u = 0, n_g = 0;

	read_ranges("/etc/subuid", name, uid, uid, &u, &n_u, NULL);
	read_ranges("/etc/subgid", name, uid, gid, &g, &n_g, NULL);
	*ret_uids = count_ranges(u, n_u);
	*ret_gids = count_ranges(g, n_g);
}

/* What /proc/self/uid_map or gid_map has, as an identity map of the same ids. Return: whether it is the initial
 * namespace's. */
static bool own_map(const char *file, struct idmap_range *map, unsigned *ret_n)
{
	auto_free char *text = NULL;
	unsigned n = 0, v[3];
	int used;

	*ret_n = 0;
	if (fs_read_file(AT_FDCWD, file, 65536, &text, NULL, NULL) < 0)
		return false;
	for (const char *p = text; n < IDMAP_MAX && sscanf(p, " %u %u %u\n%n", &v[0], &v[1], &v[2], &used) == 3;
	     p += used)
		map[n++] = (struct idmap_range) { v[0], v[0], v[2] };
	*ret_n = n;
	return n == 1 && v[0] == 0 && v[1] == 0 && v[2] == UINT32_MAX;
}

static int root_ranges(const char *file, struct idmap_range *map, unsigned *ret_n, struct err *e)
{
	auto_free struct subid_range *r = NULL;
	size_t n;
	int err = read_ranges(file, "containers", UINT32_MAX, 0, &r, &n, e);

	if (err == 0 && n == 0) {
		free(take_ptr(&r));
		err = read_ranges(file, "root", 0, 0, &r, &n, e);
	}
	if (err < 0)
		return err;
	map[0] = n ? (struct idmap_range) { 0, r[0].start, r[0].count }
		   : (struct idmap_range) { 0, ROOT_FALLBACK_START, ROOT_FALLBACK_COUNT };
	/* Host root is an id of level A (not its 0), so that the monitor's capabilities reach root's files; B never
	 * gets it. */
	map[1] = (struct idmap_range) { map[0].count, 0, 1 };
	*ret_n = 2;
	return 0;
}

static bool may_map(void)
{
	auto_free char *text = NULL;
	unsigned long long eff = 0;
	const char *line;

	if (fs_read_file(AT_FDCWD, "/proc/self/status", 16384, &text, NULL, NULL) < 0)
		return false;
	line = strstr(text, "\nCapEff:");
	if (!line || sscanf(line, "\nCapEff: %llx", &eff) != 1)
		return false;
	return (eff >> CAP_SETUID & 1) && (eff >> CAP_SETGID & 1);
}

/* Once denied in a user namespace, setgroups(2) is denied in all below it. */
static bool may_set_groups(void)
{
	auto_free char *text = NULL;

	return fs_read_file(AT_FDCWD, "/proc/self/setgroups", 16, &text, NULL, NULL) < 0 ||
	       !str_has_prefix(text, "deny");
}

/*
 * In a level A that root made (`skiff unshare`) the last range is host root, see root_ranges(). It owns /proc/sys, in
 * whatever user namespace that is looked at.
 */
static bool has_host_root(const struct idmap *m)
{
	const struct idmap_range *u = m->uid + m->n_uid - 1, *g = m->gid + m->n_gid - 1;
	struct stat st;

	return m->n_uid > 1 && m->n_gid > 1 && u->count == 1 && g->count == 1 && stat("/proc/sys", &st) == 0 &&
	       st.st_uid == u->inside && st.st_gid == g->inside;
}

static int for_root(struct idmap *m, struct err *e)
{
	int r;

	*m = (struct idmap) { .direct = true };
	if (own_map("/proc/self/uid_map", m->uid, &m->n_uid) && own_map("/proc/self/gid_map", m->gid, &m->n_gid)) {
		m->host_root = true;
		r = root_ranges("/etc/subuid", m->uid, &m->n_uid, e);
		return r < 0 ? r : root_ranges("/etc/subgid", m->gid, &m->n_gid, e);
	}
	own_map("/proc/self/gid_map", m->gid, &m->n_gid);
	m->host_root = has_host_root(m);
	if (m->n_uid == 0 || m->n_gid == 0)
		return err_say(e, EIO, "cannot read the id map of this user namespace from /proc/self");
	if (idmap_count(m->uid, m->n_uid) == 1 || idmap_count(m->gid, m->n_gid) == 1 || !may_set_groups())
		single_id(m, "the user namespace around us has only one id, or no setgroups");
	return 0;
}

/**
 * idmap_for_caller() - The map of a level A that the caller can make
 * @ret:	The map
 * @e:		Failure
 *
 * An ordinary user: itself as 0, then its ranges of /etc/subuid and /etc/subgid; one id where there are none or the
 * helpers are missing. Root of the initial namespace: a range of `containers` or root, so that id 0 inside is never
 * host root. Root of a nested namespace: the ids that this namespace has.
 *
 * Return: 0, -EINVAL for broken subordinate id files
 */
int idmap_for_caller(struct idmap *ret, struct err *e)
{
	if (geteuid() == 0 && may_map())
		return for_root(ret, e);
	return for_user(ret, e);
}

/**
 * idmap_tell_single() - Say on stderr that there is one id, and why; nothing where there are more
 * @m:	Map of idmap_for_caller()
 *
 * SKIFF_SINGLE_ID=quiet is for who knows it and cannot change it.
 */
void idmap_tell_single(const struct idmap *m)
{
	if (m->single && !str_is_eq(getenv("SKIFF_SINGLE_ID"), "quiet"))
		log_warn("single-id mode: %s (skiff doctor says how to mend it)", m->why_single);
}
