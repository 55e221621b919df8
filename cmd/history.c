/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/base/time.h"
#include "lib/format/list.h"
#include "lib/format/text.h"
#include "lib/oci/digest.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"
#include "storage/store.h"

struct history_opts {
	bool human, no_trunc, quiet;
	const char *format;
};

#define CREATED_BY_MAX 45

static const struct format_column columns[] = {
	{ "ID", "IMAGE" },
	{ "CreatedSince", "CREATED" },
	{ "CreatedAt", "CREATED AT" },
	{ "CreatedBy", "CREATED BY" },
	{ "Size", "SIZE" },
	{ "Comment", "COMMENT" },
	{ NULL, NULL },
};

static const struct oci_history unrecorded = { 0 };

static void set_times(struct json *j, const struct oci_history *h)
{
	char text[FORMAT_LEN];
	int64_t ns = 0;
	struct tm tm = { 0 };
	time_t t;

	if (!h->created || time_parse_rfc3339(h->created, &ns) < 0)
		ns = 0;
	t = (time_t)(ns / NSEC_PER_SEC);
	localtime_r(&t, &tm);
	if (strftime(text, sizeof(text), tm.tm_gmtoff ? "%Y-%m-%dT%H:%M:%S%z" : "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		text[0] = '\0';
	if (tm.tm_gmtoff && strlen(text) > 5) { /* +0100 is +01:00 there */
		size_t n = strlen(text);

		memmove(text + n - 1, text + n - 2, 3);
		text[n - 2] = ':';
	}
	json_set_str(j, "CreatedAt", text);
	json_set_str(j, "CreatedSince", ns ? format_ago(ns, text) : "N/A");
}

static struct json *row(const struct oci_history *h, const char *id, int64_t size, const struct history_opts *o)
{
	struct json *j = json_new_object();
	auto_free char *by = xstrdup(h->created_by ? h->created_by : ""), *bytes = xasprintf("%" PRId64, size);
	auto_sbuf struct sbuf shown = { 0 };
	char text[FORMAT_LEN];

	for (char *p = by; *p; p++)
		if (*p == '\t')
			*p = ' ';
	if (o->no_trunc)
		sbuf_adds(&shown, by);
	else
		format_truncate(&shown, by, CREATED_BY_MAX);
	json_set_str(j, "ID", !id ? "<missing>" : o->no_trunc ? id : format_short_id(id, text));
	json_set_str(j, "CreatedBy", sbuf_str(&shown));
	json_set_str(j, "Size", o->human ? format_size((uint64_t)size, 3, text) : bytes);
	json_set_str(j, "Comment", h->comment ? h->comment : "");
	set_times(j, h);
	return j;
}

/* From the newest step to the first one; layers that no step tells of come at the end, so that no byte is missing. */
static int add_steps(struct format_list *l, struct store *s, const struct image_rec *rec,
		     const struct oci_image_config *c, const struct history_opts *o, struct err *e)
{
	size_t layers = strv_len(c->diff_ids), told = 0, layer;
	const char *id = rec->config_digest;
	int r = 0;

	for (size_t i = 0; i < c->n_history; i++)
		told += !c->history[i].empty_layer;
	if (told > layers)
		return err_say(e, EINVAL, "the image's history tells of %zu layers, it has %zu", told, layers);
	layer = layers;
	for (size_t i = c->n_history + (layers - told); i-- > 0 && r == 0; id = NULL) {
		const struct oci_history *h = i < layers - told ? &unrecorded : &c->history[i - (layers - told)];
		auto_json struct json *j = NULL;
		int64_t size = 0;

		if (!h->empty_layer)
			r = store_layer_size(s, c->diff_ids[--layer], &size, e);
		if (r < 0)
			break;
		j = row(h, id, size, o);
		r = format_list_add(l, j, NULL, e);
	}
	return r;
}

static int history_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct history_opts *o = opts;
	auto_oci_image_config struct oci_image_config *c = NULL;
	auto_image_rec struct image_rec rec = { 0 };
	auto_format_list struct format_list *l = NULL;
	auto_store struct store *store = NULL;
	auto_free char *table = xasprintf("{{.ID}}\t{{.%s}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
					  o->human ? "CreatedSince" : "CreatedAt");
	int r;

	(void)argc;
	r = o->quiet ? format_list_new_quiet(o->format, "ID", columns, &l, e)
		     : format_list_new(o->format, table, columns, &l, e);
	if (r == 0)
		r = store_open(ctx->root, ctx->runroot, &store, e);
	if (r == 0)
		r = store_image_find(store, argv[0], &rec, e);
	if (r == 0)
		r = store_image_config(store, rec.config_digest, &c, e);
	if (r == 0)
		r = add_steps(l, store, &rec, c, o, e);
	return r < 0 ? r : format_list_print(l, stdout, e);
}

static const struct opt opts[] = {
	OPT_STR(0, "format", struct history_opts, format, "Format output using a custom template"),
	OPT_BOOL('H', "human", struct history_opts, human, "Print sizes and dates in human readable format",
		 .dflt = "true"),
	OPT_BOOL(0, "no-trunc", struct history_opts, no_trunc, "Don't truncate output"),
	OPT_REFUSE(OPT_KIND_STR, 0, "platform", "Show history for the given platform",
		   "is not supported: one platform is kept"),
	OPT_BOOL('q', "quiet", struct history_opts, quiet, "Only show image IDs"),
	OPT_END,
};

const struct cmd cmd_history = {
	.path = "image history",
	.alias = "history",
	.args = "IMAGE",
	.help = "Show the history of an image",
	.opts = opts,
	.opts_size = sizeof(struct history_opts),
	.min_args = 1,
	.max_args = 1,
	.run = history_run,
};
