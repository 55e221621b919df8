/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/magic.h>
#include <unistd.h>

#include "lib/runtime/walls.h"
#include "tests/unit/tap.h"

#define NFS_MAGIC 0x6969

/* A host where nothing stands in the way. */
static struct walls_probe good(void)
{
	struct walls_probe p = {
		.uid = 1000,
		.user = "alice",
		.major = 6,
		.minor = 1,
		.userns_clone = WALLS_ABSENT,
		.apparmor_userns = WALLS_ABSENT,
		.tried = true,
		.newuidmap = { .found = true, .able = true, .path = "/usr/bin/newuidmap" },
		.newgidmap = { .found = true, .able = true, .path = "/usr/bin/newgidmap" },
		.subuids = 65536,
		.subgids = 65536,
		.subid_next = 165536,
		.fuse = { true, true },
		.tun = { true, true },
		.slirp = true,
		.fuse_overlayfs = true,
		.cgroup2 = true,
		.cgroup_delegated = true,
		.systemd = true,
		.linger = true,
		.store = "/home/alice",
		.port_start = 0,
	};

	for (int i = 0; i < WALLS_NS__N; i++)
		p.max_ns[i] = 16384;
	return p;
}

static void kernel_old(struct walls_probe *p)
{
	p->major = 5;
	p->minor = 10;
}

static void kernel_first(struct walls_probe *p)
{
	p->major = 5;
	p->minor = 11;
}

static void clone_off(struct walls_probe *p)
{
	p->userns_clone = 0;
}

static void clone_off_root(struct walls_probe *p)
{
	p->userns_clone = 0;
	p->privileged = true;
}

static void no_net_ns(struct walls_probe *p)
{
	p->max_ns[WALLS_NS_NET] = 0;
}

static void ubuntu(struct walls_probe *p)
{
	p->apparmor_userns = 1;
	strncpy(p->apparmor_label, "unconfined", sizeof(p->apparmor_label));
	p->mount_errno = EACCES;
}

static void ubuntu_profile(struct walls_probe *p)
{
	ubuntu(p);
	strncpy(p->apparmor_label, "skiff (unconfined)", sizeof(p->apparmor_label));
	p->mount_errno = 0;
}

static void filtered(struct walls_probe *p)
{
	p->seccomp = true;
	p->userns_errno = EPERM;
}

static void filtered_harmless(struct walls_probe *p)
{
	p->seccomp = true;
}

static void in_chroot(struct walls_probe *p)
{
	p->chrooted = true;
	p->userns_errno = EPERM;
}

static void unknown_lsm(struct walls_probe *p)
{
	p->userns_errno = EPERM;
}

static void no_subids(struct walls_probe *p)
{
	p->subuids = p->subgids = 0;
}

static void no_subgids(struct walls_probe *p)
{
	p->subgids = 0;
}

static void few_subids(struct walls_probe *p)
{
	p->subuids = p->subgids = 1000;
}

static void directory_subids(struct walls_probe *p)
{
	no_subids(p);
	p->nss_subid = true;
}

static void no_helper(struct walls_probe *p)
{
	p->newgidmap.found = false;
}

static void helper_plain(struct walls_probe *p)
{
	p->newuidmap.able = false;
}

static void helper_nosuid(struct walls_probe *p)
{
	p->newuidmap.nosuid = true;
}

static void nnp(struct walls_probe *p)
{
	p->no_new_privs = true;
}

static void traced(struct walls_probe *p)
{
	p->traced = true;
}

static void proc_masked(struct walls_probe *p)
{
	p->proc_errno = EPERM;
}

static void nfs(struct walls_probe *p)
{
	p->store_fs = NFS_MAGIC;
}

static void noexec(struct walls_probe *p)
{
	p->store_noexec = true;
}

static void fuse_closed(struct walls_probe *p)
{
	p->fuse.usable = false;
}

static void fuse_program(struct walls_probe *p)
{
	p->fuse_overlayfs = false;
}

static void tun_gone(struct walls_probe *p)
{
	p->tun = (struct walls_device) { 0 };
}

static void no_slirp(struct walls_probe *p)
{
	p->slirp = false;
}

static void hybrid(struct walls_probe *p)
{
	p->cgroup_hybrid = true;
	p->cgroup_delegated = false;
}

static void nested(struct walls_probe *p)
{
	p->in_container = p->maps_itself = true;
	p->cgroup2 = p->cgroup_delegated = false;
	p->subuids = p->subgids = 0;
	p->newuidmap.found = p->newgidmap.found = false;
}

static void by_su(struct walls_probe *p)
{
	p->cgroup_delegated = false;
}

static void no_linger(struct walls_probe *p)
{
	p->linger = false;
}

static void low_ports(struct walls_probe *p)
{
	p->port_start = 1024;
}

static void nothing(struct walls_probe *p)
{
	(void)p;
}

static const struct {
	const char *name;
	void (*change)(struct walls_probe *p);
	enum walls_id id;
	enum walls_level level;
	const char *mend; /* must be part of the mending command */
} rows[] = {
	{ "all is well", nothing, WALL_USERNS, WALLS_OK, "" },
	{ "5.10 is too old", kernel_old, WALL_KERNEL, WALLS_BLOCKED, "newer kernel" },
	{ "5.11 is new enough", kernel_first, WALL_KERNEL, WALLS_OK, "" },
	{ "unprivileged_userns_clone 0", clone_off, WALL_USERNS_CLONE, WALLS_BLOCKED,
	  "sysctl -w kernel.unprivileged_userns_clone=1" },
	{ "the same for root", clone_off_root, WALL_USERNS_CLONE, WALLS_OK, "" },
	{ "max_net_namespaces 0", no_net_ns, WALL_MAX_NAMESPACES, WALLS_BLOCKED, "sysctl -w user.max_net_namespaces=" },
	{ "AppArmor restriction", ubuntu, WALL_APPARMOR, WALLS_BLOCKED, "/etc/apparmor.d/skiff" },
	{ "AppArmor profile of ours", ubuntu_profile, WALL_APPARMOR, WALLS_OK, "" },
	{ "outer filter that refuses", filtered, WALL_SECCOMP, WALLS_BLOCKED, "seccomp=unconfined" },
	{ "outer filter that lets us", filtered_harmless, WALL_SECCOMP, WALLS_OK, "" },
	{ "chroot", in_chroot, WALL_CHROOT, WALLS_BLOCKED, "pivot_root" },
	{ "refused for no known reason", unknown_lsm, WALL_USERNS, WALLS_BLOCKED, "security module" },
	{ "no ranges", no_subids, WALL_SUBIDS, WALLS_LIMITED,
	  "usermod --add-subuids 165536-231071 --add-subgids 165536-231071 alice" },
	{ "no group range", no_subgids, WALL_SUBIDS, WALLS_LIMITED, "usermod" },
	{ "a short range", few_subids, WALL_SUBIDS, WALLS_LIMITED, "65536" },
	{ "ranges from a directory", directory_subids, WALL_SUBIDS, WALLS_LIMITED, "getsubids alice" },
	{ "newgidmap missing", no_helper, WALL_ID_HELPERS, WALLS_LIMITED, "apt-get install uidmap" },
	{ "newuidmap without set-uid", helper_plain, WALL_ID_HELPERS, WALLS_LIMITED, "chmod u+s /usr/bin/newuidmap" },
	{ "newuidmap on nosuid", helper_nosuid, WALL_ID_HELPERS, WALLS_LIMITED, "remount,suid" },
	{ "no_new_privs", nnp, WALL_NO_NEW_PRIVS, WALLS_LIMITED, "NoNewPrivileges=no" },
	{ "under strace", traced, WALL_NO_NEW_PRIVS, WALLS_LIMITED, "strace -f -u alice" },
	{ "masked /proc", proc_masked, WALL_PROC, WALLS_LIMITED, "unmask=ALL" },
	{ "NFS home", nfs, WALL_STORE, WALLS_BLOCKED, "SKIFF_ROOT=/var/tmp/alice/skiff" },
	{ "noexec home", noexec, WALL_STORE, WALLS_LIMITED, "remount,exec" },
	{ "/dev/fuse closed", fuse_closed, WALL_FUSE, WALLS_LIMITED, "chmod 666 /dev/fuse" },
	{ "fuse-overlayfs missing", fuse_program, WALL_FUSE, WALLS_LIMITED, "apt-get install fuse-overlayfs" },
	{ "/dev/net/tun missing", tun_gone, WALL_TUN, WALLS_LIMITED, "--device /dev/net/tun" },
	{ "slirp4netns missing", no_slirp, WALL_SLIRP, WALLS_LIMITED, "apt-get install slirp4netns" },
	{ "hybrid cgroups", hybrid, WALL_CGROUP, WALLS_LIMITED, "unified_cgroup_hierarchy" },
	{ "root in a container", nested, WALL_CGROUP, WALLS_LIMITED, "outer container" },
	{ "no delegation", by_su, WALL_CGROUP, WALLS_LIMITED, "machinectl shell alice@" },
	{ "no linger", no_linger, WALL_LINGER, WALLS_LIMITED, "loginctl enable-linger alice" },
	{ "ports below 1024", low_ports, WALL_PORTS, WALLS_LIMITED, "ip_unprivileged_port_start" },
};

static void test_table(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct walls_finding f[WALL__N];
		struct walls_probe p = good();

		rows[i].change(&p);
		walls_check(&p, f);
		is_int(f[rows[i].id].level, rows[i].level, "%s: level", rows[i].name);
		ok(strstr(f[rows[i].id].mend, rows[i].mend), "%s: mended by '%s'", rows[i].name, rows[i].mend);
		if (!strstr(f[rows[i].id].mend, rows[i].mend))
			printf("# mend is '%s'\n", f[rows[i].id].mend);
	}
}

/* One wall must not light up others: whoever reads the list mends what it names. */
static void test_alone(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct walls_finding f[WALL__N];
		struct walls_probe p = good();
		int others = 0;

		rows[i].change(&p);
		walls_check(&p, f);
		for (int id = 0; id < WALL__N; id++)
			if (id != (int)rows[i].id && id != WALL_USERNS && f[id].level != WALLS_OK)
				others++;
		is_int(others, 0, "%s: no other wall is blamed", rows[i].name);
	}
}

static void test_words(void)
{
	for (int id = 0; id < WALL__N; id++) {
		struct walls_probe p = good();
		struct walls_finding f[WALL__N];

		ok(walls_name(id) && *walls_name(id), "wall %d has a name", id);
		walls_check(&p, f);
		is_int(f[id].level, WALLS_OK, "a good host has no wall '%s'", walls_name(id));
		ok(!*f[id].mend, "and nothing to mend");
	}
}

/* On this host, whatever it is: looking gives sane values, explaining always a sentence that names a way on. */
static void test_here(void)
{
	struct walls_probe p;
	struct err e = { 0 };

	walls_look("/nonexistent/store/folder", WALLS_TRY, &p);
	ok(p.major >= 5, "the kernel's version is read");
	ok(p.tried, "namespaces were tried");
	is_str(p.store, "/", "a missing store is judged by its nearest parent");
	is_int(walls_explain_userns(EPERM, &e), -EPERM, "walls_explain_userns hands the errno through");
	ok(strstr(e.msg, "(") && strstr(e.msg, "namespaces"), "and says: %s", e.msg);
	is_int(walls_explain_proc(-EPERM, &e), -EPERM, "walls_explain_proc takes either sign");
	ok(strstr(e.msg, "unmask=ALL"), "and says: %s", e.msg);
	is_int(walls_explain_idmap("newuidmap", 1, &e), -EPERM, "walls_explain_idmap");
	ok(strstr(e.msg, "newuidmap"), "says: %s", e.msg);
	is_int(walls_explain_port(80, EADDRINUSE, &e), -EADDRINUSE, "a port in use is not a wall");
	ok(strstr(e.msg, "port 80") && !strstr(e.msg, "sysctl"), "says: %s", e.msg);
}

int main(void)
{
	test_table();
	test_alone();
	test_words();
	test_here();
	return done();
}
