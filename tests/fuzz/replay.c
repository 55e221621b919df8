/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main() for a fuzz target without libFuzzer: TARGET [-m N] FOLDER...
 *
 * Every file of every folder goes through the target once, and then N mutants, spread over the files: cut off, bits
 * flipped, pieces removed, repeated, moved, numbers and lengths changed. The same N gives the same mutants everywhere.
 * A mutant may take two seconds of processor time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"

#define SECONDS 2
#define HANG	60
#define MAX_RSS (128L << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/**
 * struct seed - one file of the corpus
 */
struct seed {
	char name[512];
	char *data;
	size_t len;
};

static struct seed *seeds;
static size_t n_seeds;
static char now[600];

/* ---- the same numbers everywhere ---- */

static uint64_t state;

static uint32_t rnd(size_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return below ? (uint32_t)((state >> 16) % below) : 0;
}

/**
 * struct buf - a mutant that is being made
 */
struct buf {
	char *p;
	size_t len, cap;
};

static void paste(struct buf *b, size_t at, size_t drop, const char *add, size_t n)
{
	if (b->len - drop + n > b->cap)
		return;
	memmove(b->p + at + n, b->p + at + drop, b->len - at - drop);
	memcpy(b->p + at, add, n);
	b->len = b->len - drop + n;
}

static void flip(struct buf *b)
{
	if (b->len)
		b->p[rnd(b->len)] ^= (char)(1U << rnd(8));
}

static void set_byte(struct buf *b)
{
	static const char bytes[] = "\0\377\177\200\"{}[],:0-9\\/\n.";

	if (b->len)
		b->p[rnd(b->len)] = bytes[rnd(sizeof(bytes) - 1)];
}

static void cut(struct buf *b)
{
	b->len = rnd(2) ? rnd(b->len + 1) : rnd(b->len / 512 + 1) * 512UL;
}

static void drop(struct buf *b)
{
	size_t at = rnd(b->len + 1), n = rnd(b->len - at + 1);

	paste(b, at, rnd(2) ? n : n % 16, "", 0);
}

static void repeat(struct buf *b)
{
	char piece[2048];
	size_t at = rnd(b->len + 1), n = rnd(b->len - at + 1) % sizeof(piece);

	memcpy(piece, b->p + at, n);
	for (unsigned i = 1 + rnd(8); i > 0; i--)
		paste(b, rnd(4) ? at : rnd(b->len + 1), 0, piece, n);
}

static void number(struct buf *b)
{
	static const char *const numbers[] = { "-1", "0", "9223372036854775807", "18446744073709551616", "1e309", "null",
					       "\"\"", "[]", "{}", "true", "00000000000", "77777777777", "4294967296" };
	const char *with = numbers[rnd(sizeof(numbers) / sizeof(*numbers))];
	size_t at = rnd(b->len + 1), n;

	while (at < b->len && (b->p[at] < '0' || b->p[at] > '9'))
		at++;
	for (n = 0; at + n < b->len && b->p[at + n] >= '0' && b->p[at + n] <= '9';)
		n++;
	paste(b, at, n, with, strlen(with));
}

static void cross(struct buf *b)
{
	const struct seed *other = &seeds[rnd(n_seeds)];
	size_t from = rnd(other->len + 1), n = rnd(other->len - from + 1) % 4096, at = rnd(b->len + 1);

	paste(b, at, rnd(b->len - at + 1) % 4096, other->data + from, n);
}

static void mutate(const struct seed *s, uint64_t seed, struct buf *b)
{
	static void (*const ways[])(struct buf *) = { flip, flip, set_byte, cut, drop, repeat, number, cross };

	state = (seed + 1) * 0x9e3779b97f4a7c15U;
	memcpy(b->p, s->data, s->len);
	b->len = s->len;
	for (unsigned i = 1 + rnd(3); i > 0; i--)
		ways[rnd(sizeof(ways) / sizeof(*ways))](b);
}

/* ---- running ---- */

static void on_signal(int sig)
{
	const char *why = sig == SIGPROF ? "# two seconds are not enough: " : sig == SIGALRM ? "# hangs: " : "# crashed: ";

	/* What cannot be written cannot be helped. */
	if (write(1, why, strlen(why)) < 0 || write(1, now, strlen(now)) < 0 || write(1, "\n", 1) < 0)
		_exit(2);
	if (sig == SIGPROF || sig == SIGALRM)
		_exit(1);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void limit_time(void)
{
	const struct itimerval t = { .it_value.tv_sec = SECONDS };

	setitimer(ITIMER_PROF, &t, NULL);
	alarm(HANG);
}

static int read_folder(const char *path)
{
	auto_closedir DIR *d = opendir(path);
	struct dirent *de;

	if (!d) {
		fprintf(stderr, "%s: %s\n", path, strerrordesc_np(errno));
		return errno == ENOENT ? 0 : 1;
	}
	while ((de = readdir(d))) {
		struct seed s;
		struct err e;

		if (de->d_name[0] == '.')
			continue;
		snprintf(s.name, sizeof(s.name), "%s", de->d_name);
		if (fs_read_file(dirfd(d), de->d_name, 64 << 20, &s.data, &s.len, &e) < 0) {
			fprintf(stderr, "%s\n", e.msg);
			return 1;
		}
		seeds = xrealloc(seeds, (n_seeds + 1) * sizeof(*seeds));
		seeds[n_seeds++] = s;
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct seed *)a)->name, ((const struct seed *)b)->name);
}

static void run(const char *data, size_t len)
{
	/* Behind its end nothing may be read: a block of its own shows that to the sanitizer. */
	auto_free uint8_t *copy = xmalloc(len ? len : 1);

	memcpy(copy, data, len);
	limit_time();
	LLVMFuzzerTestOneInput(copy, len);
}

static void run_mutants(const struct seed *s, unsigned n)
{
	struct buf b = { .cap = s->len + (64 << 10) };

	b.p = xmalloc(b.cap);
	for (unsigned i = 0; i < n; i++) {
		snprintf(now, sizeof(now), "mutant %u of %s", i, s->name);
		mutate(s, i, &b);
		run(b.p, b.len);
	}
	free(b.p);
}

static int check_memory(int count)
{
#ifndef __SANITIZE_ADDRESS__ /* which keeps what was freed */
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	printf("%s %d - no more than 128 MiB of memory\n", use.ru_maxrss > MAX_RSS ? "not ok" : "ok", ++count);
#endif
	return count;
}

int main(int argc, char **argv)
{
	uint64_t mutants = 0;
	int count = 0, opt;

	while ((opt = getopt(argc, argv, "m:")) == 'm')
		if (str_to_u64(optarg, 1U << 30, &mutants) < 0)
			return 2;
	for (int i = optind; i < argc; i++)
		if (read_folder(argv[i]))
			return 1;
	if (seeds)
		qsort(seeds, n_seeds, sizeof(*seeds), by_name);
	signal(SIGPROF, on_signal);
	signal(SIGALRM, on_signal);
	signal(SIGABRT, on_signal);
	for (size_t i = 0; i < n_seeds; i++) {
		snprintf(now, sizeof(now), "%s", seeds[i].name);
		run(seeds[i].data, seeds[i].len);
		run_mutants(&seeds[i], (unsigned)((mutants + n_seeds - 1) / n_seeds));
		printf("ok %d - %s\n", ++count, seeds[i].name);
	}
	snprintf(now, sizeof(now), "empty input");
	run("", 0);
	printf("ok %d - empty input\n", ++count);
	count = check_memory(count);
	printf("1..%d\n", count);
	for (size_t i = 0; i < n_seeds; i++)
		free(seeds[i].data);
	free(seeds);
	return 0;
}
