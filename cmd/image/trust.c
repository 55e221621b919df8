/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * cosign keeps the signatures of an image with the digest sha256:HEX in the same repository under the tag
 * sha256-HEX.sig: a manifest whose layers are signed documents, each with its signature as an annotation. The document
 * says which digest it is about and under which name that was signed. Nothing of it is believed before the signature
 * has been verified, and then its digest must be the image's and its name must fit by the policy's rule.
 */
#include "cmd/image/trust.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/crypto/sha256.h"
#include "lib/crypto/verify.h"
#include "lib/http/registry.h"
#include "lib/oci/digest.h"
#include "lib/oci/json.h"
#include "lib/oci/policy.h"
#include "lib/oci/ref.h"

#define SIGNED_TYPE    "application/vnd.dev.cosign.simplesigning.v1+json"
#define SIGNATURE_NOTE "dev.cosignproject.cosign/signature"
#define PAYLOAD_TYPE   "cosign container image signature"
#define SIGNATURES_MAX 128U
#define PAYLOAD_MAX    (1U << 20)

/**
 * struct attempt - the search for a signature that fulfills a rule
 * @seen:	signatures looked at
 * @why:	the latest reason against one
 */
struct attempt {
	const struct policy_rule *rule;
	const struct ref *ref;
	struct registry *registry;
	const char *digest;
	unsigned seen;
	struct err why;
};

/* Return: 1 it fits, 0 it does not (@a->why says so) */
static int check_payload(struct attempt *a, const char *text, size_t len)
{
	auto_json struct json *doc = NULL;
	const struct json *critical;
	const char *digest, *name;

	if (json_parse(text, len, &doc, &a->why) < 0)
		return 0;
	critical = json_get(doc, "critical");
	digest = json_get_str(json_get(critical, "image"), "docker-manifest-digest");
	name = json_get_str(json_get(critical, "identity"), "docker-reference");
	if (!str_is_eq(json_get_str(critical, "type"), PAYLOAD_TYPE))
		err_say(&a->why, EACCES, "a signature is of another type");
	else if (!str_is_eq(digest, a->digest))
		err_say(&a->why, EACCES, "a signature is for another image (%.80s)", digest ? digest : "none");
	else if (!policy_identity_fits(a->rule, a->ref, name))
		err_say(&a->why, EACCES, "it was signed under another name (%.100s)", name ? name : "none");
	else
		return 1;
	return 0;
}

static bool is_by_key(struct attempt *a, const char *text, size_t len, const char *sig, size_t sig_len)
{
	for (char **k = a->rule->keys; k && *k; k++)
		if (verify_ecdsa(*k, text, len, sig, sig_len, &a->why) == 0)
			return true;
	return false;
}

/* One layer of the signatures' manifest. Return: 1 it fulfills the rule, 0, negative errno */
static int check_signature(struct attempt *a, const struct json *layer, struct err *e)
{
	const char *coded = json_get_str(json_get(layer, "annotations"), SIGNATURE_NOTE);
	const char *digest = json_get_str(layer, "digest");
	auto_free char *sig = NULL, *text = NULL;
	char have[SHA256_DIGEST_SIZE];
	size_t sig_len, len;
	int r;

	if (!str_is_eq(json_get_str(layer, "mediaType"), SIGNED_TYPE) || !coded || !digest || !digest_is_sha256(digest))
		return 0;
	a->seen++;
	if (base64_decode(coded, strlen(coded), &sig, &sig_len) < 0) {
		err_say(&a->why, EACCES, "a signature is not in base64");
		return 0;
	}
	r = registry_blob_read(a->registry, digest, PAYLOAD_MAX, &text, &len, e);
	if (r < 0)
		return r;
	sha256_of(text, len, have);
	if (strcmp(have, digest) != 0)
		return err_say(e, EBADMSG, "signed document %s: wrong digest: the bytes that came have %s", digest,
			       have);
	return is_by_key(a, text, len, sig, sig_len) ? check_payload(a, text, len) : 0;
}

/* The signatures of one digest. Return: 1, 0, negative errno */
static int check_digest(struct attempt *a, struct err *e)
{
	auto_free char *tag = xasprintf("sha256-%s.sig", digest_hex(a->digest)), *text = NULL, *type = NULL;
	auto_json struct json *doc = NULL;
	const struct json *layers;
	size_t len;
	int r = registry_manifest(a->registry, tag, &text, &len, &type, e);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = json_parse(text, len, &doc, e);
	if (r < 0)
		return err_wrap(e, r, "signatures %s", tag);
	layers = json_get_array(doc, "layers");
	for (size_t i = 0; r == 0 && i < json_len(layers) && i < SIGNATURES_MAX; i++)
		r = check_signature(a, json_item(layers, i), e);
	return r;
}

static int want_signature(const struct policy_rule *rule, struct registry *g, const struct ref *ref,
			  const char *const *digests, struct err *e)
{
	struct attempt a = { .rule = rule, .ref = ref, .registry = g };
	int r = 0;

	for (const char *const *d = digests; r == 0 && *d; d++) {
		if (d != digests && str_is_eq(*d, digests[0]))
			continue;
		a.digest = *d;
		r = check_digest(&a, e);
	}
	if (r != 0)
		return r < 0 ? r : 0;
	if (!a.seen)
		return err_say(e, EACCES, "a signature was required, but no signature exists");
	return err_say(e, EACCES, "none of %u signature%s is good: %.200s", a.seen, a.seen > 1 ? "s" : "", a.why.msg);
}

/* Who asks why: which file, which part of it. */
static int rejected(const struct policy *p, const char *scope, const char *what, int r, struct err *e)
{
	if (r != -EACCES)
		return err_wrap(e, r, "%s: policy '%s' (%s)", what, policy_file(p), scope);
	return err_wrap(e, r, "Source image rejected: %s: policy '%s' (%s)", what, policy_file(p), scope);
}

static int check_rules(const struct policy *p, const char *transport, const struct ref *ref, struct registry *g,
		       const char *const *digests, struct err *e)
{
	auto_free char *what = ref ? ref_familiar(ref) : xstrdup(transport), *scope = NULL;
	struct policy_rules rules = { 0 };
	int r = p ? policy_find(p, transport, ref, &rules, &scope, e) : 0;

	if (r < 0 || !p)
		return r;
	for (size_t i = 0; r == 0 && i < rules.n; i++) {
		if (rules.v[i].kind == POLICY_REJECT)
			r = err_say(e, EACCES, "it is rejected");
		else if (rules.v[i].kind == POLICY_SIGSTORE && digests)
			r = want_signature(&rules.v[i], g, ref, digests, e);
		else if (rules.v[i].kind == POLICY_SIGSTORE && !ref)
			r = err_say(e, EACCES, "a signature was required, and archives have none");
		if (r < 0)
			rejected(p, scope, what, r, e);
	}
	policy_rules_done(&rules);
	return r;
}

int trust_check_name(const struct policy *p, const struct ref *ref, struct err *e)
{
	return check_rules(p, "docker", ref, NULL, NULL, e);
}

int trust_check_archive(const struct policy *p, const char *transport, struct err *e)
{
	return check_rules(p, transport, NULL, NULL, NULL, e);
}

int trust_check_image(const struct policy *p, struct registry *g, const struct ref *ref, const char *const *digests,
		      struct err *e)
{
	return check_rules(p, "docker", ref, g, digests, e);
}
