/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/engine/logs.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/base/str.h"
#include "storage/store.h"

struct logs_cmd_opts {
	bool follow, timestamps;
	const char *since, *until, *tail;
};

static int logs_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct logs_cmd_opts *o = opts;
	struct logs_opts l = {
		.follow = o->follow, .timestamps = o->timestamps, .tail = -1, .out = STDOUT_FILENO, .err = STDERR_FILENO
	};
	auto_store struct store *store = NULL;
	auto_ctr struct ctr c = { 0 };
	int r = 0;

	(void)argc;
	if (o->since)
		r = logs_parse_time(o->since, &l.since_ns, e);
	if (r == 0 && o->until)
		r = logs_parse_time(o->until, &l.until_ns, e);
	if (r == 0 && strcmp(o->tail, "all") && str_to_i64(o->tail, &l.tail) < 0)
		l.tail = -1; /* docker: what is no number means all */
	if (r == 0)
		r = store_open(ctx->root, ctx->runroot, &store, e);
	if (r == 0)
		r = ctr_find(store, argv[0], &c, e);
	if (r < 0)
		return r;
	signal(SIGPIPE, SIG_IGN);
	return logs_print(&c, &l, e);
}

static const struct opt opts[] = {
	OPT_BOOL('f', "follow", struct logs_cmd_opts, follow, "Follow log output"),
	OPT_STR(0, "since", struct logs_cmd_opts, since,
		"Show logs since timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)"),
	OPT_STR('n', "tail", struct logs_cmd_opts, tail, "Number of lines to show from the end of the logs",
		.dflt = "all"),
	OPT_BOOL('t', "timestamps", struct logs_cmd_opts, timestamps, "Show timestamps"),
	OPT_STR(0, "until", struct logs_cmd_opts, until,
		"Show logs before a timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 "
		"minutes)"),
	OPT_END,
};

const struct cmd cmd_logs = {
	.path = "container logs",
	.alias = "logs",
	.args = "CONTAINER",
	.help = "Fetch the logs of a container",
	.opts = opts,
	.opts_size = sizeof(struct logs_cmd_opts),
	.min_args = 1,
	.max_args = 1,
	.run = logs_run,
};
