/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"
#include "storage/store_int.h"

/*
 * oci/index.json is for other programs that read OCI layouts; nothing of ours reads it. It is derived from tags/ after
 * every change of a name, under a lock, so that the last writer has seen all names.
 */

static void add_manifest(struct store *s, struct json *list, const struct image_rec *rec)
{
	auto_free char *text = NULL;
	auto_json struct json *doc = NULL;
	const char *type;
	struct json *d;
	size_t len;

	if (store_blob_read(s, rec->manifest_digest, &text, &len, NULL) < 0 || json_parse(text, len, &doc, NULL) < 0)
		return; /* `system check` reports it */
	type = json_get_str(doc, "mediaType");
	d = json_add_object(list);
	json_set_str(d, "mediaType", type ? type : OCI_MT_MANIFEST);
	json_set_str(d, "digest", rec->manifest_digest);
	json_set_i64(d, "size", (int64_t)len);
	if (rec->name)
		json_set_str(json_set_object(d, "annotations"), "org.opencontainers.image.ref.name", rec->name);
}

/**
 * index_rewrite() - Make oci/index.json what tags/ says
 * @s:	The store
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int index_rewrite(struct store *s, struct err *e)
{
	auto_json struct json *doc = json_new_object();
	auto_close int lock = -EBADF;
	auto_free char *text = NULL;
	struct image_rec *recs;
	struct json *list;
	size_t n;
	int r;

	lock = openat(s->fd, "oci/index.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		return err_set(e, errno, "open 'oci/index.lock'");
	r = fd_lock_wait(lock, false);
	if (r < 0)
		return err_set(e, r, "lock 'oci/index.lock'");
	r = store_image_list(s, &recs, &n, e);
	if (r < 0)
		return r;
	json_set_i64(doc, "schemaVersion", 2);
	json_set_str(doc, "mediaType", OCI_MT_INDEX);
	list = json_set_array(doc, "manifests");
	for (size_t i = 0; i < n; i++)
		add_manifest(s, list, &recs[i]);
	image_recs_free(recs, n);
	text = json_compact(doc);
	return fs_replace_file(s->fd, "oci/index.json", text, strlen(text), 0600, FS_SYNC, e);
}
