/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/format/text.h"
#include "lib/oci/digest.h"
#include "lib/oci/image.h"
#include "lib/oci/ref.h"
#include "storage/store.h"

struct image_tree_opts {
	bool what_requires;
};

/**
 * struct tree - all images with their layers
 * @s:		the store
 * @recs:	its images
 * @layers:	beside them: diff ids, base first; NULL where a config is damaged
 * @n:		how many
 */
struct tree {
	struct store *s;
	struct image_rec *recs;
	char ***layers;
	size_t n;
};

static void tree_done(struct tree *t)
{
	for (size_t i = 0; t->layers && i < t->n; i++)
		strv_free(t->layers[i]);
	free(t->layers);
	image_recs_free(t->recs, t->n);
}

static int tree_load(struct tree *t, struct store *s, struct err *e)
{
	int r = store_image_list(s, &t->recs, &t->n, e);

	t->s = s;
	t->layers = r == 0 ? xcalloc(t->n + 1, sizeof(*t->layers)) : NULL;
	for (size_t i = 0; r == 0 && i < t->n; i++) {
		auto_oci_image_config struct oci_image_config *c = NULL;

		if (store_image_config(s, t->recs[i].config_digest, &c, NULL) == 0)
			t->layers[i] = take_ptr(&c->diff_ids);
	}
	return r;
}

/* Do they begin with the same @n layers? */
static bool same_start(char *const *a, char *const *b, size_t n)
{
	if (!a || !b || strv_len(a) < n || strv_len(b) < n)
		return n == 0;
	for (size_t i = 0; i < n; i++)
		if (strcmp(a[i], b[i]))
			return false;
	return true;
}

/* Names of the images that consist of exactly these layers. */
static char *names_of(const struct tree *t, char *const *layers, size_t n)
{
	auto_strv char **names = NULL;

	assert(t->layers);
	for (size_t i = 0; i < t->n; i++)
		if (t->recs[i].name && strv_len(t->layers[i]) == n && same_start(t->layers[i], layers, n))
			strv_add_take(&names, ref_shorten(t->recs[i].name));
	return strv_join(names, " ");
}

static void print_layer(const struct tree *t, char *const *layers, size_t n, const char *before)
{
	auto_free char *names = names_of(t, layers, n);
	char size[FORMAT_LEN] = "missing", id[FORMAT_LEN];
	int64_t bytes = 0;

	if (store_layer_size(t->s, layers[n - 1], &bytes, NULL) == 0)
		format_size((uint64_t)bytes, 4, size);
	printf("%s ID: %s Size: %7s%s%s%s\n", before, format_short_id(layers[n - 1], id), size,
	       *names ? " Top Layer of: [" : "", names, *names ? "]" : "");
}

static void print_layers(const struct tree *t, char *const *layers)
{
	size_t n = strv_len(layers);

	puts("Image Layers");
	for (size_t i = 1; i <= n; i++)
		print_layer(t, layers, i, i < n ? "├──" : "└──");
}

/* Has an earlier image shown the @n first layers of this one already? */
static bool is_repeated(const struct tree *t, size_t image, size_t n)
{
	for (size_t i = 0; i < image; i++)
		if (same_start(t->layers[i], t->layers[image], n))
			return true;
	return false;
}

/* The layers that stand on these @n, each below the one it stands on. */
static bool print_children(const struct tree *t, char *const *layers, size_t n, const char *indent)
{
	size_t left = 0;
	bool any;

	assert(t->layers);
	for (size_t i = 0; i < t->n; i++)
		left += strv_len(t->layers[i]) > n && same_start(t->layers[i], layers, n) && !is_repeated(t, i, n + 1);
	any = left > 0;
	for (size_t i = 0; i < t->n; i++) {
		auto_free char *before = NULL, *below = NULL;

		if (strv_len(t->layers[i]) <= n || !same_start(t->layers[i], layers, n) || is_repeated(t, i, n + 1))
			continue;
		left--;
		before = xasprintf("%s%s", indent, left ? "├──" : "└──");
		below = xasprintf("%s%s", indent, left ? "│   " : "    ");
		print_layer(t, t->layers[i], n + 1, before);
		print_children(t, t->layers[i], n + 1, below);
	}
	return any;
}

static int image_tree_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct image_tree_opts *o = opts;
	__attribute__((cleanup(tree_done))) struct tree t = { 0 };
	auto_oci_image_config struct oci_image_config *c = NULL;
	auto_image_rec struct image_rec rec = { 0 };
	auto_store struct store *store = NULL;
	auto_strv char **names = NULL;
	auto_free char *shown = NULL;
	char text[FORMAT_LEN];
	int r = store_open(ctx->root, ctx->runroot, &store, e);

	(void)argc;
	if (r == 0)
		r = store_image_find(store, argv[0], &rec, e);
	if (r == 0)
		r = store_image_config(store, rec.config_digest, &c, e);
	if (r == 0)
		r = tree_load(&t, store, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < t.n; i++)
		if (t.recs[i].name && !strcmp(t.recs[i].config_digest, rec.config_digest))
			strv_add_take(&names, ref_shorten(t.recs[i].name));
	assert(c);
	shown = strv_join(names, " ");
	printf("Image ID: %.12s\nTags:     [%s]\nSize:     %s\n", digest_hex(rec.config_digest), shown,
	       format_size((uint64_t)rec.size, 4, text));
	if (!o->what_requires)
		print_layers(&t, c->diff_ids);
	else if (!print_children(&t, c->diff_ids, strv_len(c->diff_ids), ""))
		puts("No child layers");
	return 0;
}

static const struct opt opts[] = {
	OPT_BOOL(0, "whatrequires", struct image_tree_opts, what_requires,
		 "Show the layers of other images that stand on this one"),
	OPT_END,
};

const struct cmd cmd_image_tree = {
	.path = "image tree",
	.args = "IMAGE",
	.help = "Show the layers of an image as a tree",
	.opts = opts,
	.opts_size = sizeof(struct image_tree_opts),
	.min_args = 1,
	.max_args = 1,
	.run = image_tree_run,
};
