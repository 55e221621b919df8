/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/copy_end.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/image/trust.h"
#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/crypto/sha256.h"
#include "lib/http/registry.h"
#include "lib/oci/digest.h"
#include "lib/oci/kv.h"
#include "storage/store.h"

static const char *const prefixes[] = {
	[END_DOCKER] = "docker://",
	[END_OCI] = "oci:",
	[END_OCI_ARCHIVE] = "oci-archive:",
	[END_DOCKER_ARCHIVE] = "docker-archive:",
	[END_DIR] = "dir:",
	[END_STORE] = "store:",
};
static_assert(sizeof(prefixes) / sizeof(*prefixes) == END__N, "a prefix for each kind");

/* "PATH:NAME"; a path has no colon, as for skopeo. */
static void split_path(struct copy_end *c, const char *rest)
{
	const char *colon = c->kind == END_DIR ? NULL : strchr(rest, ':');

	c->path = colon ? xstrndup(rest, (size_t)(colon - rest)) : xstrdup(rest);
	c->name = colon && colon[1] ? xstrdup(colon + 1) : NULL;
}

/* "[/root]name" or "name". */
static int split_store(struct copy_end *c, const char *rest, struct err *e)
{
	const char *end = *rest == '[' ? strchr(rest, ']') : NULL;

	if (*rest == '[' && (!end || rest[1] != '/'))
		return err_say(e, EINVAL, "'%s': a store is named by its folder: store:[/FOLDER]NAME", rest);
	if (end) {
		c->path = xstrndup(rest + 1, (size_t)(end - rest - 1));
		rest = end + 1;
	}
	c->name = xstrdup(rest);
	return 0;
}

/**
 * copy_end_parse() - Read how an end is written
 * @text:	What the user wrote
 * @ret:	The end; copy_end_done()
 * @e:		Failure
 *
 * Return: 0 or -EINVAL
 */
int copy_end_parse(const char *text, struct copy_end *ret, struct err *e)
{
	const char *rest = NULL;
	int r = 0;

	for (ret->kind = 0; ret->kind < END__N; ret->kind++) {
		rest = str_after(text, prefixes[ret->kind]);
		if (rest)
			break;
	}
	if (!rest)
		return err_say(e, EINVAL,
			       "'%s' names no place: docker://, oci:, oci-archive:, docker-archive:, dir: and "
			       "store: do",
			       text);
	if (!*rest)
		return err_say(e, EINVAL, "'%s' is not complete", text);
	if (ret->kind == END_DOCKER) {
		r = ref_parse(rest, &ret->ref, e);
		ref_add_default_tag(&ret->ref);
		ref_prefer_digest(&ret->ref);
	} else if (ret->kind == END_STORE) {
		r = split_store(ret, rest, e);
	} else {
		split_path(ret, rest);
	}
	return r;
}

/**
 * copy_end_done() - Release an end
 * @c:	The end
 */
void copy_end_done(struct copy_end *c)
{
	free(c->path);
	free(c->name);
	ref_done(&c->ref);
	registry_free(c->registry);
	if (c->own_store)
		store_free(c->store);
	members_done(&c->members);
	archive_images_done(&c->images);
	image_rec_done(&c->rec);
	fd_closep(&c->dirfd);
	fd_closep(&c->archive);
	*c = (struct copy_end)COPY_END_NONE;
}

/**
 * copy_end_text() - The end as messages name it
 * @c:	The end
 *
 * Return: owned text
 */
char *copy_end_text(const struct copy_end *c)
{
	if (c->kind == END_DOCKER) {
		auto_free char *ref = ref_full(&c->ref);

		return xasprintf("docker://%s", ref);
	}
	return xasprintf("%s%s%s%s", prefixes[c->kind], c->path ? c->path : "", c->path && c->name ? ":" : "",
			 c->name ? c->name : "");
}

/**
 * copy_end_check() - May anything come from this end, by the policy?
 * @c:	The end
 * @p:	The policy or NULL
 * @e:	Failure
 *
 * What is in the store came in by the rules. What comes from a registry is checked again once its digest is known.
 *
 * Return: 0, -EACCES, ...
 */
int copy_end_check(const struct copy_end *c, const struct policy *p, struct err *e)
{
	auto_free char *transport = xstrndup(prefixes[c->kind], strcspn(prefixes[c->kind], ":"));

	if (c->kind == END_STORE)
		return 0;
	return c->kind == END_DOCKER ? trust_check_name(p, &c->ref, e) : trust_check_archive(p, transport, e);
}

/* A member as a file of its own; a large one is still in the archive, and is taken out when it is first asked for. */
static int open_member(const struct copy_end *c, const struct member *m, int *ret_fd, struct err *e)
{
	char name[32];
	int r = 0;

	snprintf(name, sizeof(name), m->in_place ? "at-%llu" : "%llu",
		 (unsigned long long)(m->in_place ? m->offset : m->file));
	if (m->in_place && !fs_has(c->dirfd, name))
		r = members_take(&c->members, c->dirfd, m, c->dirfd, name, e);
	if (r < 0)
		return r;
	*ret_fd = openat(c->dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return *ret_fd < 0 ? err_set(e, errno, "open a member of '%s'", c->path) : 0;
}

static int open_archive(struct copy_end *c, const struct remote *r, int scratch_fd, struct err *e)
{
	int code;

	c->archive = open(c->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (c->archive < 0)
		return err_set(e, errno, "open '%s'", c->path);
	c->dirfd = fcntl(scratch_fd, F_DUPFD_CLOEXEC, 3);
	if (c->dirfd < 0)
		return err_set(e, errno, "duplicate descriptor");
	code = members_stage(c->archive, c->dirfd, r->stop, &c->members, e);
	if (code < 0 || c->kind != END_DOCKER_ARCHIVE)
		return code;
	code = archive_read_images(&c->members, c->dirfd, r->strict ? r->platform : NULL, &c->images, e);
	for (size_t i = 0; code == 0 && i < c->images.n; i++) {
		auto_ref struct ref want = { 0 };
		auto_free char *full = NULL;

		if (c->name && ref_parse(c->name, &want, NULL) == 0) {
			ref_add_default_tag(&want);
			full = ref_full(&want);
		}
		if (!c->name || (full && strv_has(c->images.v[i].names, full)))
			c->image = c->image && !c->name ? NULL : &c->images.v[i];
	}
	if (code == 0 && !c->name && c->images.n > 1)
		return err_say(e, EINVAL, "'%s' holds %zu images: name one behind a colon", c->path, c->images.n);
	if (code == 0 && !c->image)
		return err_say(e, ENOENT, "'%s' holds no image '%s'", c->path, c->name);
	return code;
}

/**
 * copy_end_open() - Open an end to read from it
 * @c:		The end
 * @r:		Settings
 * @scratch_fd:	Empty folder for an archive's members
 * @e:		Failure
 *
 * Return: 0, -ENOENT, ...
 */
int copy_end_open(struct copy_end *c, const struct remote *r, int scratch_fd, struct err *e)
{
	int code = 0;

	switch (c->kind) {
	case END_DOCKER:
		return remote_open(r, &c->ref, &c->registry, e);
	case END_OCI:
	case END_DIR:
		return fs_open_dir(AT_FDCWD, c->path, &c->dirfd, e);
	case END_STORE:
		c->own_store = c->path != NULL;
		if (c->path)
			code = store_open(c->path, NULL, &c->store, e);
		else
			c->store = r->store;
		return code < 0 ? code : store_image_find(c->store, c->name, &c->rec, e);
	default:
		return open_archive(c, r, scratch_fd, e);
	}
}

/* A file of an OCI layout, in a folder or in an archive. */
static int open_file(const struct copy_end *c, const char *name, int *ret_fd, struct err *e)
{
	if (c->kind == END_OCI_ARCHIVE) {
		const struct member *m = members_find(&c->members, name);

		return m ? open_member(c, m, ret_fd, e) : err_say(e, ENOENT, "'%s' has no member '%s'", c->path, name);
	}
	*ret_fd = openat(c->dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return *ret_fd < 0 ? err_set(e, errno, "open '%s' in '%s'", name, c->path) : 0;
}

static int read_file(const struct copy_end *c, const char *name, size_t max, char **ret, size_t *ret_len, struct err *e)
{
	auto_close int fd = -EBADF;
	int r = open_file(c, name, &fd, e);

	if (r == 0)
		r = fs_read_regular(fd, max, ret, ret_len);
	return r < 0 ? err_set(e, r, "read '%s' in '%s'", name, c->path) : 0;
}

/**
 * copy_end_blob() - Open a blob
 * @c:		Where, not END_DOCKER
 * @digest:	Checked digest
 * @ret_fd:	The file
 * @e:		Failure
 *
 * Return: 0, -ENOENT, -ENOTSUP for another digest than sha256
 */
int copy_end_blob(struct copy_end *c, const char *digest, int *ret_fd, struct err *e)
{
	auto_free char *name = NULL;

	if (!digest_is_sha256(digest))
		return err_say(e, ENOTSUP, "%s: only sha256 digests are supported", digest);
	assert(digest);
	if (c->kind == END_STORE)
		return store_blob_open(c->store, digest, ret_fd, e);
	if (c->kind == END_DOCKER_ARCHIVE) {
		for (size_t i = 0; i < c->members.n; i++) {
			if (!c->members.v[i].target && !strcmp(c->members.v[i].digest, digest))
				return open_member(c, &c->members.v[i], ret_fd, e);
		}
		return err_say(e, ENOENT, "'%s' has no blob %s", c->path, digest);
	}
	name = c->kind == END_DIR ? xstrdup(digest_hex(digest)) : xasprintf("blobs/sha256/%s", digest_hex(digest));
	return open_file(c, name, ret_fd, e);
}

static int verify(const char *digest, const char *text, size_t len, struct err *e)
{
	char have[SHA256_DIGEST_SIZE];

	assert(digest);
	sha256_of(text, len, have);
	return strcmp(have, digest) ? err_say(e, EBADMSG, "%s: wrong digest: the bytes have %s", digest, have) : 0;
}

/**
 * copy_end_doc() - Read a manifest by digest
 * @c:		Where
 * @digest:	Which
 * @ret:	Its bytes
 * @ret_len:	How many
 * @e:		Failure
 *
 * Return: 0, -ENOENT, -EBADMSG
 */
int copy_end_doc(struct copy_end *c, const char *digest, char **ret, size_t *ret_len, struct err *e)
{
	auto_free char *text = NULL, *type = NULL;
	auto_close int fd = -EBADF;
	int r;

	if (c->image && str_is_eq(digest, c->image->manifest_digest)) {
		*ret = xstrdup(c->image->manifest_text);
		*ret_len = c->image->manifest_len;
		return 0;
	}
	if (c->kind == END_DOCKER) {
		r = registry_manifest(c->registry, digest, &text, ret_len, &type, e);
	} else {
		auto_free char *name = xasprintf("%s.manifest.json", digest_hex(digest));

		r = digest_is_sha256(digest) && c->kind == END_DIR ? open_file(c, name, &fd, e)
								   : copy_end_blob(c, digest, &fd, e);
		if (r == 0) {
			r = fs_read_regular(fd, OCI_MAX_CONFIG, &text, ret_len);
			if (r < 0)
				err_set(e, r, "read %s", digest);
		}
	}
	if (r == 0)
		r = verify(digest, text, *ret_len, e);
	if (r == 0)
		*ret = take_ptr(&text);
	return r;
}

/* The entry of index.json that is meant: by name, else the only one. */
static int find_entry(const struct copy_end *c, const struct oci_index *index, const struct oci_descriptor **ret,
		      struct err *e)
{
	*ret = NULL;
	for (size_t i = 0; i < index->n_manifests; i++) {
		const struct oci_descriptor *d = &index->manifests[i];
		const char *name = kv_get(d->annotations, "org.opencontainers.image.ref.name");

		if (c->name ? str_is_eq(name, c->name) || str_is_eq(d->digest, c->name) : index->n_manifests == 1)
			*ret = d;
	}
	if (*ret)
		return 0;
	if (c->name)
		return err_say(e, ENOENT, "'%s' has no image '%s'", c->path, c->name);
	return err_say(e, EINVAL, "'%s' has %zu images: name one behind a colon", c->path, index->n_manifests);
}

static int oci_top(struct copy_end *c, char **ret, size_t *ret_len, char **ret_type, struct err *e)
{
	auto_oci_doc struct oci_doc doc = { 0 };
	const struct oci_descriptor *d = NULL;
	auto_free char *text = NULL;
	size_t len = 0;
	int r = read_file(c, "index.json", OCI_MAX_MANIFEST, &text, &len, e);

	if (r == 0)
		r = oci_doc_parse(text, len, OCI_MT_INDEX, &doc, e);
	if (r == 0)
		r = find_entry(c, &doc.index, &d, e);
	if (r < 0 || !d)
		return r;
	r = copy_end_doc(c, d->digest, ret, ret_len, e);
	if (r == 0)
		*ret_type = xstrdup(d->media_type);
	return r;
}

/**
 * copy_end_top() - Read the document that an end names
 * @c:		The end
 * @ret:	Its bytes
 * @ret_len:	How many
 * @ret_type:	Media type of the transport, NULL where there is none
 * @e:		Failure
 *
 * Return: 0, -ENOENT, -EBADMSG, ...
 */
int copy_end_top(struct copy_end *c, char **ret, size_t *ret_len, char **ret_type, struct err *e)
{
	const char *reference = c->ref.digest ? c->ref.digest : c->ref.tag;
	int r;

	*ret_type = NULL;
	switch (c->kind) {
	case END_DOCKER:
		r = registry_manifest(c->registry, reference, ret, ret_len, ret_type, e);
		return r == 0 && c->ref.digest ? verify(c->ref.digest, *ret, *ret_len, e) : r;
	case END_STORE:
		return copy_end_doc(c, c->rec.manifest_digest, ret, ret_len, e);
	case END_DIR:
		return read_file(c, "manifest.json", OCI_MAX_MANIFEST, ret, ret_len, e);
	case END_DOCKER_ARCHIVE:
		return copy_end_doc(c, c->image->manifest_digest, ret, ret_len, e);
	default:
		return oci_top(c, ret, ret_len, ret_type, e);
	}
}
