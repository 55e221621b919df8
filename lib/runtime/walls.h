/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Walls: what on a host can stand between an ordinary user and a container, each with the sentence that says so and the
 * command that mends it. `skiff doctor` shows them all; the engine calls walls_explain_*() when it has hit one, so that
 * both use the same words. Judging is separate from looking: walls_check() is a function of struct walls_probe alone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

enum walls_ns {
	WALLS_NS_USER,
	WALLS_NS_MNT,
	WALLS_NS_PID,
	WALLS_NS_NET,
	WALLS_NS_IPC,
	WALLS_NS_UTS,
	WALLS_NS_CGROUP,
	WALLS_NS__N
};

/**
 * struct walls_helper - newuidmap or newgidmap
 * @found:	it is in PATH
 * @able:	it is set-uid root or has the file capability
 * @nosuid:	its file system is mounted nosuid
 * @path:	where
 * @mount:	the mount point that @nosuid is about
 */
struct walls_helper {
	bool found;
	bool able;
	bool nosuid;
	char path[128];
	char mount[128];
};

/**
 * struct walls_device - a device node that helpers need
 * @exists:	it is there, and a character device
 * @usable:	it can be opened for reading and writing
 */
struct walls_device {
	bool exists;
	bool usable;
};

/* Settings that the kernel does not have are WALLS_ABSENT. */
#define WALLS_ABSENT (-1)

/**
 * struct walls_probe - what was seen of the host
 * @uid:		effective user id
 * @user:		name of the user
 * @major:		kernel version
 * @minor:		kernel version
 * @privileged:		has CAP_SYS_ADMIN here: the walls for ordinary users do not stand for it
 * @maps_itself:	may write id maps without help: root here, or in the container around us
 * @userns_clone:	kernel.unprivileged_userns_clone (Debian)
 * @max_ns:		user.max_*_namespaces
 * @apparmor_userns:	kernel.apparmor_restrict_unprivileged_userns (Ubuntu)
 * @apparmor_label:	AppArmor profile of this process; "" without AppArmor
 * @seccomp:		this process is under a seccomp filter
 * @no_new_privs:	this process cannot gain privileges through set-uid programs
 * @traced:		a debugger or strace follows this process, so set-uid programs gain nothing
 * @chrooted:		the root folder is not the root of the mount namespace
 * @tried:		the four results below are from a real attempt
 * @userns_errno:	making the namespaces: 0 or errno
 * @map_errno:		mapping one id
 * @mount_errno:	changing a mount inside
 * @proc_errno:		mounting a fresh /proc inside
 * @in_container:	the user namespace is not the host's first one: something around us decides
 * @newuidmap:		the helper
 * @newgidmap:		the helper
 * @subuids:		how many subordinate user ids the caller has
 * @subgids:		how many subordinate group ids
 * @subid_next:		first id above every range in /etc/subuid and /etc/subgid
 * @nss_subid:		/etc/nsswitch.conf takes subordinate ids from elsewhere (LDAP, SSSD)
 * @fuse:		/dev/fuse
 * @tun:		/dev/net/tun
 * @slirp:		slirp4netns is in PATH
 * @fuse_overlayfs:	fuse-overlayfs is in PATH
 * @cgroup2:		a cgroup v2 tree is mounted
 * @cgroup_hybrid:	its controllers belong to cgroup v1
 * @cgroup_delegated:	our own cgroup can be divided by us
 * @systemd_user:	a systemd user instance can be asked for a scope
 * @systemd:		the host runs systemd
 * @linger:		the user's processes survive a logout
 * @store:		the folder of the store (or the nearest parent that exists)
 * @store_fs:		statfs type of its file system
 * @store_noexec:	it is mounted noexec
 * @store_mount:	the mount point that @store_noexec is about
 * @port_start:		net.ipv4.ip_unprivileged_port_start
 */
struct walls_probe {
	uid_t uid;
	char user[64];
	unsigned major;
	unsigned minor;
	bool privileged;
	bool maps_itself;
	int64_t userns_clone;
	int64_t max_ns[WALLS_NS__N];
	int64_t apparmor_userns;
	char apparmor_label[96];
	bool seccomp;
	bool no_new_privs;
	bool traced;
	bool chrooted;
	bool tried;
	int userns_errno;
	int map_errno;
	int mount_errno;
	int proc_errno;
	bool in_container;
	struct walls_helper newuidmap;
	struct walls_helper newgidmap;
	uint64_t subuids;
	uint64_t subgids;
	uint64_t subid_next;
	bool nss_subid;
	struct walls_device fuse;
	struct walls_device tun;
	bool slirp;
	bool fuse_overlayfs;
	bool cgroup2;
	bool cgroup_hybrid;
	bool cgroup_delegated;
	bool systemd_user;
	bool systemd;
	bool linger;
	char store[256];
	uint64_t store_fs;
	bool store_noexec;
	char store_mount[256];
	int64_t port_start;
};

enum walls_id {
	WALL_KERNEL,
	WALL_USERNS_CLONE,
	WALL_MAX_NAMESPACES,
	WALL_APPARMOR,
	WALL_SECCOMP,
	WALL_CHROOT,
	WALL_USERNS,
	WALL_SUBIDS,
	WALL_ID_HELPERS,
	WALL_NO_NEW_PRIVS,
	WALL_PROC,
	WALL_STORE,
	WALL_FUSE,
	WALL_TUN,
	WALL_SLIRP,
	WALL_CGROUP,
	WALL_LINGER,
	WALL_PORTS,
	WALL__N
};

enum walls_level {
	WALLS_OK,      /* nothing stands here */
	WALLS_LIMITED, /* containers run, something is out of reach */
	WALLS_BLOCKED, /* no container runs */
	WALLS_LEVEL__N
};

/**
 * struct walls_finding - the judgement on one wall
 * @level:	how bad
 * @state:	what there is: one clause, no full stop
 * @mend:	a command, or what to ask for; empty when @level is WALLS_OK
 */
struct walls_finding {
	enum walls_level level;
	char state[256];
	char mend[256];
};

const char *walls_name(enum walls_id id);
void walls_check(const struct walls_probe *p, struct walls_finding ret[WALL__N]);

enum { WALLS_TRY = 1 /* also try to make namespaces: forks, so only from a process with one thread */ };
void walls_look_version(struct walls_probe *ret);
void walls_look_store(const char *store, struct walls_probe *p);
int walls_find_used_up(void);
void walls_look(const char *store, int flags, struct walls_probe *ret);

/* What to say when a step has failed: the wall that explains it, with its mending command, else the errno and a hint.
 */
int walls_explain_userns(int code, struct err *e);
int walls_explain_idmap(const char *tool, int status, struct err *e);
int walls_explain_proc(int code, struct err *e);
int walls_explain_tun(const char *network, struct err *e);
int walls_explain_fuse(int code, struct err *e);
int walls_explain_cgroup(const char *option, struct err *e);
/* A microsecond, where nothing is wrong. */
int walls_explain_store(const char *store, struct err *e);
int walls_explain_port(unsigned port, int code, struct err *e);
/* Before anything else: too old a kernel fails later in ways that nobody understands. A microsecond. */
int walls_explain_kernel(struct err *e);
