/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/format/list.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"
#include "storage/store.h"

struct image_diff_opts {
	const char *format;
};

static const struct format_column columns[] = {
	{ "Type", "CHANGE TYPE" },
	{ "Path", "PATH" },
	{ NULL, NULL },
};

static int find_layers(struct store *s, const char *text, char ***ret, struct err *e)
{
	auto_oci_image_config struct oci_image_config *c = NULL;
	auto_image_rec struct image_rec rec = { 0 };
	int r = store_image_find(s, text, &rec, e);

	if (r == 0)
		r = store_image_config(s, rec.config_digest, &c, e);
	if (r == 0)
		*ret = take_ptr(&c->diff_ids);
	return r;
}

/* podman's document: three lists of paths. */
static void print_json(char *const *lines)
{
	auto_json struct json *j = json_new_object();
	static const char *const lists[] = { "changed", "added", "deleted" };
	auto_free char *text = NULL;

	for (size_t i = 0; i < 3; i++) {
		struct json *list = NULL;

		for (char *const *l = lines; l && *l; l++) {
			if (**l != "CAD"[i])
				continue;
			if (!list)
				list = json_set_array(j, lists[i]);
			json_add_str(list, *l + 2);
		}
	}
	text = json_pretty(j);
	puts(text);
}

static int print_lines(const char *format, char *const *lines, struct err *e)
{
	auto_format_list struct format_list *l = NULL;
	int r = format_list_new(format ? format : "{{.Type}} {{.Path}}", "{{.Type}}\t{{.Path}}", columns, &l, e);

	for (; r == 0 && lines && *lines; lines++) {
		auto_json struct json *j = json_new_object();
		char type[2] = { **lines, '\0' };

		json_set_str(j, "Type", type);
		json_set_str(j, "Path", *lines + 2);
		r = format_list_add(l, j, NULL, e);
	}
	return r < 0 ? r : format_list_print(l, stdout, e);
}

static int image_diff_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct image_diff_opts *o = opts;
	auto_strv char **layers = NULL, **base = NULL, **lines = NULL;
	auto_store struct store *store = NULL;
	int r = store_open(ctx->root, ctx->runroot, &store, e);

	if (r == 0)
		r = find_layers(store, argv[0], &layers, e);
	if (r == 0 && argc > 1) {
		r = find_layers(store, argv[1], &base, e);
	} else if (r == 0 && layers) { /* what its topmost layer changes */
		size_t n = strv_len(layers) - 1;

		for (size_t i = 0; i < n; i++)
			strv_add(&base, layers[i]);
	}
	if (r == 0)
		r = store_layers_diff(store, layers, base, &lines, e);
	if (r < 0)
		return r;
	if (o->format && !strcmp(o->format, "json")) {
		print_json(lines);
		return 0;
	}
	return print_lines(o->format, lines, e);
}

static const struct opt opts[] = {
	OPT_STR(0, "format", struct image_diff_opts, format, "\"json\", \"table\", or a Go template"),
	OPT_END,
};

const struct cmd cmd_image_diff = {
	.path = "image diff",
	.args = "IMAGE [IMAGE]",
	.help = "Show what files the last layer of an image changes",
	.more = "With a second image: what is different from that one.\n"
		"A: added, C: changed (a folder also when something in it is), D: deleted.",
	.opts = opts,
	.opts_size = sizeof(struct image_diff_opts),
	.min_args = 1,
	.max_args = 2,
	.run = image_diff_run,
};
