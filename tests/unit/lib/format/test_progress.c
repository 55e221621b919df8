/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/format/progress.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "tests/unit/tap.h"

static void row(const char *status, uint64_t done, uint64_t total, size_t width, bool color, const char *want)
{
	auto_sbuf struct sbuf b = { 0 };

	progress_row_text(&b, "0123456789ab", status, done, total, width, color);
	is_str(sbuf_str(&b), want, "%s %llu/%llu in %zu columns", status, (unsigned long long)done,
	       (unsigned long long)total, width);
}

int main(void)
{
	struct progress *p;
	char buf[512] = "";
	size_t a, b;
	int fds[2];

	row("Pull complete", 0, 0, 80, false, "0123456789ab: Pull complete ");
	row("Pull complete", 0, 0, 80, true, "\033[32m0123456789ab: Pull complete \033[0m");
	row("Downloading", 50000000, 100000000, 100, true,
	    "0123456789ab: Downloading [=========================>                        ]  50MB/100MB");
	row("Downloading", 100, 100, 100, false,
	    "0123456789ab: Downloading [==================================================]  100B/100B");
	row("Downloading", 50, 100, 60, false, "0123456789ab: Downloading [===========>          ]  50B/100B");
	row("Downloading", 12345, 361000000, 50, false, "0123456789ab: Downloading 12.35kB/361MB");
	row("Downloading", 12345, 361000000, 20, false, "0123456789ab: Downlo");
	row("Downloading", 900, 100, 40, false, "0123456789ab: Downloading 100B/100B");

	is_int(fd_pipe(fds, NULL), 0, "pipe");
	is_int(progress_mode_for(fds[1]), PROGRESS_PLAIN, "a pipe gets plain lines");
	p = progress_new(fds[1], PROGRESS_PLAIN);
	progress_message(p, "latest: Pulling from x");
	a = progress_add(p, "aaa");
	b = progress_add(p, "bbb");
	progress_status(p, a, "Pulling fs layer");
	progress_status(p, a, "Pulling fs layer");
	progress_count(p, a, "Downloading", 1, 2);
	progress_status(p, b, "Already exists");
	ok(progress_tick(p) < 0, "nothing to redraw");
	progress_status(p, a, "Pull complete");
	progress_free(p);
	close(fds[1]);
	ok(fd_read_full(fds[0], buf, sizeof(buf) - 1) > 0, "read back");
	is_str(buf, "latest: Pulling from x\naaa: Pulling fs layer\nbbb: Already exists\naaa: Pull complete\n",
	       "plain lines");
	return done();
}
