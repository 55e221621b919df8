/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/engine/life.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "lib/base/time.h"
#include "lib/engine/attach.h"
#include "lib/engine/proto.h"

#define ANSWER_MS	    2000 /* a monitor that answers nothing for so long is stuck (stopped, say) */
#define MONITOR_PATIENCE_MS 6000 /* and one that does not end */

int ctr_connect(const struct ctr *c, int *ret_sock, struct err *e)
{
	char path[128];
	int r = ctr_socket_path(c->store, c->config.id, path, sizeof(path), e);

	if (r < 0)
		return r;
	if (!ctr_is_running(c))
		return err_say(e, ESRCH, "container %s is not running", c->config.name);
	r = proto_connect(path, ret_sock, e);
	if (r == -ENOENT || r == -ECONNREFUSED)
		return err_say(
			e, ESRCH,
			"container %s: its monitor runs, but cannot be reached at '%s' (was the run folder removed? "
			"'skiff rm -f %s' ends it)",
			c->config.name, path, c->config.name);
	return r;
}

int signal_parse(const char *text, struct err *e)
{
	const char *name = str_after(text, "SIG") ? text + 3 : text;
	uint32_t n;

	if (str_to_u32(text, &n) == 0 && n > 0 && n <= 64)
		return (int)n;
	for (int s = 1; s < NSIG; s++) {
		const char *abbrev = sigabbrev_np(s);

		if (abbrev && !strcasecmp(abbrev, name))
			return s;
	}
	if (!strncasecmp(name, "RTMIN", 5)) {
		if (!name[5])
			return SIGRTMIN;
		if (name[5] == '+' && str_to_u32(name + 6, &n) == 0 && SIGRTMIN + (int)n <= SIGRTMAX)
			return SIGRTMIN + (int)n;
	}
	return err_say(e, EINVAL, "invalid signal: %s", text);
}

/*
 * A monitor that does not answer cannot be asked; the container's first process is known by number and start time, so
 * that a number used anew is never signalled.
 */
static int kill_known(pid_t pid, int64_t started, int sig)
{
	auto_close int pidfd = pid > 0 ? sys_pidfd_open(pid, 0) : -ESRCH;
	uint64_t start;
	int r = pidfd;

	if (r >= 0)
		r = proc_start_time(pid, &start);
	if (r >= 0 && start != (uint64_t)started)
		r = -ESRCH;
	return r < 0 ? r : sys_pidfd_send_signal(pidfd, sig);
}

static int kill_without_monitor(const struct ctr *c, int sig, struct err *e)
{
	struct ctr_state s;
	int r;

	ctr_read_state(c, &s);
	r = kill_known((pid_t)s.pid, s.pid_start, sig);
	ctr_state_done(&s);
	return r < 0 ? err_set(e, r, "signal container %s", c->config.name) : 0;
}

int ctr_kill_monitor(const struct ctr *c, struct err *e)
{
	struct ctr_state s;
	int r;

	ctr_read_state(c, &s);
	r = kill_known((pid_t)s.monitor_pid, s.monitor_start, SIGKILL);
	ctr_state_done(&s);
	if (r < 0 && r != -ESRCH)
		return err_set(e, r, "end the monitor of container %s", c->config.name);
	r = ctr_wait_ended(c, MONITOR_PATIENCE_MS, e);
	if (r < 0)
		return r;
	ctr_settle(c);
	return 0;
}

int ctr_remove_forced(struct ctr *c, struct err *e)
{
	int r;

	if (ctr_is_running(c)) {
		ctr_kill(c, SIGKILL, NULL);
		r = ctr_wait_ended(c, MONITOR_PATIENCE_MS, e);
		if (r == -ETIMEDOUT)
			r = ctr_kill_monitor(c, e);
		if (r < 0)
			return r;
	}
	return ctr_remove(c, e);
}

static bool is_responsive(int sock)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };

	return proto_send(sock, PROTO_PING, 0, NULL, 0, NULL, 0) == 0 && poll(&p, 1, ANSWER_MS) > 0;
}

int ctr_kill(const struct ctr *c, int sig, struct err *e)
{
	auto_close int sock = -EBADF;
	int r = ctr_connect(c, &sock, e);

	if (r < 0)
		return r;
	if (!is_responsive(sock)) /* it could not see its container end either */
		return sig == SIGKILL ? ctr_kill_monitor(c, e) : kill_without_monitor(c, sig, e);
	/* the answer to the ping is read by the first receive of attach_signal()'s loop: PROTO_OK means either */
	r = attach_signal(sock, sig, e);
	return r;
}

int ctr_wait_ended(const struct ctr *c, int64_t timeout_ms, struct err *e)
{
	int64_t until = time_mono() + timeout_ms * NSEC_PER_MSEC;
	auto_close int sock = -EBADF;

	if (ctr_connect(c, &sock, NULL) == 0) {
		struct pollfd p = { .fd = sock, .events = POLLIN };

		proto_send(sock, PROTO_WAIT, 0, NULL, 0, NULL, 0);
		if (poll(&p, 1, timeout_ms < 0 ? -1 : (int)timeout_ms) == 0)
			return err_say(e, ETIMEDOUT, "container %s still runs", c->config.name);
	}
	/* Told, or not reachable: the lock is what counts. It is released when the monitor's process is gone. */
	while (ctr_is_running(c)) {
		if (timeout_ms >= 0 && time_mono() > until)
			return err_say(e, ETIMEDOUT, "container %s still runs", c->config.name);
		usleep(1000);
	}
	return 0;
}

bool ctr_is_running_settled(const struct ctr *c)
{
	struct ctr_state s;
	bool ended;

	if (!ctr_is_running(c))
		return false;
	ctr_read_state(c, &s);
	ended = s.status == CTR_EXITED;
	ctr_state_done(&s);
	return !ended || ctr_wait_ended(c, MONITOR_PATIENCE_MS, NULL) < 0;
}

void ctr_settle_killed(const struct ctr *c)
{
	if (ctr_wait_ended(c, MONITOR_PATIENCE_MS, NULL) == 0)
		ctr_settle(c);
}

int ctr_stop(const struct ctr *c, const char *signal, int64_t timeout_s, struct err *e)
{
	const char *text = signal ? signal : c->config.stop_signal ? c->config.stop_signal : "TERM";
	int sig = signal_parse(text, e), r;

	if (sig < 0)
		return sig;
	if (!ctr_is_running(c))
		return 0;
	r = ctr_kill(c, sig, e);
	if (r == -ESRCH)
		return ctr_wait_ended(c, MONITOR_PATIENCE_MS, e);
	if (r < 0)
		return r;
	r = ctr_wait_ended(c, timeout_s < 0 ? -1 : timeout_s * 1000, e);
	if (r != -ETIMEDOUT)
		return r;
	ctr_kill(c, SIGKILL, NULL);
	r = ctr_wait_ended(c, MONITOR_PATIENCE_MS, e);
	if (r != -ETIMEDOUT)
		return r;
	return ctr_kill_monitor(c, e);
}
