/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/images_tree.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/format/table.h"
#include "lib/format/text.h"
#include "lib/oci/digest.h"
#include "lib/oci/image.h"
#include "lib/oci/ref.h"
#include "storage/store.h"

/* Right-aligned under its heading. */
static void add_size(struct sbuf *b, uint64_t bytes, int width)
{
	char text[FORMAT_LEN];

	sbuf_printf(b, "\t%*s", width, format_size(bytes, 3, text));
}

static void add_row(struct sbuf *b, const char *name, const char *digest, const struct image_usage *u)
{
	char id[FORMAT_LEN];

	sbuf_printf(b, "%s\t%s", name, format_short_id(digest, id));
	add_size(b, u->size, (int)strlen("DISK USAGE"));
	add_size(b, u->content, (int)strlen("CONTENT SIZE"));
	sbuf_printf(b, "\t%s\n", u->containers ? "U" : "");
}

static void add_image(struct sbuf *b, struct store *s, const struct store_usage *usage, const struct image_rec *recs,
		      size_t n, size_t first)
{
	static const struct image_usage none = { 0 };
	const struct image_usage *u = store_usage_of(usage, recs[first].config_digest);
	auto_oci_image_config struct oci_image_config *c = NULL;
	auto_free char *name = NULL, *platform = NULL, *leaf = NULL;

	for (size_t i = first; i < n; i++) {
		if (strcmp(recs[i].config_digest, recs[first].config_digest))
			continue;
		if (name)
			sbuf_printf(b, "%s\t\t\t\t\n", name);
		cleanup_free(&name);
		name = recs[i].name ? ref_shorten(recs[i].name) : xstrdup("<untagged>");
	}
	add_row(b, name, recs[first].config_digest, u ? u : &none);
	if (store_image_config(s, recs[first].config_digest, &c, NULL) < 0)
		return;
	platform = oci_platform_text(&c->platform);
	leaf = xasprintf("└─ %s", platform);
	add_row(b, leaf, recs[first].manifest_digest, u ? u : &none);
}

int images_tree(struct store *s, const struct image_rec *recs, size_t n, struct err *e)
{
	auto_store_usage struct store_usage usage = { 0 };
	auto_sbuf struct sbuf b = { 0 };
	int r = store_usage(s, &usage, e);

	if (r < 0)
		return r;
	sbuf_adds(&b, "IMAGE\tID\tDISK USAGE\tCONTENT SIZE\tEXTRA\n");
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < i && strcmp(recs[k].config_digest, recs[i].config_digest))
			k++;
		if (k == i)
			add_image(&b, s, &usage, recs, n, i);
	}
	printf("U: in use by a container\n\n");
	table_print(sbuf_str(&b), b.len, stdout);
	return 0;
}
