/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/runtime/fakeids.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "lib/runtime/fakeids_int.h"
#include "lib/runtime/init/fakeids_calls.h"

/*
 * Theory of operation
 *
 * A container with one mapped id cannot change ids, but programs that drop privileges (apt, sshd, every daemon) check
 * that they have. So all calls that set or get ids are answered here, from credentials that we keep. Nothing of this is
 * a security boundary: in the kernel all these processes are one user.
 *
 * Who has which credentials must follow fork and exec, which nobody tells us about. So the state lives where the kernel
 * itself copies it: every distinct set of credentials has a number in our table, and the number of a process's set is
 * in its soft limit RLIMIT_RTTIME, as "hard limit - 1 - number". fork copies limits, exec keeps them, threads share
 * them (as they share ids for a program that calls libc: it changes all threads, one after the other, and each call
 * repeats the same result). The limit itself bounds processor time of real-time processes only, and stays at 2^64 us.
 * Calls that get or set just this limit are answered here as if it were infinite.
 *
 * Who may set ids is a matter of two capabilities, which ids, capset and PR_SET_KEEPCAPS change: five more bits of that
 * value. In the kernel the process keeps all its capabilities, so a capset that we agree with is then done there, too.
 *
 * exec makes saved and file system ids the effective ones, and capabilities what the ids say. Where that makes a
 * difference, the value has 35 bits more: a hash of where the kernel has put the process's code and stack. Another hash
 * at the next look means another program. It needs a /proc of our pid namespace; without one, saved ids outlive exec.
 *
 * A process that has just died, or is killed while we look, is noticed by the kernel's check of the notification's id;
 * what has been read until then is thrown away. Numbers are never reused: a table that is full refuses new sets with
 * EAGAIN.
 */

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS	   _IOW('!', 4, uint64_t)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1ULL
#endif

#define KEEP		 UINT32_MAX
#define INDEX_BITS	 16
#define EPOCH_BITS	 35
#define STATE_BITS	 (INDEX_BITS + CRED_FLAG_BITS + EPOCH_BITS)
#define SETS_MAX	 (1U << INDEX_BITS)
#define GROUPS_TOTAL_MAX (1U << 20) /* ids in all sets: 4 MB, which a hostile container can make us spend */
#define BUCKETS		 256
#define OVERFLOW_ID	 65534

/**
 * struct set - an entry of the table
 * @cred:	the credentials
 * @hash:	of them
 * @next:	index + 1 of the next set in the same bucket, 0 at the end
 */
struct set {
	struct cred cred;
	uint32_t hash;
	uint32_t next;
};

/**
 * struct fakeids - the server of one listener
 * @listener:	seccomp's notifications
 * @proc_fd:	a proc file system of our pid namespace, or negative
 * @req:	buffer for a notification, @req_size bytes: the kernel's may be longer than ours
 * @req_size:	its size
 * @resp:	buffer for an answer
 * @resp_size:	its size
 * @caps:	the container's bounding set
 * @sets:	all credentials so far; the first is that of the first process
 * @n_sets:	how many
 * @cap_sets:	allocated
 * @n_groups:	groups in all sets
 * @bucket:	heads of the hash chains
 */
struct fakeids {
	int listener;
	int proc_fd;
	struct seccomp_notif *req;
	size_t req_size;
	struct seccomp_notif_resp *resp;
	size_t resp_size;
	uint64_t caps;
	struct set *sets;
	uint32_t n_sets;
	uint32_t cap_sets;
	size_t n_groups;
	uint32_t bucket[BUCKETS];
};

/* ---- the table ---- */

static uint32_t mix(uint32_t h, const uint32_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		h = (h ^ v[i]) * 0x9e3779b1U;
		h ^= h >> 15;
	}
	return h;
}

static bool is_equal(const struct cred *a, const struct cred *b)
{
	return !memcmp(a->uid, b->uid, sizeof(a->uid)) && !memcmp(a->gid, b->gid, sizeof(a->gid)) &&
	       a->n_groups == b->n_groups &&
	       (!a->n_groups || !memcmp(a->groups, b->groups, a->n_groups * sizeof(*a->groups)));
}

static int intern_new(struct fakeids *f, const struct cred *c, uint32_t hash)
{
	struct set *s;

	if (f->n_sets == SETS_MAX || f->n_groups + c->n_groups > GROUPS_TOTAL_MAX)
		return -EAGAIN;
	if (f->n_sets == f->cap_sets) {
		f->cap_sets = f->cap_sets ? 2 * f->cap_sets : 16;
		f->sets = xrealloc(f->sets, f->cap_sets * sizeof(*f->sets));
	}
	s = &f->sets[f->n_sets];
	*s = (struct set) { .cred = *c, .hash = hash, .next = f->bucket[hash % BUCKETS] };
	s->cred.groups = NULL;
	if (c->n_groups) {
		s->cred.groups = xcalloc(c->n_groups, sizeof(*c->groups));
		memcpy(s->cred.groups, c->groups, c->n_groups * sizeof(*c->groups));
	}
	f->n_groups += c->n_groups;
	f->bucket[hash % BUCKETS] = f->n_sets + 1;
	return (int)f->n_sets++;
}

/* Number of a set of credentials; it is copied when it is new. -EAGAIN when there are too many. */
static int intern(struct fakeids *f, const struct cred *c)
{
	uint32_t hash = mix(mix(mix(1, c->uid, ID__N), c->gid, ID__N), c->groups, c->n_groups);

	for (uint32_t i = f->bucket[hash % BUCKETS]; i; i = f->sets[i - 1].next)
		if (f->sets[i - 1].hash == hash && is_equal(&f->sets[i - 1].cred, c))
			return (int)(i - 1);
	return intern_new(f, c, hash);
}

/* ---- state of a process ---- */

/* Where code and stack of a process are, as a number of EPOCH_BITS that is not 0; 0 when it cannot be known. */
static uint64_t epoch_of(const struct fakeids *f, pid_t pid)
{
	auto_free char *text = NULL;
	uint64_t h = 0xcbf29ce484222325ULL;
	char path[32], *p;

	if (f->proc_fd < 0)
		return 0;
	snprintf(path, sizeof(path), "%d/stat", (int)pid);
	if (fs_read_file(f->proc_fd, path, 4096, &text, NULL, NULL) < 0)
		return 0;
	p = strrchr(text, ')');
	for (int field = 2; p && field < 29; field++) { /* 26 to 28: start and end of the code, start of the stack */
		p = strchr(p + 1, ' ');
		for (const char *d = p; field >= 25 && d && d[1] && d[1] != ' '; d++)
			h = (h ^ (unsigned char)d[1]) * 0x100000001b3ULL;
	}
	h &= (1ULL << EPOCH_BITS) - 1;
	return h ? h : 1;
}

/* Credentials of a process, borrowed lists included: @ret->groups belongs to the table. */
static int state_get(const struct fakeids *f, pid_t pid, struct cred *ret)
{
	uint64_t state, index, epoch;
	struct rlimit rl;

	if (prlimit(pid, RLIMIT_RTTIME, NULL, &rl) < 0)
		return -errno;
	state = rl.rlim_max - 1 - rl.rlim_cur; /* wraps for a process that never changed anything */
	index = state & (SETS_MAX - 1);
	if (state >> STATE_BITS || index >= f->n_sets) {
		*ret = f->sets[0].cred;
		return 0;
	}
	*ret = f->sets[index].cred;
	ret->flags = state >> INDEX_BITS & ((1U << CRED_FLAG_BITS) - 1);
	epoch = state >> (INDEX_BITS + CRED_FLAG_BITS);
	if (epoch && epoch != epoch_of(f, pid))
		cred_exec(ret, f->caps);
	return 0;
}

static int state_set(struct fakeids *f, pid_t pid, const struct cred *c)
{
	int index = intern(f, c);
	uint64_t state;
	struct rlimit rl;

	if (index < 0)
		return index;
	if (prlimit(pid, RLIMIT_RTTIME, NULL, &rl) < 0)
		return -errno;
	if (rl.rlim_max <= 1ULL << STATE_BITS)
		return -EAGAIN; /* somebody has set a hard limit: there is no room */
	state = (uint64_t)index | (uint64_t)c->flags << INDEX_BITS;
	if (cred_is_changed_by_exec(c, f->caps))
		state |= epoch_of(f, pid) << (INDEX_BITS + CRED_FLAG_BITS);
	rl.rlim_cur = rl.rlim_max - 1 - state;
	return prlimit(pid, RLIMIT_RTTIME, &rl, NULL) < 0 ? -errno : 0;
}

/* ---- memory of a process ---- */

static int copy_in(pid_t pid, uint64_t from, void *to, size_t len)
{
	struct iovec local = { .iov_base = to, .iov_len = len };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)from, .iov_len = len };

	return !len || process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)len ? 0 : -EFAULT;
}

static int copy_out(pid_t pid, uint64_t to, void *from, size_t len)
{
	struct iovec local = { .iov_base = from, .iov_len = len };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)to, .iov_len = len };

	return !len || process_vm_writev(pid, &local, 1, &remote, 1, 0) == (ssize_t)len ? 0 : -EFAULT;
}

/* ---- the calls ---- */

/* What is no result of a call: the caller is gone; the kernel is to go on with it. */
#define GONE  (1LL << 33)
#define GO_ON (1LL << 34)

/**
 * struct call - one notified call
 * @f:		server
 * @pid:	thread that waits
 * @args:	its arguments; of a 32-bit process the low halves, as the kernel takes them
 * @narrow:	ids are 16 bits wide
 * @compat:	a 32-bit process: longs are 32 bits wide
 * @cred:	its credentials, to be changed; the groups are borrowed
 */
struct call {
	struct fakeids *f;
	pid_t pid;
	uint64_t args[6];
	bool narrow;
	bool compat;
	struct cred cred;
};

static uint32_t id_arg(const struct call *c, int i)
{
	uint32_t v = (uint32_t)c->args[i];

	if (!c->narrow)
		return v;
	v &= 0xffff;
	return v == 0xffff ? KEEP : v;
}

static uint32_t id_out(const struct call *c, uint32_t id)
{
	return c->narrow && id > 0xffff ? OVERFLOW_ID : id;
}

static int64_t get_res(const struct call *c, const uint32_t id[ID__N])
{
	for (int i = 0; i < 3; i++) {
		uint32_t v = id_out(c, id[i]);
		uint16_t narrow = (uint16_t)v;
		int r = c->narrow ? copy_out(c->pid, c->args[i], &narrow, sizeof(narrow))
				  : copy_out(c->pid, c->args[i], &v, sizeof(v));

		if (r < 0)
			return r;
	}
	return 0;
}

static int64_t get_groups(const struct call *c)
{
	size_t n = c->cred.n_groups;
	auto_free uint16_t *narrow = NULL;
	int size = (int)c->args[0], r;

	if (size < 0 || (size > 0 && (size_t)size < n))
		return -EINVAL;
	if (size == 0)
		return (int64_t)n;
	if (c->narrow) {
		narrow = xcalloc(n + 1, sizeof(*narrow));
		for (size_t i = 0; i < n; i++)
			narrow[i] = (uint16_t)id_out(c, c->cred.groups[i]);
		r = copy_out(c->pid, c->args[1], narrow, n * sizeof(*narrow));
	} else {
		r = copy_out(c->pid, c->args[1], c->cred.groups, n * sizeof(*c->cred.groups));
	}
	return r < 0 ? r : (int64_t)n;
}

static int by_value(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int64_t set_groups(struct call *c)
{
	auto_free uint32_t *groups = NULL;
	size_t n = (uint32_t)c->args[0], width = c->narrow ? sizeof(uint16_t) : sizeof(uint32_t);
	struct cred cred = c->cred;
	int r;

	if (!(c->cred.flags & CRED_EFF_GID))
		return -EPERM;
	if (n > FAKEIDS_GROUPS_MAX)
		return -EINVAL;
	groups = xcalloc(n + 1, sizeof(*groups));
	r = copy_in(c->pid, c->args[1], groups, n * width);
	if (r < 0)
		return r;
	for (size_t i = n; c->narrow && i-- > 0;) /* widened in place, so from the end */
		groups[i] = ((uint16_t *)(void *)groups)[i] == 0xffff ? KEEP : ((uint16_t *)(void *)groups)[i];
	for (size_t i = 0; i < n; i++)
		if (groups[i] == KEEP)
			return -EINVAL;
	qsort(groups, n, sizeof(*groups), by_value);
	cred.groups = groups;
	cred.n_groups = n;
	r = state_set(c->f, c->pid, &cred);
	return r == -EAGAIN ? -ENOMEM : r;
}

/* The kernel does it as well, on what the process really has. */
static int64_t cap_set(struct call *c)
{
	struct __user_cap_header_struct h;
	struct __user_cap_data_struct d[2] = { 0 };
	int r = copy_in(c->pid, c->args[0], &h, sizeof(h));

	if (r < 0)
		return r;
	/* h.pid is 0 or the caller's own in its namespace: the kernel refuses everything else */
	if (h.version != _LINUX_CAPABILITY_VERSION_3 && h.version != _LINUX_CAPABILITY_VERSION_2 &&
	    h.version != _LINUX_CAPABILITY_VERSION_1)
		return GO_ON; /* the kernel knows what to say */
	r = copy_in(c->pid, c->args[1], d, h.version == _LINUX_CAPABILITY_VERSION_1 ? sizeof(d[0]) : sizeof(d));
	if (r == 0)
		r = cred_capset(&c->cred, d[0].effective, d[0].permitted); /* both capabilities are in the first word */
	if (r == 0)
		r = state_set(c->f, c->pid, &c->cred);
	return r < 0 ? r : GO_ON;
}

static int64_t prctl_call(struct call *c)
{
	int r;

	if (c->args[0] == PR_GET_KEEPCAPS)
		return !!(c->cred.flags & CRED_KEEP);
	if (c->args[1] > 1)
		return -EINVAL;
	c->cred.flags = (c->cred.flags & ~(unsigned)CRED_KEEP) | (c->args[1] ? CRED_KEEP : 0);
	r = state_set(c->f, c->pid, &c->cred);
	return r < 0 ? r : 0;
}

/* The limit that holds our state looks infinite, and takes any value without effect. */
static int64_t rlimit_call(const struct call *c, enum fakeids_call what)
{
	uint64_t wide[2] = { UINT64_MAX, UINT64_MAX };
	uint64_t to = what == FI_PRLIMIT ? c->args[3] : c->args[1];

	if (what == FI_SETRLIMIT || (what == FI_PRLIMIT && !to))
		return 0;
	return copy_out(c->pid, to, wide, c->compat && what == FI_GETRLIMIT ? sizeof(wide) / 2 : sizeof(wide));
}

static int64_t get_call(const struct call *c, enum fakeids_call what)
{
	switch (what) {
	case FI_GETUID:
		return id_out(c, c->cred.uid[ID_REAL]);
	case FI_GETEUID:
		return id_out(c, c->cred.uid[ID_EFFECTIVE]);
	case FI_GETGID:
		return id_out(c, c->cred.gid[ID_REAL]);
	case FI_GETEGID:
		return id_out(c, c->cred.gid[ID_EFFECTIVE]);
	case FI_GETRESUID:
		return get_res(c, c->cred.uid);
	case FI_GETRESGID:
		return get_res(c, c->cred.gid);
	case FI_GETGROUPS:
		return get_groups(c);
	default:
		return rlimit_call(c, what);
	}
}

static int64_t set_call(struct call *c, enum fakeids_call what)
{
	bool user = c->cred.flags & CRED_EFF_UID, group = c->cred.flags & CRED_EFF_GID;
	uint32_t a = id_arg(c, 0), b = id_arg(c, 1), s = id_arg(c, 2);
	uint32_t *uid = c->cred.uid, *gid = c->cred.gid, old[ID__N];
	int64_t r = -ENOSYS;
	int stored;

	if (what == FI_SETGROUPS)
		return set_groups(c);
	if (what == FI_CAPSET)
		return cap_set(c);
	memcpy(old, uid, sizeof(old));
	if (what == FI_SETUID)
		r = cred_set(uid, a, user);
	else if (what == FI_SETGID)
		r = cred_set(gid, a, group);
	else if (what == FI_SETREUID)
		r = cred_setre(uid, a, b, user);
	else if (what == FI_SETREGID)
		r = cred_setre(gid, a, b, group);
	else if (what == FI_SETRESUID)
		r = cred_setres(uid, a, b, s, user);
	else if (what == FI_SETRESGID)
		r = cred_setres(gid, a, b, s, group);
	else if (what == FI_SETFSUID)
		r = id_out(c, cred_setfs(uid, a, user));
	else if (what == FI_SETFSGID)
		r = id_out(c, cred_setfs(gid, a, group));
	if (r < 0)
		return r;
	if (what != FI_SETFSUID)
		cred_fix_caps(&c->cred, old);
	stored = state_set(c->f, c->pid, &c->cred);
	return stored < 0 ? stored : r;
}

static const struct fakeids_nr *find(const struct fakeids_nr *list, size_t n, uint32_t nr)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].nr == nr)
			return &list[i];
	return NULL;
}

static const struct fakeids_nr *find_call(const struct seccomp_data *d)
{
#ifdef FAKEIDS_COMPAT_ARCH
	if (d->arch == FAKEIDS_COMPAT_ARCH)
		return find(fakeids_compat, sizeof(fakeids_compat) / sizeof(*fakeids_compat), (uint32_t)d->nr);
#endif
#ifdef FAKEIDS_NATIVE_ARCH
	if (d->arch == FAKEIDS_NATIVE_ARCH)
		return find(fakeids_native, sizeof(fakeids_native) / sizeof(*fakeids_native),
			    (uint32_t)d->nr & 0x3fffffff /* x32's bit */);
#endif
	return NULL;
}

/* Return: the call's result or negative errno; GONE, GO_ON. */
static int64_t answer(struct fakeids *f, const struct seccomp_notif *req)
{
	const struct fakeids_nr *nr = find_call(&req->data);
	struct call c = { .f = f, .pid = (pid_t)req->pid };
	enum fakeids_call what;
	uint64_t id = req->id;
	int r;

	if (!nr)
		return -ENOSYS;
	what = nr->call & ~FI_16;
	c.narrow = nr->call & FI_16;
#ifdef FAKEIDS_COMPAT_ARCH
	c.compat = req->data.arch == FAKEIDS_COMPAT_ARCH;
#endif
	for (int i = 0; i < 6; i++) /* int 0x80 from 64-bit code leaves rubbish in the upper halves */
		c.args[i] = c.compat ? (uint32_t)req->data.args[i] : req->data.args[i];
	r = state_get(f, c.pid, &c.cred);
	/* What we have read may be another process's with the same pid; the four plain answers then just find no taker.
	 */
	if (what > FI_GETEGID && ioctl(f->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0)
		return GONE;
	if (r < 0)
		return r;
	if (what == FI_PRCTL)
		return prctl_call(&c);
	return what >= FI_SETUID && what <= FI_CAPSET ? set_call(&c, what) : get_call(&c, what);
}

/**
 * fakeids_handle() - Answer one call
 * @f:	Server
 *
 * Return: 0, also when there was none or its caller has died, or negative errno when the listener is broken
 */
int fakeids_handle(struct fakeids *f)
{
	int64_t result;
	int r;

	memset(f->req, 0, f->req_size);
	if (ioctl(f->listener, SECCOMP_IOCTL_NOTIF_RECV, f->req) < 0)
		return errno == ENOENT || errno == EINTR || errno == EAGAIN ? 0 : -errno;
	result = answer(f, f->req);
	if (result == GONE)
		return 0;
	memset(f->resp, 0, f->resp_size);
	f->resp->id = f->req->id;
	if (result == GO_ON)
		f->resp->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else if (result < 0)
		f->resp->error = (int)result;
	else
		f->resp->val = result;
	do
		r = ioctl(f->listener, SECCOMP_IOCTL_NOTIF_SEND, f->resp);
	while (r < 0 && errno == EINTR); /* a stop or a freeze of ours, and its lock was just held */
	return r < 0 && errno != ENOENT && errno != EINPROGRESS ? -errno : 0;
}

/* A proc of our pid namespace: a private one where we may mount, else /proc when it is of this namespace. */
static int open_proc(void)
{
	auto_close int fs = sys_fsopen("proc", FSOPEN_CLOEXEC), fd = -EBADF;
	auto_free char *self = NULL;
	uint64_t pid;

	if (fs >= 0 && sys_fsconfig(fs, FSCONFIG_SET_STRING, "subset", "pid", 0) == 0 &&
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0) {
		fd = sys_fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
		if (fd >= 0)
			return take_fd(&fd);
	}
	fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fs_readlink(fd, "self", &self, NULL) < 0 || str_to_u64(self, INT_MAX, &pid) < 0 ||
	    (pid_t)pid != getpid())
		return -ENOENT;
	return take_fd(&fd);
}

/**
 * fakeids_new() - Start to emulate
 * @listener:	What fakeids_install() returned in the container; ours from success on
 * @caps:	The container's bounding set: what exec gives to id 0
 * @ret:	The server
 * @e:		Failure
 *
 * Should be called in the pid namespace that answers the calls (pids in notifications are of it), with CAP_SYS_PTRACE
 * and CAP_SYS_RESOURCE over the container's user namespace.
 *
 * Return: 0 or negative errno
 */
int fakeids_new(int listener, uint64_t caps, struct fakeids **ret, struct err *e)
{
	const struct cred first = { .flags = CRED_EFF | CRED_PERM };
	struct seccomp_notif_sizes sizes;
	struct fakeids *f;
	int r = sys_seccomp(SECCOMP_GET_NOTIF_SIZES, 0, &sizes);

	if (r < 0)
		return err_set(e, r, "emulate ids: ask for seccomp's sizes");
	f = xcalloc(1, sizeof(*f));
	f->listener = listener;
	f->proc_fd = open_proc();
	f->caps = caps;
	f->req_size = sizes.seccomp_notif > sizeof(*f->req) ? sizes.seccomp_notif : sizeof(*f->req);
	f->resp_size = sizes.seccomp_notif_resp > sizeof(*f->resp) ? sizes.seccomp_notif_resp : sizeof(*f->resp);
	f->req = xcalloc(1, f->req_size);
	f->resp = xcalloc(1, f->resp_size);
	intern(f, &first);
	/* The caller waits for us anyway: wake it on this processor (Linux 6.6). */
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) < 0)
		log_debug("emulate ids: without synchronous wake-ups");
	*ret = f;
	return 0;
}

/**
 * fakeids_free() - Stop: calls that wait, and all later ones, fail with ENOSYS
 * @f:	Server or NULL
 */
void fakeids_free(struct fakeids *f)
{
	if (!f)
		return;
	fd_closep(&f->listener);
	fd_closep(&f->proc_fd);
	for (uint32_t i = 0; i < f->n_sets; i++)
		free(f->sets[i].cred.groups);
	free(f->sets);
	free(f->req);
	free(f->resp);
	free(f);
}

/**
 * fakeids_fd() - What to wait for
 * @f:	Server
 *
 * Return: the listener: readable when a call waits
 */
int fakeids_fd(const struct fakeids *f)
{
	return f->listener;
}
