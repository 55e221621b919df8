/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reap [-t SECONDS] [-g SECONDS] COMMAND [ARG...]: run a test so that nothing of it stays.
 *
 * As a subreaper this process inherits every orphan of the command, so it sees what the command leaves behind, root or
 * not. The command gets -t seconds; what it leaves gets -g seconds to end by itself (skiff promises two), is then named
 * on stdout as a TAP comment and killed. Exit status: the command's, 124 after a time-out, 99 when the command
 * succeeded but left a process behind.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "lib/base/time.h"

static volatile sig_atomic_t stop_signal;

static void on_signal(int sig)
{
	stop_signal = sig;
}

/* Reap all that has ended. Return: is a child left? */
static bool reap_ended(pid_t main_pid, int *ret_status)
{
	int st;
	pid_t pid;

	while ((pid = waitpid(-1, &st, WNOHANG)) > 0)
		if (pid == main_pid)
			*ret_status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	return pid == 0;
}

static void describe(pid_t pid)
{
	char path[40], text[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	for (ssize_t i = 0; i < n; i++)
		if (text[i] < ' ')
			text[i] = ' ';
	text[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
	printf("# left behind: %d %s\n", (int)pid, text);
}

/* Kill our children; theirs become ours, so calling it until none is left ends the whole tree. */
static void kill_children(bool say)
{
	char path[64], text[8192], *p = text;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	for (char *word; (word = strsep(&p, " "));) {
		uint32_t pid;

		if (str_to_u32(word, &pid) < 0)
			continue;
		if (say)
			describe((pid_t)pid);
		kill((pid_t)pid, SIGKILL);
	}
}

static void nap(void)
{
	nanosleep(&(struct timespec) { .tv_nsec = 20 * NSEC_PER_MSEC }, NULL);
}

static int usage(void)
{
	fputs("usage: reap [-t SECONDS] [-g SECONDS] COMMAND [ARG...]\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	uint32_t limit = 600, grace = 3;
	int status = -1, opt;
	bool left;
	pid_t pid;

	while ((opt = getopt(argc, argv, "+t:g:")) != -1)
		if ((opt != 't' && opt != 'g') || str_to_u32(optarg, opt == 't' ? &limit : &grace) < 0)
			return usage();
	if (optind >= argc)
		return usage();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	signal(SIGHUP, on_signal);

	int64_t end = time_mono() + limit * NSEC_PER_SEC;

	pid = fork();
	if (pid == 0) {
		signal(SIGTERM, SIG_DFL);
		signal(SIGINT, SIG_DFL);
		signal(SIGHUP, SIG_DFL);
		execvp(argv[optind], argv + optind);
		fprintf(stderr, "reap: %s: %s\n", argv[optind], strerrordesc_np(errno));
		_exit(127);
	}
	for (left = true; left && status < 0 && !stop_signal && time_mono() < end; nap())
		left = reap_ended(pid, &status);
	if (status < 0 && !stop_signal)
		printf("# timeout: still running after %u s\n", limit);
	end = time_mono() + (status < 0 ? 0 : grace * NSEC_PER_SEC);
	while (reap_ended(pid, &status) && time_mono() < end)
		nap();
	if (reap_ended(pid, &status)) {
		kill_children(true);
		while (reap_ended(pid, &status)) {
			nap();
			kill_children(false);
		}
		if (status == 0)
			status = 99;
		else if (status == 128 + SIGKILL)
			status = stop_signal ? 128 + stop_signal : 124;
	}
	fflush(stdout);
	return status < 0 ? 124 : status;
}
