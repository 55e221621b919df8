/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timeit [-n RUNS] [-w WARM] [-p COPIES] [-m] [-b COMMAND] NAME COMMAND [NAME COMMAND...]: how long commands take.
 *
 * The commands take turns, so that a busy moment of the machine meets all of them. Each is split at blanks and started
 * without a shell, its output thrown away. -b: another command before each run, not timed. -p: COPIES at once, timed
 * until the last has ended. -m: add up the memory (PSS) of all its processes, every 10 ms. Each line of the result has,
 * separated by tabs: name, median, smallest and largest milliseconds, CPU seconds, peak KiB (0 without -m).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/base/time.h"

#define MAX_COPIES 256

struct subject {
	const char *name;
	char **argv;
	double *ms;
	double cpu;
	uint64_t peak_kib;
};

struct settings {
	uint32_t runs;
	uint32_t warm;
	uint32_t copies;
	bool memory;
	char **before;
};

static uint64_t pss_kib(pid_t pid)
{
	auto_free char *path = xasprintf("/proc/%d/smaps_rollup", (int)pid), *text = NULL;
	const char *line;
	unsigned long long v = 0;

	if (fs_read_file(AT_FDCWD, path, 65536, &text, NULL, NULL) < 0)
		return 0;
	line = strstr(text, "\nPss:");
	if (line)
		sscanf(line, "\nPss: %llu", &v);
	return v;
}

static uint64_t tree_kib(pid_t pid, bool own)
{
	auto_free char *path = xasprintf("/proc/%d/task/%d/children", (int)pid, (int)pid), *text = NULL;
	uint64_t sum = own ? pss_kib(pid) : 0;

	if (fs_read_file(AT_FDCWD, path, 65536, &text, NULL, NULL) < 0)
		return sum;
	for (char *word, *rest = text; (word = strsep(&rest, " "));) {
		uint32_t child;

		if (str_to_u32(word, &child) == 0)
			sum += tree_kib((pid_t)child, true);
	}
	return sum;
}

static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_CHILDREN, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static pid_t start(char **argv, int null)
{
	struct proc_spec s = { .file = argv[0], .argv = argv, .stdio = { null, null, 2 } };
	struct err e;
	pid_t pid;

	if (proc_spawn(&s, &pid, &e) < 0) {
		fprintf(stderr, "timeit: %s\n", e.msg);
		exit(1);
	}
	return pid;
}

/* Wait for @n children that count; orphans that we inherit are reaped on the way. */
static void wait_all(struct subject *s, const struct settings *set, const pid_t *pids, uint32_t n)
{
	for (uint32_t left = n; left > 0;) {
		int st;
		pid_t pid = waitpid(-1, &st, set->memory ? WNOHANG : 0);

		if (pid < 0)
			return;
		if (pid == 0) {
			uint64_t now = tree_kib(getpid(), false);

			if (now > s->peak_kib)
				s->peak_kib = now;
			nanosleep(&(struct timespec) { .tv_nsec = 10 * NSEC_PER_MSEC }, NULL);
			continue;
		}
		for (uint32_t i = 0; i < n; i++)
			if (pids[i] == pid) {
				left--;
				if (st != 0) {
					fprintf(stderr, "timeit: %s: failed (wait status %#x)\n", s->name,
						(unsigned)st);
					exit(1);
				}
			}
	}
}

static void run_once(struct subject *s, const struct settings *set, int null, double *ret_ms)
{
	pid_t pids[MAX_COPIES];
	double cpu;
	int64_t t;

	if (set->before) {
		pid_t pid = start(set->before, null);

		proc_wait(pid);
	}
	cpu = cpu_seconds();
	t = time_mono();
	for (uint32_t i = 0; i < set->copies; i++)
		pids[i] = start(s->argv, null);
	wait_all(s, set, pids, set->copies);
	if (!ret_ms)
		return;
	*ret_ms = (double)(time_mono() - t) / 1e6;
	s->cpu += (cpu_seconds() - cpu) / set->runs;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	struct settings set = { .runs = 20, .warm = 3, .copies = 1 };
	auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int opt, bad = 0;

	while ((opt = getopt(argc, argv, "+n:w:p:mb:")) != -1) {
		if (opt == 'm')
			set.memory = true;
		else if (opt == 'b')
			set.before = strv_split(optarg, ' ');
		else if (opt == '?' || str_to_u32(optarg, opt == 'n'   ? &set.runs
							  : opt == 'w' ? &set.warm
								       : &set.copies) < 0)
			bad = 1;
	}
	if (bad || optind >= argc || (argc - optind) % 2 || set.copies > MAX_COPIES || set.copies == 0 ||
	    set.runs == 0) {
		fputs("usage: timeit [-n RUNS] [-w WARM] [-p COPIES] [-m] [-b COMMAND] NAME COMMAND...\n", stderr);
		return 2;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);

	size_t n = (size_t)(argc - optind) / 2;
	auto_free struct subject *s = xcalloc(n, sizeof(*s));

	for (size_t i = 0; i < n; i++)
		s[i] = (struct subject) { .name = argv[optind + 2 * (int)i],
					  .argv = strv_split(argv[optind + 2 * (int)i + 1], ' '),
					  .ms = xcalloc(set.runs, sizeof(double)) };
	for (uint32_t r = 0; r < set.warm + set.runs; r++)
		for (size_t i = 0; i < n; i++)
			run_once(&s[i], &set, null, r < set.warm ? NULL : &s[i].ms[r - set.warm]);
	for (size_t i = 0; i < n; i++) {
		qsort(s[i].ms, set.runs, sizeof(double), by_value);
		printf("%s\t%.2f\t%.2f\t%.2f\t%.3f\t%llu\n", s[i].name, s[i].ms[set.runs / 2], s[i].ms[0],
		       s[i].ms[set.runs - 1], s[i].cpu, (unsigned long long)s[i].peak_kib);
	}
	return 0;
}
