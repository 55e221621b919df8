/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/oci/digest.h"
#include "storage/store_int.h"

/*
 * layers/HEX/origins: as which blobs the layer is known, and where. One line each, newest first:
 *
 *	DIGEST SIZE FROM
 *
 * FROM is a repository that has the blob ("docker.io/library/debian"), or how we made it ("made:gzip:0"). It only
 * saves work: a push mounts the blob from the repository, or knows without compressing what compressing would give. So
 * it is written without a lock and without a sync, and a line that is lost or wrong costs a request.
 */

#define ORIGINS_MAX	 32
#define ORIGINS_FILE_MAX 65536

void store_origins_free(struct store_origin *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].digest);
		free(v[i].from);
	}
	free(v);
}

static int origins_path(const char *diff_id, char buf[96])
{
	if (!diff_id || !digest_is_sha256(diff_id))
		return -EINVAL;
	snprintf(buf, 96, "layers/%s/origins", digest_hex(diff_id));
	return 0;
}

static bool parse_line(const char *line, struct store_origin *ret)
{
	auto_strv char **words = strv_split(line, ' ');
	uint64_t size;

	if (strv_len(words) != 3 || !digest_is_sha256(words[0]) || str_to_u64(words[1], INT64_MAX, &size) < 0 ||
	    !*words[2] || str_has_control(words[2]))
		return false;
	*ret = (struct store_origin) { xstrdup(words[0]), (int64_t)size, xstrdup(words[2]) };
	return true;
}

size_t store_origins(struct store *s, const char *diff_id, struct store_origin **ret)
{
	auto_free char *text = NULL;
	auto_strv char **lines = NULL;
	char path[96];
	size_t n = 0;

	*ret = NULL;
	if (origins_path(diff_id, path) < 0 || fs_read_file(s->fd, path, ORIGINS_FILE_MAX, &text, NULL, NULL) < 0)
		return 0;
	lines = strv_split(text, '\n');
	*ret = xcalloc(strv_len(lines) + 1, sizeof(**ret));
	for (char **l = lines; *l && n < ORIGINS_MAX; l++)
		n += parse_line(*l, &(*ret)[n]);
	return n;
}

void store_origin_add(struct store *s, const char *diff_id, const struct store_origin *o)
{
	auto_sbuf struct sbuf b = { 0 };
	struct store_origin *old;
	char path[96];
	size_t n = store_origins(s, diff_id, &old);
	bool is_first = n && str_is_eq(old[0].digest, o->digest) && str_is_eq(old[0].from, o->from);

	sbuf_printf(&b, "%s %lld %s\n", o->digest, (long long)o->size, o->from);
	for (size_t i = 0; i < n && i < ORIGINS_MAX - 1; i++)
		if (!str_is_eq(old[i].digest, o->digest) || !str_is_eq(old[i].from, o->from))
			sbuf_printf(&b, "%s %lld %s\n", old[i].digest, (long long)old[i].size, old[i].from);
	store_origins_free(old, n);
	if (!is_first && origins_path(diff_id, path) == 0)
		fs_replace_file(s->fd, path, b.p, b.len, 0600, 0, NULL);
}
