/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/archive.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/oci/digest.h"
#include "lib/oci/json.h"
#include "lib/oci/kv.h"
#include "lib/oci/ref.h"

/*
 * Theory of operation
 *
 * docker's layout: manifest.json lists config, names and layers of each image, by members' names. There is no OCI
 * manifest in it; we write one, from the digests of what is there. An OCI layout: index.json leads to manifests, whose
 * digests are kept. Archives of docker 25 and newer are both; manifest.json has the names, so it is asked first.
 *
 * Names of blobs in an OCI layout are digests: each one that is used is compared with its content.
 */

#define DOCKER_MANIFEST_MAX (8U << 20)
#define INDEX_DEPTH_MAX	    4

static void image_done(struct archive_image *i)
{
	strv_free(i->names);
	strv_free(i->layers);
	oci_manifest_done(&i->manifest);
	oci_image_config_free(i->config);
	free(i->manifest_text);
	free(i->config_text);
	*i = (struct archive_image) { 0 };
}

void archive_images_done(struct archive_images *a)
{
	for (size_t i = 0; i < a->n; i++)
		image_done(&a->v[i]);
	free(a->v);
	*a = (struct archive_images) { 0 };
}

static struct archive_image *add_image(struct archive_images *a)
{
	a->v = xrealloc(a->v, (a->n + 1) * sizeof(*a->v));
	a->v[a->n] = (struct archive_image) { 0 };
	return &a->v[a->n++];
}

/* A full reference with a tag. */
static int add_name(struct archive_image *i, const char *text, struct err *e)
{
	auto_ref struct ref ref = { 0 };
	int r = ref_parse(text, &ref, e);

	if (r < 0)
		return r;
	if (ref.digest)
		return err_say(e, EINVAL, "the archive names an image '%s', which cannot be loaded under that name",
			       text);
	ref_add_default_tag(&ref);
	strv_add_take(&i->names, ref_full(&ref));
	return 0;
}

static int parse_config(struct archive_image *i, struct err *e)
{
	return oci_image_config_parse(i->config_text, i->config_len, &i->config, e);
}

/* ---- docker ---- */

static const char *layer_type(const struct members *m, int dirfd, const struct member *mb)
{
	unsigned char magic[4] = { 0 };
	auto_close int fd = -EBADF;
	uint64_t offset;

	if (members_open(m, dirfd, mb, &fd, &offset, NULL) < 0 || pread(fd, magic, sizeof(magic), (off_t)offset) < 4)
		return OCI_MT_LAYER;
	if (magic[0] == 0x1f && magic[1] == 0x8b)
		return OCI_MT_LAYER_GZIP;
	return !memcmp(magic, "\x28\xb5\x2f\xfd", 4) ? OCI_MT_LAYER_ZSTD : OCI_MT_LAYER;
}

static int add_layer(struct archive_image *i, const struct members *m, int dirfd, const char *name, struct err *e)
{
	const struct member *mb = members_find(m, name);
	struct oci_descriptor *d = &i->manifest.layers[i->manifest.n_layers];

	if (!mb)
		return err_say(e, ENOENT, "the archive has no layer '%s'", name);
	strv_add(&i->layers, mb->name);
	*d = (struct oci_descriptor) {
		.media_type = xstrdup(layer_type(m, dirfd, mb)),
		.digest = xstrdup(mb->digest),
		.size = (int64_t)mb->size,
	};
	i->manifest.n_layers++;
	return 0;
}

static int make_manifest(struct archive_image *i, const struct members *m, int dirfd, char *const *layers,
			 struct err *e)
{
	char digest[SHA256_DIGEST_SIZE];
	size_t n = strv_len(layers);
	int r = 0;

	assert(i->config);
	if (n != strv_len(i->config->diff_ids))
		return err_say(e, EINVAL, "an image of the archive has %zu layers, its config names %zu", n,
			       strv_len(i->config->diff_ids));
	sha256_of(i->config_text, i->config_len, digest);
	i->manifest.media_type = xstrdup(OCI_MT_MANIFEST);
	i->manifest.config = (struct oci_descriptor) {
		.media_type = xstrdup(OCI_MT_CONFIG),
		.digest = xstrdup(digest),
		.size = (int64_t)i->config_len,
	};
	i->manifest.layers = xcalloc(n + 1, sizeof(*i->manifest.layers));
	for (size_t k = 0; k < n && r == 0; k++)
		r = add_layer(i, m, dirfd, layers[k], e);
	if (r < 0)
		return r;
	i->manifest_text = oci_manifest_text(&i->manifest);
	i->manifest_len = strlen(i->manifest_text);
	sha256_of(i->manifest_text, i->manifest_len, i->manifest_digest);
	return 0;
}

static int read_docker_image(const struct members *m, int dirfd, const struct json *item, struct archive_image *i,
			     struct err *e)
{
	auto_strv char **tags = NULL, **layers = NULL;
	auto_free char *config = NULL;
	int r = json_read_str(item, "Config", &config, e);

	if (r == 0)
		r = json_read_strv(item, "RepoTags", &tags, e);
	if (r == 0)
		r = json_read_strv(item, "Layers", &layers, e);
	if (r == 0 && !config)
		r = err_say(e, EINVAL, "an image of manifest.json has no Config");
	for (char **t = tags; r == 0 && t && *t; t++)
		r = add_name(i, *t, e);
	if (r == 0)
		r = members_read(m, dirfd, config, OCI_MAX_CONFIG, &i->config_text, &i->config_len, e);
	if (r == 0)
		r = parse_config(i, e);
	return r < 0 ? r : make_manifest(i, m, dirfd, layers, e);
}

static int read_docker(const struct members *m, int dirfd, struct archive_images *a, struct err *e)
{
	auto_free char *text = NULL;
	auto_json struct json *doc = NULL;
	size_t len;
	int r = members_read(m, dirfd, "manifest.json", DOCKER_MANIFEST_MAX, &text, &len, e);

	if (r == 0)
		r = json_parse(text, len, &doc, e);
	if (r < 0)
		return err_wrap(e, r, "manifest.json");
	if (json_kind(doc) != JSON_ARRAY)
		return err_say(e, EINVAL, "manifest.json is not a list");
	for (size_t k = 0; k < json_len(doc) && r == 0; k++)
		r = read_docker_image(m, dirfd, json_item(doc, k), add_image(a), e);
	return r;
}

/* ---- OCI ---- */

/* A layout's folder, or none: skopeo's dir: has the same blobs at its top. */
static char *blob_name(const struct members *m, const char *digest)
{
	return xasprintf("%s%s", members_find(m, "oci-layout") ? "blobs/sha256/" : "", digest_hex(digest));
}

/* A document by digest, verified against it. */
static int read_blob(const struct members *m, int dirfd, const char *digest, size_t max, char **ret, size_t *ret_len,
		     struct err *e)
{
	auto_free char *name = NULL, *text = NULL;
	char have[SHA256_DIGEST_SIZE];
	int r;

	if (!digest_is_sha256(digest))
		return err_say(e, ENOTSUP, "digest %s: only sha256 is supported", digest);
	name = blob_name(m, digest);
	r = members_read(m, dirfd, name, max, &text, ret_len, e);
	if (r < 0)
		return r;
	sha256_of(text, *ret_len, have);
	if (strcmp(have, digest))
		return err_say(e, EBADMSG, "blob %s: wrong digest: the archive's content has %s", digest, have);
	*ret = take_ptr(&text);
	return 0;
}

static int take_layers(const struct members *m, struct archive_image *i, struct err *e)
{
	for (size_t k = 0; k < i->manifest.n_layers; k++) {
		const struct oci_descriptor *d = &i->manifest.layers[k];
		auto_free char *name = NULL;
		enum oci_compression unused;
		const struct member *mb;
		int r = oci_layer_compression(d->media_type, &unused, e);

		if (r < 0)
			return r;
		if (!digest_is_sha256(d->digest))
			return err_say(e, ENOTSUP, "digest %s: only sha256 is supported", d->digest);
		name = blob_name(m, d->digest);
		mb = members_find(m, name);
		if (!mb)
			return err_say(e, ENOENT, "the archive has no layer '%s'", name);
		if (strcmp(mb->digest, d->digest) || (int64_t)mb->size != d->size)
			return err_say(e, EBADMSG,
				       "layer %s: wrong digest or size: the archive's content has %s, %llu bytes",
				       d->digest, mb->digest, (unsigned long long)mb->size);
		strv_add(&i->layers, mb->name);
	}
	if (i->manifest.n_layers != strv_len(i->config->diff_ids))
		return err_say(e, EINVAL, "an image of the archive has %zu layers, its config names %zu",
			       i->manifest.n_layers, strv_len(i->config->diff_ids));
	return 0;
}

/* containerd and buildkit write the whole name, others a name or only a tag as ref.name. */
static int take_name(struct archive_image *i, char *const *annotations, struct err *e)
{
	const char *name = kv_get(annotations, "io.containerd.image.name");
	const char *ref = kv_get(annotations, "org.opencontainers.image.ref.name");

	if (name)
		return add_name(i, name, e);
	if (ref && strpbrk(ref, "/:"))
		return add_name(i, ref, e);
	return 0;
}

static int read_oci_image(const struct members *m, int dirfd, const struct oci_descriptor *d, char *const *annotations,
			  struct archive_image *i, struct err *e)
{
	const struct oci_descriptor *c = &i->manifest.config;
	int r = read_blob(m, dirfd, d->digest, OCI_MAX_MANIFEST, &i->manifest_text, &i->manifest_len, e);

	if (r == 0)
		r = oci_manifest_parse(i->manifest_text, i->manifest_len, d->media_type, &i->manifest, e);
	if (r < 0)
		return r;
	snprintf(i->manifest_digest, sizeof(i->manifest_digest), "%s", d->digest);
	r = read_blob(m, dirfd, c->digest, OCI_MAX_CONFIG, &i->config_text, &i->config_len, e);
	if (r == 0)
		r = parse_config(i, e);
	if (r == 0)
		r = take_layers(m, i, e);
	return r < 0 ? r : take_name(i, annotations, e);
}

/* An index inside the index is one image for several platforms: ours is taken, under the outer one's name. */
static int read_oci_entry(const struct members *m, int dirfd, const struct oci_descriptor *d,
			  const struct oci_platform *platform, struct archive_images *a, struct err *e)
{
	auto_oci_platform struct oci_platform host = { 0 };
	struct oci_doc docs[INDEX_DEPTH_MAX] = { 0 };
	const struct oci_descriptor *at = d;
	int n = 0, r = oci_platform_host(&host, e);

	while (r == 0 && oci_is_index_type(at->media_type)) {
		auto_free char *text = NULL;
		size_t len;

		if (n == INDEX_DEPTH_MAX) {
			r = err_say(e, EINVAL, "the archive's indexes are nested too deeply");
			break;
		}
		r = read_blob(m, dirfd, at->digest, OCI_MAX_MANIFEST, &text, &len, e);
		if (r == 0)
			r = oci_doc_parse(text, len, at->media_type, &docs[n], e);
		if (r == 0)
			r = oci_index_select(&docs[n++].index, platform ? platform : &host, &at, e);
	}
	if (r == 0)
		r = read_oci_image(m, dirfd, at, d->annotations, add_image(a), e);
	for (int k = 0; k < n; k++)
		oci_doc_done(&docs[k]);
	return r;
}

static int read_oci(const struct members *m, int dirfd, const struct oci_platform *platform, struct archive_images *a,
		    struct err *e)
{
	auto_oci_doc struct oci_doc doc = { 0 };
	auto_free char *text = NULL;
	size_t len;
	int r = members_read(m, dirfd, "index.json", OCI_MAX_MANIFEST, &text, &len, e);

	if (r == 0)
		r = oci_doc_parse(text, len, OCI_MT_INDEX, &doc, e);
	if (r < 0)
		return err_wrap(e, r, "index.json");
	for (size_t k = 0; k < doc.index.n_manifests && r == 0; k++)
		if (!doc.index.manifests[k].is_attestation)
			r = read_oci_entry(m, dirfd, &doc.index.manifests[k], platform, a, e);
	return r;
}

/* ---- skopeo's dir: ---- */

static int read_dir(const struct members *m, int dirfd, struct archive_images *a, struct err *e)
{
	struct archive_image *i = add_image(a);
	const struct oci_descriptor *c = &i->manifest.config;
	int r = members_read(m, dirfd, "manifest.json", OCI_MAX_MANIFEST, &i->manifest_text, &i->manifest_len, e);

	if (r == 0)
		r = oci_manifest_parse(i->manifest_text, i->manifest_len, NULL, &i->manifest, e);
	if (r < 0)
		return err_wrap(e, r, "manifest.json");
	sha256_of(i->manifest_text, i->manifest_len, i->manifest_digest);
	r = read_blob(m, dirfd, c->digest, OCI_MAX_CONFIG, &i->config_text, &i->config_len, e);
	if (r == 0)
		r = parse_config(i, e);
	return r < 0 ? r : take_layers(m, i, e);
}

/* ---- any ---- */

/* The images for one platform. */
static int choose_platform(struct archive_images *a, const struct oci_platform *platform, struct err *e)
{
	auto_free char *wanted = oci_platform_text(platform);
	size_t kept = 0;

	for (size_t i = 0; i < a->n; i++) {
		struct archive_image img = a->v[i];

		if (oci_platform_is_match(&img.config->platform, platform))
			a->v[kept++] = img;
		else
			image_done(&img);
	}
	a->n = kept;
	return kept ? 0 : err_say(e, ENOENT, "the archive has no image for the platform %s", wanted);
}

int archive_read_images(const struct members *m, int dirfd, const struct oci_platform *platform,
			struct archive_images *ret, struct err *e)
{
	auto_archive_images struct archive_images a = { 0 };
	bool docker = members_find(m, "manifest.json"),
	     layout = members_find(m, "index.json") && members_find(m, "oci-layout");
	int r;

	if (docker && !layout && members_find(m, "version"))
		r = read_dir(m, dirfd, &a, e);
	/* manifest.json has the names, the layout all the platforms. */
	else if (docker && !(layout && platform))
		r = read_docker(m, dirfd, &a, e);
	else if (layout)
		r = read_oci(m, dirfd, platform, &a, e);
	else
		r = err_say(e, EINVAL, "the archive has neither manifest.json nor an OCI layout: it holds no images");
	if (r == 0 && a.n == 0)
		r = err_say(e, EINVAL, "the archive holds no images");
	if (r == 0 && platform)
		r = choose_platform(&a, platform, e);
	if (r < 0)
		return r;
	if (members_find(m, "manifest.json"))
		a.transport = !layout && members_find(m, "version") ? "dir" : "docker-archive";
	else
		a.transport = m->input < 0 ? "oci" : "oci-archive";
	*ret = a;
	a = (struct archive_images) { 0 };
	return 0;
}
