/* SPDX-License-Identifier: Apache-2.0 */
/* The option parser with the table of run: one argument a line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/run_opts.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size);
	auto_strv char **argv = strv_split(text, '\n');
	auto_free char **operands = xcalloc(strv_len(argv) + 1, sizeof(*operands));
	auto_free bool *given = xcalloc(opt_count(run_opts_table), sizeof(*given));
	struct run_opts o = { 0 };
	const struct opt_set set = { .table = run_opts_table, .base = &o, .given = given };
	struct err e = { 0 };

	log_set_level(LOG_ERROR); /* what is ignored warns */
	if (opt_defaults(&set, &e) < 0)
		abort();
	opt_parse(&set, 1, size % 2, argv, operands, &e);
	opt_is_given(&set, "network");
	opt_done(&set);
	return 0;
}
