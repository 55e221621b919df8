/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/digest.h"
#include "lib/oci/ref.h"
#include "storage/store_int.h"

static int newest_first(const void *a, const void *b)
{
	const struct image_rec *x = a, *y = b;
	int d = (y->created_ns > x->created_ns) - (y->created_ns < x->created_ns);

	if (d == 0)
		d = strcmp(x->config_digest, y->config_digest);
	if (d == 0)
		d = strcmp(x->name ? x->name : "", y->name ? y->name : "");
	return d;
}

static bool has_named(const struct image_rec *recs, size_t n, const char *config)
{
	for (size_t i = 0; i < n; i++)
		if (recs[i].name && str_is_eq(recs[i].config_digest, config))
			return true;
	return false;
}

int store_image_list(struct store *s, struct image_rec **ret, size_t *ret_n, struct err *e)
{
	struct image_rec *recs = NULL;
	size_t n = 0, kept = 0;
	int r = tag_read_all(s, &recs, &n, e);

	if (r == 0)
		r = extra_read_tags(s, &recs, &n, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct image_rec rec = recs[i];

		/* A crash between a new name and the removal of the nameless record leaves both. */
		if (!rec.name && has_named(recs, n, rec.config_digest)) {
			recs[i].config_digest = NULL; /* has_named() must not see what is freed */
			image_rec_done(&rec);
			continue;
		}
		recs[i] = (struct image_rec) { 0 };
		recs[kept++] = rec;
	}
	qsort(recs, kept, sizeof(*recs), newest_first);
	*ret = recs;
	*ret_n = kept;
	return 0;
}

bool store_image_is_embedded(const char *text)
{
	return str_has_prefix(text, "embedded/");
}

static bool same_repo(const char *name, const char *repo)
{
	const char *rest = str_after(name ? name : "", repo);

	return rest && (*rest == ':' || *rest == '@');
}

/* repo@digest: by the digest that the registry knows, or the manifest's own. */
static int find_by_digest(struct store *s, const struct ref *ref, struct image_rec *ret, struct err *e)
{
	auto_free char *repo = ref_name(ref);
	struct image_rec *recs;
	size_t n;
	int r = store_image_list(s, &recs, &n, e);

	if (r < 0)
		return r;
	r = -ENOENT;
	for (size_t i = 0; i < n && r < 0; i++) {
		if (!same_repo(recs[i].name, repo) ||
		    (!str_is_eq(recs[i].repo_digest, ref->digest) && !str_is_eq(recs[i].manifest_digest, ref->digest)))
			continue;
		image_rec_copy(&recs[i], ret);
		r = 0;
	}
	image_recs_free(recs, n);
	return r;
}

/* By the beginning of the config digest's digits, or a whole digest of config or manifest. */
static int find_by_id(struct store *s, const char *digits, struct image_rec *ret, struct err *e)
{
	const struct image_rec *found = NULL;
	struct image_rec *recs;
	size_t n, len = strlen(digits);
	int r = store_image_list(s, &recs, &n, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (!str_has_prefix(digest_hex(recs[i].config_digest), digits) &&
		    !(len == 64 && str_is_eq(digest_hex(recs[i].manifest_digest), digits)))
			continue;
		if (found && !str_is_eq(found->config_digest, recs[i].config_digest)) {
			r = err_say(e, EINVAL, "several images have ids that begin with %s", digits);
			break;
		}
		if (!found || (!found->name && recs[i].name))
			found = &recs[i];
	}
	if (r == 0 && found)
		image_rec_copy(found, ret);
	else if (r == 0)
		r = -ENOENT;
	image_recs_free(recs, n);
	return r;
}

static int find_by_ref(struct store *s, const char *text, char **ret_shown, struct image_rec *ret, struct err *e)
{
	auto_ref struct ref ref = { 0 };
	auto_free char *full = NULL;
	int r = ref_parse(text, &ref, e);

	if (r < 0)
		return r;
	ref_add_default_tag(&ref);
	*ret_shown = ref_familiar(&ref);
	if (ref.digest)
		return find_by_digest(s, &ref, ret, e);
	full = ref_full(&ref);
	r = tag_read(s, full, ret, e);
	return r == -ENOENT ? extra_find(s, full, ret) : r;
}

int store_image_find(struct store *s, const char *text, struct image_rec *ret, struct err *e)
{
	const char *digits = str_after(text, "sha256:");
	auto_free char *shown = NULL;
	size_t len;
	int r = -ENOENT;

	/* A whole id comes before a name, a name before the beginning of an id: as docker has it. */
	if (!digits)
		digits = text;
	len = strlen(digits);
	if (len == 64 && digest_is_hex(digits, len))
		r = find_by_id(s, digits, ret, e);
	else if (digits == text)
		r = find_by_ref(s, text, &shown, ret, e);
	if ((r == -ENOENT || r == -EINVAL) && len > 0 && len < 64 && digest_is_hex(digits, len)) {
		int by_id = find_by_id(s, digits, ret, e);

		if (by_id != -ENOENT)
			return by_id;
	}
	if (r == -ENOENT)
		return err_say(e, ENOENT, "No such image: %s", shown ? shown : text);
	return r;
}

/* The image that @name moves away from keeps a record without a name, unless it has another name. */
static int keep_nameless(struct store *s, const struct image_rec *old, struct err *e)
{
	struct image_rec bare, *recs;
	size_t n;
	bool has_other = false;
	int r = tag_read_all(s, &recs, &n, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (recs[i].name && !str_is_eq(recs[i].name, old->name) &&
		    str_is_eq(recs[i].config_digest, old->config_digest))
			has_other = true;
	image_recs_free(recs, n);
	if (has_other)
		return 0;
	bare = *old;
	bare.name = NULL;
	return tag_write(s, &bare, e);
}

/**
 * tag_move() - Give a name to an image; the image that had it keeps existing without it
 * @s:		The store
 * @rec:	New record, with the name
 * @ret_old:	Config digest of the image that had the name before, NULL when there was none; may be NULL
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int tag_move(struct store *s, const struct image_rec *rec, char **ret_old, struct err *e)
{
	auto_image_rec struct image_rec old = { 0 }, bare = { 0 };
	bool replaced;
	int r;

	if (ret_old)
		*ret_old = NULL;
	if (!rec->name)
		return tag_write(s, rec, e);
	replaced = tag_read(s, rec->name, &old, NULL) == 0 && !str_is_eq(old.config_digest, rec->config_digest);
	r = replaced ? keep_nameless(s, &old, e) : 0;
	if (r == 0)
		r = tag_write(s, rec, e);
	if (r < 0)
		return r;
	bare.config_digest = xstrdup(rec->config_digest);
	r = tag_remove(s, &bare, e);
	if (r == 0 && replaced && ret_old)
		*ret_old = take_ptr(&old.config_digest);
	return r;
}

int store_image_tag(struct store *s, const struct image_rec *rec, const char *name, char **ret_old, struct err *e)
{
	auto_image_rec struct image_rec named = { 0 };
	auto_ref struct ref ref = { 0 }, old = { 0 };
	int r = ref_parse(name, &ref, e);

	if (r < 0)
		return r;
	if (ref.digest)
		return err_say(e, EINVAL, "refusing to create a tag with a digest reference");
	ref_add_default_tag(&ref);
	image_rec_copy(rec, &named);
	free(named.name);
	named.name = ref_full(&ref);
	/* The registry's digest belongs to the repository that it was pulled from. */
	if (rec->name && ref_parse(rec->name, &old, NULL) == 0 &&
	    !(str_is_eq(old.domain, ref.domain) && str_is_eq(old.path, ref.path))) {
		free(named.repo_digest);
		named.repo_digest = NULL;
	}
	r = tag_move(s, &named, ret_old, e);
	return r < 0 ? r : index_rewrite(s, e);
}
