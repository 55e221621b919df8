/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/stop.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "lib/base/fd.h"

/**
 * stop_open() - Block the signals that end a command and make them readable; also ignores SIGPIPE
 * @ret_fd:	Readable once a signal has come
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int stop_open(int *ret_fd, struct err *e)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_set(e, errno, "block signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_set(e, errno, "wait for signals by descriptor");
	*ret_fd = fd;
	return 0;
}

/**
 * stop_signal() - Has a signal come?
 * @fd:	From stop_open()
 *
 * Return: its number, 0 for none
 */
int stop_signal(int fd)
{
	static int first;
	struct signalfd_siginfo si;

	if (!first && fd >= 0 && fd_read(fd, &si, sizeof(si)) == sizeof(si))
		first = (int)si.ssi_signo;
	return first;
}
