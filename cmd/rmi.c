/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "storage/store.h"

struct rmi_opts {
	bool force, no_prune, all, ignore;
};

static int remove_one(struct store *s, const char *text, const struct rmi_opts *o, struct err *e)
{
	auto_strv char **lines = NULL;
	int flags = (o->force ? STORE_RM_FORCE : 0) | (o->no_prune ? STORE_RM_NO_PRUNE : 0);
	int r = store_image_remove(s, text, flags, &lines, NULL, e);

	for (char **l = lines; l && *l; l++)
		puts(*l);
	if (r != -ENOENT || !(o->force || o->ignore))
		return r;
	if (!o->ignore)
		cmd_print_error(e);
	return 0;
}

/* --all: by id, so that several names of one image are one removal. */
static int remove_all(struct store *s, const struct rmi_opts *o, struct err *e)
{
	struct image_rec *recs;
	size_t n;
	int failed = 0, r = store_image_list(s, &recs, &n, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		r = remove_one(s, recs[i].name ? recs[i].name : recs[i].config_digest, o, e);
		if (r < 0 && r != -ENOENT) {
			cmd_print_error(e);
			failed = 1;
		}
	}
	image_recs_free(recs, n);
	return failed;
}

static int rmi_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct rmi_opts *o = opts;
	auto_store struct store *store = NULL;
	int failed = 0, r;

	if (!o->all == !argc)
		return err_say(e, EINVAL,
			       argc ? "--all takes no images" : "\"skiff rmi\" requires at least 1 argument, or --all");
	r = store_open(ctx->root, ctx->runroot, &store, e);
	if (r < 0)
		return r;
	if (o->all)
		return remove_all(store, o, e);
	for (int i = 0; i < argc; i++) {
		r = remove_one(store, argv[i], o, e);
		if (r < 0) {
			cmd_print_error(e);
			failed = 1;
		}
	}
	return failed;
}

static const struct opt opts[] = {
	OPT_BOOL('a', "all", struct rmi_opts, all, "Remove all images"),
	OPT_BOOL('f', "force", struct rmi_opts, force, "Force removal of the image"),
	OPT_BOOL('i', "ignore", struct rmi_opts, ignore, "Do not fail when an image is not there"),
	OPT_BOOL(0, "no-prune", struct rmi_opts, no_prune, "Do not delete untagged parents"),
	OPT_REFUSE(OPT_KIND_STR, 0, "platform", "Remove only the given platform variant",
		   "is not supported: one platform is kept"),
	OPT_END,
};

const struct cmd cmd_rmi = {
	.path = "image rm",
	.alias = "rmi,image remove",
	.args = "IMAGE [IMAGE...]",
	.help = "Remove one or more images",
	.opts = opts,
	.opts_size = sizeof(struct rmi_opts),
	.max_args = CMD_ANY,
	.run = rmi_run,
};
