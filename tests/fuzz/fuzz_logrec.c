/* SPDX-License-Identifier: Apache-2.0 */
/* F17: what is read of a log file, and whatever a container writes, can be written and read again. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/engine/logrec.h"

#define WHEN "2026-01-02T03:04:05.000000006Z"

static void write_and_read(bool is_stderr, const char *time, const char *data, size_t len, struct logrec *ret)
{
	auto_sbuf struct sbuf b = { 0 };

	logrec_append(&b, is_stderr ? "stderr" : "stdout", time, data, len);
	if (!b.len || b.p[b.len - 1] != '\n' || memchr(b.p, '\n', b.len - 1) || !logrec_parse(b.p, b.len - 1, ret))
		abort();
	if (ret->is_stderr != is_stderr || strcmp(ret->time, time) != 0)
		abort();
}

/* Bytes that are no UTF-8 are replaced once; after that nothing changes any more. */
static void check_same(const struct logrec *r)
{
	auto_logrec struct logrec again = { 0 };

	write_and_read(r->is_stderr, r->time, r->text.p, r->text.len, &again);
	if (again.text.len != r->text.len || (r->text.len && memcmp(again.text.p, r->text.p, r->text.len) != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_logrec struct logrec written = { 0 }, read = { 0 }, clean = { 0 };

	write_and_read(false, WHEN, (const char *)data, size, &written);
	check_same(&written);
	if (!logrec_parse((const char *)data, size, &read))
		return 0;
	write_and_read(read.is_stderr, read.time, read.text.p, read.text.len, &clean);
	check_same(&clean);
	return 0;
}
