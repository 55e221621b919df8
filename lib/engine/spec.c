/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/engine/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/oci/envfile.h"
#include "lib/oci/runspec.h"
#include "lib/runtime/caps.h"
#include "lib/runtime/paths.h"

bool spec_has_own_resolv(const struct ctr_config *c)
{
	return c->dns && str_is_eq(c->dns[0], "none") && !c->dns[1];
}

/* Paths below /proc that may be covered: files that lxcfs and its like provide (moby has the same list). */
static const char *const proc_allowed[] = {
	"/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo",  "/proc/stat",    "/proc/swaps",
	"/proc/uptime",	 "/proc/loadavg",   "/proc/slabinfo", "/proc/net/dev",
};

/**
 * spec_done() - Release a spec
 * @s:	The spec
 */
void spec_done(struct spec *s)
{
	for (size_t i = 0; i < s->n_mounts; i++)
		mountspec_done(&s->mounts[i]);
	free(s->mounts);
	free(s->seccomp_json);
	free(s->caller);
	strv_free(s->masked);
	strv_free(s->readonly);
	*s = (struct spec) { 0 };
}

static int parse_network(const char *text, struct spec *s, struct err *e)
{
	const char *opts;
	auto_strv char **v = NULL;

	if (str_is_empty(text) || !strcmp(text, "default") || !strcmp(text, "slirp4netns") ||
	    !strcmp(text, "private")) {
		s->net = NET_SLIRP;
		return 0;
	}
	if (!strcmp(text, "none") || !strcmp(text, "host")) {
		s->net = *text == 'n' ? NET_NONE : NET_HOST;
		return 0;
	}
	opts = str_after(text, "slirp4netns:");
	if (!opts)
		return err_say(e, ENOTSUP,
			       "network '%s' is not there yet: bridge and user-defined networks, pasta, container: and "
			       "ns: come with "
			       "their own release; use --network slirp4netns (the default), host or none",
			       text);
	s->net = NET_SLIRP;
	v = strv_split(opts, ',');
	for (char **o = v; *o; o++) {
		if (!strcmp(*o, "allow_host_loopback=true"))
			s->host_loopback = true;
		else if (!strcmp(*o, "enable_ipv6=true"))
			s->net_ipv6 = true;
		else if (strcmp(*o, "allow_host_loopback=false") && strcmp(*o, "enable_ipv6=false"))
			return err_say(e, EINVAL,
				       "unknown slirp4netns option '%s' (allow_host_loopback=, enable_ipv6=)", *o);
	}
	return 0;
}

static int parse_namespace(const char *option, const char *text, bool *host, bool *none, struct err *e)
{
	if (str_is_empty(text) || !strcmp(text, "private") || !strcmp(text, "shareable"))
		return 0;
	if (!strcmp(text, "host")) {
		*host = true;
		return 0;
	}
	if (none && !strcmp(text, "none")) {
		*none = true;
		return 0;
	}
	return err_say(e, ENOTSUP, "--%s %s is not there yet: private and host are", option, text);
}

static int parse_security(const struct ctr_config *c, struct spec *s, struct err *e)
{
	auto_strv char **mask = NULL, **unmask = NULL;
	bool unconfined = c->privileged;
	struct paths_spec paths;
	const char *v;
	int r;

	s->nnp = c->no_new_privs;
	s->seccomp_kind = c->privileged ? SECCOMP_UNCONFINED : SECCOMP_DEFAULT;
	for (char **o = c->security_opt; o && *o; o++) {
		bool on = true;

		if ((v = str_after(*o, "seccomp=")) || (v = str_after(*o, "seccomp:"))) {
			free(take_ptr(&s->seccomp_json));
			r = seccomp_from_option(v, &s->seccomp_kind, &s->seccomp_json, e);
			if (r < 0)
				return r;
		} else if ((v = str_after(*o, "mask="))) {
			strv_add(&mask, v);
		} else if ((v = str_after(*o, "unmask="))) {
			strv_add(&unmask, v);
		} else if (!strcmp(*o, "systempaths=unconfined")) {
			unconfined = true;
		} else if ((v = str_after(*o, "no-new-privileges")) && (!*v || *v == '=' || *v == ':')) {
			if (*v && str_to_bool(v + 1, &on) < 0)
				return err_say(e, EINVAL, "invalid --security-opt '%s': true or false", *o);
			s->nnp = on;
		} else if (strcmp(*o, "label=disable") && strcmp(*o, "label:disable") &&
			   strcmp(*o, "apparmor=unconfined") && strcmp(*o, "apparmor:unconfined")) {
			return err_say(
				e, ENOTSUP,
				"--security-opt '%s' is not supported: an ordinary user can load neither AppArmor nor "
				"SELinux "
				"policy (seccomp=, no-new-privileges, mask=, unmask=, systempaths=unconfined are)",
				*o);
		}
	}
	paths = (struct paths_spec) { .mask = mask, .unmask = unmask, .unconfined = unconfined };
	return paths_resolve(&paths, -EBADF, &s->masked, &s->readonly, e);
}

/* A mount on or below /proc would let an image or a volume answer for the kernel (CVE-2025-52881). */
static int check_target(const struct mountspec *m, struct err *e)
{
	const char *rest = str_after(m->target, "/proc");

	if (!strcmp(m->target, "/"))
		return err_say(e, EINVAL, "invalid mount target '/': the root is the image's");
	if (!rest || (*rest && *rest != '/'))
		return 0;
	for (size_t i = 0; i < sizeof(proc_allowed) / sizeof(*proc_allowed); i++)
		if (!strcmp(m->target, proc_allowed[i]))
			return 0;
	return err_say(e, EPERM, "\"%s\" cannot be mounted because it is inside /proc", m->target);
}

static int depth(const char *path)
{
	int n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* A source such as ./data is below the folder in which the container was made. */
static void make_absolute(struct mountspec *m, const char *base)
{
	char *full;

	if (!m->source_is_relative)
		return;
	full = xasprintf("%s/%s", base ? base : "", m->source);
	free(m->source);
	m->source = full;
	m->source_is_relative = false;
}

static int add_mounts(struct spec *s, const char *base, char *const *texts,
		      int (*parse)(const char *, struct mountspec *, struct err *), struct err *e)
{
	for (; texts && *texts; texts++) {
		struct mountspec m = { 0 };
		int r = parse(*texts, &m, e);

		make_absolute(&m, base);
		if (r == 0)
			r = check_target(&m, e);
		if (r == 0 && (m.type == MOUNTSPEC_VOLUME || m.type == MOUNTSPEC_IMAGE))
			r = err_say(e, ENOTSUP,
				    "'%s': named volumes and image mounts are not there yet: bind a folder (an "
				    "absolute path, or one "
				    "starting with './')",
				    *texts);
		if (r == 0 && (m.overlay || m.idmap || m.chown))
			r = err_say(e, ENOTSUP, "'%s': the options O, U and idmap are not there yet", *texts);
		for (size_t i = 0; r == 0 && i < s->n_mounts; i++)
			if (!strcmp(s->mounts[i].target, m.target))
				r = err_say(e, EINVAL, "Duplicate mount point: %s", m.target);
		if (r < 0) {
			mountspec_done(&m);
			return r;
		}
		s->mounts = xrealloc(s->mounts, (s->n_mounts + 1) * sizeof(m));
		s->mounts[s->n_mounts++] = m;
	}
	return 0;
}

/* Parents before what is mounted inside them; equal depths keep the order of the command line (stable). */
static void sort_mounts(struct spec *s)
{
	for (size_t i = 1; i < s->n_mounts; i++) {
		struct mountspec m = s->mounts[i];
		size_t j = i;

		for (; j > 0 && depth(s->mounts[j - 1].target) > depth(m.target); j--)
			s->mounts[j] = s->mounts[j - 1];
		s->mounts[j] = m;
	}
}

static int check_sysctls(const struct ctr_config *c, const struct spec *s, struct err *e)
{
	for (char **t = c->sysctls; t && *t; t++) {
		auto_sysctlspec struct sysctlspec y = { 0 };
		int r = sysctlspec_parse(*t, &y, e);

		if (r < 0)
			return r;
		if ((y.ns == SYSCTL_NET && s->net == NET_HOST) || (y.ns == SYSCTL_IPC && s->host_ipc) ||
		    (y.ns == SYSCTL_UTS && s->host_uts))
			return err_say(e, EINVAL,
				       "sysctl '%s' belongs to a namespace that this container shares with the host",
				       y.name);
	}
	return 0;
}

static int check_dns(enum dns_kind kind, char *const *texts, struct err *e)
{
	int r = 0;

	for (; r == 0 && texts && *texts; texts++)
		r = dns_check(kind, *texts, e);
	return r;
}

static int check_values(const struct ctr_config *c, struct err *e)
{
	unsigned mode;
	int r = 0;

	for (char **t = c->ulimits; r == 0 && t && *t; t++) {
		struct ulimitspec u;

		r = ulimitspec_parse(*t, &u, e);
	}
	for (char **t = c->devices; r == 0 && t && *t; t++) {
		auto_devicespec struct devicespec d = { 0 };

		r = devicespec_parse(*t, &d, e);
	}
	for (char **t = c->extra_hosts; r == 0 && t && *t; t++) {
		auto_hostspec struct hostspec h = { 0 };

		r = hostspec_parse(*t, &h, e);
	}
	if (r == 0 && !str_is_empty(c->hostname))
		r = hostname_check(c->hostname, e);
	if (r == 0 && !str_is_empty(c->domainname))
		r = hostname_check(c->domainname, e);
	if (r == 0 && !spec_has_own_resolv(c))
		r = check_dns(DNS_SERVER, c->dns, e);
	if (r == 0)
		r = check_dns(DNS_SEARCH, c->dns_search, e);
	if (r == 0)
		r = check_dns(DNS_OPTION, c->dns_opts, e);
	if (r == 0 && c->umask && (str_to_mode(c->umask, &mode) < 0 || mode > 0777))
		r = err_say(e, EINVAL, "invalid umask '%s': 0000 to 0777", c->umask);
	return r;
}

int spec_parse(const struct ctr_config *c, struct spec *ret, struct err *e)
{
	auto_spec struct spec s = { 0 };
	int r = parse_network(c->network, &s, e);

	if (r == 0)
		r = parse_namespace("ipc", c->ipc, &s.host_ipc, &s.no_shm, e);
	if (r == 0)
		r = parse_namespace("pid", c->pid, &s.host_pid, NULL, e);
	if (r == 0)
		r = parse_namespace("uts", c->uts, &s.host_uts, NULL, e);
	if (r == 0)
		r = parse_namespace("cgroupns", c->cgroupns, &s.host_cgroupns, NULL, e);
	if (r == 0)
		r = caps_resolve(c->cap_add, c->cap_drop, c->privileged, &s.caps, e);
	if (r == 0)
		r = parse_security(c, &s, e);
	if (r == 0)
		r = add_mounts(&s, c->base_dir, c->volumes, mountspec_parse_volume, e);
	if (r == 0)
		r = add_mounts(&s, c->base_dir, c->mounts, mountspec_parse_mount, e);
	if (r == 0)
		r = add_mounts(&s, c->base_dir, c->tmpfs, mountspec_parse_tmpfs, e);
	if (r == 0)
		r = check_sysctls(c, &s, e);
	if (r == 0)
		r = check_values(c, e);
	if (r < 0)
		return r;
	sort_mounts(&s);
	*ret = s;
	s = (struct spec) { 0 };
	return 0;
}

/* "keep-id:uid=200,gid=210" */
static int parse_keep_id(const char *opts, uint32_t *uid, uint32_t *gid, struct err *e)
{
	auto_strv char **v = NULL;

	if (!*opts)
		return 0;
	if (*opts != ':')
		return -EINVAL;
	v = strv_split(opts + 1, ',');
	for (char **o = v; *o; o++) {
		const char *n;

		if ((n = str_after(*o, "uid="))	  ? str_to_u32(n, uid) < 0
		    : (n = str_after(*o, "gid=")) ? str_to_u32(n, gid) < 0
						  : true)
			return err_say(e, EINVAL, "unknown option '%s' of --userns=keep-id (uid=, gid=)", *o);
	}
	return 0;
}

/**
 * spec_userns() - The map of a container's own user namespace (--userns)
 * @c:		Config
 * @outer:	Map of level A
 * @ret:	Map of level B
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int spec_userns(const struct ctr_config *c, const struct idmap *outer, struct idmap *ret, struct err *e)
{
	const char *t = c->userns, *opts;
	uint32_t uid, gid;

	if (str_is_empty(t) || !strcmp(t, "host") || !strcmp(t, "private")) {
		idmap_nested(outer, ret);
		return 0;
	}
	if (!strcmp(t, "nomap"))
		return idmap_nomap(outer, ret, e);
	opts = str_after(t, "keep-id");
	if (opts && (!*opts || *opts == ':')) {
		uid = outer->host_root ? 0 : outer->uid[0].outside;
		gid = outer->host_root ? 0 : outer->gid[0].outside;
		int r = parse_keep_id(opts, &uid, &gid, e);

		return r < 0 ? r : idmap_keep_id(outer, uid, gid, ret, e);
	}
	return err_say(e, ENOTSUP, "--userns=%s is not there: host, keep-id[:uid=,gid=] and nomap are", t);
}

/* One of the image's account files: a regular file of bounded size, or nothing (CVE-2024-9676). */
static void read_account_file(int root_fd, const char *path, char **ret, struct passwd_file *ret_f)
{
	auto_close int fd = fs_open_in_root(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	size_t len;

	*ret_f = (struct passwd_file) { NULL, 0 };
	if (fd >= 0 && fs_read_regular(fd, PASSWD_MAX, ret, &len) == 0)
		*ret_f = (struct passwd_file) { *ret, len };
}

char *spec_default_user(const struct ctr_config *c, const struct idmap *inner)
{
	uint32_t uid = 0, gid = 0;

	if (!c->userns || !str_has_prefix(c->userns, "keep-id"))
		return NULL;
	for (unsigned i = 0; i < inner->n_uid; i++)
		if (inner->uid[i].outside == 0)
			uid = inner->uid[i].inside;
	for (unsigned i = 0; i < inner->n_gid; i++)
		if (inner->gid[i].outside == 0)
			gid = inner->gid[i].inside;
	return xasprintf("%u:%u", uid, gid);
}

static int add_line(const struct passwd_file *f, int dirfd, const char *name, const char *line, struct err *e)
{
	auto_sbuf struct sbuf b = { 0 };

	if (f->p)
		sbuf_add(&b, f->p, f->len);
	if (b.len && b.p[b.len - 1] != '\n')
		sbuf_addc(&b, '\n');
	sbuf_adds(&b, line);
	return fs_write_file(dirfd, name, b.p, b.len, 0644, e);
}

int spec_add_account(int root_fd, int dirfd, const char *name, const char *home, const struct run_user *u,
		     struct err *e)
{
	auto_free char *passwd = NULL, *group = NULL, *user_line = NULL, *group_line = NULL, *known = NULL;
	struct passwd_file p, g;
	int r;

	if (u->name)
		return 0;
	read_account_file(root_fd, "/etc/passwd", &passwd, &p);
	read_account_file(root_fd, "/etc/group", &group, &g);
	user_line = xasprintf("%s:*:%u:%u:%s:%s:/bin/sh\n", name, u->uid, u->gid, name, home);
	group_line =
		group_find_gid(g, u->gid, &known) == 0 ? xstrdup("") : xasprintf("%s:x:%u:%s\n", name, u->gid, name);
	r = add_line(&p, dirfd, "passwd", user_line, e);
	if (r == 0)
		r = add_line(&g, dirfd, "group", group_line, e);
	return r < 0 ? r : 1;
}

int spec_user(int root_fd, const char *spec, char *const *groups, struct run_user *ret, struct err *e)
{
	auto_free char *passwd = NULL, *group = NULL;
	struct passwd_file p, g;

	read_account_file(root_fd, "/etc/passwd", &passwd, &p);
	read_account_file(root_fd, "/etc/group", &group, &g);
	return user_resolve(spec, p, g, groups, ret, e);
}

int spec_check_user(const struct idmap *inner, const struct run_user *u, struct err *e)
{
	static const char *const hint = "the container's id map (how many there are is in /etc/subuid and /etc/subgid)";

	if (inner->single) /* all are emulated */
		return 0;
	if (!idmap_has_inside(inner->uid, inner->n_uid, u->uid))
		return err_say(e, EINVAL, "user %u is not in %s", u->uid, hint);
	if (!idmap_has_inside(inner->gid, inner->n_gid, u->gid))
		return err_say(e, EINVAL, "group %u is not in %s", u->gid, hint);
	for (size_t i = 0; i < u->n_groups; i++)
		if (!idmap_has_inside(inner->gid, inner->n_gid, u->groups[i]))
			return err_say(e, EINVAL, "group %u is not in %s", u->groups[i], hint);
	return 0;
}

char **spec_env(const struct ctr_config *c, const struct run_user *u, char *const *extra, bool tty)
{
	char **env = NULL;

	if (!env_get(c->env, "PATH"))
		strv_add(&env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	if (!str_is_empty(c->hostname))
		strv_add_take(&env, xasprintf("HOSTNAME=%s", c->hostname));
	if (tty)
		strv_add(&env, "TERM=xterm");
	for (char **v = c->env; v && *v; v++)
		env_set(&env, *v);
	for (; extra && *extra; extra++)
		env_set(&env, *extra);
	if (!env_get(env, "HOME"))
		strv_add_take(&env, xasprintf("HOME=%s", !str_is_empty(u->home) ? u->home : "/"));
	return env;
}

void spec_fds_add(struct spec_fds *f, int fd)
{
	f->v = xrealloc(f->v, (f->n + 1) * sizeof(*f->v));
	f->v[f->n++] = fd;
}

/**
 * spec_fds_done() - Close the descriptors
 * @f:	Set
 */
void spec_fds_done(struct spec_fds *f)
{
	for (size_t i = 0; i < f->n; i++)
		fd_closep(&f->v[i]);
	free(f->v);
	*f = (struct spec_fds) { 0 };
}

/**
 * spec_user_in() - spec_user() for a running container, as it is now
 * @pidfd:	Its first process
 * @spec:	User as docker writes it; NULL for the default
 * @groups:	--group-add
 * @ret:	User
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int spec_user_in(int pidfd, const char *spec, char *const *groups, struct run_user *ret, struct err *e)
{
	auto_free char *path = xasprintf("/proc/%d/root", (int)proc_pidfd_to_pid(pidfd));
	auto_close int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return err_set(e, errno, "open the container's root");
	return spec_user(root, spec, groups, ret, e);
}
