/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/image_filter.h"
#include "cmd/images_tree.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/format/list.h"
#include "lib/format/text.h"
#include "lib/oci/digest.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"
#include "lib/oci/ref.h"
#include "storage/store.h"

struct images_opts {
	bool all, digests, no_trunc, quiet, tree, noheading;
	const char *format, *sort;
	char **filter;
};

static const struct format_column columns[] = {
	{ "Repository", "REPOSITORY" },
	{ "Tag", "TAG" },
	{ "Digest", "DIGEST" },
	{ "ID", "IMAGE ID" },
	{ "CreatedSince", "CREATED" },
	{ "CreatedAt", "CREATED AT" },
	{ "Size", "SIZE" },
	{ "Containers", "CONTAINERS" },
	{ "SharedSize", "SHARED SIZE" },
	{ "UniqueSize", "UNIQUE SIZE" },
	{ "VirtualSize", "SIZE" },
	{ "ReadOnly", "R/O" },
	{ NULL, NULL },
};

/* ---- order ---- */

static int by_created(const struct image_rec *x, const struct image_rec *y)
{
	return (y->created_ns > x->created_ns) - (y->created_ns < x->created_ns);
}

static int by_id(const struct image_rec *x, const struct image_rec *y)
{
	return strcmp(x->config_digest, y->config_digest);
}

static int by_size(const struct image_rec *x, const struct image_rec *y)
{
	return (x->size > y->size) - (x->size < y->size);
}

static int by_repository(const struct image_rec *x, const struct image_rec *y)
{
	return strcmp(x->name ? x->name : "", y->name ? y->name : "");
}

static const char *tag_of(const struct image_rec *rec)
{
	const char *slash = rec->name ? strrchr(rec->name, '/') : NULL, *colon = slash ? strchr(slash, ':') : NULL;

	return colon && !strchr(slash, '@') ? colon + 1 : "";
}

static int by_tag(const struct image_rec *x, const struct image_rec *y)
{
	return strcmp(tag_of(x), tag_of(y));
}

static const struct {
	const char *name;
	int (*compare)(const struct image_rec *x, const struct image_rec *y);
} orders[] = {
	{ "created", by_created }, { "id", by_id },   { "repository", by_repository },
	{ "size", by_size },	   { "tag", by_tag },
};

/* What is equal stands newest first. */
static int compare_images(const void *a, const void *b, void *order)
{
	int d = orders[*(size_t *)order].compare(a, b);

	if (d == 0)
		d = by_created(a, b);
	if (d == 0)
		d = by_id(a, b);
	return d ? d : by_repository(a, b);
}

static int sort_images(const char *how, struct image_rec *recs, size_t n, struct err *e)
{
	if (!how)
		return 0;
	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++)
		if (!strcmp(orders[i].name, how)) {
			qsort_r(recs, n, sizeof(*recs), compare_images, &i);
			return 0;
		}
	return err_say(e, EINVAL, "--sort %s: it is created, id, repository, size or tag", how);
}

/* ---- rows ---- */

static struct json *row(const struct image_rec *rec, const struct images_opts *o)
{
	auto_ref struct ref ref = { 0 };
	auto_free char *repo = NULL;
	struct json *j = json_new_object();
	char text[FORMAT_LEN];

	if (rec->name && ref_parse(rec->name, &ref, NULL) == 0)
		repo = ref_familiar_name(&ref);
	json_set_str(j, "Repository", repo ? repo : "<none>");
	json_set_str(j, "Tag", ref.tag ? ref.tag : "<none>");
	json_set_str(j, "Digest", rec->repo_digest ? rec->repo_digest : "<none>");
	json_set_str(j, "ID", o->no_trunc ? rec->config_digest : format_short_id(digest_hex(rec->config_digest), text));
	json_set_str(j, "CreatedSince", rec->created_ns ? format_ago(rec->created_ns, text) : "N/A");
	json_set_str(j, "CreatedAt", rec->created_ns ? format_time_local(rec->created_ns, text) : "N/A");
	json_set_str(j, "Size", format_size((uint64_t)rec->size, 3, text));
	json_set_str(j, "VirtualSize", format_size((uint64_t)rec->size, 4, text));
	json_set_str(j, "ReadOnly", rec->read_only ? "true" : "false");
	json_set_str(j, "Containers", "N/A");
	json_set_str(j, "SharedSize", "N/A");
	json_set_str(j, "UniqueSize", "N/A");
	return j;
}

/* What these three say takes a look at all layers and containers: only where they are asked for by name. */
static void add_usage(struct json *j, const struct store_usage *u, const struct image_rec *rec)
{
	const struct image_usage *i = store_usage_of(u, rec->config_digest);
	auto_free char *containers = i ? xasprintf("%zu", i->containers) : NULL;
	char text[FORMAT_LEN];

	if (!i)
		return;
	json_set_str(j, "Containers", containers);
	json_set_str(j, "SharedSize", format_size(i->shared, 4, text));
	json_set_str(j, "UniqueSize", format_size(i->size - i->shared, 4, text));
}

static bool wants_usage(const struct images_opts *o, const struct format_list *l)
{
	return o->format && strstr(o->format, "{{") && !strstr(o->format, "json") &&
	       (format_list_uses(l, "Containers") || format_list_uses(l, "SharedSize") ||
		format_list_uses(l, "UniqueSize"));
}

static int new_list(const struct ctx *ctx, const struct images_opts *o, bool has_read_only, struct format_list **ret,
		    struct err *e)
{
	auto_free char *format = NULL;
	auto_free char *table = xasprintf("{{.Repository}}\t{{.Tag}}\t%s{{.ID}}\t{{.CreatedSince}}\t{{.Size}}%s",
					  o->digests ? "{{.Digest}}\t" : "", has_read_only ? "\t{{.ReadOnly}}" : "");
	int r;

	if (o->quiet)
		return format_list_new_quiet(o->format, "ID", columns, ret, e);
	r = cmd_list_format(ctx, o->format, CMD_LIST_IMAGES, &format, e);
	if (r == 0)
		r = format_list_new(format, table, columns, ret, e);
	if (r == 0 && o->noheading)
		format_list_no_heading(*ret);
	return r;
}

/* Hidden without --all: what has no name and is only the beginning of another image. A filter shows them. */
static void drop_intermediate(struct store *s, const struct images_opts *o, struct image_rec *recs, size_t *n)
{
	auto_strv char **hidden = NULL;
	size_t kept = 0;

	if (o->all || o->filter)
		return;
	image_find_intermediate(s, recs, *n, &hidden);
	for (size_t i = 0; i < *n; i++) {
		struct image_rec rec = recs[i];

		recs[i] = (struct image_rec) { 0 };
		if (!rec.name && strv_has(hidden, rec.config_digest))
			image_rec_done(&rec);
		else
			recs[kept++] = rec;
	}
	*n = kept;
}

static int select_images(struct store *s, const struct images_opts *o, const char *pattern, struct image_rec **ret,
			 size_t *ret_n, struct err *e)
{
	auto_image_filter struct image_filter f = { 0 };
	struct image_rec *recs = NULL;
	size_t n = 0, kept = 0;
	int r = image_filter_init(&f, s, o->filter, image_filter_keys, e);

	if (r == 0)
		r = store_image_list(s, &recs, &n, e);
	if (r == 0)
		drop_intermediate(s, o, recs, &n);
	for (size_t i = 0; i < n; i++) {
		struct image_rec rec = recs[i];

		recs[i] = (struct image_rec) { 0 };
		if (r == 0 && (!pattern || image_name_matches(&rec, pattern)) && image_filter_matches(&f, &rec))
			recs[kept++] = rec;
		else
			image_rec_done(&rec);
	}
	if (r == 0)
		r = sort_images(o->sort, recs, kept, e);
	*ret = recs;
	*ret_n = kept;
	return r;
}

static int print_list(const struct ctx *ctx, struct store *s, const struct images_opts *o, const struct image_rec *recs,
		      size_t n, struct err *e)
{
	auto_format_list struct format_list *l = NULL;
	auto_store_usage struct store_usage u = { 0 };
	bool has_read_only = false, with_usage;
	int r;

	for (size_t i = 0; i < n; i++)
		has_read_only |= recs[i].read_only != NULL;
	r = new_list(ctx, o, has_read_only, &l, e);
	if (r < 0)
		return r;
	with_usage = wants_usage(o, l);
	if (with_usage)
		r = store_usage(s, &u, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		auto_json struct json *j = row(&recs[i], o);

		if (with_usage)
			add_usage(j, &u, &recs[i]);
		r = format_list_add(l, j, NULL, e);
	}
	return r < 0 ? r : format_list_print(l, stdout, e);
}

static int check_tree(const struct images_opts *o, struct err *e)
{
	const char *with = o->quiet ? "--quiet" : o->no_trunc ? "--no-trunc" : o->digests ? "--digests" : NULL;

	if (o->format)
		with = "--format";
	return o->tree && with ? err_say(e, EINVAL, "%s and --tree do not go together", with) : 0;
}

static int images_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct images_opts *o = opts;
	auto_store struct store *store = NULL;
	struct image_rec *recs = NULL;
	size_t n = 0;
	int r = check_tree(o, e);

	if (r == 0)
		r = store_open(ctx->root, ctx->runroot, &store, e);
	if (r == 0)
		r = select_images(store, o, argc ? argv[0] : NULL, &recs, &n, e);
	if (r == 0)
		r = o->tree ? images_tree(store, recs, n, e) : print_list(ctx, store, o, recs, n, e);
	image_recs_free(recs, n);
	return r;
}

static const struct opt opts[] = {
	OPT_BOOL('a', "all", struct images_opts, all, "Show all images (default hides intermediate images)"),
	OPT_BOOL(0, "digests", struct images_opts, digests, "Show digests"),
	OPT_STRV('f', "filter", struct images_opts, filter, "Filter output based on conditions provided"),
	OPT_STR(0, "format", struct images_opts, format, "Format output using a custom template"),
	OPT_REFUSE(OPT_KIND_BOOL, 0, "history", "Show the names that an image had before",
		   "is not there: names that were taken away are not kept"),
	OPT_BOOL(0, "no-trunc", struct images_opts, no_trunc, "Don't truncate output"),
	OPT_BOOL('n', "noheading", struct images_opts, noheading, "Do not print column headings"),
	OPT_BOOL('q', "quiet", struct images_opts, quiet, "Only show image IDs"),
	OPT_STR(0, "sort", struct images_opts, sort, "Sort by created, id, repository, size or tag (default created)"),
	OPT_BOOL(0, "tree", struct images_opts, tree, "List images with their platforms as a tree"),
	OPT_END,
};

const struct cmd cmd_images = {
	.path = "image ls",
	.alias = "images,image list",
	.args = "[REPOSITORY[:TAG]]",
	.help = "List images",
	.more = "Filters: dangling=true|false, label=KEY[=VALUE], label!=KEY[=VALUE], reference=PATTERN, id=ID, "
		"digest=DIGEST,\n"
		"before=IMAGE, since=IMAGE, after=IMAGE, until=TIME, containers=true|false, intermediate=true|false,\n"
		"readonly=true|false.",
	.opts = opts,
	.opts_size = sizeof(struct images_opts),
	.max_args = 1,
	.group = CMD_GROUP_COMMON,
	.run = images_run,
};
