/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/ctr_row.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/engine/ctr.h"
#include "lib/engine/size.h"
#include "lib/format/list.h"
#include "lib/format/text.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"
#include "lib/oci/ref.h"
#include "storage/store.h"

struct df_opts {
	bool verbose;
	const char *format;
};

/**
 * struct disk - all that is on disk
 * @store:	the store
 * @images:	names of this store's images
 * @usage:	what they take
 * @ctrs:	containers, newest first
 * @states:	beside them
 * @sizes:	beside them
 */
struct disk {
	struct store *store;
	struct image_rec *images;
	size_t n_images;
	struct store_usage usage;
	struct ctr *ctrs;
	struct ctr_state *states;
	struct ctr_size *sizes;
	size_t n_ctrs;
};

static void disk_done(struct disk *d)
{
	image_recs_free(d->images, d->n_images);
	store_usage_done(&d->usage);
	for (size_t i = 0; d->states && i < d->n_ctrs; i++)
		ctr_state_done(&d->states[i]);
	ctr_list_free(d->ctrs, d->n_ctrs);
	free(d->states);
	free(d->sizes);
}

static int disk_load(struct disk *d, struct store *s, struct err *e)
{
	int r = store_usage(s, &d->usage, e);

	d->store = s;
	if (r == 0)
		r = store_image_list(s, &d->images, &d->n_images, e);
	if (r == 0)
		r = ctr_list(s, &d->ctrs, &d->n_ctrs, e);
	if (r < 0)
		return r;
	d->states = xcalloc(d->n_ctrs + 1, sizeof(*d->states));
	d->sizes = xcalloc(d->n_ctrs + 1, sizeof(*d->sizes));
	for (size_t i = 0; i < d->n_ctrs; i++)
		ctr_read_state(&d->ctrs[i], &d->states[i]);
	return ctr_sizes(s, d->ctrs, d->n_ctrs, d->sizes, e);
}

/* ---- the summary ---- */

static const struct format_column summary_columns[] = {
	{ "Type", "TYPE" }, { "TotalCount", "TOTAL" },	      { "Active", "ACTIVE" },
	{ "Size", "SIZE" }, { "Reclaimable", "RECLAIMABLE" }, { NULL, NULL },
};

/**
 * struct kind - one line of the summary
 */
struct kind {
	const char *type;
	uint64_t count, active, size, reclaimable;
};

static int add_kind(struct format_list *l, const struct kind *k, struct err *e)
{
	auto_json struct json *j = json_new_object();
	auto_free char *count = xasprintf("%" PRIu64, k->count), *active = xasprintf("%" PRIu64, k->active);
	auto_free char *reclaimable = NULL;
	char text[FORMAT_LEN];

	format_size(k->reclaimable, 4, text);
	reclaimable = k->size ? xasprintf("%s (%" PRIu64 "%%)", text, k->reclaimable * 100 / k->size) : xstrdup(text);
	json_set_str(j, "Type", k->type);
	json_set_str(j, "TotalCount", count);
	json_set_str(j, "Active", active);
	json_set_str(j, "Size", format_size(k->size, 4, text));
	json_set_str(j, "Reclaimable", reclaimable);
	return format_list_add(l, j, NULL, e);
}

/* docker's four kinds. Of the last two there is nothing yet: volumes and builds count themselves here once they are. */
static int print_summary(const struct disk *d, const char *format, struct err *e)
{
	auto_format_list struct format_list *l = NULL;
	struct kind kinds[] = {
		{ .type = "Images" }, { .type = "Containers" }, { .type = "Local Volumes" }, { .type = "Build Cache" }
	};
	int r = format_list_new(format, "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
				summary_columns, &l, e);

	kinds[0].count = d->usage.n;
	kinds[0].size = d->usage.layers_size + d->usage.blobs_size;
	kinds[0].reclaimable = d->usage.reclaimable;
	for (size_t i = 0; i < d->usage.n; i++)
		kinds[0].active += d->usage.images[i].containers > 0;
	kinds[1].count = d->n_ctrs;
	for (size_t i = 0; i < d->n_ctrs; i++) {
		bool active = d->states[i].status == CTR_RUNNING || d->states[i].status == CTR_PAUSED;

		kinds[1].active += active;
		kinds[1].size += (uint64_t)d->sizes[i].rw;
		kinds[1].reclaimable += active ? 0 : (uint64_t)d->sizes[i].rw;
	}
	for (size_t i = 0; r == 0 && i < sizeof(kinds) / sizeof(*kinds); i++)
		r = add_kind(l, &kinds[i], e);
	return r < 0 ? r : format_list_print(l, stdout, e);
}

/* ---- every object ---- */

static const struct format_column image_columns[] = {
	{ "Repository", "REPOSITORY" },
	{ "Tag", "TAG" },
	{ "ID", "IMAGE ID" },
	{ "CreatedSince", "CREATED" },
	{ "Size", "SIZE" },
	{ "SharedSize", "SHARED SIZE" },
	{ "UniqueSize", "UNIQUE SIZE" },
	{ "Containers", "CONTAINERS" },
	{ NULL, NULL },
};

static const struct format_column container_columns[] = {
	{ "ID", "CONTAINER ID" }, { "Image", "IMAGE" },
	{ "Command", "COMMAND" }, { "LocalVolumes", "LOCAL VOLUMES" },
	{ "Size", "SIZE" },	  { "RunningFor", "CREATED" },
	{ "Status", "STATUS" },	  { "Names", "NAMES" },
	{ NULL, NULL },
};

static const struct format_column volume_columns[] = {
	{ "Name", "VOLUME NAME" }, { "Links", "LINKS" }, { "Size", "SIZE" }, { NULL, NULL }
};

static const struct format_column cache_columns[] = {
	{ "ID", "CACHE ID" },
	{ "CacheType", "CACHE TYPE" },
	{ "Size", "SIZE" },
	{ "CreatedSince", "CREATED" },
	{ "LastUsedSince", "LAST USED" },
	{ "UsageCount", "USAGE" },
	{ "Shared", "SHARED" },
	{ NULL, NULL },
};

/* Each image once, under its first name. */
static const struct image_rec *first_name(const struct disk *d, const char *config_digest)
{
	for (size_t i = 0; i < d->n_images; i++)
		if (!strcmp(d->images[i].config_digest, config_digest))
			return &d->images[i];
	return NULL;
}

static struct json *image_row(const struct image_rec *rec, const struct image_usage *u, bool full)
{
	auto_ref struct ref ref = { 0 };
	auto_free char *repo = NULL, *containers = xasprintf("%zu", u->containers);
	struct json *j = json_new_object();
	char text[FORMAT_LEN];

	if (rec->name && ref_parse(rec->name, &ref, NULL) == 0)
		repo = ref_familiar_name(&ref);
	json_set_str(j, "Repository", repo ? repo : "<none>");
	json_set_str(j, "Tag", ref.tag ? ref.tag : "<none>");
	json_set_str(j, "Digest", rec->repo_digest ? rec->repo_digest : "");
	json_set_str(j, "ID", full ? rec->config_digest : format_short_id(rec->config_digest, text));
	json_set_str(j, "CreatedSince", rec->created_ns ? format_ago(rec->created_ns, text) : "N/A");
	json_set_str(j, "CreatedAt", rec->created_ns ? format_time_local(rec->created_ns, text) : "N/A");
	json_set_str(j, "Size", format_size(u->size, 3, text));
	json_set_str(j, "VirtualSize", format_size(u->size, 4, text));
	json_set_str(j, "SharedSize", format_size(u->shared, 4, text));
	json_set_str(j, "UniqueSize", format_size(u->size - u->shared, 4, text));
	json_set_str(j, "Containers", containers);
	return j;
}

static struct json *image_rows(const struct disk *d, bool full)
{
	struct json *a = json_new_array();

	for (size_t i = 0; i < d->n_images; i++) {
		const struct image_rec *rec = &d->images[i];
		const struct image_usage *u = store_usage_of(&d->usage, rec->config_digest);

		if (u && first_name(d, rec->config_digest) == rec)
			json_add(a, image_row(rec, u, full));
	}
	return a;
}

static struct json *container_rows(const struct disk *d, bool full)
{
	struct json *a = json_new_array();
	struct ctr_row_opts o = { .full = full, .size_alone = true };

	for (size_t i = 0; i < d->n_ctrs; i++)
		json_add(a, ctr_row(&d->ctrs[i], &d->states[i], &d->sizes[i], &o, NULL));
	return a;
}

static int print_table(const char *title, const struct json *rows, const char *template,
		       const struct format_column *columns, struct err *e)
{
	auto_format_list struct format_list *l = NULL;
	int r = format_list_new(NULL, template, columns, &l, e);

	for (size_t i = 0; r == 0 && i < json_len(rows); i++)
		r = format_list_add(l, json_item(rows, i), NULL, e);
	if (r < 0)
		return r;
	printf("%s\n\n", title);
	return format_list_print(l, stdout, e);
}

static int print_tables(const struct disk *d, struct err *e)
{
	auto_json struct json *images = image_rows(d, false), *containers = container_rows(d, false);
	int r = print_table("Images space usage:", images,
			    "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t"
			    "{{.UniqueSize}}\t{{.Containers}}",
			    image_columns, e);

	if (r == 0)
		r = print_table("\nContainers space usage:", containers,
				"{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t"
				"{{.Status}}\t{{.Names}}",
				container_columns, e);
	if (r == 0)
		r = print_table("\nLocal Volumes space usage:", NULL, "{{.Name}}\t{{.Links}}\t{{.Size}}",
				volume_columns, e);
	if (r == 0)
		r = print_table("\nBuild cache usage: 0B", NULL,
				"{{.ID}}\t{{.CacheType}}\t{{.Size}}\t{{.CreatedSince}}\t{{.LastUsedSince}}\t"
				"{{.UsageCount}}\t{{.Shared}}",
				cache_columns, e);
	return r;
}

static int print_document(const struct disk *d, const char *format, struct err *e)
{
	auto_json struct json *j = json_new_object();

	json_set(j, "Images", image_rows(d, true));
	json_set(j, "Containers", container_rows(d, true));
	json_set_array(j, "Volumes");
	json_set_array(j, "BuildCache");
	return format_object(format, j, stdout, e);
}

static int df_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct df_opts *o = opts;
	__attribute__((cleanup(disk_done))) struct disk d = { 0 };
	auto_store struct store *store = NULL;
	int r = store_open(ctx->root, ctx->runroot, &store, e);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = disk_load(&d, store, e);
	if (r < 0)
		return r;
	if (!o->verbose)
		return print_summary(&d, o->format, e);
	return o->format && strcmp(o->format, "table") ? print_document(&d, o->format, e) : print_tables(&d, e);
}

static const struct opt opts[] = {
	OPT_STR(0, "format", struct df_opts, format, "Format output using a custom template"),
	OPT_BOOL('v', "verbose", struct df_opts, verbose, "Show detailed information on space usage"),
	OPT_END,
};

const struct cmd cmd_system_df = {
	.path = "system df",
	.help = "Show disk usage",
	.more = "Each layer and each blob counts once, whoever has it. Reclaimable is what no container needs.",
	.opts = opts,
	.opts_size = sizeof(struct df_opts),
	.run = df_run,
};
