/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's mounts, devices, settings and identity, and the three files below /etc that every container gets. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "lib/engine/spec.h"
#include "lib/oci/runspec.h"
#include "netns/uplink.h"

#define SAFE	    (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)
#define DEFAULT_SHM (64U << 20)
#define NOFILE_MAX  1048576U
#define DEV_DEPTH   4 /* /dev/bus/usb/001/002 */

/* The mounts of a plan while they are collected. */
struct mounts {
	struct plan_builder *b;
	struct plan_mount *v;
	size_t n;
};

static struct plan_mount *add_mount(struct mounts *m, enum plan_mount_kind kind, const char *target, uint64_t attrs,
				    const char *data)
{
	struct plan_mount *r;

	m->v = xrealloc(m->v, (m->n + 1) * sizeof(*m->v));
	r = &m->v[m->n++];
	*r = (struct plan_mount) { .kind = kind, .fd = -1, .attr_set = attrs };
	r->target = plan_add_str(m->b, target);
	r->data = plan_add_str(m->b, data);
	return r;
}

static bool user_mounts(const struct spec *s, const char *target)
{
	for (size_t i = 0; i < s->n_mounts; i++)
		if (!strcmp(s->mounts[i].target, target))
			return true;
	return false;
}

/* A file or folder of the host as a detached mount, opened here: level A may walk where a container's ids may not. */
static int add_bind(struct mounts *m, struct spec_fds *fds, int dirfd, const char *source, const char *target,
		    uint64_t attrs, bool recursive, struct err *e)
{
	struct plan_mount *p;
	struct stat st;
	int fd = sys_open_tree(dirfd, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0));

	if (fd < 0)
		return fd == -EINVAL && !recursive
			       ? err_say(e, EINVAL,
					 "bind '%s': an ordinary user cannot uncover what is mounted below it "
					 "(bind-recursive=disabled needs a folder without mounts)",
					 source)
			       : err_set(e, fd, "bind '%s'", source);
	spec_fds_add(fds, fd);
	if (fd_move_high(&fds->v[fds->n - 1], e) < 0)
		return -EMFILE;
	fd = fds->v[fds->n - 1];
	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "stat '%s'", source);
	p = add_mount(m, PLAN_MOUNT_BIND, target, attrs, NULL);
	p->fd = fd;
	p->flags = S_ISDIR(st.st_mode) ? 0 : PLAN_M_FILE;
	return 0;
}

static int shared_ipc_mounts(const struct spec_run *r, struct mounts *m, struct spec_fds *fds, struct err *e)
{
	int err = 0;

	if (!user_mounts(r->spec, "/dev/shm"))
		err = add_bind(m, fds, AT_FDCWD, "/dev/shm", "/dev/shm", SAFE, true, e);
	if (err == 0 && access("/dev/mqueue", F_OK) == 0)
		err = add_bind(m, fds, AT_FDCWD, "/dev/mqueue", "/dev/mqueue", SAFE, false, e);
	return err;
}

static int default_mounts(const struct spec_run *r, struct mounts *m, struct spec_fds *fds, struct err *e)
{
	const struct ctr_config *c = r->config;
	const struct spec *s = r->spec;
	uint64_t ro = c->privileged ? 0 : MOUNT_ATTR_RDONLY;
	char shm[64];
	int err = 0;

	if (s->host_pid)
		err = add_bind(m, fds, AT_FDCWD, "/proc", "/proc", SAFE, true, e);
	else
		add_mount(m, PLAN_MOUNT_PROC, "/proc", SAFE, NULL);
	if (err < 0)
		return err;
	add_mount(m, PLAN_MOUNT_DEV, "/dev", MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME, "mode=755,size=65536k");
	if (s->host_ipc) {
		err = shared_ipc_mounts(r, m, fds, e);
	} else {
		snprintf(shm, sizeof(shm), "mode=1777,size=%llu",
			 (unsigned long long)(c->shm_size ? c->shm_size : DEFAULT_SHM));
		if (!user_mounts(s, "/dev/shm") && !s->no_shm)
			add_mount(m, PLAN_MOUNT_TMPFS, "/dev/shm", SAFE, shm);
		add_mount(m, PLAN_MOUNT_MQUEUE, "/dev/mqueue", SAFE, NULL)->flags = PLAN_M_OPTIONAL;
	}
	if (err < 0)
		return err;
	if (s->net == NET_HOST || s->outer_sys) /* a new sysfs needs a network namespace of our own */
		err = add_bind(m, fds, AT_FDCWD, "/sys", "/sys", SAFE | ro, true, e);
	else
		add_mount(m, PLAN_MOUNT_SYSFS, "/sys", SAFE | ro, NULL);
	/* Nothing is delegated to the container: an empty folder tells its programs so (CVE-2022-0492). */
	if (err == 0 && s->net != NET_HOST && !s->outer_sys)
		add_mount(m, PLAN_MOUNT_TMPFS, "/sys/fs/cgroup", SAFE | MOUNT_ATTR_RDONLY,
			  "mode=755,size=0,nr_inodes=2")
			->flags = PLAN_M_OPTIONAL;
	return err;
}

static int etc_files(const struct spec_run *r, struct mounts *m, struct spec_fds *fds, struct err *e)
{
	static const struct {
		const char *name, *target;
	} files[] = { { "hostname", "/etc/hostname" },
		      { "hosts", "/etc/hosts" },
		      { "resolv.conf", "/etc/resolv.conf" },
		      { "passwd", "/etc/passwd" },
		      { "group", "/etc/group" } };
	size_t n = r->own_accounts ? 5 : 3;

	for (size_t i = 0; i < n; i++) {
		int err;

		if (user_mounts(r->spec, files[i].target) || (r->config->no_hosts && i == 1) ||
		    (spec_has_own_resolv(r->config) && i == 2))
			continue;
		err = add_bind(m, fds, r->dirfd, files[i].name, files[i].target, SAFE, false, e);
		if (err < 0)
			return err;
	}
	return 0;
}

static uint64_t attrs_of(const struct mountspec *u, bool noexec)
{
	uint64_t a = u->read_only ? MOUNT_ATTR_RDONLY : 0;

	if (u->suid != TRI_YES)
		a |= MOUNT_ATTR_NOSUID;
	if (u->dev != TRI_YES)
		a |= MOUNT_ATTR_NODEV;
	if (u->exec == TRI_NO || (noexec && u->exec == TRI_UNSET))
		a |= MOUNT_ATTR_NOEXEC;
	return a;
}

static uint64_t propagation_of(enum propagation p)
{
	static const uint64_t ms[PROPAGATION__N] = {
		[PROPAGATION_DEFAULT] = MS_PRIVATE,  [PROPAGATION_PRIVATE] = MS_PRIVATE,
		[PROPAGATION_RPRIVATE] = MS_PRIVATE, [PROPAGATION_SLAVE] = MS_SLAVE,
		[PROPAGATION_RSLAVE] = MS_SLAVE,     [PROPAGATION_SHARED] = MS_SHARED,
		[PROPAGATION_RSHARED] = MS_SHARED,
	};

	return ms[p];
}

static void tmpfs_mount(struct mounts *m, const struct mountspec *u)
{
	auto_sbuf struct sbuf o = { 0 };

	sbuf_printf(&o, "mode=%o", u->mode);
	if (u->size)
		sbuf_printf(&o, ",size=%llu", (unsigned long long)u->size);
	else if (u->size_percent)
		sbuf_printf(&o, ",size=%u%%", u->size_percent);
	if (u->inodes)
		sbuf_printf(&o, ",nr_inodes=%llu", (unsigned long long)u->inodes);
	if (u->uid >= 0)
		sbuf_printf(&o, ",uid=%lld", (long long)u->uid);
	if (u->gid >= 0)
		sbuf_printf(&o, ",gid=%lld", (long long)u->gid);
	add_mount(m, PLAN_MOUNT_TMPFS, u->target, attrs_of(u, true), sbuf_str(&o));
}

static int bind_source(struct mounts *m, struct spec_fds *fds, const struct mountspec *u, struct err *e)
{
	int r;

	if (u->make_source && access(u->source, F_OK) < 0 && errno == ENOENT) {
		r = fs_make_dirs(AT_FDCWD, u->source, 0755, e);
		if (r < 0)
			return r;
	}
	r = add_bind(m, fds, AT_FDCWD, u->source, u->target, attrs_of(u, false),
		     u->recursive != MOUNT_RECURSIVE_DISABLED, e);
	if (r == -ENOENT)
		return err_say(e, ENOENT, "invalid mount config for type \"bind\": bind source path does not exist: %s",
			       u->source);
	if (r < 0)
		return r;
	m->v[m->n - 1].propagation = propagation_of(u->propagation);
	if (u->recursive == MOUNT_RECURSIVE_WRITABLE)
		m->v[m->n - 1].flags |= PLAN_M_RO_TOP;
	return 0;
}

static int all_mounts(const struct spec_run *r, struct mounts *m, struct spec_fds *fds, struct err *e)
{
	static const char *const writable[] = { "/tmp", "/var/tmp", "/run" };
	int err = default_mounts(r, m, fds, e);

	if (err == 0)
		err = etc_files(r, m, fds, e);
	for (size_t i = 0; r->config->read_only && r->config->read_only_tmpfs && i < 3; i++)
		if (!user_mounts(r->spec, writable[i]))
			add_mount(m, PLAN_MOUNT_TMPFS, writable[i], MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, "mode=1777");
	for (size_t i = 0; err == 0 && i < r->spec->n_mounts; i++) {
		if (r->spec->mounts[i].type == MOUNTSPEC_TMPFS)
			tmpfs_mount(m, &r->spec->mounts[i]);
		else
			err = bind_source(m, fds, &r->spec->mounts[i], e);
	}
	return err;
}

static bool is_device(const struct stat *st)
{
	return S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
}

/* The devices of a plan while they are collected. */
struct devices {
	struct plan_builder *b;
	struct spec_fds *fds;
	struct plan_device *v;
	size_t n;
};

static int add_device(struct devices *d, const char *source, const char *target, struct err *e)
{
	int fd = sys_open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), r;
	struct stat st;

	if (fd < 0)
		return err_set(e, fd, "adding the device \"%s\"", source);
	spec_fds_add(d->fds, fd);
	r = fd_move_high(&d->fds->v[d->fds->n - 1], e);
	fd = d->fds->v[d->fds->n - 1];
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0 || !is_device(&st))
		return err_say(e, ENODEV, "'%s' is not a device", source);
	d->v = xrealloc(d->v, (d->n + 1) * sizeof(*d->v));
	d->v[d->n++] = (struct plan_device) { .fd = fd, .rdev = st.st_rdev, .target = plan_add_str(d->b, target) };
	return 0;
}

/* What every container has below /dev of its own. */
static bool is_own_in_dev(const char *path)
{
	static const char *const own[] = { "/dev/null",	   "/dev/zero", "/dev/full",  "/dev/random",
					   "/dev/urandom", "/dev/tty",	"/dev/ptmx",  "/dev/console",
					   "/dev/pts",	   "/dev/shm",	"/dev/mqueue" };

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (!strcmp(path, own[i]))
			return true;
	return false;
}

/* The devices below a folder that the caller can open; those he cannot would be of no use inside either. */
static int add_devices_below(struct devices *d, const char *source, const char *target, int depth, struct err *e)
{
	auto_strv char **names = NULL;
	int r = 0;

	if (fs_list_dir(AT_FDCWD, source, &names, NULL) < 0)
		return 0;
	for (char **n = names; r == 0 && n && *n; n++) {
		auto_free char *from = xasprintf("%s/%s", source, *n), *to = xasprintf("%s/%s", target, *n);
		struct stat st;

		if (is_own_in_dev(from) || lstat(from, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < DEV_DEPTH)
			r = add_devices_below(d, from, to, depth + 1, e);
		else if (is_device(&st) && (access(from, R_OK) == 0 || access(from, W_OK) == 0))
			r = add_device(d, from, to, e);
	}
	return r;
}

/* --device NODE, or FOLDER for all that are in it. */
static int add_devices(struct devices *d, const char *text, struct err *e)
{
	auto_devicespec struct devicespec s = { 0 };
	struct stat st;
	int r = devicespec_parse(text, &s, e);

	if (r < 0)
		return r;
	if (stat(s.source, &st) == 0 && S_ISDIR(st.st_mode)) {
		size_t before = d->n;

		r = add_devices_below(d, s.source, s.target, 0, e);
		return r == 0 && d->n == before
			       ? err_say(e, ENODEV, "'%s' holds no device that can be opened", s.source)
			       : r;
	}
	return add_device(d, s.source, s.target, e);
}

static int devices(const struct spec_run *r, struct plan_builder *b, struct spec_fds *fds, struct err *e)
{
	struct devices all = { .b = b, .fds = fds };
	/* As rootless podman: the host's devices, as far as they are the caller's. */
	int err = r->config->privileged ? add_devices_below(&all, "/dev", "/dev", 0, e) : 0;

	for (char **t = r->config->devices; err == 0 && t && *t; t++)
		err = add_devices(&all, *t, e);
	if (err == 0)
		b->head.devices = plan_add_array(b, all.v, all.n, sizeof(*all.v));
	free(all.v);
	return err;
}

static void add_pair(struct plan_builder *b, struct plan_pair **v, size_t *n, const char *key, const char *value)
{
	*v = xrealloc(*v, (*n + 1) * sizeof(**v));
	(*v)[(*n)++] = (struct plan_pair) { plan_add_str(b, key), plan_add_str(b, value) };
}

/* In its own network namespace a container may use ports below 1024 and ping, as with docker, for the ids that it has.
 */
static void sysctls(const struct spec_run *r, struct plan_builder *b)
{
	auto_free struct plan_pair *v = NULL;
	const struct idmap_range *last = &r->inner->gid[r->inner->n_gid - 1];
	size_t n = 0;
	char range[32];

	if (r->spec->net != NET_HOST && !r->spec->host_pid) {
		snprintf(range, sizeof(range), "%u %u",
			 idmap_has_inside(r->inner->gid, r->inner->n_gid, 0) ? 0 : last->inside,
			 last->inside + last->count - 1);
		add_pair(b, &v, &n, "net.ipv4.ip_unprivileged_port_start", "0");
		add_pair(b, &v, &n, "net.ipv4.ping_group_range", range);
	}
	for (char **t = r->config->sysctls; t && *t; t++) {
		auto_sysctlspec struct sysctlspec y = { 0 };

		if (sysctlspec_parse(*t, &y, NULL) == 0)
			add_pair(b, &v, &n, y.name, y.value);
	}
	b->head.sysctls = plan_add_array(b, v, n, sizeof(*v));
}

/* docker's unlimited nofile breaks programs that loop over descriptors; core files stay off (SECURITY: limits). */
static void rlimits(const struct spec_run *r, struct plan_builder *b)
{
	auto_free struct plan_rlimit *v = xcalloc(strv_len(r->config->ulimits) + 2, sizeof(*v));
	struct rlimit own;
	size_t n = 0;

	if (getrlimit(RLIMIT_NOFILE, &own) == 0)
		v[n++] = (struct plan_rlimit) { RLIMIT_NOFILE, 0, own.rlim_max < NOFILE_MAX ? own.rlim_max : NOFILE_MAX,
						own.rlim_max };
	if (getrlimit(RLIMIT_CORE, &own) == 0)
		v[n++] = (struct plan_rlimit) { RLIMIT_CORE, 0, 0, own.rlim_max };
	for (char **t = r->config->ulimits; t && *t; t++) {
		struct ulimitspec u;

		if (ulimitspec_parse(*t, &u, NULL) < 0 || getrlimit((__rlimit_resource_t)u.resource, &own) < 0)
			continue;
		/* An ordinary user cannot raise its hard limit: the CLI has warned at create. */
		if (u.hard > own.rlim_max)
			u.hard = own.rlim_max;
		if (u.soft > u.hard)
			u.soft = u.hard;
		v[n++] = (struct plan_rlimit) { (uint32_t)u.resource, 0, u.soft, u.hard };
	}
	b->head.rlimits = plan_add_array(b, v, n, sizeof(*v));
}

void spec_plan_identity(const struct spec_run *r, struct plan_builder *b)
{
	struct plan *p = &b->head;
	unsigned mode;

	p->uid = r->user->uid;
	p->gid = r->user->gid;
	p->root_uid = idmap_has_inside(r->inner->uid, r->inner->n_uid, 0) ? 0 : r->inner->uid[0].inside;
	p->root_gid = idmap_has_inside(r->inner->gid, r->inner->n_gid, 0) ? 0 : r->inner->gid[0].inside;
	p->groups = plan_add_array(b, r->user->groups, r->user->n_groups, sizeof(*r->user->groups));
	p->cap_bounding = r->spec->caps;
	/* Only root holds capabilities (docker's rule); an explicit --privileged does not change it. */
	p->cap_permitted = p->uid == 0 || r->inner->single ? r->spec->caps : 0;
	p->cap_ambient = 0;
	p->flags |= PLAN_F_KEYRING;
	if (r->spec->nnp)
		p->flags |= PLAN_F_NNP;
	if (r->spec->host_pid)
		p->flags |= PLAN_F_HOST_PID;
	if (r->inner->single)
		p->flags |= PLAN_F_SINGLE;
	if (r->seccomp->n)
		p->seccomp = plan_add_array(b, r->seccomp->insns, r->seccomp->n, sizeof(struct sock_filter));
	if (r->config->umask && str_to_mode(r->config->umask, &mode) == 0)
		p->umask = mode;
	rlimits(r, b);
	p->trace_fd = r->trace_fd;
	for (int i = 0; i < 3; i++)
		p->stdio[i] = r->stdio[i];
}

static void run_identity(const struct spec_run *r, struct plan_builder *b)
{
	const struct ctr_config *c = r->config;
	auto_strv char **argv = strv_dup(c->entrypoint), **env = spec_env(c, r->user, NULL, c->tty);
	const char *path = NULL;
	struct plan *p = &b->head;

	for (char **a = c->cmd; a && *a; a++)
		strv_add(&argv, *a);
	for (char **v = env; v && *v; v++)
		if (str_after(*v, "PATH="))
			path = str_after(*v, "PATH=");
	p->argv = plan_add_strv(b, argv);
	p->env = plan_add_strv(b, env);
	p->exec_path = plan_add_str(b, path);
	p->cwd = plan_add_str(b, str_is_empty(c->cwd) ? "/" : c->cwd);
	p->hostname = r->spec->host_uts ? 0 : plan_add_str(b, c->hostname);
	p->domainname = str_is_empty(c->domainname) || r->spec->host_uts ? 0 : plan_add_str(b, c->domainname);
}

int spec_plan_run(const struct spec_run *r, struct plan_builder *b, struct spec_fds *fds, struct err *e)
{
	const struct ctr_config *c = r->config;
	struct mounts m = { .b = b };
	struct plan *p = &b->head;
	int err = all_mounts(r, &m, fds, e);

	if (err == 0)
		err = devices(r, b, fds, e);
	if (err == 0)
		p->mounts = plan_add_array(b, m.v, m.n, sizeof(*m.v));
	free(m.v);
	if (err < 0)
		return err;
	p->root_fd = r->root_fd;
	p->flags |= PLAN_F_CREATE_CWD | PLAN_F_WAIT_GO;
	if (r->spec->net != NET_HOST)
		p->flags |= PLAN_F_NEW_NET;
	if (!r->spec->host_cgroupns)
		p->flags |= PLAN_F_JOIN_CGROUPNS;
	if (c->tty)
		p->flags |= PLAN_F_TTY | PLAN_F_CONSOLE;
	if (c->init)
		p->flags |= PLAN_F_REAPER;
	if (c->read_only)
		p->flags |= PLAN_F_ROOT_RO;
	p->tty_gid = idmap_has_inside(r->inner->gid, r->inner->n_gid, 5) ? 5 : UINT32_MAX;
	p->masked = plan_add_strv(b, r->spec->masked);
	p->readonly = plan_add_strv(b, r->spec->readonly);
	sysctls(r, b);
	spec_plan_identity(r, b);
	run_identity(r, b);
	return 0;
}

/* docker: in the host's network its names are known. Return: 0 or negative errno. */
static int add_host_file(struct sbuf *b)
{
	auto_free char *text = NULL;
	size_t len;
	int r = fs_read_file(AT_FDCWD, "/etc/hosts", 1U << 20, &text, &len, NULL);

	if (r < 0)
		return r;
	sbuf_add(b, text, len);
	if (len && text[len - 1] != '\n')
		sbuf_addc(b, '\n');
	return len ? 0 : -ENOENT;
}

static void hosts_text(const struct ctr_config *c, const struct spec *s, struct sbuf *b)
{
	const char *own = s->net == NET_SLIRP ? UPLINK_ADDRESS : "127.0.1.1";

	if (s->net != NET_HOST || add_host_file(b) < 0)
		sbuf_adds(b, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
	for (char **t = c->extra_hosts; t && *t; t++) {
		auto_hostspec struct hostspec h = { 0 };

		if (hostspec_parse(*t, &h, NULL) == 0)
			sbuf_printf(b, "%s\t%s\n",
				    h.ip		  ? h.ip
				    : s->net == NET_SLIRP ? UPLINK_GATEWAY
							  : "127.0.0.1",
				    h.name);
	}
	if (s->net == NET_SLIRP)
		sbuf_printf(b, "%s\thost.docker.internal host.containers.internal\n", UPLINK_GATEWAY);
	else if (s->net == NET_HOST)
		sbuf_adds(b, "127.0.0.1\thost.docker.internal host.containers.internal\n");
	if (!str_is_empty(c->hostname)) {
		sbuf_printf(b, "%s\t%s", own, c->hostname);
		if (!str_is_empty(c->domainname))
			sbuf_printf(b, ".%s %s", c->domainname, c->hostname);
		if (!str_is_eq(c->name, c->hostname))
			sbuf_printf(b, " %s", c->name);
		sbuf_addc(b, '\n');
	}
}

/* Search domains and options of the host's resolv.conf; its servers only where they are reachable as they are. */
static void host_resolv(bool servers, struct sbuf *b, bool search, bool options)
{
	auto_free char *text = NULL;

	if (fs_read_file(AT_FDCWD, "/etc/resolv.conf", 1U << 20, &text, NULL, NULL) < 0)
		return;
	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if ((servers && str_has_prefix(line, "nameserver")) ||
		    (search && (str_has_prefix(line, "search") || str_has_prefix(line, "domain"))) ||
		    (options && str_has_prefix(line, "options")))
			sbuf_printf(b, "%s\n", line);
	}
}

static void resolv_text(const struct ctr_config *c, const struct spec *s, struct sbuf *b)
{
	auto_free char *search = strv_join(c->dns_search, " "), *opts = strv_join(c->dns_opts, " ");

	for (char **d = c->dns; d && *d; d++)
		sbuf_printf(b, "nameserver %s\n", *d);
	if (!c->dns && s->net == NET_SLIRP)
		sbuf_printf(b, "nameserver %s\n", UPLINK_DNS);
	if (s->net != NET_NONE || c->dns)
		host_resolv(!c->dns && s->net == NET_HOST, b, !c->dns_search, !c->dns_opts);
	if (!str_is_empty(search) && strcmp(search, "."))
		sbuf_printf(b, "search %s\n", search);
	if (!str_is_empty(opts))
		sbuf_printf(b, "options %s\n", opts);
}

int spec_write_files(const struct ctr_config *c, const struct spec *s, int dirfd, struct err *e)
{
	auto_sbuf struct sbuf hosts = { 0 }, resolv = { 0 }, hostname = { 0 };
	int r;

	hosts_text(c, s, &hosts);
	resolv_text(c, s, &resolv);
	sbuf_printf(&hostname, "%s\n", c->hostname ? c->hostname : "");
	/* Readable by every id of the container; the folder around them is ours alone. */
	r = fs_write_file(dirfd, "hosts", sbuf_str(&hosts), hosts.len, 0644, e);
	if (r == 0)
		r = fs_write_file(dirfd, "resolv.conf", sbuf_str(&resolv), resolv.len, 0644, e);
	if (r == 0)
		r = fs_write_file(dirfd, "hostname", sbuf_str(&hostname), hostname.len, 0644, e);
	return r;
}
