/* SPDX-License-Identifier: Apache-2.0 */
/* container prune, image prune, system prune: what nobody uses any more. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/filter.h"
#include "cmd/image_filter.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/engine/ctr.h"
#include "lib/engine/life.h"
#include "lib/engine/size.h"
#include "lib/format/text.h"
#include "storage/store.h"

struct prune_opts {
	bool all, force, volumes;
	char **filter;
};

/**
 * struct pruned - what was done
 * @containers:	their ids
 * @images:	"untagged: ...", "deleted: ..."
 * @freed:	bytes
 * @failed:	something could not be removed, which was said
 */
struct pruned {
	char **containers, **images;
	uint64_t freed;
	bool failed;
};

static void pruned_done(struct pruned *p)
{
	strv_freep(&p->containers);
	strv_freep(&p->images);
}
#define auto_pruned __attribute__((cleanup(pruned_done)))

static const char *const container_keys[] = { "label", "label!", "until", NULL };

/* ---- containers ---- */

/* Return: whether it is gone */
static bool prune_container(struct ctr *c, struct pruned *p)
{
	struct ctr_size size = { 0 };
	struct err why;
	int r = ctr_sizes(c->store, c, 1, &size, &why);

	if (r == 0)
		r = ctr_remove(c, &why);
	if (r == 0) {
		strv_add(&p->containers, c->config.id);
		p->freed += (uint64_t)size.rw;
		return true;
	}
	if (r != -ENOENT && r != -EBUSY) { /* it has gone, or begun to run, meanwhile */
		cmd_print_error(&why);
		p->failed = true;
	}
	return false;
}

static int prune_containers(struct store *s, char *const *filters, struct pruned *p, struct err *e)
{
	struct ctr *v = NULL;
	size_t n = 0;
	int64_t until = 0;
	bool any = false;
	int r = filter_check(filters, container_keys, e);

	if (r == 0)
		r = filter_time(filters, "until", &until, e);
	if (r == 0)
		r = ctr_list(s, &v, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (!ctr_is_running_settled(&v[i]) && (!until || v[i].config.created_ns <= until) &&
		    filter_labels(filters, v[i].config.labels))
			any |= prune_container(&v[i], p) && !v[i].config.auto_remove;
	if (any)
		r = ctr_sync_all(s, e);
	ctr_list_free(v, n);
	return r;
}

/* ---- images ---- */

static bool image_has_tag(const struct image_rec *recs, size_t n, const char *config_digest)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(recs[i].config_digest, config_digest) && recs[i].name && !strchr(recs[i].name, '@'))
			return true;
	return false;
}

/* "Untagged: x" is "untagged: x" here, as docker has it. */
static void take_lines(struct pruned *p, char **lines)
{
	for (char **l = lines; l && *l; l++) {
		(*l)[0] = (*l)[0] == 'U' ? 'u' : 'd';
		strv_add(&p->images, *l);
	}
}

static void prune_image(struct store *s, const char *config_digest, struct pruned *p)
{
	auto_strv char **lines = NULL;
	uint64_t freed = 0;
	struct err why;
	int r = store_image_remove(s, config_digest, STORE_RM_ALL_NAMES, &lines, &freed, &why);

	take_lines(p, lines);
	p->freed += freed;
	if (r < 0 && r != -ENOENT && r != -EBUSY) { /* somebody removed it, or uses it, meanwhile */
		cmd_print_error(&why);
		p->failed = true;
	}
}

/* All conditions but "dangling", which is about the image as a whole. */
static char **without_dangling(char *const *filters)
{
	char **v = NULL;

	for (char *const *f = filters; f && *f; f++)
		if (!filter_value(*f, "dangling"))
			strv_add(&v, *f);
	return v;
}

static int prune_images(struct store *s, char *const *filters, bool all, struct pruned *p, struct err *e)
{
	auto_strv char **users = NULL, **done = NULL, **others = without_dangling(filters);
	auto_image_filter struct image_filter f = { 0 };
	struct image_rec *recs = NULL;
	bool dangling = !all;
	uint64_t freed = 0;
	size_t n = 0;
	int r = filter_bool(filters, "dangling", &dangling, e);

	if (r >= 0)
		r = image_filter_init(&f, s, others, image_prune_keys, e);
	if (r == 0)
		r = store_image_users(s, &users, e);
	if (r == 0)
		r = store_images_mounted(s, &users, e);
	if (r == 0)
		r = store_image_list(s, &recs, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		const char *id = recs[i].config_digest;

		if (recs[i].read_only || strv_has(done, id) || strv_has(users, id) ||
		    (dangling && image_has_tag(recs, n, id)) || !image_filter_matches(&f, &recs[i]))
			continue;
		strv_add(&done, id);
		prune_image(s, id, p);
	}
	image_recs_free(recs, n);
	if (r == 0)
		r = store_sweep(s, &freed, e);
	p->freed += freed;
	return r;
}

/* ---- verbs ---- */

static bool confirm(void)
{
	char answer[8] = "";

	printf("Are you sure you want to continue? [y/N] ");
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static void print_list(const char *title, char *const *lines)
{
	if (!lines)
		return;
	puts(title);
	for (; *lines; lines++)
		puts(*lines);
	puts("");
}

static int report(const struct pruned *p, int r)
{
	char text[FORMAT_LEN];

	print_list("Deleted Containers:", p->containers);
	print_list("Deleted Images:", p->images);
	if (r < 0)
		return r;
	printf("Total reclaimed space: %s\n", format_size(p->freed, 4, text));
	return p->failed;
}

static const char what_of_images[] = "all dangling images",
		  what_of_all_images[] = "all images without at least one container associated to them";

static int container_prune_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct prune_opts *o = opts;
	auto_store struct store *store = NULL;
	auto_pruned struct pruned p = { 0 };
	int r = filter_check(o->filter, container_keys, e);

	(void)argc;
	(void)argv;
	if (r < 0)
		return r;
	if (!o->force) {
		puts("WARNING! This will remove all stopped containers.");
		if (!confirm())
			return 0;
	}
	r = store_open(ctx->root, ctx->runroot, &store, e);
	if (r == 0)
		r = prune_containers(store, o->filter, &p, e);
	return report(&p, r);
}

static int image_prune_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct prune_opts *o = opts;
	auto_store struct store *store = NULL;
	auto_pruned struct pruned p = { 0 };
	int r = filter_check(o->filter, image_prune_keys, e);

	(void)argc;
	(void)argv;
	if (r < 0)
		return r;
	if (!o->force) {
		printf("WARNING! This will remove %s.\n", o->all ? what_of_all_images : what_of_images);
		if (!confirm())
			return 0;
	}
	r = store_open(ctx->root, ctx->runroot, &store, e);
	if (r == 0)
		r = prune_images(store, o->filter, o->all, &p, e);
	return report(&p, r);
}

static bool confirm_system(const struct prune_opts *o)
{
	printf("WARNING! This will remove:\n  - all stopped containers\n  - %s\n",
	       o->all ? what_of_all_images : what_of_images);
	if (o->filter)
		printf("\n  Items to be pruned will be filtered with:\n");
	for (char **f = o->filter; f && *f; f++)
		printf("  - %s\n", *f);
	puts("");
	return confirm();
}

static int system_prune_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct prune_opts *o = opts;
	auto_store struct store *store = NULL;
	auto_pruned struct pruned p = { 0 };
	int r = filter_check(o->filter, container_keys, e);

	(void)argc;
	(void)argv;
	if (r == 0 && o->volumes && filter_has(o->filter, "until"))
		r = err_say(e, EINVAL, "the \"until\" filter is not supported with \"--volumes\"");
	if (r < 0)
		return r;
	if (!o->force && !confirm_system(o))
		return 0;
	r = store_open(ctx->root, ctx->runroot, &store, e);
	if (r == 0)
		r = prune_containers(store, o->filter, &p, e);
	if (r == 0)
		r = prune_images(store, o->filter, o->all, &p, e);
	return report(&p, r);
}

static const struct opt container_options[] = {
	OPT_STRV(0, "filter", struct prune_opts, filter, "Provide filter values (e.g. \"until=<timestamp>\")"),
	OPT_BOOL('f', "force", struct prune_opts, force, "Do not prompt for confirmation"),
	OPT_END,
};

static const struct opt image_options[] = {
	OPT_BOOL('a', "all", struct prune_opts, all, "Remove all unused images, not just dangling ones"),
	OPT_STRV(0, "filter", struct prune_opts, filter, "Provide filter values (e.g. \"until=<timestamp>\")"),
	OPT_BOOL('f', "force", struct prune_opts, force, "Do not prompt for confirmation"),
	OPT_END,
};

static const struct opt system_options[] = {
	OPT_BOOL('a', "all", struct prune_opts, all, "Remove all unused images not just dangling ones"),
	OPT_STRV(0, "filter", struct prune_opts, filter, "Provide filter values (e.g. \"label=<key>=<value>\")"),
	OPT_BOOL('f', "force", struct prune_opts, force, "Do not prompt for confirmation"),
	/* There are no anonymous volumes yet: nothing of that kind can be left behind. */
	OPT_BOOL(0, "volumes", struct prune_opts, volumes, "Prune anonymous volumes"),
	OPT_END,
};

const struct cmd cmd_container_prune = {
	.path = "container prune",
	.help = "Remove all stopped containers",
	.more = "Filters: until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE].",
	.opts = container_options,
	.opts_size = sizeof(struct prune_opts),
	.run = container_prune_run,
};

const struct cmd cmd_image_prune = {
	.path = "image prune",
	.help = "Remove unused images",
	.more = "Filters: until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE], dangling=true|false.",
	.opts = image_options,
	.opts_size = sizeof(struct prune_opts),
	.run = image_prune_run,
};

const struct cmd cmd_system_prune = {
	.path = "system prune",
	.help = "Remove unused data",
	.more = "Stopped containers, then images without a name that no container uses; with --all every image that "
		"no\n"
		"container uses. Filters: until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE].",
	.opts = system_options,
	.opts_size = sizeof(struct prune_opts),
	.run = system_prune_run,
};
