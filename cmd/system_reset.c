/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "storage/store.h"

struct reset_opts {
	bool force;
};

static bool confirm(const char *root)
{
	char answer[8] = "";

	printf("WARNING! This will remove all containers, images and everything else in\n    %s\n"
	       "Are you sure you want to continue? [y/N] ",
	       root);
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int reset_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct reset_opts *o = opts;
	auto_store struct store *store = NULL;
	int r = store_open(ctx->root, ctx->runroot, &store, e);

	(void)argc;
	(void)argv;
	if (r < 0)
		return r;
	if (!o->force && !confirm(store_root(store)))
		return 1;
	return store_reset(store, e);
}

static const struct opt opts[] = {
	OPT_BOOL('f', "force", struct reset_opts, force, "Do not prompt for confirmation"),
	OPT_END,
};

const struct cmd cmd_system_reset = {
	.path = "system reset",
	.help = "Remove all containers, images and everything else of this store",
	.more = "Files that belong to subordinate ids, which your user could not remove, are removed too. Containers "
		"that run\n"
		"are not stopped: the command refuses while there are some.",
	.opts = opts,
	.opts_size = sizeof(struct reset_opts),
	.run = reset_run,
};
