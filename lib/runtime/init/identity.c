/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/sys.h"
#include "lib/runtime/init/fakeids_filter.h"
#include "lib/runtime/init/init_int.h"

/**
 * step_loopback() - Bring lo up in the container's own network namespace
 * @s:	Stage
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int step_loopback(struct stage *s, struct err *e)
{
	auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_name = "lo" };

	(void)s;
	if (fd < 0)
		return err_set(e, errno, "open a socket");
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		return err_set(e, errno, "set lo up");
	return 0;
}

/**
 * step_cgroupns() - Take the cgroup that we are in as the root of a new cgroup namespace
 * @s:	Stage
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int step_cgroupns(struct stage *s, struct err *e)
{
	(void)s;
	if (unshare(CLONE_NEWCGROUP) == 0)
		return 0;
	if (errno != ENOSPC)
		return err_set(e, errno, "new cgroup namespace");
	return err_say(e, ENOSPC,
		       "user.max_cgroup_namespaces of this host is 0 or used up (as root: "
		       "sysctl -w user.max_cgroup_namespaces=16384, and the same in /etc/sysctl.d/90-skiff.conf)");
}

/**
 * step_hostname() - Set the host and domain name
 * @s:	Stage
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int step_hostname(struct stage *s, struct err *e)
{
	const char *host = plan_get_str(s->p, s->p->hostname), *domain = plan_get_str(s->p, s->p->domainname);

	if (host && sethostname(host, strlen(host)) < 0) {
		if (errno != EPERM)
			return err_set(e, errno, "set it to '%s'", host);
		/* The namespace is ours: only an outer container's seccomp filter (podman's, for one) says EPERM. */
		log_warn("the host name stays the outer container's: its seccomp filter refuses sethostname");
	}
	if (domain && setdomainname(domain, strlen(domain)) < 0)
		return err_set(e, errno, "set the domain name to '%s'", domain);
	return 0;
}

/**
 * step_limits() - Resource limits, umask
 * @s:	Stage
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int step_limits(struct stage *s, struct err *e)
{
	const struct plan_rlimit *l = plan_get_array(s->p, s->p->rlimits);

	for (uint32_t i = 0; i < s->p->rlimits.n; i++) {
		struct rlimit rl = { .rlim_cur = l[i].soft, .rlim_max = l[i].hard };

		if (setrlimit((__rlimit_resource_t)l[i].resource, &rl) < 0)
			return err_set(e, errno, "set resource limit %u", l[i].resource);
	}
	umask((mode_t)s->p->umask);
	return 0;
}

/**
 * step_session() - A session of its own, with the terminal as its controlling one, and a new session keyring
 * @s:	Stage
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int step_session(struct stage *s, struct err *e)
{
	if (setsid() < 0 && errno != EPERM) /* EPERM: leads one already */
		return err_set(e, errno, "start a session");
	if (s->tty >= 0 && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
		return err_set(e, errno, "take the terminal");
	/* A kernel without keyrings (ENOSYS) or a full quota leaves the caller's keys unreachable all the same:
	 * seccomp. */
	if (s->p->flags & PLAN_F_KEYRING)
		(void)!sys_keyctl_new_session();
	return 0;
}

static int drop_bounding(uint64_t keep, struct err *e)
{
	for (int c = 0; c < 64; c++) {
		if (keep >> c & 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0) {
			if (errno == EINVAL)
				break; /* above the kernel's last capability */
			return err_set(e, errno, "drop capability %d from the bounding set", c);
		}
	}
	return 0;
}

static int set_caps(uint64_t permitted, uint64_t ambient, struct err *e)
{
	const uint32_t perm[2] = { (uint32_t)permitted, (uint32_t)(permitted >> 32) };
	const uint32_t inh[2] = { (uint32_t)ambient, (uint32_t)(ambient >> 32) };
	int r = sys_capset(perm, perm, inh);

	if (r < 0)
		return err_set(e, r, "set the capabilities");
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int c = 0; c < 64; c++)
		if (ambient >> c & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0) < 0)
			return err_set(e, errno, "raise ambient capability %d", c);
	return 0;
}

static int set_ids(const struct plan *p, struct err *e)
{
	int r = sys_setgroups(p->groups.n, plan_get_array(p, p->groups));

	if (r < 0)
		return err_set(e, r, "set the supplementary groups");
	r = sys_setresgid(p->gid);
	if (r < 0)
		return err_set(e, r, "become group %u (is it in the container's id map?)", p->gid);
	r = sys_setresuid(p->uid);
	return r < 0 ? err_set(e, r, "become user %u (is it in the container's id map?)", p->uid) : 0;
}

/**
 * step_ids() - Become the container's user: bounding set, groups, gid, uid, capabilities
 * @s:	Stage
 * @e:	Failure
 *
 * Inheritable and ambient sets are empty unless the plan says otherwise (CVE-2022-29162). In single-id mode the calls
 * about ids go to the monitor, which starts from what we are: id 0 with everything.
 *
 * Return: 0 or negative errno
 */
int step_ids(struct stage *s, struct err *e)
{
	const struct plan *p = s->p;
	int r = drop_bounding(p->cap_bounding, e);

	if (r < 0)
		return r;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_set(e, errno, "keep capabilities over setuid");
	r = set_ids(p, e);
	if (r < 0)
		return r;
	/* The kernel's own user is still 0 in single-id mode, and exec gives that one everything, if not told
	 * otherwise. */
	if (p->uid && p->flags & PLAN_F_SINGLE && prctl(PR_SET_SECUREBITS, SECBIT_NOROOT, 0, 0, 0) < 0)
		return err_set(e, errno, "give up root's privileges");
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	/* Changing ids has cleared it. Where the pid namespace is not ours, the monitor's death ends nothing by itself.
	 */
	if (p->flags & PLAN_F_HOST_PID)
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	return set_caps(p->uid ? p->cap_ambient : p->cap_permitted, p->cap_ambient, e);
}

/**
 * step_nnp() - No process of the container can gain privileges by exec any more
 * @s:	Stage
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int step_nnp(struct stage *s, struct err *e)
{
	(void)s;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(e, errno, "set no_new_privs");
	return 0;
}

/**
 * step_seccomp() - Load the compiled filter
 * @s:	Stage
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int step_seccomp(struct stage *s, struct err *e)
{
	struct sock_fprog prog = { .len = (unsigned short)s->p->seccomp.n };
	const void *insns = plan_get_array(s->p, s->p->seccomp);
	int r;

	if (prog.len == 0)
		return 0;
	memcpy(&prog.filter, &insns, sizeof(insns)); /* the kernel only reads */
	r = sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &prog);
	return r < 0 ? err_set(e, r, "load the filter") : 0;
}

/**
 * step_fakeids() - Single-id mode: hand the calls about ids to the monitor
 * @s:	Stage
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int step_fakeids(struct stage *s, struct err *e)
{
	uint32_t type = PLAN_MSG_LISTENER;
	auto_close int listener = -EBADF;
	ssize_t n;
	int r = fakeids_install(&listener, e);

	if (r == -EBUSY) /* we are in a container whose monitor answers for all below it */
		return 0;
	if (r < 0)
		return r;
	n = fd_send(s->sock, &type, sizeof(type), &listener, 1, 0);
	return n < 0 ? err_set(e, (int)n, "send the listener to the monitor") : 0;
}
