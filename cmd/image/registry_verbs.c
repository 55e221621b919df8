/* SPDX-License-Identifier: Apache-2.0 */
/* What can be asked of a registry, and done to it, without pulling: inspect, list-tags, delete. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/image/client.h"
#include "cmd/image/verbs.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/crypto/sha256.h"
#include "lib/http/registry.h"
#include "lib/oci/digest.h"
#include "lib/oci/json.h"

static int open_repository(struct client *c, const char *text, struct ref *ref, struct registry **ret, struct err *e)
{
	const char *plain = str_after(text, "docker://");
	int r = ref_parse(plain ? plain : text, ref, e);

	return r < 0 ? r : remote_open(&c->remote, ref, ret, e);
}

static int print_json(const char *text, size_t len, bool raw, struct err *e)
{
	auto_json struct json *doc = NULL;
	auto_free char *pretty = NULL;
	int r;

	if (raw) {
		fwrite(text, 1, len, stdout);
		return 0;
	}
	r = json_parse(text, len, &doc, e);
	if (r < 0)
		return r;
	pretty = json_pretty(doc);
	printf("%s\n", pretty);
	return 0;
}

static void ignore(void *arg, const struct remote_image *i)
{
	(void)arg;
	(void)i;
}

static int inspect(struct client *c, const struct registry_inspect_opts *o, const char *text, struct err *e)
{
	auto_remote_image struct remote_image i = { 0 };
	auto_registry struct registry *g = NULL;
	auto_ref struct ref ref = { 0 };
	auto_free char *doc = NULL, *type = NULL;
	const char *plain = str_after(text, "docker://");
	size_t len;
	int r;

	if (o->config || o->platform) {
		r = remote_find(&c->remote, plain ? plain : text, ignore, NULL, &i, e);
		if (r < 0)
			return r;
		return o->config ? print_json(i.config_text, i.config_len, o->raw, e)
				 : print_json(i.manifest_text, i.manifest_len, o->raw, e);
	}
	r = open_repository(c, text, &ref, &g, e);
	if (r < 0)
		return r;
	ref_add_default_tag(&ref);
	r = registry_manifest(g, ref.digest ? ref.digest : ref.tag, &doc, &len, &type, e);
	if (r == 0 && ref.digest) {
		char have[SHA256_DIGEST_SIZE];

		sha256_of(doc, len, have);
		if (strcmp(have, ref.digest))
			r = err_say(e, EBADMSG, "%s: wrong digest: the bytes that came have %s", text, have);
	}
	return r < 0 ? r : print_json(doc, len, o->raw, e);
}

/**
 * registry_inspect_run() - skiff registry inspect
 * @ctx:	Global options
 * @opts:	struct registry_inspect_opts
 * @argc:	1
 * @argv:	Name
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int registry_inspect_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct registry_inspect_opts *o = opts;
	struct client c;
	int r = client_open(&c, ctx, &o->reg, o->platform, e);

	(void)argc;
	if (r < 0)
		return r;
	c.remote.strict = false; /* what an index says of an image is shown, right or wrong */
	r = inspect(&c, o, argv[0], e);
	client_close(&c);
	return r;
}

/**
 * registry_list_tags_run() - skiff registry list-tags
 * @ctx:	Global options
 * @opts:	struct registry_verb_opts
 * @argc:	1
 * @argv:	Repository
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int registry_list_tags_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct registry_verb_opts *o = opts;
	auto_registry struct registry *g = NULL;
	auto_ref struct ref ref = { 0 };
	auto_strv char **tags = NULL;
	struct client c;
	int r = client_open(&c, ctx, &o->reg, NULL, e);

	(void)argc;
	if (r < 0)
		return r;
	r = open_repository(&c, argv[0], &ref, &g, e);
	if (r == 0 && (ref.tag || ref.digest))
		r = err_say(e, EINVAL, "'%s': the tags of a repository are listed, name it without one", argv[0]);
	if (r == 0)
		r = registry_tags(g, &tags, e);
	for (char **t = tags; r == 0 && t && *t; t++)
		printf("%s\n", *t);
	registry_freep(&g);
	client_close(&c);
	return r;
}

/**
 * registry_delete_run() - skiff registry delete
 * @ctx:	Global options
 * @opts:	struct registry_verb_opts
 * @argc:	1
 * @argv:	Name
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int registry_delete_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct registry_verb_opts *o = opts;
	auto_registry struct registry *g = NULL;
	auto_ref struct ref ref = { 0 };
	auto_free char *digest = NULL;
	struct client c;
	int r = client_open(&c, ctx, &o->reg, NULL, e);

	(void)argc;
	if (r < 0)
		return r;
	r = open_repository(&c, argv[0], &ref, &g, e);
	if (r == 0 && !ref.tag && !ref.digest)
		r = err_say(e, EINVAL, "'%s': name the tag or digest to delete", argv[0]);
	if (r == 0)
		r = registry_manifest_head(g, ref.digest ? ref.digest : ref.tag, &digest, e);
	if (r == 0 && !digest)
		r = err_say(e, EPROTO, "%s does not say which digest '%s' has", registry_name(g), ref.tag);
	if (r == 0)
		r = registry_manifest_delete(g, digest, e);
	if (r == 0)
		printf("Deleted: %s\n", digest);
	registry_freep(&g);
	client_close(&c);
	return r;
}
