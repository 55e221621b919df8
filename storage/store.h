/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The store: images, layers and the places of everything else, as plain files (the layout is in store.c's theory of
 * operation). Readers take no lock. Writers prepare below tmp/ in a transaction and make all of it visible by renames.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct idmap;
struct json;
struct oci_image_config;
struct store;
struct store_txn;

/* "layers/" + 64 digits + "/diff" + NUL */
#define STORE_LAYER_PATH_SIZE 77

/*
 * @root, @runroot: NULL for the defaults (SKIFF_ROOT, $XDG_DATA_HOME/skiff, ~/.local/share/skiff; /var/lib/skiff for
 * root). The store is made on first use. Return: 0, -EPROTO when it was written by a newer skiff (untouched),
 * -EACCES...
 */
int store_open(const char *root, const char *runroot, struct store **ret, struct err *e);
void store_free(struct store *s);
void store_freep(struct store **s);
#define auto_store __attribute__((cleanup(store_freep)))

/* The store's folder (belongs to @s) and its absolute path. */
int store_fd(const struct store *s);
const char *store_root(const struct store *s);
/* mkdir below the store: 0700, and owned so that level A can use it; content with a folder that is there. */
int store_make_dir(const struct store *s, int dirfd, const char *name, struct err *e);
/* $XDG_RUNTIME_DIR/skiff/HASH, 0700, made on demand. @ret_path and @ret_fd (may be NULL) belong to @s. */
int store_run_dir(struct store *s, const char **ret_path, int *ret_fd, struct err *e);
/*
 * After entering level A's mount namespace: open the store there, so that overlay accepts its folders (the kernel
 * refuses layers of another mount namespace). Where a mapped root cannot walk to it, the clone that store_open() kept
 * is used.
 */
int store_reopen(struct store *s, struct err *e);

/* ---- images ---- */

/**
 * struct image_rec - one name of an image (what tags/ has)
 * @name:		full: docker.io/library/busybox:latest, or repo@sha256:... when pulled by digest; NULL: none
 * @manifest_digest:	digest of the manifest in oci/blobs
 * @config_digest:	the image's id
 * @repo_digest:	digest under which the registry knows the name (manifest or index); NULL for a local image
 * @size:		bytes of all layers, unpacked
 * @created_ns:		from the config
 * @read_only:		the additional store that it is in (belongs to the store); NULL: this one
 */
struct image_rec {
	char *name;
	char *manifest_digest;
	char *config_digest;
	char *repo_digest;
	int64_t size;
	int64_t created_ns;
	const char *read_only;
};

void image_rec_done(struct image_rec *r);
void image_recs_free(struct image_rec *r, size_t n);
#define auto_image_rec __attribute__((cleanup(image_rec_done)))

/*
 * By reference ("busybox", "repo:tag", "repo@digest"), id, id prefix or config digest.
 * Return: 0; -ENOENT "No such image: X"; -EINVAL for text that names nothing, or a prefix that names several.
 * An embedded/ name that is not loaded yet is -ENOENT too: the caller runs `skiff-image load --embedded NAME`.
 */
int store_image_find(struct store *s, const char *text, struct image_rec *ret, struct err *e);
/* Is @text one of the images that come with the program? (reserved: never pulled, never pushed) */
bool store_image_is_embedded(const char *text);
/* All names, newest image first; an image without a name appears once with @name NULL. */
int store_image_list(struct store *s, struct image_rec **ret, size_t *ret_n, struct err *e);
/* Parsed config; the caller frees it with lib/oci's function. */
int store_image_config(struct store *s, const char *config_digest, struct oci_image_config **ret, struct err *e);
/* Give @rec one more name (full). *ret_old (may be NULL): config digest that had the name before, or NULL. */
int store_image_tag(struct store *s, const struct image_rec *rec, const char *name, char **ret_old, struct err *e);

enum {
	STORE_RM_FORCE = 1,    /* several names, and containers that do not run */
	STORE_RM_NO_PRUNE = 2, /* keep layers (rmi --no-prune) */
	STORE_RM_ALL_NAMES = 4, /* several names, whatever their repositories; but no containers */
};
/*
 * docker's rmi. @ret_lines: "Untagged: ...", "Deleted: ..." in order, also for the part done before a failure.
 * @ret_freed (may be NULL): bytes of what was deleted.
 * Return: 0, -ENOENT, -EBUSY with docker's "conflict: ..." sentence, -EROFS when it is in an additional store.
 */
int store_image_remove(struct store *s, const char *text, int flags, char ***ret_lines, uint64_t *ret_freed,
		       struct err *e);

/* Take one name away. The image stays, without a name if that was its last one. Return: 0, -ENOENT, -EROFS. */
int store_image_untag(struct store *s, const struct image_rec *rec, struct err *e);
/* When the name was given, wall clock in ns; 0: unknown. */
int64_t store_image_tagged_ns(struct store *s, const struct image_rec *rec);
/* Config digests that containers are made from; one for each container. */
int store_image_users(struct store *s, char ***ret, struct err *e);
/* Config digests of images that a `skiff unshare` has mounted, as far as this process may see it; added to @ret. */
int store_images_mounted(struct store *s, char ***ret, struct err *e);
/*
 * What a container is. Its folder is there before its config, and a power cut may leave an empty one of a --rm
 * container, which is not synced: both are no container. Return: 0, -ENOENT, -EINVAL when it is damaged.
 */
int store_container_config(struct store *s, const char *id, struct json **ret, struct err *e);
/* Folders of additional stores (configuration key additional-stores) that are in use; a string vector. */
char **store_additional(const struct store *s);

/**
 * struct image_usage - what one image takes
 * @config_digest:	the image
 * @size:		all that it consists of
 * @content:		the part of it that is blobs: manifests, config, compressed layers that were kept
 * @shared:		the part of it that other images have too
 * @containers:		how many were made from it
 */
struct image_usage {
	char *config_digest;
	uint64_t size, content, shared;
	size_t containers;
};

/**
 * struct store_usage - what all images take
 * @images:		each image once
 * @n:			how many
 * @layers:		unpacked layers in the store
 * @blobs:		manifests, configs and compressed layers in it
 * @layers_size:	bytes of these layers, each counted once
 * @blobs_size:		bytes of these blobs
 * @reclaimable:	bytes that no image with a container, no container and no writer needs
 */
struct store_usage {
	struct image_usage *images;
	size_t n, layers, blobs;
	uint64_t layers_size, blobs_size, reclaimable;
};
/* What is in additional stores does not count. */
int store_usage(struct store *s, struct store_usage *ret, struct err *e);
void store_usage_done(struct store_usage *u);
#define auto_store_usage __attribute__((cleanup(store_usage_done)))
const struct image_usage *store_usage_of(const struct store_usage *u, const char *config_digest);

/* Delete layers and blobs that nobody refers to: what crashes and containers without an image leave. */
int store_sweep(struct store *s, uint64_t *ret_freed, struct err *e);

/* Bytes of a blob (manifest, config), at most 16 MiB. Return: 0, -ENOENT, -EINVAL for a malformed digest. */
int store_blob_read(struct store *s, const char *digest, char **ret, size_t *ret_len, struct err *e);

/* The file of a blob, wherever it is. Return: 0, -ENOENT, -EINVAL. */
int store_blob_open(struct store *s, const char *digest, int *ret_fd, struct err *e);

/* Manifest lists that are being put together; @name is a full reference. Return: 0, -ENOENT "No such manifest: X". */
int store_list_read(struct store *s, const char *name, struct json **ret, struct err *e);
/* Held while a list is read, changed and written; over when *ret_fd is closed. */
int store_list_lock(struct store *s, int *ret_fd, struct err *e);
int store_list_write(struct store *s, const char *name, const struct json *doc, struct err *e);
int store_list_remove(struct store *s, const char *name, struct err *e);

/* ---- layers ---- */

/**
 * struct store_origin - as which blob a layer is known, and where
 * @digest:	of the blob
 * @size:	its bytes
 * @from:	a repository that has it ("docker.io/library/debian"), or how we made it ("made:gzip:0")
 */
struct store_origin {
	char *digest;
	int64_t size;
	char *from;
};

/* What is known of a layer, newest first; store_origins_free(). Return: how many. */
size_t store_origins(struct store *s, const char *diff_id, struct store_origin **ret);
void store_origins_free(struct store_origin *v, size_t n);
/* Remember one; that it does not work is no failure. */
void store_origin_add(struct store *s, const char *diff_id, const struct store_origin *o);

/* "layers/HEX/diff", relative to the root. Return: 0 or -EINVAL for a malformed diff id. */
int store_layer_path(const char *diff_id, char buf[STORE_LAYER_PATH_SIZE]);
/* Can its folder give the layer's tar, byte for byte? Else its blob is kept. */
bool store_layer_has_tar(struct store *s, const char *diff_id);
/*
 * Are all layers there? To be called after the reference to them (a container's config.json) is on disk: then garbage
 * collection sees it. Return: 0, -ENOENT.
 */
int store_layers_check(struct store *s, char *const *diff_ids, struct err *e);

/* Bytes of the files of an unpacked layer. Return: 0, -ENOENT. */
int store_layer_size(struct store *s, const char *diff_id, int64_t *ret, struct err *e);
/* Absolute path of its files; owned, NULL when it is in no store. */
char *store_layer_where(struct store *s, const char *diff_id);
/* The layer's folder (diff/, meta.json), wherever it is. */
int store_layer_open(struct store *s, const char *diff_id, int *ret_fd, struct err *e);

/*
 * What is different in the files of @a, seen from @b (both: diff ids, base first)? *ret: "A /path", "C /path" and
 * "D /path", sorted by path, a string vector. Only from a process with one thread.
 */
int store_layers_diff(struct store *s, char *const *a, char *const *b, char ***ret, struct err *e);

/* ---- removal ---- */

/*
 * rm -rf of a tree that may have files of subordinate ids (layers, upper folders): in user namespace A where needed.
 * Only from a process with one thread.
 */
int store_remove_tree(struct store *s, int dirfd, const char *name, struct err *e);
int store_trash_remove(struct store *s, const char *name, struct err *e);
/* Rubbish of dead owners: staging folders, trash. Called by writers; cheap when there is none. */
int store_reclaim(struct store *s, struct err *e);
/* The trash alone: by those who have put something there. */
int store_reclaim_trash(struct store *s, struct err *e);

/*
 * `system reset`: remove everything in the store, the run folder and the store's folder itself. Return: 0, -EBUSY while
 * a container runs.
 */
int store_reset(struct store *s, struct err *e);

/* ---- writing ---- */

int store_txn_begin(struct store *s, struct store_txn **ret, struct err *e);
/* Releases; what was not committed is removed, partial blobs too. A killed process leaves those to be resumed. */
void store_txn_free(struct store_txn *t);
void store_txn_freep(struct store_txn **t);
#define auto_store_txn __attribute__((cleanup(store_txn_freep)))
/* The transaction's own folder below tmp/, for scratch files. */
int store_txn_dir(const struct store_txn *t);

/*
 * Refer to a blob or layer: from now on garbage collection leaves it alone. Return: 1 it is there (in the store or
 * staged by this transaction), 0 it is not, negative errno.
 */
int store_txn_need_blob(struct store_txn *t, const char *digest, struct err *e);
int store_txn_need_layer(struct store_txn *t, const char *diff_id, struct err *e);

/*
 * Stage a blob of known digest. The file may have the first part already, left by a killed process: *ret_have bytes,
 * which the caller must hash before it appends (ftruncate(2) it when they are wrong). @ret_fd: read-write, the caller
 * closes it. Return: 0; 1 when it is in the store meanwhile; -EAGAIN while another live process stages the same blob.
 */
int store_txn_blob_open(struct store_txn *t, const char *digest, int *ret_fd, uint64_t *ret_have, struct err *e);
/*
 * The file is complete, its digest was verified by the caller. @keep: it becomes part of the store. Without @keep it
 * stays until the commit (so that a killed pull resumes from it) and is removed then: the layer's folder has what is
 * needed to write the same tar again, but not the same compressed bytes.
 */
int store_txn_blob_done(struct store_txn *t, const char *digest, bool keep, struct err *e);
/* Give a claimed blob up (another process may take it); @keep: leave the part that is there for a later resume. */
void store_txn_blob_drop(struct store_txn *t, const char *digest, bool keep);
/* Small blob from memory (manifest, config); the digest is computed by the caller. */
int store_txn_blob_write(struct store_txn *t, const char *digest, const void *data, size_t len, struct err *e);
/* Stage a scratch file of store_txn_dir() as the blob @digest (load: the digest is known only at the end). */
int store_txn_blob_adopt(struct store_txn *t, const char *name, const char *digest, struct err *e);

/*
 * Stage a layer: its empty folder (*ret_fd: for struct unpack_spec; the caller closes it). @ret_slot names it later.
 */
int store_txn_layer_open(struct store_txn *t, unsigned *ret_slot, int *ret_fd, struct err *e);
/* It is unpacked and verified. @meta_json: what becomes meta.json. */
int store_txn_layer_done(struct store_txn *t, unsigned slot, const char *diff_id, const char *meta_json, struct err *e);

/*
 * Name an image at commit; may be called several times. rec->name NULL: an image without a name. rec->size and
 * rec->created_ns are found at the commit.
 */
int store_txn_tag(struct store_txn *t, const struct image_rec *rec, struct err *e);
/* Sync once, rename everything into place, sync the folders, write the tags last. Durable on return. */
int store_txn_commit(struct store_txn *t, struct err *e);
/* Config digest that @name had before the commit, or NULL (valid until store_txn_free()). */
const char *store_txn_replaced(const struct store_txn *t, const char *name);
