/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/runtime/walls.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"

/* The oldest kernel that can do what is promised: close_range with CLOEXEC and unprivileged overlay. */
#define KERNEL_MAJOR 5
#define KERNEL_MINOR 11

#ifndef NFS_SUPER_MAGIC
#define NFS_SUPER_MAGIC 0x6969
#endif
#define CIFS_MAGIC 0xff534d42
#define SMB2_MAGIC 0xfe534d42

static const char *const ns_names[] = { "user", "mnt", "pid", "net", "ipc", "uts", "cgroup" };
_Static_assert(sizeof(ns_names) / sizeof(ns_names[0]) == WALLS_NS__N, "one name for each namespace");

static void judge(struct walls_finding *f, enum walls_level level, const char *fmt, ...) PRINTF(3, 4);
static void judge(struct walls_finding *f, enum walls_level level, const char *fmt, ...)
{
	va_list ap;

	f->level = level;
	va_start(ap, fmt);
	vsnprintf(f->state, sizeof(f->state), fmt, ap);
	va_end(ap);
}

static void mend(struct walls_finding *f, const char *fmt, ...) PRINTF(2, 3);
static void mend(struct walls_finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->mend, sizeof(f->mend), fmt, ap);
	va_end(ap);
}

static bool kernel_is_old(const struct walls_probe *p)
{
	return p->major < KERNEL_MAJOR || (p->major == KERNEL_MAJOR && p->minor < KERNEL_MINOR);
}

static void check_kernel(const struct walls_probe *p, struct walls_finding *f)
{
	if (!kernel_is_old(p)) {
		judge(f, WALLS_OK, "Linux %u.%u", p->major, p->minor);
		return;
	}
	judge(f, WALLS_BLOCKED, "this kernel is Linux %u.%u, skiff needs %d.%d or newer", p->major, p->minor,
	      KERNEL_MAJOR, KERNEL_MINOR);
	mend(f, "install a newer kernel");
}

static void check_userns_clone(const struct walls_probe *p, struct walls_finding *f)
{
	if (p->userns_clone != 0 || p->privileged) {
		judge(f, WALLS_OK, p->userns_clone == 0 ? "off for ordinary users" : "allowed");
		return;
	}
	judge(f, WALLS_BLOCKED, "kernel.unprivileged_userns_clone is 0: ordinary users may not make user namespaces");
	mend(f, "as root: sysctl -w kernel.unprivileged_userns_clone=1, and the same in /etc/sysctl.d/90-skiff.conf");
}

static void check_max_namespaces(const struct walls_probe *p, struct walls_finding *f)
{
	for (int i = 0; i < WALLS_NS__N; i++)
		if (p->max_ns[i] == 0) {
			judge(f, WALLS_BLOCKED, "user.max_%s_namespaces is 0: no %s namespace can be made", ns_names[i],
			      ns_names[i]);
			mend(f,
			     "as root: sysctl -w user.max_%s_namespaces=16384, and the same in "
			     "/etc/sysctl.d/90-skiff.conf",
			     ns_names[i]);
			return;
		}
	judge(f, WALLS_OK, "user.max_user_namespaces is %lld", (long long)p->max_ns[WALLS_NS_USER]);
}

/* A profile that may make user namespaces gives its name to the process; "unconfined" is what the restriction is for.
 */
static bool apparmor_restricts(const struct walls_probe *p)
{
	return p->apparmor_userns == 1 && !p->privileged &&
	       (str_is_empty(p->apparmor_label) || str_is_eq(p->apparmor_label, "unconfined"));
}

static void check_apparmor(const struct walls_probe *p, struct walls_finding *f)
{
	bool failed = !p->tried || p->userns_errno || p->map_errno || p->mount_errno;

	if (!apparmor_restricts(p) || !failed) {
		judge(f, WALLS_OK,
		      p->apparmor_userns == 1 ? "restricts user namespaces, but not skiff's" : "no restriction");
		return;
	}
	judge(f, WALLS_BLOCKED,
	      "AppArmor lets only programs with a profile use user namespaces "
	      "(kernel.apparmor_restrict_unprivileged_userns is 1), and skiff has none");
	mend(f, "as root: make quickstart, which installs /etc/apparmor.d/skiff; or "
		"sysctl -w kernel.apparmor_restrict_unprivileged_userns=0");
}

static bool refused(const struct walls_probe *p)
{
	return p->tried && (p->userns_errno == EPERM || p->userns_errno == ENOSYS || p->userns_errno == EACCES);
}

static bool explained_by_settings(const struct walls_probe *p)
{
	return (p->userns_clone == 0 && !p->privileged) || p->max_ns[WALLS_NS_USER] == 0 || apparmor_restricts(p);
}

static void check_seccomp(const struct walls_probe *p, struct walls_finding *f)
{
	if (!p->seccomp || !refused(p) || explained_by_settings(p) || p->chrooted) {
		judge(f, WALLS_OK,
		      p->seccomp ? "a filter is on this process, and lets namespaces through" : "no filter");
		return;
	}
	judge(f, WALLS_BLOCKED,
	      "a seccomp filter around this process (an outer container's, or a sandbox) refuses user namespaces");
	mend(f, "start the outer container with --security-opt seccomp=unconfined");
}

static void check_chroot(const struct walls_probe *p, struct walls_finding *f)
{
	if (!p->chrooted) {
		judge(f, WALLS_OK, "not in a chroot");
		return;
	}
	judge(f, WALLS_BLOCKED, "this process is in a chroot, where the kernel refuses to make user namespaces");
	mend(f,
	     "as root, enter DIR with pivot_root instead: unshare -m sh -c 'mount --rbind DIR DIR && cd DIR && "
	     "pivot_root . mnt && umount -l mnt && exec su - %s'",
	     p->user);
}

static void check_userns(const struct walls_probe *p, struct walls_finding *f)
{
	int code = p->userns_errno ? p->userns_errno : p->map_errno ? p->map_errno : p->mount_errno;
	const char *what = p->userns_errno ? "making namespaces" : p->map_errno ? "mapping one id" : "mounting inside";

	if (!p->tried || code == 0) {
		judge(f, WALLS_OK, p->tried ? "namespaces can be made, and mounts inside them" : "not tried");
		return;
	}
	judge(f, WALLS_BLOCKED, "%s fails: %s", what, strerrordesc_np(code));
	mend(f, "see the other lines; if none explains it, a chroot to a mount point or a security module (SELinux, a "
		"hardened "
		"kernel) does: the kernel's log may say so");
}

static void check_subids(const struct walls_probe *p, struct walls_finding *f)
{
	unsigned long long next = p->subid_next > 100000 ? p->subid_next : 100000;

	if (p->maps_itself) {
		judge(f, WALLS_OK, "not needed: root maps ids of its own");
		return;
	}
	if (p->subuids && p->subgids) {
		judge(f, WALLS_OK, "%llu user ids and %llu group ids for %s", (unsigned long long)p->subuids,
		      (unsigned long long)p->subgids, p->user);
		if (p->subuids >= 65536 && p->subgids >= 65536)
			return;
		f->level = WALLS_LIMITED;
		mend(f,
		     "images that use ids up to 65535 need 65536 of them; as root: usermod --add-subuids %llu-%llu "
		     "--add-subgids %llu-%llu %s",
		     next, next + 65535, next, next + 65535, p->user);
		return;
	}
	judge(f, WALLS_LIMITED,
	      "%s has no subordinate %s ids: containers run in single-id mode, where every file belongs to one id",
	      p->user,
	      p->subuids   ? "group"
	      : p->subgids ? "user"
			   : "user and group");
	if (p->nss_subid)
		mend(f, "ask the administrator of the directory (nsswitch.conf: subid) for ranges; see: getsubids %s",
		     p->user);
	else
		mend(f, "as root: usermod --add-subuids %llu-%llu --add-subgids %llu-%llu %s", next, next + 65535, next,
		     next + 65535, p->user);
}

static bool check_helper(const char *name, const struct walls_helper *h, struct walls_finding *f)
{
	if (h->found && h->able && !h->nosuid)
		return true;
	if (!h->found) {
		judge(f, WALLS_LIMITED, "%s is not installed: containers run in single-id mode", name);
		mend(f, "as root: apt-get install uidmap (Fedora: shadow-utils-subid, Arch: shadow, Alpine: "
			"shadow-subids)");
	} else if (h->nosuid) {
		judge(f, WALLS_LIMITED, "%s is on a file system mounted nosuid: containers run in single-id mode",
		      h->path);
		mend(f, "as root: mount -o remount,suid %s", h->mount);
	} else {
		judge(f, WALLS_LIMITED, "%s has lost its privilege: containers run in single-id mode", h->path);
		mend(f, "as root: chmod u+s %s", h->path);
	}
	return false;
}

static void check_id_helpers(const struct walls_probe *p, struct walls_finding *f)
{
	if (p->maps_itself)
		judge(f, WALLS_OK, "not needed: this user writes id maps itself");
	else if (check_helper("newuidmap", &p->newuidmap, f) && check_helper("newgidmap", &p->newgidmap, f))
		judge(f, WALLS_OK, "newuidmap and newgidmap work");
}

static void check_no_new_privs(const struct walls_probe *p, struct walls_finding *f)
{
	if (p->maps_itself || (!p->no_new_privs && !p->traced)) {
		judge(f, WALLS_OK, "set-uid programs work");
		return;
	}
	if (p->traced) {
		judge(f, WALLS_LIMITED, "strace or a debugger follows this process, so newuidmap gains nothing");
		mend(f, "run it without, or as root: strace -f -u %s skiff ...", p->user);
		return;
	}
	judge(f, WALLS_LIMITED,
	      "no_new_privs is set on this process, so newuidmap gains nothing: containers run in single-id mode");
	mend(f, "start skiff outside the sandbox that sets it (systemd: NoNewPrivileges=no, docker: without "
		"--security-opt no-new-privileges)");
}

static void check_proc(const struct walls_probe *p, struct walls_finding *f)
{
	if (!p->tried || p->userns_errno || p->map_errno || !p->proc_errno) {
		judge(f, WALLS_OK, "a fresh /proc can be mounted");
		return;
	}
	judge(f, WALLS_LIMITED,
	      "/proc here is covered by other mounts, so the kernel refuses a fresh one inside: "
	      "containers see the processes of this outer container");
	mend(f, "start the outer container with --security-opt unmask=ALL (podman, skiff) or systempaths=unconfined "
		"(docker)");
}

static void check_store(const struct walls_probe *p, struct walls_finding *f)
{
	if (p->store_fs == NFS_SUPER_MAGIC || p->store_fs == CIFS_MAGIC || p->store_fs == SMB2_MAGIC) {
		judge(f, WALLS_BLOCKED,
		      "%s is on a network file system, which knows neither subordinate ids nor overlay's attributes",
		      p->store);
		mend(f, "put the store on a local disk: export SKIFF_ROOT=/var/tmp/%s/skiff", p->user);
	} else if (p->store_noexec) {
		/* Overlay executes what its layers have, whatever their mount says (tried on 6.18). */
		judge(f, WALLS_LIMITED,
		      "%s is on a file system mounted noexec: images run, but not with the vfs driver, and programs in "
		      "folders bound from there do not start",
		      p->store);
		mend(f,
		     "as root: mount -o remount,exec %s; or put the store elsewhere: "
		     "export SKIFF_ROOT=/var/tmp/%s/skiff",
		     p->store_mount, p->user);
	} else {
		judge(f, WALLS_OK, "%s", p->store);
	}
}

static void check_device(const char *path, const struct walls_device *d, const char *module, const char *without,
			 struct walls_finding *f)
{
	if (d->usable) {
		judge(f, WALLS_OK, "usable");
		return;
	}
	judge(f, WALLS_LIMITED, "%s %s: %s", path, d->exists ? "may not be opened by this user" : "does not exist",
	      without);
	if (d->exists)
		mend(f, "as root: chmod 666 %s (as udev does), or make quickstart", path);
	else
		mend(f, "as root: modprobe %s; in an outer container: start that with --device %s", module, path);
}

static void check_fuse(const struct walls_probe *p, struct walls_finding *f)
{
	check_device("/dev/fuse", &p->fuse, "fuse",
		     "the fuse-overlayfs driver cannot be used, nor --userns=keep-id with images", f);
	if (f->level == WALLS_OK && !p->fuse_overlayfs) {
		judge(f, WALLS_LIMITED,
		      "fuse-overlayfs is not installed: --userns=keep-id, and kernels whose overlay refuses ordinary "
		      "users, need it");
		mend(f, "as root: apt-get install fuse-overlayfs");
	}
}

static void check_tun(const struct walls_probe *p, struct walls_finding *f)
{
	check_device("/dev/net/tun", &p->tun, "tun",
		     "containers get no network of their own, use --network host or none", f);
}

static void check_slirp(const struct walls_probe *p, struct walls_finding *f)
{
	if (p->slirp) {
		judge(f, WALLS_OK, "slirp4netns is installed");
		return;
	}
	judge(f, WALLS_LIMITED,
	      "slirp4netns is not installed: containers get no network of their own, use --network host or none");
	mend(f, "as root: apt-get install slirp4netns");
}

static void check_cgroup(const struct walls_probe *p, struct walls_finding *f)
{
	if (p->cgroup_delegated || (p->cgroup2 && !p->cgroup_hybrid && p->systemd_user)) {
		judge(f, WALLS_OK,
		      p->cgroup_delegated ? "our own cgroup can be divided" : "a systemd scope can be asked for");
		return;
	}
	if (p->in_container) {
		judge(f, WALLS_LIMITED, "the container around us gives no cgroup to divide: limits cannot be set");
		mend(f, "set the limits on the outer container");
		return;
	}
	if (!p->cgroup2 || p->cgroup_hybrid) {
		judge(f, WALLS_LIMITED,
		      p->cgroup2 ? "the controllers belong to cgroup v1 (hybrid): limits cannot be set"
				 : "no cgroup v2 tree is mounted: limits cannot be set");
		mend(f, "boot with systemd.unified_cgroup_hierarchy=1");
		return;
	}
	judge(f, WALLS_LIMITED, "no cgroup is delegated to %s: limits cannot be set", p->user);
	if (p->systemd)
		mend(f, "log in through systemd (ssh, a console, machinectl shell %s@), not by su or sudo", p->user);
	else
		mend(f, "as root: mkdir /sys/fs/cgroup/%s, chown -R %s it, and start the shell in it", p->user,
		     p->user);
}

static void check_linger(const struct walls_probe *p, struct walls_finding *f)
{
	if (p->linger || !p->systemd || p->uid == 0) {
		judge(f, WALLS_OK, p->linger ? "processes survive a logout" : "nothing ends processes at logout");
		return;
	}
	judge(f, WALLS_LIMITED, "systemd may end the containers of %s at logout, and takes its runtime folder away",
	      p->user);
	/* Himself he may only where polkit is installed, which a Debian server does not have. */
	mend(f, "as root: loginctl enable-linger %s", p->user);
}

static void check_ports(const struct walls_probe *p, struct walls_finding *f)
{
	if (p->port_start <= 0 || p->privileged) {
		judge(f, WALLS_OK, "every port can be published");
		return;
	}
	judge(f, WALLS_LIMITED, "ports below %lld cannot be published", (long long)p->port_start);
	mend(f,
	     "as root: sysctl -w net.ipv4.ip_unprivileged_port_start=%d, and the same in /etc/sysctl.d/90-skiff.conf",
	     p->port_start > 80 ? 80 : 0);
}

static const struct {
	const char *name;
	void (*check)(const struct walls_probe *p, struct walls_finding *ret);
} walls[] = {
	[WALL_KERNEL] = { "kernel", check_kernel },
	[WALL_USERNS_CLONE] = { "user namespaces setting", check_userns_clone },
	[WALL_MAX_NAMESPACES] = { "namespace limits", check_max_namespaces },
	[WALL_APPARMOR] = { "AppArmor", check_apparmor },
	[WALL_SECCOMP] = { "outer seccomp filter", check_seccomp },
	[WALL_CHROOT] = { "chroot", check_chroot },
	[WALL_USERNS] = { "namespaces", check_userns },
	[WALL_SUBIDS] = { "subordinate ids", check_subids },
	[WALL_ID_HELPERS] = { "id map helpers", check_id_helpers },
	[WALL_NO_NEW_PRIVS] = { "no_new_privs", check_no_new_privs },
	[WALL_PROC] = { "/proc", check_proc },
	[WALL_STORE] = { "store", check_store },
	[WALL_FUSE] = { "/dev/fuse", check_fuse },
	[WALL_TUN] = { "/dev/net/tun", check_tun },
	[WALL_SLIRP] = { "slirp4netns", check_slirp },
	[WALL_CGROUP] = { "cgroups", check_cgroup },
	[WALL_LINGER] = { "linger", check_linger },
	[WALL_PORTS] = { "low ports", check_ports },
};
_Static_assert(sizeof(walls) / sizeof(walls[0]) == WALL__N, "one entry for each wall");

/**
 * walls_name() - What a wall is called in `skiff doctor`
 * @id:	Which
 *
 * Return: a few words
 */
const char *walls_name(enum walls_id id)
{
	return walls[id].name;
}

/**
 * walls_check() - Judge what was seen
 * @p:		What was seen
 * @ret:	One judgement for each wall
 */
void walls_check(const struct walls_probe *p, struct walls_finding ret[WALL__N])
{
	for (int i = 0; i < WALL__N; i++) {
		ret[i] = (struct walls_finding) { 0 };
		walls[i].check(p, &ret[i]);
	}
}

static int say(struct err *e, int code, const char *what, const struct walls_finding *f)
{
	return err_say(e, code, "%s: %s (%s)", what, f->state, f->mend);
}

/**
 * walls_explain_userns() - Why the namespaces could not be made
 * @code:	errno of clone3(2), either sign
 * @e:		The sentence
 *
 * Return: -|@code|
 */
int walls_explain_userns(int code, struct err *e)
{
	static const enum walls_id order[] = { WALL_KERNEL,   WALL_USERNS_CLONE, WALL_MAX_NAMESPACES,
					       WALL_APPARMOR, WALL_CHROOT,	 WALL_SECCOMP };
	struct walls_finding found[WALL__N];
	struct walls_probe p;

	walls_look(NULL, 0, &p);
	p.tried = true;
	p.userns_errno = code < 0 ? -code : code;
	walls_check(&p, found);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (found[order[i]].level == WALLS_BLOCKED)
			return say(e, code, "cannot make the namespaces", &found[order[i]]);
	if (p.userns_errno == ENOSPC) {
		int kind = walls_find_used_up();

		if (kind >= 0)
			return err_say(
				e, code,
				"cannot make the namespaces: user.max_%s_namespaces of this host is 0 or used up "
				"(as root: sysctl -w user.max_%s_namespaces=16384, and the same in "
				"/etc/sysctl.d/90-skiff.conf)",
				ns_names[kind], ns_names[kind]);
		return err_say(e, code,
			       "cannot make the namespaces: this host allows no more of them (as root: "
			       "sysctl -a | grep user.max_.*_namespaces, then for what is 0 or low: "
			       "sysctl -w user.max_net_namespaces=16384)");
	}
	err_set(e, code, "make the namespaces");
	if (p.userns_errno != EPERM && p.userns_errno != ENOSYS)
		return err_hint(e, -p.userns_errno, "skiff doctor may know more");
	return err_hint(e, -p.userns_errno,
			"a chroot, a seccomp filter around this process, or a security module does that; "
			"skiff doctor may know more");
}

/**
 * walls_explain_idmap() - Why newuidmap or newgidmap has failed
 * @tool:	Which of the two
 * @status:	Its exit status
 * @e:		The sentence
 *
 * Return: -EPERM
 */
int walls_explain_idmap(const char *tool, int status, struct err *e)
{
	static const enum walls_id order[] = { WALL_NO_NEW_PRIVS, WALL_ID_HELPERS, WALL_SUBIDS };
	struct walls_finding found[WALL__N];
	struct walls_probe p;

	walls_look(NULL, 0, &p);
	walls_check(&p, found);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (found[order[i]].level != WALLS_OK)
			return say(e, EPERM, tool, &found[order[i]]);
	return err_say(e, EPERM,
		       "%s failed (exit status %d): a range in /etc/subuid or /etc/subgid may overlap another or leave "
		       "the ids of this host (skiff doctor)",
		       tool, status);
}

/**
 * walls_explain_proc() - Why a fresh /proc was refused
 * @code:	errno of the mount, either sign
 * @e:		The sentence
 *
 * Return: -|@code|
 */
int walls_explain_proc(int code, struct err *e)
{
	struct walls_probe p = { .tried = true, .proc_errno = EPERM };
	struct walls_finding f = { 0 };

	if (code != EPERM && code != -EPERM)
		return err_set(e, code, "mount proc");
	check_proc(&p, &f);
	return say(e, code, "mount proc", &f);
}

/**
 * walls_explain_tun() - Why a container cannot have a network of its own
 * @network:	The network that was asked for
 * @e:		The sentence
 *
 * Return: 0 when nothing stands in the way, else -ENODEV or -ENOENT
 */
int walls_explain_tun(const char *network, struct err *e)
{
	struct walls_finding found[WALL__N];
	struct walls_probe p;
	char what[80];

	walls_look(NULL, 0, &p);
	walls_check(&p, found);
	snprintf(what, sizeof(what), "--network %s", network);
	if (found[WALL_TUN].level != WALLS_OK)
		return say(e, ENODEV, what, &found[WALL_TUN]);
	if (found[WALL_SLIRP].level != WALLS_OK)
		return say(e, ENOENT, what, &found[WALL_SLIRP]);
	return 0;
}

/**
 * walls_explain_fuse() - Why fuse-overlayfs cannot be used
 * @code:	errno of the attempt, either sign
 * @e:		The sentence
 *
 * Return: -|@code|
 */
int walls_explain_fuse(int code, struct err *e)
{
	struct walls_finding found[WALL__N];
	struct walls_probe p;

	walls_look(NULL, 0, &p);
	walls_check(&p, found);
	if (found[WALL_FUSE].level != WALLS_OK)
		return say(e, code, "fuse-overlayfs", &found[WALL_FUSE]);
	return err_set(e, code, "start fuse-overlayfs");
}

/**
 * walls_explain_cgroup() - Why a limit cannot be set
 * @option:	The option that asked for it
 * @e:		The sentence
 *
 * Return: -EOPNOTSUPP
 */
int walls_explain_cgroup(const char *option, struct err *e)
{
	struct walls_finding found[WALL__N];
	struct walls_probe p;

	walls_look(NULL, 0, &p);
	walls_check(&p, found);
	if (found[WALL_CGROUP].level == WALLS_OK)
		return err_say(e, EOPNOTSUPP,
			       "%s: the controller that it needs is not available to this user (skiff doctor)", option);
	return say(e, EOPNOTSUPP, option, &found[WALL_CGROUP]);
}

/**
 * walls_explain_port() - Why a port of the host cannot be taken
 * @port:	The port
 * @code:	errno of bind(2), either sign
 * @e:		The sentence
 *
 * Return: -|@code|
 */
int walls_explain_port(unsigned port, int code, struct err *e)
{
	struct walls_probe p;

	if (code != EACCES && code != -EACCES)
		return err_set(e, code, "publish port %u", port);
	/* Privileges in a namespace of ours are none here: the kernel has refused. */
	walls_look(NULL, 0, &p);
	if (port >= (unsigned long long)p.port_start)
		return err_set(e, code, "publish port %u", port);
	return err_say(e, code,
		       "publish port %u: ports below %lld cannot be published (as root: sysctl -w "
		       "net.ipv4.ip_unprivileged_port_start=%u, and the same in /etc/sysctl.d/90-skiff.conf)",
		       port, (long long)p.port_start, port);
}

/**
 * walls_explain_store() - Can the store be where it is asked for?
 * @store:	Its folder, which need not exist yet
 * @e:		The sentence
 *
 * Return: 0 or -EOPNOTSUPP
 */
int walls_explain_store(const char *store, struct err *e)
{
	struct walls_finding f = { 0 };
	struct walls_probe p = { 0 };

	walls_look_store(store, &p);
	check_store(&p, &f);
	if (f.level != WALLS_BLOCKED)
		return 0;
	walls_look(store, 0, &p);
	check_store(&p, &f);
	return say(e, EOPNOTSUPP, "the store", &f);
}

/**
 * walls_explain_kernel() - Is the kernel too old?
 * @e:	The sentence
 *
 * Return: 0, or -ENOSYS
 */
int walls_explain_kernel(struct err *e)
{
	struct walls_finding f = { 0 };
	struct walls_probe p = { 0 };

	walls_look_version(&p);
	check_kernel(&p, &f);
	return f.level == WALLS_OK ? 0 : err_say(e, ENOSYS, "%s", f.state);
}
