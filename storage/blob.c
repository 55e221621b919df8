/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/oci/digest.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"
#include "storage/store_int.h"

#define BLOB_READ_MAX (16U << 20)
#define META_MAX      (16U << 20)

/**
 * blob_path() - Where a blob is, below the store
 * @digest:	"sha256:..."
 * @buf:	The path
 * @e:		Failure
 *
 * Return: 0 or -EINVAL
 */
int blob_path(const char *digest, char buf[BLOB_PATH_SIZE], struct err *e)
{
	if (!digest || !digest_is_sha256(digest))
		return err_say(e, EINVAL, "'%s' is not a sha256 digest", digest ? digest : "");
	snprintf(buf, BLOB_PATH_SIZE, "oci/blobs/sha256/%s", digest_hex(digest));
	return 0;
}

int store_layer_path(const char *diff_id, char buf[STORE_LAYER_PATH_SIZE])
{
	if (!diff_id || !digest_is_sha256(diff_id))
		return -EINVAL;
	snprintf(buf, STORE_LAYER_PATH_SIZE, "layers/%s/diff", digest_hex(diff_id));
	return 0;
}

/**
 * blob_is_there() - Is a blob in the store?
 * @s:		The store
 * @digest:	Its digest
 *
 * Return: whether it is
 */
bool blob_is_there(struct store *s, const char *digest)
{
	char path[BLOB_PATH_SIZE];

	return blob_path(digest, path, NULL) == 0 && fs_has(store_home_of(s, path), path);
}

/**
 * layer_is_there() - Is a layer in the store, or in an additional one?
 * @s:		The store
 * @diff_id:	Its diff id
 *
 * Return: whether it is
 */
bool layer_is_there(struct store *s, const char *diff_id)
{
	char path[STORE_LAYER_PATH_SIZE];

	return store_layer_path(diff_id, path) == 0 && fs_has(store_home_of(s, path), path);
}

/**
 * layer_is_ours() - Is a layer in the store itself?
 * @s:		The store
 * @diff_id:	Its diff id
 *
 * Return: whether it is
 */
bool layer_is_ours(struct store *s, const char *diff_id)
{
	char path[STORE_LAYER_PATH_SIZE];

	return store_layer_path(diff_id, path) == 0 && fs_has(s->fd, path);
}

int store_layer_open(struct store *s, const char *diff_id, int *ret_fd, struct err *e)
{
	char path[STORE_LAYER_PATH_SIZE];
	int home;

	if (store_layer_path(diff_id, path) < 0)
		return err_say(e, EINVAL, "'%s' is not a diff id", diff_id);
	home = store_home_of(s, path);
	*strrchr(path, '/') = '\0';
	return fs_open_dir(home, path, ret_fd, e);
}

char *store_layer_where(struct store *s, const char *diff_id)
{
	char path[STORE_LAYER_PATH_SIZE];
	int home;

	if (store_layer_path(diff_id, path) < 0 || !layer_is_there(s, diff_id))
		return NULL;
	home = store_home_of(s, path);
	for (size_t i = 0; i < s->n_extra; i++)
		if (s->extra[i].fd == home)
			return xasprintf("%s/%s", s->extra[i].root, path);
	return xasprintf("%s/%s", s->root, path);
}

int store_layer_size(struct store *s, const char *diff_id, int64_t *ret, struct err *e)
{
	auto_json struct json *meta = NULL;
	auto_close int fd = -EBADF;
	int r = store_layer_open(s, diff_id, &fd, e);

	if (r == 0)
		r = json_parse_file(fd, "meta.json", META_MAX, &meta, e);
	if (r < 0)
		return err_wrap(e, r, "layer %s", diff_id);
	*ret = json_get_i64(meta, "size", 0);
	return 0;
}

int store_blob_open(struct store *s, const char *digest, int *ret_fd, struct err *e)
{
	char path[BLOB_PATH_SIZE];
	int fd, r = blob_path(digest, path, e);

	if (r < 0)
		return r;
	fd = openat(store_home_of(s, path), path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_set(e, errno, "open '%s'", path);
	*ret_fd = fd;
	return 0;
}

bool store_layer_has_tar(struct store *s, const char *diff_id)
{
	auto_json struct json *meta = NULL;
	auto_close int fd = -EBADF;

	return store_layer_open(s, diff_id, &fd, NULL) == 0 &&
	       json_parse_file(fd, "meta.json", META_MAX, &meta, NULL) == 0 && json_get_bool(meta, "frame", false);
}

int store_blob_read(struct store *s, const char *digest, char **ret, size_t *ret_len, struct err *e)
{
	char path[BLOB_PATH_SIZE];
	int tries = 0, r = blob_path(digest, path, e);

	if (r < 0)
		return r;
	do
		r = fs_read_file(store_home_of(s, path), path, BLOB_READ_MAX, ret, ret_len, e);
	while (r == -ENOENT && trash_may_return(s, &tries));
	return r;
}

int store_image_config(struct store *s, const char *config_digest, struct oci_image_config **ret, struct err *e)
{
	auto_free char *text = NULL;
	size_t len;
	int r = store_blob_read(s, config_digest, &text, &len, e);

	if (r == 0)
		r = oci_image_config_parse(text, len, ret, e);
	return r < 0 ? err_wrap(e, r, "image config %s", config_digest) : 0;
}
