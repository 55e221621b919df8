/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/image_json.h"
#include "lib/base/cleanup.h"
#include "lib/format/list.h"
#include "lib/oci/json.h"
#include "storage/store.h"

struct image_inspect_opts {
	const char *format;
};

static int image_inspect_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct image_inspect_opts *o = opts;
	auto_store struct store *store = NULL;
	auto_json struct json *items = json_new_array();
	int status = 0, r = store_open(ctx->root, ctx->runroot, &store, e);

	if (r < 0)
		return r;
	for (int i = 0; i < argc; i++) {
		struct json *j = NULL;

		if (image_json(store, argv[i], &j, e) == 0) {
			json_add(items, j);
			continue;
		}
		cmd_print_error(e);
		status = 1;
	}
	r = format_inspect(o->format, items, stdout, e);
	return r < 0 ? r : status;
}

static const struct opt opts[] = {
	OPT_STR('f', "format", struct image_inspect_opts, format, "Format output using a custom template"),
	OPT_REFUSE(OPT_KIND_STR, 0, "platform", "Inspect a specific platform of the multi-platform image",
		   "is not supported: one platform is kept"),
	OPT_END,
};

const struct cmd cmd_image_inspect = {
	.path = "image inspect",
	.args = "IMAGE [IMAGE...]",
	.help = "Display detailed information on one or more images",
	.opts = opts,
	.opts_size = sizeof(struct image_inspect_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.run = image_inspect_run,
};
