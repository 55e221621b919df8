/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/oci/digest.h"
#include "lib/oci/ref.h"
#include "storage/store_int.h"

/*
 * Theory of operation
 *
 * docker's rules. A name that is not the image's last one is only taken away. The last one, or an id, deletes the
 * image, unless containers use it: a running one always prevents that, others without force; nor is an id enough where
 * several repositories have the image. A name that was pulled stands for two references, repo:tag and repo@digest; the
 * second goes when no tag of the repository is left. An image that is mounted (image mount) stays, force or not.
 *
 * Names are removed first and durably, so that nobody finds the image any more; then what nobody refers to (trash.c).
 */

/**
 * struct removal - one image that is being removed
 * @s:		the store
 * @rec:	what was found
 * @recs:	all records of the image
 * @n:		how many; removed ones have no config_digest any more
 * @flags:	STORE_RM_*
 * @lines:	what is told to the user
 * @freed:	bytes of what was deleted
 * @refs:	what the image consists of
 */
struct removal {
	struct store *s;
	const struct image_rec *rec;
	struct image_rec *recs;
	size_t n;
	int flags;
	char ***lines;
	uint64_t freed;
	struct refs refs;
};

static void say(struct removal *m, const char *what, const char *object)
{
	strv_add_take(m->lines, xasprintf("%s: %s", what, object));
}

/* Only the records of this image. A name that cannot be read stops everything: what it stands for must not be deleted.
 */
static int load_records(struct removal *m, struct err *e)
{
	size_t kept = 0;
	int r = tag_read_folder(m->s->fd, true, &m->recs, &m->n, e);

	for (size_t i = 0; r == 0 && i < m->n; i++) {
		struct image_rec rec = m->recs[i];

		m->recs[i] = (struct image_rec) { 0 };
		if (str_is_eq(rec.config_digest, m->rec->config_digest))
			m->recs[kept++] = rec;
		else
			image_rec_done(&rec);
	}
	m->n = kept;
	return r;
}

static char *repo_of(const char *name)
{
	auto_ref struct ref ref = { 0 };

	return name && ref_parse(name, &ref, NULL) == 0 ? ref_familiar_name(&ref) : xstrdup("<none>");
}

static bool is_canonical(const char *name)
{
	return name && strchr(name, '@');
}

/* At most one tag, and digests only of the same repository. */
static bool is_single_reference(const struct removal *m)
{
	const char *first = NULL;
	size_t tags = 0;
	bool same = true;

	for (size_t i = 0; i < m->n; i++) {
		auto_free char *a = NULL, *b = NULL;

		if (!m->recs[i].name)
			continue;
		tags += !is_canonical(m->recs[i].name);
		if (!first)
			first = m->recs[i].name;
		a = repo_of(first);
		b = repo_of(m->recs[i].name);
		same = same && str_is_eq(a, b);
	}
	return tags <= 1 && same;
}

static int conflict(const struct removal *m, bool is_hard, const char *why, struct err *e)
{
	return err_say(e, EBUSY, "conflict: unable to delete %.12s (%s) - %s", digest_hex(m->rec->config_digest),
		       is_hard ? "cannot be forced" : "must be forced", why);
}

static int refuse_read_only(const struct image_rec *rec, struct err *e)
{
	auto_free char *shown = rec->name ? ref_shorten(rec->name) : xstrdup(rec->config_digest);

	return err_say(e, EROFS, "image %s is in the additional store '%s', which is never written from here", shown,
		       rec->read_only);
}

static int check_mounts(const struct removal *m, struct err *e)
{
	auto_strv char **mounted = NULL;
	int r = store_images_mounted(m->s, &mounted, e);

	if (r < 0 || !strv_has(mounted, m->rec->config_digest))
		return r;
	conflict(m, true, "image is mounted", e);
	return err_hint(e, -EBUSY, "skiff image unmount, in the skiff unshare that mounted it");
}

static int check_containers(const struct removal *m, struct err *e)
{
	struct image_user user;
	char why[120];
	int r = refs_find_user(m->s, m->rec->config_digest, &user, e);

	if (r <= 0)
		return r;
	snprintf(why, sizeof(why), "image is being used by %s container %.12s", user.is_running ? "running" : "stopped",
		 user.id);
	if (user.is_running || !(m->flags & STORE_RM_FORCE))
		return conflict(m, user.is_running, why, e);
	return 0;
}

static bool repo_has_tag(const struct removal *m, const char *repo)
{
	for (size_t i = 0; i < m->n; i++) {
		auto_free char *other = NULL;

		if (!m->recs[i].config_digest || !m->recs[i].name || is_canonical(m->recs[i].name))
			continue;
		other = repo_of(m->recs[i].name);
		if (str_is_eq(other, repo))
			return true;
	}
	return false;
}

static int untag(struct removal *m, struct image_rec *rec, struct err *e)
{
	auto_free char *shown = rec->name ? ref_shorten(rec->name) : NULL, *repo = repo_of(rec->name);
	int r = tag_remove(m->s, rec, e);

	if (r < 0)
		return r;
	if (shown)
		say(m, "Untagged", shown);
	free(rec->config_digest);
	rec->config_digest = NULL;
	if (shown && rec->repo_digest && !is_canonical(rec->name) && !repo_has_tag(m, repo)) {
		auto_free char *digest = xasprintf("%s@%s", repo, rec->repo_digest);

		say(m, "Untagged", digest);
	}
	return 0;
}

static int untag_all(struct removal *m, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < m->n && r == 0; i++)
		if (m->recs[i].config_digest)
			r = untag(m, &m->recs[i], e);
	return r;
}

/* repo@digest where a tag has that digest: the tag stays, and is not known by the digest any more. */
static int forget_digest(struct removal *m, struct image_rec *rec, const char *shown, struct err *e)
{
	int r;

	free(rec->repo_digest);
	rec->repo_digest = NULL;
	r = tag_write(m->s, rec, e);
	if (r == 0)
		say(m, "Untagged", shown);
	return r;
}

/* What is in a folder of the store without a reference; @have: not these, they are known already. */
static int find_unused(struct store *s, const char *folder, const struct refs *used,
		       bool (*is_used)(const struct refs *r, const char *digest), char ***have, struct err *e)
{
	auto_strv char **names = NULL;
	int r = fs_list_dir(s->fd, folder, &names, e);

	for (char **n = names; r == 0 && n && *n; n++) {
		auto_free char *digest = xasprintf("sha256:%s", *n);

		if (digest_is_sha256(digest) && !is_used(used, digest) && !strv_has(*have, digest))
			strv_add(have, digest);
	}
	return r;
}

static uint64_t size_of_layers(struct store *s, char *const *layers)
{
	uint64_t total = 0;
	int64_t size;

	for (char *const *l = layers; l && *l; l++)
		total += layer_is_ours(s, *l) && store_layer_size(s, *l, &size, NULL) == 0 ? (uint64_t)size : 0;
	return total;
}

static uint64_t size_of_blobs(struct store *s, char *const *blobs)
{
	uint64_t total = 0;
	struct stat st;

	for (char *const *b = blobs; b && *b; b++) {
		char path[BLOB_PATH_SIZE];

		if (blob_path(*b, path, NULL) == 0 && fstatat(s->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
			total += (uint64_t)st.st_size;
	}
	return total;
}

/*
 * The image's own layers first, topmost first, as they are told; then whatever else nobody refers to: a container that
 * outlived its image leaves some, and so does a pull that was killed during its commit.
 */
static int delete_blobs(struct removal *m, struct err *e)
{
	auto_refs struct refs used = { 0 };
	auto_strv char **layers = NULL, **blobs = NULL;
	size_t n_own;
	int r = refs_collect(m->s, &used, e);

	if (r < 0)
		return r;
	for (size_t i = strv_len(m->refs.layers); i-- > 0;)
		if (!refs_has_layer(&used, m->refs.layers[i]) && layer_is_ours(m->s, m->refs.layers[i]))
			strv_add(&layers, m->refs.layers[i]);
	n_own = strv_len(layers);
	r = find_unused(m->s, "layers", &used, refs_has_layer, &layers, e);
	if (r == 0)
		r = find_unused(m->s, "oci/blobs/sha256", &used, refs_has_blob, &blobs, e);
	m->freed = size_of_layers(m->s, layers) + size_of_blobs(m->s, blobs);
	if (r == 0)
		r = trash_layers_and_blobs(m->s, layers, blobs, e);
	/* What somebody has begun to use meanwhile is still there. */
	m->freed -= size_of_layers(m->s, layers) + size_of_blobs(m->s, blobs);
	if (r < 0)
		return r;
	say(m, "Deleted", m->rec->config_digest);
	for (size_t i = 0; layers && i < n_own; i++)
		if (!layer_is_ours(m->s, layers[i]))
			say(m, "Deleted", layers[i]);
	return 0;
}

int store_sweep(struct store *s, uint64_t *ret_freed, struct err *e)
{
	auto_refs struct refs used = { 0 };
	auto_strv char **layers = NULL, **blobs = NULL;
	uint64_t before;
	int r = store_reclaim(s, e);

	if (r == 0)
		r = refs_collect(s, &used, e);
	if (r == 0)
		r = find_unused(s, "layers", &used, refs_has_layer, &layers, e);
	if (r == 0)
		r = find_unused(s, "oci/blobs/sha256", &used, refs_has_blob, &blobs, e);
	if (r < 0)
		return r;
	before = size_of_layers(s, layers) + size_of_blobs(s, blobs);
	if (layers || blobs)
		r = trash_layers_and_blobs(s, layers, blobs, e);
	*ret_freed = before - size_of_layers(s, layers) - size_of_blobs(s, blobs);
	return r;
}

/* All names go, then the image. */
static int delete_image(struct removal *m, struct err *e)
{
	int r = refs_add_image(m->s, &m->refs, m->rec, e);

	if (r == 0)
		r = untag_all(m, e);
	if (r == 0 && !(m->flags & STORE_RM_NO_PRUNE))
		r = delete_blobs(m, e);
	return r;
}

static int remove_by_id(struct removal *m, struct err *e)
{
	int r;

	if (!is_single_reference(m) && !(m->flags & (STORE_RM_FORCE | STORE_RM_ALL_NAMES)))
		return conflict(m, false, "image is referenced in multiple repositories", e);
	r = check_containers(m, e);
	if (r == 0)
		r = check_mounts(m, e);
	return r < 0 ? r : delete_image(m, e);
}

static int remove_by_name(struct removal *m, const char *text, struct err *e)
{
	auto_free char *shown = m->rec->name ? ref_shorten(m->rec->name) : xstrdup(text);
	struct image_rec *named = NULL;
	struct image_user user;
	bool is_last = is_single_reference(m);
	int r = 0;

	for (size_t i = 0; i < m->n; i++)
		if (str_is_eq(m->recs[i].name, m->rec->name))
			named = &m->recs[i];
	if (!named)
		return err_say(e, ENOENT, "No such image: %s", shown);
	if (strchr(text, '@') && !is_canonical(named->name))
		return forget_digest(m, named, text, e);
	if (is_last && !(m->flags & STORE_RM_FORCE))
		r = refs_find_user(m->s, m->rec->config_digest, &user, e);
	if (r > 0)
		return err_say(
			e, EBUSY,
			"conflict: unable to remove repository reference \"%s\" (must force) - container %.12s is "
			"using its referenced image %.12s",
			text, user.id, digest_hex(m->rec->config_digest));
	if (r == 0 && is_last)
		r = check_mounts(m, e);
	if (r < 0)
		return r;
	if (m->n > 1) {
		auto_free char *repo = repo_of(named->name);

		r = untag(m, named, e);
		/* What is left may be only digests of the repository that lost its last tag: they go too. */
		for (size_t i = 0; r == 0 && i < m->n; i++) {
			auto_free char *other = m->recs[i].config_digest ? repo_of(m->recs[i].name) : NULL;

			if (other && str_is_eq(other, repo) && !repo_has_tag(m, repo))
				r = untag(m, &m->recs[i], e);
		}
		for (size_t i = 0; r == 0 && i < m->n; i++)
			if (m->recs[i].config_digest)
				return 0;
		if (r < 0)
			return r;
	}
	r = refs_find_user(m->s, m->rec->config_digest, &user, e);
	if (r > 0 && user.is_running) { /* forced: the name goes, the image stays without one */
		struct image_rec bare = *m->rec;

		bare.name = NULL;
		r = tag_write(m->s, &bare, e);
		return r < 0 ? r : untag_all(m, e);
	}
	return r < 0 ? r : delete_image(m, e);
}

int store_image_untag(struct store *s, const struct image_rec *rec, struct err *e)
{
	struct removal m = { .s = s, .rec = rec };
	struct image_rec bare = *rec;
	int r;

	if (rec->read_only)
		return refuse_read_only(rec, e);
	if (!rec->name)
		return err_say(e, ENOENT, "image %.12s has no name", digest_hex(rec->config_digest));
	r = load_records(&m, e);
	bare.name = NULL;
	if (r == 0 && m.n == 1)
		r = tag_write(s, &bare, e);
	if (r == 0)
		r = tag_remove(s, rec, e);
	image_recs_free(m.recs, m.n);
	m.recs = NULL;
	m.n = 0;
	/* The other names may have gone at the same time: nothing would lead to the image any more. */
	if (r == 0)
		r = load_records(&m, e);
	if (r == 0 && m.n == 0)
		r = tag_write(s, &bare, e);
	image_recs_free(m.recs, m.n);
	return r < 0 ? r : index_rewrite(s, e);
}

int store_image_remove(struct store *s, const char *text, int flags, char ***ret_lines, uint64_t *ret_freed,
		       struct err *e)
{
	auto_image_rec struct image_rec rec = { 0 };
	struct removal m = { .s = s, .rec = &rec, .flags = flags, .lines = ret_lines };
	const char *digits = str_after(text, "sha256:");
	struct err why = { 0 };
	int r = store_image_find(s, text, &rec, e);

	*ret_lines = NULL;
	if (ret_freed)
		*ret_freed = 0;
	if (r == 0 && rec.read_only)
		r = refuse_read_only(&rec, e);
	if (r < 0)
		return r;
	r = load_records(&m, e);
	if (r == 0) {
		bool by_id = !rec.name || str_has_prefix(digest_hex(rec.config_digest), digits ? digits : text);

		r = by_id ? remove_by_id(&m, e) : remove_by_name(&m, text, e);
		if (strv_len(*ret_lines) && index_rewrite(s, r < 0 ? &why : e) < 0 && r == 0)
			r = -EIO;
	}
	if (ret_freed)
		*ret_freed = m.freed;
	image_recs_free(m.recs, m.n);
	refs_done(&m.refs);
	return r;
}
