/* SPDX-License-Identifier: Apache-2.0 */
/* untag, image exists: what scripts do with names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "storage/store.h"

static int untag_all(struct store *s, const char *config_digest, struct err *e)
{
	struct image_rec *recs = NULL;
	size_t n = 0;
	int r = store_image_list(s, &recs, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (recs[i].name && !recs[i].read_only && !strcmp(recs[i].config_digest, config_digest))
			r = store_image_untag(s, &recs[i], e);
	image_recs_free(recs, n);
	return r;
}

static int untag_one(struct store *s, const struct image_rec *image, const char *name, struct err *e)
{
	auto_image_rec struct image_rec rec = { 0 };
	int r = store_image_find(s, name, &rec, e);

	if (r < 0)
		return r;
	if (strcmp(rec.config_digest, image->config_digest))
		return err_say(e, EINVAL, "%s is a name of another image", name);
	return store_image_untag(s, &rec, e);
}

static int untag_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	auto_image_rec struct image_rec rec = { 0 };
	auto_store struct store *store = NULL;
	int r = store_open(ctx->root, ctx->runroot, &store, e);

	(void)opts;
	if (r == 0)
		r = store_image_find(store, argv[0], &rec, e);
	if (r == 0 && argc == 1 && rec.read_only)
		r = store_image_untag(store, &rec, e); /* refuses, with the reason */
	else if (r == 0 && argc == 1)
		r = untag_all(store, rec.config_digest, e);
	for (int i = 1; r == 0 && i < argc; i++)
		r = untag_one(store, &rec, argv[i], e);
	return r;
}

const struct cmd cmd_untag = {
	.path = "image untag",
	.alias = "untag",
	.args = "IMAGE [NAME...]",
	.help = "Take names away from an image",
	.more = "Without NAME all of them. The image stays, and is found by its id.",
	.min_args = 1,
	.max_args = CMD_ANY,
	.run = untag_run,
};

static int exists_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	auto_image_rec struct image_rec rec = { 0 };
	auto_store struct store *store = NULL;
	int r = store_open(ctx->root, ctx->runroot, &store, e);

	(void)opts;
	(void)argc;
	if (r == 0)
		r = store_image_find(store, argv[0], &rec, e);
	return r == -ENOENT ? 1 : r;
}

const struct cmd cmd_image_exists = {
	.path = "image exists",
	.args = "IMAGE",
	.help = "Say by the exit status whether an image is there",
	.more = "0: it is there, 1: it is not, 125: something failed. Nothing is printed.",
	.min_args = 1,
	.max_args = 1,
	.fail_status = 125,
	.run = exists_run,
};
