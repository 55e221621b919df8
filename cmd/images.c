/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/format/list.h"
#include "lib/format/text.h"
#include "lib/oci/digest.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"
#include "lib/oci/kv.h"
#include "lib/oci/ref.h"
#include "storage/store.h"

struct images_opts {
	bool all, digests, no_trunc, quiet;
	const char *format;
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
	{ NULL, NULL },
};

/* ---- filters ---- */

/**
 * struct image_filter - what -f and the operand ask for
 * @s:		the store
 * @filters:	"key=value"
 * @pattern:	the operand: REPOSITORY[:TAG], or NULL
 * @before:	created earlier than this, 0: whenever
 * @since:	created later than this
 */
struct image_filter {
	struct store *s;
	char *const *filters;
	const char *pattern;
	int64_t before;
	int64_t since;
};

static const char *const filter_keys[] = { "dangling", "label", "reference", "before", "since", NULL };

/* The name as users see it, with and without its tag; patterns match either, and * stops at "/". */
static bool reference_matches(const struct image_rec *rec, const char *pattern)
{
	auto_ref struct ref ref = { 0 };
	auto_free char *full = NULL, *name = NULL;

	if (!rec->name || ref_parse(rec->name, &ref, NULL) < 0)
		return false;
	full = ref_familiar(&ref);
	name = ref_familiar_name(&ref);
	if (fnmatch(pattern, full, FNM_PATHNAME) == 0 || fnmatch(pattern, name, FNM_PATHNAME) == 0)
		return true;
	/* "docker.io/library/busybox" means busybox as well. */
	auto_ref struct ref want = { 0 };

	if (ref_parse(pattern, &want, NULL) < 0)
		return false;
	return str_is_eq(want.domain, ref.domain) && str_is_eq(want.path, ref.path) && !want.digest &&
	       (!want.tag || str_is_eq(want.tag, ref.tag));
}

static bool label_matches(struct store *s, const struct image_rec *rec, const char *want)
{
	auto_oci_image_config struct oci_image_config *c = NULL;
	size_t n = strcspn(want, "=");
	auto_free char *key = xstrndup(want, n);
	const char *value;

	if (store_image_config(s, rec->config_digest, &c, NULL) < 0)
		return false;
	value = kv_get(c->labels, key);
	return value && (!want[n] || !strcmp(value, want + n + 1));
}

static bool matches(const struct image_filter *f, const struct image_rec *rec)
{
	bool any_reference = false, asked_reference = false, dangling;

	if (f->pattern && !reference_matches(rec, f->pattern))
		return false;
	if ((f->before && rec->created_ns >= f->before) || (f->since && rec->created_ns <= f->since))
		return false;
	for (char *const *p = f->filters; p && *p; p++) {
		const char *v;

		if ((v = str_after(*p, "dangling=")) && str_to_bool(v, &dangling) == 0 && dangling != !rec->name)
			return false;
		if ((v = str_after(*p, "label=")) && !label_matches(f->s, rec, v))
			return false;
		if ((v = str_after(*p, "reference="))) {
			asked_reference = true;
			any_reference |= reference_matches(rec, v);
		}
	}
	return !asked_reference || any_reference;
}

static int read_filters(struct image_filter *f, struct err *e)
{
	for (char *const *p = f->filters; p && *p; p++) {
		auto_image_rec struct image_rec rec = { 0 };
		size_t n = strcspn(*p, "=");
		const char *const *k = filter_keys;
		const char *value = *p + n + 1;
		bool unused;
		int r;

		if (!(*p)[n])
			return err_say(e, EINVAL, "invalid filter '%s': it needs key=value", *p);
		while (*k && (strlen(*k) != n || strncmp(*k, *p, n)))
			k++;
		if (!*k)
			return err_say(e, EINVAL, "invalid filter '%.*s'", (int)n, *p);
		if (!strcmp(*k, "dangling") && str_to_bool(value, &unused) < 0)
			return err_say(e, EINVAL, "invalid filter 'dangling=%s'", value);
		if (strcmp(*k, "before") && strcmp(*k, "since"))
			continue;
		r = store_image_find(f->s, value, &rec, e);
		if (r < 0)
			return r;
		*(strcmp(*k, "before") ? &f->since : &f->before) = rec.created_ns;
	}
	return 0;
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
	json_set_str(j, "VirtualSize", text);
	json_set_str(j, "Containers", "N/A");
	json_set_str(j, "SharedSize", "N/A");
	json_set_str(j, "UniqueSize", "N/A");
	return j;
}

static int new_list(const struct ctx *ctx, const struct images_opts *o, struct format_list **ret, struct err *e)
{
	auto_free char *format = NULL;
	int r;

	if (o->quiet && !o->format)
		return format_list_new_quiet(NULL, "ID", columns, ret, e);
	r = cmd_list_format(ctx, o->format, CMD_LIST_IMAGES, &format, e);
	if (r < 0)
		return r;
	return format_list_new(format,
			       o->digests
				       ? "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
				       : "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
			       columns, ret, e);
}

static int images_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct images_opts *o = opts;
	auto_format_list struct format_list *l = NULL;
	auto_store struct store *store = NULL;
	struct image_filter f = { .filters = o->filter, .pattern = argc ? argv[0] : NULL };
	struct image_rec *recs = NULL;
	size_t n = 0;
	int r = new_list(ctx, o, &l, e);

	if (r == 0)
		r = store_open(ctx->root, ctx->runroot, &store, e);
	if (r < 0)
		return r;
	f.s = store;
	r = read_filters(&f, e);
	if (r == 0)
		r = store_image_list(store, &recs, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		auto_json struct json *j = NULL;

		if (!matches(&f, &recs[i]))
			continue;
		j = row(&recs[i], o);
		r = format_list_add(l, j, NULL, e);
	}
	image_recs_free(recs, n);
	return r < 0 ? r : format_list_print(l, stdout, e);
}

static const struct opt opts[] = {
	OPT_BOOL('a', "all", struct images_opts, all, "Show all images (default hides intermediate images)"),
	OPT_BOOL(0, "digests", struct images_opts, digests, "Show digests"),
	OPT_STRV('f', "filter", struct images_opts, filter, "Filter output based on conditions provided"),
	OPT_STR(0, "format", struct images_opts, format, "Format output using a custom template"),
	OPT_BOOL(0, "no-trunc", struct images_opts, no_trunc, "Don't truncate output"),
	OPT_BOOL('q', "quiet", struct images_opts, quiet, "Only show image IDs"),
	OPT_REFUSE(OPT_KIND_BOOL, 0, "tree", "List multi-platform images as a tree",
		   "is not supported: one platform is kept"),
	OPT_END,
};

const struct cmd cmd_images = {
	.path = "image ls",
	.alias = "images,image list",
	.args = "[REPOSITORY[:TAG]]",
	.help = "List images",
	.more = "Filters: dangling=true|false, label=KEY[=VALUE], reference=PATTERN, before=IMAGE, since=IMAGE.",
	.opts = opts,
	.opts_size = sizeof(struct images_opts),
	.max_args = 1,
	.group = CMD_GROUP_COMMON,
	.run = images_run,
};
