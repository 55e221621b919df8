/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-init: the first program inside a container, and of every `exec`. Static, run from a sealed memory file, so that
 *no process of the container ever has a program of the host as its executable (CVE-2019-5736).
 *
 * Theory of operation: the monitor has created the namespaces (PLAN_RUN) or will have them joined (PLAN_EXEC); it hands
 *over a plan (descriptor 3) and a packet socket (descriptor 4). The steps below run in order; the first that fails is
 *reported as "step: what: why" over the socket and ends the process. A successful exec closes the socket, which is how
 *the monitor learns of it. The order is the security of the whole thing, and a test checks it:
 *
 *	mounts before pivot_root (the host's device nodes are still to be had), by descriptor;
 *	settings below /proc through the proc file system that we mounted, never by a path of the image;
 *	everything above stderr close-on-exec before seccomp;
 *	seccomp while CAP_SYS_ADMIN is still held unless no_new_privs is wanted, else last;
 *	identity last: no work as root remains after it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/sys.h"
#include "lib/runtime/init/init_int.h"

typedef int (*step_fn)(struct stage *s, struct err *e);
typedef bool (*step_if)(const struct plan *p);

struct step {
	const char *name;
	step_fn run;
	step_if when;
};

static bool if_new_net(const struct plan *p)
{
	return p->flags & PLAN_F_NEW_NET;
}

static bool if_cgroupns(const struct plan *p)
{
	return p->flags & PLAN_F_JOIN_CGROUPNS;
}

static bool if_tty(const struct plan *p)
{
	return p->flags & PLAN_F_TTY;
}

static bool if_root_ro(const struct plan *p)
{
	return p->flags & PLAN_F_ROOT_RO;
}

static bool if_nnp(const struct plan *p)
{
	return p->flags & PLAN_F_NNP;
}

static bool if_not_nnp(const struct plan *p)
{
	return !if_nnp(p);
}

static bool if_fakeids(const struct plan *p)
{
	return p->flags & PLAN_F_SINGLE;
}

static const struct step run_steps[] = {
	{ "bring the loopback up", step_loopback, if_new_net },
	{ "cgroup namespace", step_cgroupns, if_cgroupns },
	{ "root file system", step_root, NULL },
	{ "mounts", step_mounts, NULL },
	{ "devices", step_devices, NULL },
	{ "terminal", step_tty, if_tty },
	{ "sysctl", step_sysctls, NULL },
	{ "masked paths", step_masked, NULL },
	{ "read-only paths", step_readonly, NULL },
	{ "host name", step_hostname, NULL },
	{ "working directory", step_cwd, NULL },
	{ "read-only root", step_root_ro, if_root_ro },
	{ "pivot_root", step_pivot, NULL },
	{ "limits", step_limits, NULL },
	{ "standard streams", step_stdio, NULL },
	{ "session", step_session, NULL },
	{ "wait for the monitor", step_ready, NULL },
	{ "cloexec", step_cloexec, NULL },
	{ "id emulation", step_fakeids, if_fakeids },
	{ "seccomp", step_seccomp, if_not_nnp }, /* still has CAP_SYS_ADMIN */
	{ "ids and capabilities", step_ids, NULL },
	{ "no_new_privs", step_nnp, if_nnp },
	{ "seccomp", step_seccomp, if_nnp },
	{ "exec", step_exec, NULL },
	{ NULL, NULL, NULL },
};

static const struct step exec_steps[] = {
	{ "join the container", step_join, NULL },
	{ "working directory", step_cwd, NULL },
	{ "terminal", step_tty, if_tty },
	{ "limits", step_limits, NULL },
	{ "standard streams", step_stdio, NULL },
	{ "session", step_session, NULL },
	{ "cloexec", step_cloexec, NULL },
	{ "id emulation", step_fakeids, if_fakeids },
	{ "seccomp", step_seccomp, if_not_nnp },
	{ "ids and capabilities", step_ids, NULL },
	{ "no_new_privs", step_nnp, if_nnp },
	{ "seccomp", step_seccomp, if_nnp },
	{ "exec", step_exec, NULL },
	{ NULL, NULL, NULL },
};

static const struct step *const roles[] = { [PLAN_RUN] = run_steps, [PLAN_EXEC] = exec_steps };

static void report(const struct stage *s, const struct err *e)
{
	struct plan_msg_error m = { .type = PLAN_MSG_ERROR, .exit_code = s->exit_code, .code = e->code };

	memcpy(m.msg, e->msg, sizeof(m.msg));
	fd_send(s->sock, &m, sizeof(m), NULL, 0, 0);
}

static void default_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void trace(const struct plan *p, const char *step)
{
	struct timespec ts;

	if (p->trace_fd < 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	dprintf(p->trace_fd, "@%lld.%09ld init %s\n", (long long)ts.tv_sec, ts.tv_nsec, step);
}

static int run_role(struct stage *s, struct err *e)
{
	for (const struct step *st = roles[s->p->role]; st->name; st++) {
		int r;

		if (st->when && !st->when(s->p))
			continue;
		s->exit_code = 125;
		r = st->run(s, e);
		if (r < 0)
			return s->exit_code == 125 ? err_wrap(e, r, "%s", st->name) : r;
		trace(s->p, st->name);
	}
	return 0;
}

int main(void)
{
	struct stage s = { .sock = PLAN_SOCK_FD,
			   .root = -EBADF,
			   .proc = -EBADF,
			   .dev = -EBADF,
			   .pts = -EBADF,
			   .null = -EBADF,
			   .tty = -EBADF,
			   .exit_code = 125 };
	struct err e = { 0 };
	struct stat st;
	void *block;

	/* Nobody in the container may look at us before the exec (CVE-2016-9962). */
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NAME, "skiff-init");
	default_signals();
	umask(0);
	if (fstat(PLAN_FD, &st) < 0 || st.st_size < (off_t)sizeof(struct plan) || st.st_size > (off_t)PLAN_MAX_SIZE) {
		fputs("skiff-init is started by skiff only\n", stderr);
		return 125;
	}
	block = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, PLAN_FD, 0);
	if (block == MAP_FAILED)
		err_set(&e, errno, "map the plan");
	else if (plan_check(block, (size_t)st.st_size, &e) == 0) {
		s.p = block;
		run_role(&s, &e);
	}
	report(&s, &e);
	return s.exit_code;
}
