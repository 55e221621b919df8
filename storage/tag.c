/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/base/time.h"
#include "lib/oci/digest.h"
#include "lib/oci/ref.h"
#include "storage/store_int.h"

/*
 * Theory of operation
 *
 * tags/ has one file per name: "key value" lines with all that `images` shows, so that listing reads no blob and
 * starting a container by name costs one small read. The file's name is the image's name with the characters that names
 * of files cannot have (and % itself) replaced; the name inside the file is the one that counts. An image that lost its
 * last name to another image keeps a file named after its config digest, without a name line.
 */

/* NAME_MAX is 255; fs_replace_file() appends ".tmp-" and 16 digits to it. */
#define ENCODED_MAX 230

/**
 * tag_encode() - The file below tags/ that has an image's name
 * @name:	The name, or "@" + config digest for an image without one
 * @buf:	Name of the file
 *
 * None looks like the temporary file of another (fs_replace_file()): "a:1.tmp-2" is a good name of an image.
 * Names too long for a file keep their beginning and end in a hash; whoever reads compares the name inside.
 */
void tag_encode(const char *name, char buf[256])
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	uint64_t h1 = 14695981039346656037U, h2 = 88172645463325252U;
	size_t n = 0;

	for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
		h1 = (h1 ^ *p) * 1099511628211U;
		h2 = (h2 + *p) * 6364136223846793005U + 1442695040888963407U;
		if (n > ENCODED_MAX - 4)
			n = ENCODED_MAX;
		else if (strchr(plain, *p) && !(n == 0 && *p == '.') && !str_has_prefix((const char *)p, ".tmp-"))
			buf[n++] = (char)*p;
		else if (*p == '/')
			buf[n++] = ',';
		else if (*p == ':')
			buf[n++] = '=';
		else if (*p == '@')
			buf[n++] = '+';
		else
			n += (size_t)snprintf(buf + n, 4, "%%%02X", *p);
	}
	if (n == ENCODED_MAX)
		n = (size_t)snprintf(buf + ENCODED_MAX - 40, 40, "~%016" PRIx64 "%016" PRIx64, h1, h2) + ENCODED_MAX -
		    40;
	buf[n] = '\0';
}

/**
 * tag_decode() - The name that a file below tags/ stands for
 * @file:	Name of the file
 *
 * Return: the name, owned; NULL when the file's name does not have it all
 */
char *tag_decode(const char *file)
{
	struct sbuf b = { 0 };

	/* What has a %XX is no name of an image: those have plain characters only. */
	for (const char *p = file; *p; p++)
		sbuf_addc(&b, (char)(*p == ',' ? '/' : *p == '=' ? ':' : *p == '+' ? '@' : *p));
	if (strpbrk(file, "~%") || !b.len) {
		sbuf_done(&b);
		return NULL;
	}
	return sbuf_take(&b);
}

void image_rec_done(struct image_rec *r)
{
	free(r->name);
	free(r->manifest_digest);
	free(r->config_digest);
	free(r->repo_digest);
	*r = (struct image_rec) { 0 };
}

void image_recs_free(struct image_rec *r, size_t n)
{
	for (size_t i = 0; r && i < n; i++)
		image_rec_done(&r[i]);
	free(r);
}

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

/**
 * image_rec_copy() - A deep copy
 * @from:	What to copy
 * @to:		Where to; what was there is not released
 */
void image_rec_copy(const struct image_rec *from, struct image_rec *to)
{
	*to = *from;
	to->name = dup_or_null(from->name);
	to->manifest_digest = dup_or_null(from->manifest_digest);
	to->config_digest = dup_or_null(from->config_digest);
	to->repo_digest = dup_or_null(from->repo_digest);
}

/**
 * image_rec_key() - What tag_encode() wants for a record
 * @rec:	The record
 *
 * Return: its name, or "@" and its config digest; owned by the caller
 */
char *image_rec_key(const struct image_rec *rec)
{
	return rec->name ? xstrdup(rec->name) : xasprintf("@%s", rec->config_digest);
}

static int set_field(struct image_rec *rec, const char *key, const char *value)
{
	if (str_is_eq(key, "name"))
		rec->name = xstrdup(value);
	else if (str_is_eq(key, "manifest"))
		rec->manifest_digest = xstrdup(value);
	else if (str_is_eq(key, "config"))
		rec->config_digest = xstrdup(value);
	else if (str_is_eq(key, "repo"))
		rec->repo_digest = xstrdup(value);
	else if (str_is_eq(key, "size"))
		return str_to_i64(value, &rec->size);
	else if (str_is_eq(key, "created"))
		return str_to_i64(value, &rec->created_ns);
	return 0; /* keys of later versions of this format are theirs */
}

static int parse_tag(const char *text, const char *file, struct image_rec *ret, struct err *e)
{
	auto_image_rec struct image_rec rec = { 0 };
	auto_strv char **lines = strv_split(text, '\n');

	for (char **l = lines; *l; l++) {
		char *value = strchr(*l, ' ');

		if (!value)
			continue;
		*value++ = '\0';
		if (set_field(&rec, *l, value) < 0)
			return err_say(e, EPROTO, "'tags/%s' is damaged: bad %s", file, *l);
	}
	if (!rec.manifest_digest || !rec.config_digest || !digest_is_sha256(rec.manifest_digest) ||
	    !digest_is_sha256(rec.config_digest))
		return err_say(e, EPROTO, "'tags/%s' is damaged", file);
	*ret = rec;
	rec = (struct image_rec) { 0 };
	return 0;
}

/**
 * tag_read_file() - Read a record by the name of its file
 * @root:	The store's folder
 * @file:	Name below tags/
 * @ret:	The record
 * @e:		Failure
 *
 * Return: 0, -ENOENT, -EPROTO when it is damaged
 */
int tag_read_file(int root, const char *file, struct image_rec *ret, struct err *e)
{
	auto_free char *text = NULL, *path = xasprintf("tags/%s", file);
	int r = fs_read_file(root, path, TAG_FILE_MAX, &text, NULL, e);

	return r < 0 ? r : parse_tag(text, file, ret, e);
}

/**
 * tag_read() - Read the record of one name
 * @s:		The store
 * @name:	Full name, or "@" + config digest
 * @ret:	The record
 * @e:		Failure
 *
 * Return: 0, -ENOENT
 */
int tag_read(struct store *s, const char *name, struct image_rec *ret, struct err *e)
{
	auto_image_rec struct image_rec rec = { 0 };
	char file[256];
	int r;

	tag_encode(name, file);
	r = tag_read_file(s->fd, file, &rec, e);
	if (r < 0)
		return r;
	if (rec.name ? !str_is_eq(rec.name, name) : *name != '@')
		return err_say(e, ENOENT, "'tags/%s' is another image's", file);
	*ret = rec;
	rec = (struct image_rec) { 0 };
	return 0;
}

/**
 * tag_write() - Write the record of one name, durably
 * @s:		The store
 * @rec:	The record
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int tag_write(struct store *s, const struct image_rec *rec, struct err *e)
{
	auto_sbuf struct sbuf b = { 0 };
	auto_free char *key = image_rec_key(rec), *path = NULL;
	auto_image_rec struct image_rec old = { 0 };
	char file[256];

	if (str_has_control(key) || strchr(key, ' '))
		return err_say(e, EINVAL, "invalid image name");
	tag_encode(key, file);
	if (rec->name && tag_read_file(s->fd, file, &old, NULL) == 0 && !str_is_eq(old.name, rec->name))
		return err_say(e, EEXIST, "image name '%s' cannot be stored beside '%s'", rec->name, old.name);
	if (rec->name)
		sbuf_printf(&b, "name %s\n", rec->name);
	sbuf_printf(&b, "manifest %s\nconfig %s\n", rec->manifest_digest, rec->config_digest);
	if (rec->repo_digest)
		sbuf_printf(&b, "repo %s\n", rec->repo_digest);
	sbuf_printf(&b, "size %" PRId64 "\ncreated %" PRId64 "\n", rec->size, rec->created_ns);
	path = xasprintf("tags/%s", file);
	return fs_replace_file(s->fd, path, b.p, b.len, 0600, FS_SYNC, e);
}

/**
 * tag_remove() - Remove the record of one name, durably
 * @s:		The store
 * @rec:	The record
 * @e:		Failure
 *
 * Return: 0 (also when it is gone already) or negative errno
 */
int tag_remove(struct store *s, const struct image_rec *rec, struct err *e)
{
	auto_free char *key = image_rec_key(rec);
	auto_close int fd = -EBADF;
	char file[256];
	int r = fs_open_dir(s->fd, "tags", &fd, e);

	if (r < 0)
		return r;
	tag_encode(key, file);
	if (unlinkat(fd, file, 0) < 0 && errno != ENOENT)
		return err_set(e, errno, "remove 'tags/%s'", file);
	return fs_sync_dir(fd, e);
}

/**
 * tag_read_folder() - Read every record of one store
 * @root:	The store's folder
 * @strict:	A damaged file is an error, not a warning
 * @ret:	Records, in no order; image_recs_free()
 * @ret_n:	How many
 * @e:		Failure
 *
 * A damaged file is a warning: one bad name must not make all others unusable (`system check` reports it).
 *
 * Return: 0 or negative errno
 */
int tag_read_folder(int root, bool strict, struct image_rec **ret, size_t *ret_n, struct err *e)
{
	auto_strv char **names = NULL;
	struct image_rec *recs;
	struct err why = { 0 };
	size_t n = 0;
	int r = fs_list_dir(root, "tags", &names, e);

	if (r < 0)
		return r;
	recs = xcalloc(strv_len(names) + 1, sizeof(*recs));
	for (char **f = names; f && *f; f++) {
		if (strstr(*f, ".tmp-"))
			continue;
		r = tag_read_file(root, *f, &recs[n], &why);
		if (r == 0)
			n++;
		else if (r != -ENOENT && strict)
			break;
		else if (r != -ENOENT)
			log_warn("ignored, going on: %s", why.msg);
		r = 0;
	}
	if (r < 0) {
		image_recs_free(recs, n);
		return err_hint(e, err_say(e, r, "%s; nothing is deleted until that is mended", why.msg),
				"skiff system check --repair");
	}
	*ret = recs;
	*ret_n = n;
	return 0;
}

/**
 * tag_read_all() - Read every record of this store, not of additional ones
 * @s:		The store
 * @ret:	Records, in no order; image_recs_free()
 * @ret_n:	How many
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int tag_read_all(struct store *s, struct image_rec **ret, size_t *ret_n, struct err *e)
{
	return tag_read_folder(s->fd, false, ret, ret_n, e);
}

int64_t store_image_tagged_ns(struct store *s, const struct image_rec *rec)
{
	auto_free char *key = image_rec_key(rec), *path = NULL;
	char file[256];
	struct stat st;

	tag_encode(key, file);
	path = xasprintf("tags/%s", file);
	if (fstatat(store_home_of(s, path), path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return st.st_mtim.tv_sec * NSEC_PER_SEC + st.st_mtim.tv_nsec;
}
