/* SPDX-License-Identifier: Apache-2.0 */
/* What there is of the host: the looking half of lib/runtime/walls.h. Nothing here judges, and nothing here fails. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "lib/runtime/userns.h"
#include "lib/runtime/walls.h"

#define SMALL_FILE 65536

static int64_t read_setting(const char *name)
{
	auto_free char *text = NULL;
	char path[96];
	int64_t v;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	if (fs_read_file(AT_FDCWD, path, 256, &text, NULL, NULL) < 0 || str_to_i64(str_trim(text), &v) < 0)
		return WALLS_ABSENT;
	return v;
}

/* The value of "Name:\t..." in /proc/self/status, base @base; 0 when it is not there. */
static unsigned long long status_field(const char *text, const char *name, int base)
{
	const char *line = strstr(text, name);

	return line ? strtoull(line + strlen(name), NULL, base) : 0;
}

static void look_process(struct walls_probe *p)
{
	auto_free char *text = NULL;
	auto_free char *label = NULL;

	if (fs_read_file(AT_FDCWD, "/proc/self/status", SMALL_FILE, &text, NULL, NULL) == 0) {
		p->seccomp = status_field(text, "\nSeccomp:", 10) == 2;
		p->no_new_privs = status_field(text, "\nNoNewPrivs:", 10) == 1;
		p->traced = status_field(text, "\nTracerPid:", 10) != 0;
		unsigned long long caps = status_field(text, "\nCapEff:", 16);

		p->privileged = caps >> CAP_SYS_ADMIN & 1;
		p->maps_itself = geteuid() == 0 && caps >> CAP_SETUID & 1 && caps >> CAP_SETGID & 1;
	}
	if (fs_read_file(AT_FDCWD, "/proc/self/attr/apparmor/current", 256, &label, NULL, NULL) == 0)
		snprintf(p->apparmor_label, sizeof(p->apparmor_label), "%s", str_trim(label));
}

static void look_user(struct walls_probe *p)
{
	struct passwd *pw;

	p->uid = geteuid();
	pw = getpwuid(p->uid);
	if (pw)
		snprintf(p->user, sizeof(p->user), "%s", pw->pw_name);
	else
		snprintf(p->user, sizeof(p->user), "%u", p->uid);
}

/**
 * walls_look_version() - The kernel's version only
 * @ret:	Its major and minor number
 */
void walls_look_version(struct walls_probe *ret)
{
	struct utsname u;

	if (uname(&u) == 0)
		sscanf(u.release, "%u.%u", &ret->major, &ret->minor);
}

static void look_kernel(struct walls_probe *p)
{
	static const char *const ns[] = { "user", "mnt", "pid", "net", "ipc", "uts", "cgroup" };

	walls_look_version(p);
	p->userns_clone = read_setting("kernel/unprivileged_userns_clone");
	p->apparmor_userns = read_setting("kernel/apparmor_restrict_unprivileged_userns");
	p->port_start = read_setting("net/ipv4/ip_unprivileged_port_start");
	for (int i = 0; i < WALLS_NS__N; i++) {
		char name[48];

		snprintf(name, sizeof(name), "user/max_%s_namespaces", ns[i]);
		p->max_ns[i] = read_setting(name);
	}
}

/*
 * In a chroot the mount table shows no mount at "/", as long as the root folder is not a mount point itself; where we
 * may look at the first process, its root tells. (In another pid namespace that process is the outer container's, with
 * the same root.)
 */
static void look_root(struct walls_probe *p)
{
	auto_free char *text = NULL;
	struct stat own, first;

	if (stat("/", &own) == 0 && stat("/proc/1/root", &first) == 0) {
		p->chrooted = own.st_dev != first.st_dev || own.st_ino != first.st_ino;
		return;
	}
	if (fs_read_file(AT_FDCWD, "/proc/self/mountinfo", 16 << 20, &text, NULL, NULL) < 0)
		return;
	p->chrooted = true;
	for (char *line, *rest = text; p->chrooted && (line = strsep(&rest, "\n"));) {
		char point[8];

		if (sscanf(line, "%*s %*s %*s %*s %7s", point) == 1 && str_is_eq(point, "/"))
			p->chrooted = false;
	}
}

/* The mount point that holds @path: up, as long as the mount stays the same (Linux 5.8). */
static void look_mount(const char *path, char *ret, size_t len)
{
	auto_free char *real = realpath(path, NULL);
	struct statx st;

	snprintf(ret, len, "%s", real ? real : path);
	if (statx(AT_FDCWD, ret, 0, STATX_MNT_ID, &st) < 0)
		return;
	for (char *up; ret[1] && (up = xstrdup(ret));) {
		char *slash = strrchr(up, '/');
		uint64_t id = st.stx_mnt_id;
		int r;

		slash[slash == up] = '\0';
		r = statx(AT_FDCWD, up, 0, STATX_MNT_ID, &st);
		if (r == 0 && st.stx_mnt_id == id)
			snprintf(ret, len, "%s", up);
		free(up);
		if (r < 0 || st.stx_mnt_id != id)
			return;
	}
}

static void look_helper(const char *name, struct walls_helper *h)
{
	auto_free char *path = NULL;
	struct statvfs fs;
	struct stat st;

	if (proc_find(name, &path) < 0 || stat(path, &st) < 0)
		return;
	h->found = true;
	h->able = (st.st_mode & S_ISUID && st.st_uid == 0) || getxattr(path, "security.capability", NULL, 0) > 0;
	h->nosuid = statvfs(path, &fs) == 0 && fs.f_flag & ST_NOSUID;
	snprintf(h->path, sizeof(h->path), "%s", path);
	if (h->nosuid)
		look_mount(path, h->mount, sizeof(h->mount));
}

static uint64_t highest_subid(const char *file)
{
	auto_free char *text = NULL;
	uint64_t end = 0;

	if (fs_read_file(AT_FDCWD, file, 1 << 20, &text, NULL, NULL) < 0)
		return 0;
	for (char *line, *rest = text; (line = strsep(&rest, "\n"));) {
		unsigned long long start, count;

		if (sscanf(line, "%*[^:]:%llu:%llu", &start, &count) == 2 && start + count > end)
			end = start + count;
	}
	return end;
}

static void look_ids(struct walls_probe *p)
{
	uint64_t u, g;

	look_helper("newuidmap", &p->newuidmap);
	look_helper("newgidmap", &p->newgidmap);
	idmap_count_subids(&p->subuids, &p->subgids);
	u = highest_subid("/etc/subuid");
	g = highest_subid("/etc/subgid");
	p->subid_next = u > g ? u : g;
	p->nss_subid = idmap_nss_has_subids();
}

static void look_device(const char *path, struct walls_device *d)
{
	struct stat st;

	d->exists = stat(path, &st) == 0 && S_ISCHR(st.st_mode);
	/* Opened, not access(2): a device cgroup or a missing module is seen only this way. */
	auto_close int fd = d->exists ? open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK) : -EBADF;

	d->usable = fd >= 0;
}

static bool find_program(const char *name)
{
	auto_free char *path = NULL;

	return proc_find(name, &path) == 0;
}

/* Where our own cgroup is in the v2 tree, as a path below its mount point. */
static bool own_cgroup(char *buf, size_t len)
{
	auto_free char *text = NULL;

	if (fs_read_file(AT_FDCWD, "/proc/self/cgroup", SMALL_FILE, &text, NULL, NULL) < 0)
		return false;
	for (char *line, *rest = text; (line = strsep(&rest, "\n"));)
		if (str_has_prefix(line, "0::")) {
			snprintf(buf, len, "%s", line + 3);
			return true;
		}
	return false;
}

static void look_cgroup(struct walls_probe *p)
{
	char own[PATH_MAX], path[PATH_MAX + 64];
	const char *mount = "/sys/fs/cgroup";
	auto_free char *controllers = NULL;
	struct statfs fs;

	if (statfs(mount, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
		p->cgroup2 = true;
	else if (statfs("/sys/fs/cgroup/unified", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC) {
		mount = "/sys/fs/cgroup/unified";
		p->cgroup2 = p->cgroup_hybrid = true;
	}
	if (!p->cgroup2 || !own_cgroup(own, sizeof(own)))
		return;
	snprintf(path, sizeof(path), "%s/cgroup.controllers", mount);
	if (fs_read_file(AT_FDCWD, path, 4096, &controllers, NULL, NULL) == 0 && str_is_empty(str_trim(controllers)))
		p->cgroup_hybrid = true;
	snprintf(path, sizeof(path), "%s%s/cgroup.subtree_control", mount, own);
	if (access(path, W_OK) == 0) {
		snprintf(path, sizeof(path), "%s%s/cgroup.procs", mount, own);
		p->cgroup_delegated = !p->cgroup_hybrid && access(path, W_OK) == 0;
	}
}

/* The first user namespace maps every id to itself. */
static bool in_first_userns(void)
{
	auto_free char *text = NULL;
	unsigned inside, outside, count;

	return fs_read_file(AT_FDCWD, "/proc/self/uid_map", SMALL_FILE, &text, NULL, NULL) < 0 ||
	       (sscanf(text, "%u %u %u", &inside, &outside, &count) == 3 && inside == 0 && outside == 0 &&
		count == UINT32_MAX);
}

static void look_session(struct walls_probe *p)
{
	char path[128];

	p->systemd = fs_has(AT_FDCWD, "/run/systemd/system");
	snprintf(path, sizeof(path), "/run/user/%u/systemd/private", p->uid);
	p->systemd_user = fs_has(AT_FDCWD, path);
	snprintf(path, sizeof(path), "/var/lib/systemd/linger/%s", p->user);
	p->linger = fs_has(AT_FDCWD, path);
}

/**
 * walls_look_store() - The file system of the store only
 * @store:	Its folder; where it is not there yet, its nearest parent decides
 * @p:		What was seen
 */
void walls_look_store(const char *store, struct walls_probe *p)
{
	struct statvfs vfs;
	struct statfs fs;
	char *slash;

	if (!store)
		return;
	snprintf(p->store, sizeof(p->store), "%s", store);
	while (statfs(p->store, &fs) < 0 && (slash = strrchr(p->store, '/')) && slash[1])
		slash[slash == p->store] = '\0';
	if (statfs(p->store, &fs) == 0)
		p->store_fs = (uint64_t)fs.f_type;
	if (statvfs(p->store, &vfs) == 0)
		p->store_noexec = vfs.f_flag & ST_NOEXEC;
	if (p->store_noexec)
		look_mount(p->store, p->store_mount, sizeof(p->store_mount));
}

/**
 * walls_find_used_up() - Of which kind of namespace can no more be made?
 *
 * A limit of the host is not seen from inside a user namespace, which has limits of its own: so one of each is made.
 *
 * Return: enum walls_ns, or -ENOENT
 */
int walls_find_used_up(void)
{
	static const uint64_t flags[] = { CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
					  CLONE_NEWIPC,	 CLONE_NEWUTS, CLONE_NEWCGROUP };

	_Static_assert(sizeof(flags) / sizeof(flags[0]) == WALLS_NS__N, "one flag for each namespace");
	for (int i = 0; i < WALLS_NS__N; i++) {
		pid_t pid = sys_clone_fork(flags[i], NULL);

		if (pid == 0)
			_exit(0);
		if (pid == -ENOSPC)
			return i;
		if (pid > 0)
			proc_wait(pid);
	}
	return -ENOENT;
}

/* What the child of try_namespaces() reports. */
struct attempt {
	int map_errno;
	int mount_errno;
	int proc_errno;
};

static int write_text(const char *path, const char *text)
{
	auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	return write(fd, text, strlen(text)) < 0 ? errno : 0;
}

/* First process of the new namespaces. /proc is still the outer one, where /proc/self is us nevertheless. */
static void attempt_inside(uid_t uid, gid_t gid, struct attempt *a)
{
	char text[48];

	write_text("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "0 %u 1", uid);
	a->map_errno = write_text("/proc/self/uid_map", text);
	snprintf(text, sizeof(text), "0 %u 1", gid);
	if (!a->map_errno)
		a->map_errno = write_text("/proc/self/gid_map", text);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		a->mount_errno = errno;
	else if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		a->proc_errno = errno;
}

static void try_namespaces(struct walls_probe *p)
{
	const uint64_t flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
			       CLONE_NEWCGROUP;
	auto_close int rd = -EBADF, wr = -EBADF;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	struct attempt a = { 0 };
	int pipe_fd[2];
	pid_t pid;

	if (fd_pipe(pipe_fd, NULL) < 0)
		return;
	rd = pipe_fd[0];
	wr = pipe_fd[1];
	p->tried = true;
	pid = sys_clone_fork(flags, NULL);
	if (pid < 0) {
		p->userns_errno = -pid;
		return;
	}
	if (pid == 0) {
		attempt_inside(uid, gid, &a);
		fd_write_full(wr, &a, sizeof(a));
		_exit(0);
	}
	fd_closep(&wr);
	if (fd_read_full(rd, &a, sizeof(a)) == (ssize_t)sizeof(a)) {
		p->map_errno = a.map_errno;
		p->mount_errno = a.mount_errno;
		p->proc_errno = a.proc_errno;
	}
	proc_wait(pid);
}

/**
 * walls_look() - See what there is of the host
 * @store:	Folder of the store, or NULL
 * @flags:	WALLS_TRY
 * @ret:	What was seen; what could not be seen is left as if it were fine
 */
void walls_look(const char *store, int flags, struct walls_probe *ret)
{
	*ret = (struct walls_probe) { 0 };
	look_process(ret);
	look_user(ret);
	look_kernel(ret);
	look_root(ret);
	look_ids(ret);
	look_device("/dev/fuse", &ret->fuse);
	look_device("/dev/net/tun", &ret->tun);
	ret->slirp = find_program("slirp4netns");
	ret->fuse_overlayfs = find_program("fuse-overlayfs");
	look_cgroup(ret);
	ret->in_container = !in_first_userns();
	look_session(ret);
	walls_look_store(store, ret);
	if (flags & WALLS_TRY)
		try_namespaces(ret);
}
