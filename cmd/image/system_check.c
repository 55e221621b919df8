/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/image/verbs.h"
#include "cmd/spec.h"
#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/oci/json.h"
#include "lib/runtime/userns.h"
#include "storage/check.h"
#include "storage/store.h"
#include "storage/unpack/rebuild.h"

/* The tar is written again, into a hash: content, sizes and names of all files are what was pulled. */
static void check_layer(struct store *s, const struct idmap *map, const char *diff_id, struct findings *findings)
{
	char have[SHA256_DIGEST_SIZE];
	auto_json struct json *meta = NULL;
	auto_close int fd = -EBADF;
	struct err e;
	int r;

	if (store_layer_open(s, diff_id, &fd, &e) < 0 || json_parse_file(fd, "meta.json", 1U << 24, &meta, &e) < 0)
		return; /* told already */
	if (!json_get_bool(meta, "frame", false))
		return; /* its blob is kept, and was hashed */
	r = layer_hash(fd, map, have, &e);
	if (r < 0)
		findings_add(findings, FINDING_LAYER, diff_id, xasprintf("layer %s: %s", diff_id, e.msg));
	else if (strcmp(have, diff_id))
		findings_add(findings, FINDING_LAYER, diff_id,
			     xasprintf("layer %s: its content has diff id %s", diff_id, have));
}

static int check_layers(struct store *s, struct findings *findings, struct err *e)
{
	auto_strv char **layers = NULL;
	struct idmap map;
	int r = idmap_for_caller(&map, e);

	if (r == 0)
		r = store_check_layers(s, &layers, e);
	for (char **d = layers; r == 0 && d && *d; d++)
		check_layer(s, &map, *d, findings);
	return r;
}

/**
 * system_check_run() - skiff system check
 * @ctx:	Global options
 * @opts:	struct check_opts
 * @argc:	0
 * @argv:	Empty
 * @e:		Failure
 *
 * Return: 0, 1 when there are findings (with --repair: when images stay unusable), negative errno
 */
int system_check_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct check_opts *o = opts;
	auto_store struct store *store = NULL;
	auto_findings struct findings findings = { 0 };
	auto_strv char **done = NULL;
	int r = store_open(ctx->root, ctx->runroot, &store, e);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = store_check(store, o->quick ? CHECK_QUICK : 0, &findings, e);
	if (r == 0 && !o->quick)
		r = check_layers(store, &findings, e);
	for (size_t i = 0; i < findings.n; i++)
		puts(findings.v[i].text);
	if (r < 0 || !o->repair)
		return r < 0 ? r : findings.n > 0;
	r = store_repair(store, &findings, &done, e);
	for (char **d = done; d && *d; d++)
		puts(*d);
	return r;
}
