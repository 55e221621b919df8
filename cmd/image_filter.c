/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/filter.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/digest.h"
#include "lib/oci/image.h"
#include "lib/oci/ref.h"
#include "storage/store.h"

const char *const image_filter_keys[] = { "dangling",	"label",	"label!",    "before", "since",
					  "after",	"until",	"reference", "id",     "digest",
					  "containers", "intermediate", "readonly",  NULL };
const char *const image_prune_keys[] = { "dangling", "label", "label!", "until", NULL };

/* The name as users see it, with and without its tag; patterns match either, and * stops at "/". */
bool image_name_matches(const struct image_rec *rec, const char *pattern)
{
	auto_ref struct ref ref = { 0 }, want = { 0 };
	auto_free char *full = NULL, *name = NULL;

	if (!rec->name || ref_parse(rec->name, &ref, NULL) < 0)
		return false;
	full = ref_familiar(&ref);
	name = ref_familiar_name(&ref);
	if (fnmatch(pattern, full, FNM_PATHNAME) == 0 || fnmatch(pattern, name, FNM_PATHNAME) == 0)
		return true;
	/* "docker.io/library/busybox" means busybox as well; and a digest is what pins an image. */
	if (ref_parse(pattern, &want, NULL) < 0 || !str_is_eq(want.domain, ref.domain) ||
	    !str_is_eq(want.path, ref.path))
		return false;
	if (want.digest)
		return str_is_eq(want.digest, rec->repo_digest) || str_is_eq(want.digest, rec->manifest_digest);
	return !want.tag || str_is_eq(want.tag, ref.tag);
}

static bool is_name(const void *rec, const char *want)
{
	return image_name_matches(rec, want);
}

static bool is_id(const void *data, const char *want)
{
	const struct image_rec *rec = data;
	const char *hex = str_after(want, "sha256:");

	return str_has_prefix(digest_hex(rec->config_digest), hex ? hex : want);
}

static bool is_digest(const void *data, const char *want)
{
	const struct image_rec *rec = data;
	const char *hex = str_after(want, "sha256:");

	return str_has_prefix(digest_hex(rec->manifest_digest), hex ? hex : want) ||
	       (rec->repo_digest && str_has_prefix(digest_hex(rec->repo_digest), hex ? hex : want));
}

static bool has_tag(const struct image_rec *rec)
{
	return rec->name && !strchr(rec->name, '@');
}

/* Conditions that are true or false. */
static bool flags_match(const struct image_filter *f, const struct image_rec *rec)
{
	const struct {
		const char *key;
		bool is;
	} flags[] = {
		{ "containers", strv_has(f->in_use, rec->config_digest) },
		{ "intermediate", strv_has(f->intermediate, rec->config_digest) },
		{ "readonly", rec->read_only != NULL },
	};
	bool want;

	/* docker: what only a digest names dangles, but is shown with dangling=false too. */
	if (filter_bool(f->filters, "dangling", &want, NULL) > 0 && (want ? has_tag(rec) : !rec->name))
		return false;
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (filter_bool(f->filters, flags[i].key, &want, NULL) > 0 && want != flags[i].is)
			return false;
	return true;
}

bool image_filter_matches(const struct image_filter *f, const struct image_rec *rec)
{
	auto_oci_image_config struct oci_image_config *c = NULL;

	if ((f->before && rec->created_ns >= f->before) || (f->since && rec->created_ns <= f->since) ||
	    (f->until && rec->created_ns > f->until) || !flags_match(f, rec) ||
	    !filter_any(f->filters, "reference", is_name, rec) || !filter_any(f->filters, "id", is_id, rec) ||
	    !filter_any(f->filters, "digest", is_digest, rec))
		return false;
	if (!filter_has(f->filters, "label") && !filter_has(f->filters, "label!"))
		return true;
	return store_image_config(f->s, rec->config_digest, &c, NULL) == 0 && filter_labels(f->filters, c->labels);
}

static int read_flags(struct image_filter *f, struct err *e)
{
	static const char *const keys[] = { "dangling", "containers", "intermediate", "readonly" };
	bool unused;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < sizeof(keys) / sizeof(*keys); i++)
		r = filter_bool(f->filters, keys[i], &unused, e);
	if (r >= 0 && filter_has(f->filters, "containers"))
		r = store_image_users(f->s, &f->in_use, e);
	return r < 0 ? r : 0;
}

/* before=IMAGE and since=IMAGE (podman: after): the image's own time. */
static int read_images(struct image_filter *f, struct err *e)
{
	static const char *const keys[] = { "before", "since", "after" };

	for (char *const *p = f->filters; p && *p; p++)
		for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
			auto_image_rec struct image_rec rec = { 0 };
			const char *value = filter_value(*p, keys[i]);
			int r = value ? store_image_find(f->s, value, &rec, e) : 0;

			if (r < 0)
				return r;
			if (value)
				*(i == 0 ? &f->before : &f->since) = rec.created_ns;
		}
	return 0;
}

int image_filter_init(struct image_filter *f, struct store *s, char *const *filters, const char *const *keys,
		      struct err *e)
{
	struct image_rec *recs = NULL;
	size_t n = 0;
	int r = filter_check(filters, keys, e);

	*f = (struct image_filter) { .s = s, .filters = filters };
	if (r == 0)
		r = read_flags(f, e);
	if (r == 0)
		r = read_images(f, e);
	if (r == 0)
		r = filter_time(filters, "until", &f->until, e);
	if (r == 0 && filter_has(filters, "intermediate"))
		r = store_image_list(s, &recs, &n, e);
	if (r == 0 && recs)
		image_find_intermediate(s, recs, n, &f->intermediate);
	image_recs_free(recs, n);
	if (r < 0)
		image_filter_done(f);
	return r;
}

void image_filter_done(struct image_filter *f)
{
	strv_freep(&f->in_use);
	strv_freep(&f->intermediate);
}

/* Are @a the first of @b, and not all of them? */
static bool is_beginning(char *const *a, char *const *b)
{
	while (a && *a && b && *b && !strcmp(*a, *b)) {
		a++;
		b++;
	}
	return a && !*a && b && *b;
}

void image_find_intermediate(struct store *s, const struct image_rec *recs, size_t n, char ***ret)
{
	char ***layers;
	size_t nameless = 0;

	for (size_t i = 0; i < n; i++)
		nameless += !recs[i].name;
	if (!nameless)
		return;
	layers = xcalloc(n, sizeof(*layers));
	for (size_t i = 0; i < n; i++) {
		auto_oci_image_config struct oci_image_config *c = NULL;

		/* A damaged one has no layers that anybody could share. */
		if (store_image_config(s, recs[i].config_digest, &c, NULL) == 0)
			layers[i] = take_ptr(&c->diff_ids);
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; !recs[i].name && k < n; k++)
			if (is_beginning(layers[i], layers[k]) && !strv_has(*ret, recs[i].config_digest))
				strv_add(ret, recs[i].config_digest);
	for (size_t i = 0; i < n; i++)
		strv_free(layers[i]);
	free(layers);
}
