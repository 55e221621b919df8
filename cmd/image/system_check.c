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
#include "lib/oci/image.h"
#include "lib/oci/json.h"
#include "lib/runtime/userns.h"
#include "storage/check.h"
#include "storage/store.h"
#include "storage/unpack/rebuild.h"

/* The tar is written again, into a hash: content, sizes and names of all files are what was pulled. */
static void check_layer(struct store *s, const struct idmap *map, const char *diff_id, char ***findings)
{
	char path[STORE_LAYER_PATH_SIZE], have[SHA256_DIGEST_SIZE];
	auto_json struct json *meta = NULL;
	auto_close int fd = -EBADF;
	struct err e;
	int r;

	if (store_layer_path(diff_id, path) < 0)
		return;
	*strrchr(path, '/') = '\0';
	if (fs_open_dir(store_fd(s), path, &fd, &e) < 0 || json_parse_file(fd, "meta.json", 1U << 24, &meta, &e) < 0)
		return; /* told already */
	if (!json_get_bool(meta, "frame", false))
		return; /* its blob is kept, and was hashed */
	r = layer_hash(fd, map, have, &e);
	if (r < 0)
		strv_add_take(findings, xasprintf("layer %s: %s", diff_id, e.msg));
	else if (strcmp(have, diff_id))
		strv_add_take(findings, xasprintf("layer %s: its content has diff id %s", diff_id, have));
}

static int check_layers(struct store *s, char ***findings, struct err *e)
{
	auto_strv char **seen = NULL;
	struct image_rec *recs;
	struct idmap map;
	size_t n;
	int r = idmap_for_caller(&map, e);

	if (r == 0)
		r = store_image_list(s, &recs, &n, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		auto_oci_image_config struct oci_image_config *c = NULL;

		if (store_image_config(s, recs[i].config_digest, &c, NULL) < 0)
			continue;
		for (char **d = c->diff_ids; d && *d; d++) {
			if (strv_has(seen, *d))
				continue;
			strv_add(&seen, *d);
			check_layer(s, &map, *d, findings);
		}
	}
	image_recs_free(recs, n);
	return 0;
}

/**
 * system_check_run() - skiff system check
 * @ctx:	Global options
 * @opts:	struct check_opts
 * @argc:	0
 * @argv:	Empty
 * @e:		Failure
 *
 * Return: 0, 1 when there are findings, negative errno
 */
int system_check_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct check_opts *o = opts;
	auto_store struct store *store = NULL;
	auto_strv char **findings = NULL;
	int r = store_open(ctx->root, ctx->runroot, &store, e);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = store_check(store, o->quick ? CHECK_QUICK : 0, &findings, e);
	if (r == 0 && !o->quick)
		r = check_layers(store, &findings, e);
	for (char **f = findings; f && *f; f++)
		puts(*f);
	return r < 0 ? r : findings != NULL;
}
