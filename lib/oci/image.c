/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/oci/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/digest.h"
#include "lib/oci/json.h"
#include "lib/oci/kv.h"

/*
 * Theory of operation: the digest of a manifest says nothing about how to read it, so the same bytes must not be a
 * manifest to one reader and an index to another (CVE-2021-41190). The type comes from the media type in the body,
 * which must be the one of the transport; a document without one is what its members make it; members of the other
 * kind, and members that only a reader who ignores case would see, refuse it.
 */

#define MAX_BLOB_SIZE (1LL << 50) /* 512 of them can be added without an overflow */

static const struct {
	const char *media_type;
	enum oci_compression compression;
} layer_types[] = {
	{ OCI_MT_LAYER_GZIP, OCI_TAR_GZIP },
	{ DOCKER_MT_LAYER_GZIP, OCI_TAR_GZIP },
	{ OCI_MT_LAYER_ZSTD, OCI_TAR_ZSTD },
	{ OCI_MT_LAYER, OCI_TAR },
	{ DOCKER_MT_LAYER, OCI_TAR },
	/* Written by builders that keep docker's types while they compress with zstd. */
	{ "application/vnd.docker.image.rootfs.diff.tar.zstd", OCI_TAR_ZSTD },
};

/**
 * oci_layer_compression() - What a layer's media type says about its bytes
 * @media_type:	Media type
 * @ret:	Its compression
 * @e:		Failure
 *
 * Return: 0 or -ENOTSUP with the reason
 */
int oci_layer_compression(const char *media_type, enum oci_compression *ret, struct err *e)
{
	for (size_t i = 0; i < sizeof(layer_types) / sizeof(*layer_types); i++) {
		if (strcmp(layer_types[i].media_type, media_type) != 0)
			continue;
		*ret = layer_types[i].compression;
		return 0;
	}
	if (strstr(media_type, "foreign") || strstr(media_type, "nondistributable"))
		return err_say(e, ENOTSUP,
			       "layer type %.100s is not supported: it would have to come from another place",
			       media_type);
	if (strstr(media_type, "+encrypted"))
		return err_say(e, ENOTSUP, "layer type %.100s is not supported: it is encrypted", media_type);
	return err_say(e, ENOTSUP, "layer type %.100s is not supported", media_type);
}

/**
 * oci_is_index_type() - Is it the media type of an index or manifest list?
 * @media_type:	Media type or NULL
 *
 * Return: whether it is
 */
bool oci_is_index_type(const char *media_type)
{
	return str_is_eq(media_type, OCI_MT_INDEX) || str_is_eq(media_type, DOCKER_MT_LIST);
}

static bool is_manifest_type(const char *media_type)
{
	return str_is_eq(media_type, OCI_MT_MANIFEST) || str_is_eq(media_type, DOCKER_MT_MANIFEST);
}

/* Types that a server sends when it does not know better. */
static bool is_generic_type(const char *media_type)
{
	return str_is_eq(media_type, "application/json") || str_is_eq(media_type, "application/octet-stream") ||
	       str_has_prefix(media_type, "text/plain");
}

/**
 * oci_descriptor_done() - Release a descriptor
 * @d:	Descriptor; empty afterwards
 */
void oci_descriptor_done(struct oci_descriptor *d)
{
	free(d->media_type);
	free(d->digest);
	oci_platform_done(&d->platform);
	strv_free(d->annotations);
	*d = (struct oci_descriptor) { 0 };
}

static void free_descriptors(struct oci_descriptor *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		oci_descriptor_done(&v[i]);
	free(v);
}

/**
 * oci_manifest_done() - Release a manifest
 * @m:	Manifest; empty afterwards
 */
void oci_manifest_done(struct oci_manifest *m)
{
	free(m->media_type);
	oci_descriptor_done(&m->config);
	free_descriptors(m->layers, m->n_layers);
	strv_free(m->annotations);
	*m = (struct oci_manifest) { 0 };
}

/**
 * oci_doc_done() - Release a manifest or index
 * @d:	Document; empty afterwards
 */
void oci_doc_done(struct oci_doc *d)
{
	oci_manifest_done(&d->manifest);
	free(d->index.media_type);
	free_descriptors(d->index.manifests, d->index.n_manifests);
	strv_free(d->index.annotations);
	*d = (struct oci_doc) { 0 };
}

static int read_platform(const struct json *j, struct oci_platform *ret, struct err *e)
{
	const struct json *p = NULL;
	int r = json_read_object(j, "platform", &p, e);

	if (r == 0)
		r = json_read_str(p, "os", &ret->os, e);
	if (r == 0)
		r = json_read_str(p, "architecture", &ret->arch, e);
	if (r == 0)
		r = json_read_str(p, "variant", &ret->variant, e);
	return r;
}

/* The caller owns @ret also after a failure. */
static int read_descriptor(const struct json *j, const char *what, struct oci_descriptor *ret, struct err *e)
{
	int r;

	if (json_kind(j) != JSON_OBJECT)
		return err_say(e, EINVAL, "%s is not an object", what);
	ret->size = -1;
	r = json_read_str(j, "mediaType", &ret->media_type, e);
	if (r == 0)
		r = json_read_str(j, "digest", &ret->digest, e);
	if (r == 0)
		r = json_read_i64(j, "size", &ret->size, e);
	if (r == 0)
		r = json_read_map(j, "annotations", &ret->annotations, e);
	if (r == 0)
		r = read_platform(j, &ret->platform, e);
	if (r == 0)
		r = digest_check(ret->digest, e);
	if (r < 0)
		return err_wrap(e, r, "%s", what);
	if (str_is_empty(ret->media_type) || str_has_control(ret->media_type))
		return err_say(e, EINVAL, "%s has no media type", what);
	if (ret->size < 0 || ret->size > MAX_BLOB_SIZE)
		return err_say(e, EINVAL, "%s has no valid size", what);
	ret->is_attestation =
		str_is_eq(kv_get(ret->annotations, "vnd.docker.reference.type"), "attestation-manifest") ||
		str_is_eq(ret->platform.os, "unknown");
	return 0;
}

static int read_descriptors(const struct json *doc, const char *key, const char *what, size_t max,
			    struct oci_descriptor **ret, size_t *ret_n, struct err *e)
{
	const struct json *arr = NULL;
	struct oci_descriptor *v;
	size_t n;
	int r = json_read_array(doc, key, &arr, e);

	if (r < 0)
		return r;
	n = json_len(arr);
	if (n > max)
		return err_say(e, E2BIG, "%zu %s, at most %zu are allowed", n, key, max);
	v = xcalloc(n, sizeof(*v));
	for (size_t i = 0; i < n && r == 0; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%s %zu", what, i + 1);
		r = read_descriptor(json_item(arr, i), name, &v[i], e);
	}
	if (r < 0) {
		free_descriptors(v, n);
		return r;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

/* An artifact says what it is in the one place or in the other. */
static int check_config_type(const struct json *doc, const struct oci_manifest *m, struct err *e)
{
	const char *type = m->config.media_type, *artifact = json_get_str(doc, "artifactType");

	if (!str_is_empty(artifact))
		return err_say(e, ENOTSUP, "not a container image: it is an artifact of the type %.100s", artifact);
	if (m->config.size > OCI_MAX_CONFIG)
		return err_say(e, E2BIG, "the config is larger than %u bytes", OCI_MAX_CONFIG);
	/* Old registries stored docker's configs under the generic type. */
	if (str_is_eq(type, OCI_MT_CONFIG) || str_is_eq(type, DOCKER_MT_CONFIG) ||
	    (str_is_eq(m->media_type, DOCKER_MT_MANIFEST) && str_is_eq(type, "application/octet-stream")))
		return 0;
	return err_say(e, ENOTSUP, "not a container image: its config has the type %.100s", type);
}

/* The caller owns @ret also after a failure. */
static int read_manifest(const struct json *doc, struct oci_manifest *ret, struct err *e)
{
	enum oci_compression ignored;
	int r;

	if (!json_get(doc, "config"))
		return err_say(e, EINVAL, "the manifest has no config");
	r = read_descriptor(json_get(doc, "config"), "config", &ret->config, e);
	if (r == 0)
		r = check_config_type(doc, ret, e);
	if (r == 0)
		r = read_descriptors(doc, "layers", "layer", OCI_MAX_LAYERS, &ret->layers, &ret->n_layers, e);
	if (r == 0)
		r = json_read_map(doc, "annotations", &ret->annotations, e);
	for (size_t i = 0; r == 0 && i < ret->n_layers; i++)
		r = oci_layer_compression(ret->layers[i].media_type, &ignored, e);
	return r;
}

/* A key that a reader who ignores case takes for another one is an attack, not a typing error. */
static int check_keys(const struct json *doc, struct err *e)
{
	static const char *const known[] = { "schemaVersion", "mediaType", "config",	  "layers",
					     "manifests",     "fsLayers",  "annotations", "history" };

	for (struct json_iter it = json_iter(doc); json_next(&it);)
		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
			if (!strcasecmp(it.key, known[i]) && strcmp(it.key, known[i]) != 0)
				return err_say(e, EINVAL, "ambiguous manifest: it has '%s'", it.key);
	return 0;
}

static int check_version(const struct json *doc, const char *type, struct err *e)
{
	int64_t version = 0;
	int r = json_read_i64(doc, "schemaVersion", &version, e);

	if (r < 0)
		return r;
	if (version == 1 || json_get(doc, "fsLayers") || strstr(type ? type : "", "docker.distribution.manifest.v1+"))
		return err_say(e, ENOTSUP, "Docker image format v1 (schema 1) is not supported: push the image again");
	if (version != 2)
		return err_say(e, EINVAL, "not a manifest: schemaVersion is not 2");
	return 0;
}

/* Media type of the body or, when it has none, of the transport; both must agree. */
static int find_type(const struct json *doc, const char *content_type, char **ret, struct err *e)
{
	auto_free char *body = NULL, *header = NULL;
	int r = json_read_str(doc, "mediaType", &body, e);

	if (r < 0)
		return r;
	if (content_type) {
		header = xstrndup(content_type, strcspn(content_type, "; "));
		if (is_generic_type(header))
			*header = '\0';
	}
	if (str_is_empty(body)) {
		*ret = str_is_empty(header) ? NULL : take_ptr(&header);
		return 0;
	}
	if (!str_is_empty(header) && strcmp(header, body) != 0)
		return err_say(e, EINVAL, "ambiguous manifest: sent as %.80s, but it says %.80s", header, body);
	*ret = take_ptr(&body);
	return 0;
}

/* Which kind it is; for one without a media type, what its members say. */
static int find_kind(const struct json *doc, char **type, enum oci_doc_kind *ret, struct err *e)
{
	bool has_manifests = json_get(doc, "manifests"),
	     has_layers = json_get(doc, "layers") || json_get(doc, "config");

	if (has_manifests && has_layers)
		return err_say(e, EINVAL, "ambiguous manifest: it has both layers and manifests");
	if (!*type && (has_manifests || has_layers))
		*type = xstrdup(has_manifests ? OCI_MT_INDEX : OCI_MT_MANIFEST);
	if (oci_is_index_type(*type) && !has_layers)
		*ret = OCI_DOC_INDEX;
	else if (is_manifest_type(*type) && !has_manifests)
		*ret = OCI_DOC_MANIFEST;
	else if (oci_is_index_type(*type) || is_manifest_type(*type))
		return err_say(e, EINVAL, "ambiguous manifest: its members do not fit its type %s", *type);
	else
		return err_say(e, ENOTSUP, "manifest type %.100s is not supported", *type ? *type : "(none)");
	return 0;
}

static int read_doc(const struct json *doc, const char *content_type, struct oci_doc *ret, struct err *e)
{
	auto_free char *type = NULL;
	int r;

	if (json_kind(doc) != JSON_OBJECT)
		return err_say(e, EINVAL, "not a manifest");
	r = check_keys(doc, e);
	if (r == 0)
		r = find_type(doc, content_type, &type, e);
	if (r == 0)
		r = check_version(doc, type ? type : content_type, e);
	if (r == 0)
		r = find_kind(doc, &type, &ret->kind, e);
	if (r < 0)
		return r;
	if (ret->kind == OCI_DOC_MANIFEST) {
		ret->manifest.media_type = take_ptr(&type);
		return read_manifest(doc, &ret->manifest, e);
	}
	ret->index.media_type = take_ptr(&type);
	r = read_descriptors(doc, "manifests", "manifest", OCI_MAX_MANIFESTS, &ret->index.manifests,
			     &ret->index.n_manifests, e);
	return r < 0 ? r : json_read_map(doc, "annotations", &ret->index.annotations, e);
}

/**
 * oci_doc_parse() - Read what a registry answers under /manifests/
 * @buf:		The bytes, whose digest the caller has checked
 * @len:		How many
 * @content_type:	Media type of the transport; NULL where there is none
 * @ret:		The manifest or index
 * @e:			Failure
 *
 * Return: 0, -EINVAL, -E2BIG, -ENOTSUP
 */
int oci_doc_parse(const char *buf, size_t len, const char *content_type, struct oci_doc *ret, struct err *e)
{
	auto_oci_doc struct oci_doc d = { 0 };
	auto_json struct json *doc = NULL;
	int r;

	if (len > OCI_MAX_MANIFEST)
		return err_say(e, E2BIG, "the manifest is larger than %u bytes", OCI_MAX_MANIFEST);
	r = json_parse(buf, len, &doc, e);
	if (r < 0)
		return err_wrap(e, r, "manifest");
	r = read_doc(doc, content_type, &d, e);
	if (r < 0)
		return r;
	*ret = d;
	d = (struct oci_doc) { 0 };
	return 0;
}

/**
 * oci_manifest_parse() - Read a document that must be a manifest
 * @buf:		The bytes
 * @len:		How many
 * @content_type:	Media type of the transport or the descriptor; NULL where there is none
 * @ret:		The manifest
 * @e:			Failure
 *
 * Return: 0, -EINVAL, -E2BIG, -ENOTSUP
 */
int oci_manifest_parse(const char *buf, size_t len, const char *content_type, struct oci_manifest *ret, struct err *e)
{
	auto_oci_doc struct oci_doc d = { 0 };
	int r = oci_doc_parse(buf, len, content_type, &d, e);

	if (r < 0)
		return r;
	if (d.kind != OCI_DOC_MANIFEST)
		return err_say(e, EINVAL, "an index where a manifest was expected");
	*ret = d.manifest;
	d.manifest = (struct oci_manifest) { 0 };
	return 0;
}

static void write_descriptor(struct json *j, const struct oci_descriptor *d)
{
	json_set_str(j, "mediaType", d->media_type);
	json_set_str(j, "digest", d->digest);
	json_set_i64(j, "size", d->size);
	if (d->annotations)
		json_set_map(j, "annotations", d->annotations);
}

/**
 * oci_manifest_text() - Write a manifest
 * @m:	Manifest
 *
 * Return: owned compact JSON
 */
char *oci_manifest_text(const struct oci_manifest *m)
{
	auto_json struct json *doc = json_new_object();
	struct json *layers;

	json_set_i64(doc, "schemaVersion", 2);
	json_set_str(doc, "mediaType", m->media_type);
	write_descriptor(json_set_object(doc, "config"), &m->config);
	layers = json_set_array(doc, "layers");
	for (size_t i = 0; i < m->n_layers; i++)
		write_descriptor(json_add_object(layers), &m->layers[i]);
	if (m->annotations)
		json_set_map(doc, "annotations", m->annotations);
	return json_compact(doc);
}
