/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/remote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/image/trust.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/crypto/sha256.h"
#include "lib/oci/conf.h"
#include "lib/oci/digest.h"
#include "lib/oci/registries.h"
#include "storage/store.h"

/* An index may point to an index; deeper nesting has no use but to keep us busy. */
#define INDEX_DEPTH 3

/* Bytes from outside are what @digest says; the registry's own header about it is never asked. */
static int verify(const char *what, const char *digest, const char *text, size_t len, struct err *e)
{
	char have[SHA256_DIGEST_SIZE];

	if (!digest_is_sha256(digest))
		return err_say(e, ENOTSUP, "%s: only sha256 digests are supported", what);
	sha256_of(text, len, have);
	if (strcmp(have, digest))
		return err_say(e, EBADMSG, "%s: wrong digest: the bytes that came have %s", what, have);
	return 0;
}

/* A document by digest: from the store, or from the registry. */
static int get_document(const struct remote *r, struct registry *g, const char *digest, int64_t size, bool is_manifest,
			char **ret, size_t *ret_len, char **ret_type, struct err *e)
{
	auto_free char *what =
		xasprintf("reading %s %s in %s", is_manifest ? "manifest" : "blob", digest, registry_name(g));
	auto_free char *text = NULL, *type = NULL;
	size_t len;
	int code;

	if (store_blob_read(r->store, digest, &text, &len, NULL) == 0 && verify(what, digest, text, len, NULL) == 0)
		code = 0;
	else if (is_manifest)
		code = registry_manifest(g, digest, &text, &len, &type, e);
	else
		code = registry_blob_read(g, digest, OCI_MAX_CONFIG, &text, &len, e);
	if (code < 0)
		return code;
	code = verify(what, digest, text, len, e);
	if (code < 0)
		return code;
	if ((int64_t)len != size)
		return err_say(e, EBADMSG, "%s: wrong size: %zu bytes instead of %lld", what, len, (long long)size);
	*ret = take_ptr(&text);
	*ret_len = len;
	if (ret_type)
		*ret_type = take_ptr(&type);
	return 0;
}

static int take_manifest(struct remote_image *i, char **text, size_t len, const char *type, struct err *e)
{
	int code = oci_manifest_parse(*text, len, type, &i->manifest, e);

	if (code < 0)
		return code;
	i->manifest_text = take_ptr(text);
	i->manifest_len = len;
	return 0;
}

/* Follow an index to the manifest for our platform. */
static int descend(const struct remote *r, struct remote_image *i, struct oci_doc *doc, int depth, struct err *e)
{
	const struct oci_descriptor *d;
	auto_free char *text = NULL, *type = NULL;
	auto_oci_doc struct oci_doc inner = { 0 };
	size_t len = 0;
	int code = oci_index_select(&doc->index, r->platform, &d, e);

	if (code == 0)
		code = get_document(r, i->registry, d->digest, d->size, true, &text, &len, &type, e);
	if (code < 0)
		return code;
	log_debug("%s: chose %s", registry_name(i->registry), d->digest);
	if (oci_is_index_type(d->media_type) && depth < INDEX_DEPTH) {
		code = oci_doc_parse(text, len, d->media_type, &inner, e);
		return code < 0 ? code : descend(r, i, &inner, depth + 1, e);
	}
	free(i->manifest_digest);
	i->manifest_digest = xstrdup(d->digest);
	return take_manifest(i, &text, len, d->media_type, e);
}

static int get_manifest(const struct remote *r, struct remote_image *i, struct err *e)
{
	const char *reference = i->ref.digest ? i->ref.digest : i->ref.tag;
	auto_free char *what = xasprintf("reading manifest %s in %s", reference, registry_name(i->registry));
	auto_free char *text = NULL, *type = NULL;
	auto_oci_doc struct oci_doc doc = { 0 };
	char digest[SHA256_DIGEST_SIZE];
	size_t len;
	int code = registry_manifest(i->registry, reference, &text, &len, &type, e);

	if (code == 0 && i->ref.digest)
		code = verify(what, i->ref.digest, text, len, e);
	if (code < 0)
		return code;
	code = oci_doc_parse(text, len, type, &doc, e);
	if (code < 0 && type && !str_has_suffix(type, "json")) /* a page of a proxy or of a hotel's network */
		err_hint(e, code, "what came is %.80s", type);
	if (code < 0)
		return err_wrap(e, code, "%s", what);
	sha256_of(text, len, digest);
	i->digest = xstrdup(digest);
	if (doc.kind == OCI_DOC_INDEX)
		code = descend(r, i, &doc, 1, e);
	else
		code = take_manifest(i, &text, len, type, e);
	if (code < 0)
		return err_wrap(e, code, "%s", what);
	if (!i->manifest_digest)
		i->manifest_digest = xstrdup(digest);
	return 0;
}

static int check_platform(const struct remote *r, const struct remote_image *i, struct err *e)
{
	auto_free char *have = NULL, *want = NULL, *name = NULL;

	if (oci_platform_is_match(&i->config->platform, r->platform))
		return 0;
	have = oci_platform_text(&i->config->platform);
	want = oci_platform_text(r->platform);
	name = ref_familiar(&i->ref);
	if (r->strict)
		return err_say(e, ENOENT, "image '%s' is for the platform %s, not %s", name, have, want);
	log_warn("the platform of the image '%s' (%s) does not match this machine's (%s)", name, have, want);
	return 0;
}

static int get_config(const struct remote *r, struct remote_image *i, struct err *e)
{
	const struct oci_descriptor *d = &i->manifest.config;
	size_t n;
	int code = get_document(r, i->registry, d->digest, d->size, false, &i->config_text, &i->config_len, NULL, e);

	if (code < 0)
		return code;
	code = oci_image_config_parse(i->config_text, i->config_len, &i->config, e);
	if (code < 0)
		return err_wrap(e, code, "reading image config %s in %s", d->digest, registry_name(i->registry));
	n = strv_len(i->config->diff_ids);
	if (n != i->manifest.n_layers)
		return err_say(e, EBADMSG, "reading image in %s: %zu layers in the manifest, %zu in the config",
			       registry_name(i->registry), i->manifest.n_layers, n);
	if (n > OCI_WARN_LAYERS)
		log_warn("the image in %s has %zu layers; other tools take at most %d", registry_name(i->registry), n,
			 OCI_WARN_LAYERS);
	return check_platform(r, i, e);
}

/* Forget what one endpoint said, to ask the next. */
static void reset_answer(struct remote_image *i)
{
	free(i->digest);
	free(i->manifest_digest);
	free(i->manifest_text);
	oci_manifest_done(&i->manifest);
	registry_free(i->registry);
	i->digest = i->manifest_digest = i->manifest_text = NULL;
	i->manifest = (struct oci_manifest) { 0 };
	i->registry = NULL;
	i->unchanged = false;
}

/*
 * What is there already needs one HEAD. Whatever goes wrong with it, the GET tells better. A registry that lies here
 * keeps us at what we have, as it could by serving that.
 */
static bool is_unchanged(const struct remote *r, struct remote_image *i)
{
	auto_free char *have = r->local ? r->local(r->local_arg, &i->ref) : NULL, *there = NULL;
	const char *reference = i->ref.digest ? i->ref.digest : i->ref.tag;

	if (!have || registry_manifest_head(i->registry, reference, &there, NULL) < 0 || !str_is_eq(have, there))
		return false;
	i->unchanged = true;
	i->digest = take_ptr(&have);
	return true;
}

static int try_endpoint(const struct remote *r, const struct registry_endpoint *ep, struct remote_image *i,
			struct err *e)
{
	const struct registry_spec spec = {
		.http = r->http,
		.endpoint = ep,
		.domain = i->ref.domain,
		.verify = r->verify,
		.auth = r->auth,
		.cert_dir = r->cert_dir,
		.stop = r->stop,
	};
	int code = registry_open(&spec, &i->registry, e);

	if (code == 0 && is_unchanged(r, i))
		return 0;
	return code < 0 ? code : get_manifest(r, i, e);
}

/* One full reference, at its mirrors and at the registry itself. */
static int try_reference(const struct remote *r, struct remote_image *i, struct err *e)
{
	struct registry_endpoint *eps = NULL;
	size_t n = 0;
	int code = registries_endpoints(r->registries, r->conf, &i->ref, &eps, &n, e);

	if (code < 0)
		return code;
	code = err_say(e, ENOENT, "no registry is configured for %s", i->ref.domain);
	for (size_t k = 0; k < n; k++) {
		if ((eps[k].digest_only && !i->ref.digest) || (eps[k].tag_only && i->ref.digest))
			continue;
		reset_answer(i);
		code = try_endpoint(r, &eps[k], i, e);
		if (code == 0 || code == -EINTR || !eps[k].is_mirror)
			break;
		log_debug("mirror %s: %s", eps[k].host, e ? e->msg : "failed");
	}
	registry_endpoints_free(eps, n);
	return code;
}

/**
 * remote_open() - Open a repository to write to it
 * @r:		Settings
 * @ref:	What is meant; only its registry and repository count
 * @ret:	The registry
 * @e:		Failure
 *
 * Return: 0, -EPERM for a blocked registry, ...
 */
int remote_open(const struct remote *r, const struct ref *ref, struct registry **ret, struct err *e)
{
	struct registry_endpoint *eps = NULL;
	struct registry_spec spec = {
		.http = r->http,
		.domain = ref->domain,
		.verify = r->verify,
		.auth = r->auth,
		.cert_dir = r->cert_dir,
		.stop = r->stop,
	};
	size_t n = 0;
	int code;

	if (ref_is_embedded(ref))
		return err_say(e, EINVAL, "embedded/ images come with the program, they are not pushed");
	code = registries_endpoints(r->registries, r->conf, ref, &eps, &n, e);
	if (code == 0 && n == 0)
		code = err_say(e, ENOENT, "no registry is configured for %s", ref->domain);
	if (code == 0) {
		spec.endpoint = &eps[n - 1];
		code = registry_open(&spec, ret, e);
	}
	registry_endpoints_free(eps, n);
	return code;
}

static int parse_candidate(const char *text, struct remote_image *i, struct err *e)
{
	int code;

	remote_image_done(i);
	code = ref_parse(text, &i->ref, e);
	if (code < 0)
		return code;
	if (ref_is_embedded(&i->ref))
		return err_say(e, EINVAL, "'%s': embedded/ images come with the program, they are not pulled", text);
	i->default_tag = ref_add_default_tag(&i->ref);
	ref_prefer_digest(&i->ref);
	return 0;
}

/* What is known by an index may be signed as that or as the manifest for this platform: the one leads to the other. */
static int check_trust(const struct remote *r, const struct remote_image *i, struct err *e)
{
	const char *digests[] = { i->digest, i->manifest_digest, NULL };

	return r->policy ? trust_check_image(r->policy, i->registry, &i->ref, digests, e) : 0;
}

/**
 * remote_find() - Find an image and fetch its documents, all verified
 * @r:		Where to look
 * @text:	What the user wrote
 * @found:	Called once the manifest is known, before the config is fetched
 * @arg:	For @found
 * @ret:	The image; release with remote_image_done(), also after a failure
 * @e:		Failure
 *
 * Return: 0, -ENOENT, -EACCES, -EBADMSG for wrong bytes, -EINTR for @r->stop, ...
 */
int remote_find(const struct remote *r, const char *text, void (*found)(void *arg, const struct remote_image *),
		void *arg, struct remote_image *ret, struct err *e)
{
	auto_strv char **names = registries_candidates(r->registries, text);
	struct err why = { 0 };
	int code = -ENOENT;

	for (char **n = names; *n; n++) {
		code = parse_candidate(*n, ret, &why);
		if (code < 0)
			break;
		code = trust_check_name(r->policy, &ret->ref, &why);
		if (code == 0)
			code = try_reference(r, ret, &why);
		if (code == 0 || code == -EINTR)
			break;
		if (names[1])
			log_debug("%s: %s", *n, why.msg);
	}
	if (code == 0)
		code = check_trust(r, ret, &why);
	if (code == 0) {
		found(arg, ret);
		code = ret->unchanged ? 0 : get_config(r, ret, &why);
	}
	if (code < 0 && e)
		*e = why;
	return code;
}

/**
 * remote_image_done() - Release what remote_find() returned
 * @i:	The image; empty afterwards
 */
void remote_image_done(struct remote_image *i)
{
	reset_answer(i);
	ref_done(&i->ref);
	free(i->config_text);
	oci_image_config_free(i->config);
	*i = (struct remote_image) { 0 };
}
