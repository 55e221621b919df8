/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/oci/ref.h"
#include "storage/store.h"

static int check_target(const char *text, struct err *e)
{
	auto_ref struct ref ref = { 0 };
	int r = ref_parse(text, &ref, e);

	if (r < 0)
		return r;
	return ref_is_embedded(&ref) ? err_say(e, EINVAL, "'%s': embedded/ is reserved for images of the program", text)
				     : 0;
}

static int tag_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	auto_store struct store *store = NULL;
	auto_image_rec struct image_rec rec = { 0 };
	int r = store_open(ctx->root, ctx->runroot, &store, e);

	(void)opts;
	for (int i = 1; r == 0 && i < argc; i++)
		r = check_target(argv[i], e);
	if (r == 0)
		r = store_image_find(store, argv[0], &rec, e);
	for (int i = 1; r == 0 && i < argc; i++)
		r = store_image_tag(store, &rec, argv[i], NULL, e);
	return r;
}

const struct cmd cmd_tag = {
	.path = "image tag",
	.alias = "tag",
	.args = "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG] [TARGET_IMAGE[:TAG]...]",
	.help = "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
	.min_args = 2,
	.max_args = CMD_ANY,
	.run = tag_run,
};
