/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private to storage/. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "storage/store.h"

/**
 * struct store - an open store
 * @fd:		its folder
 * @root:	absolute path
 * @id:		random digits from the version file: the name of the run folder
 * @runroot:	--runroot, absolute; NULL: the defaults
 * @run_path:	run folder, once asked for
 * @run_fd:	its descriptor
 * @tree_fd:	called as root: a detached clone of the mount, for a mapped root that cannot walk to @root
 * @owner:	who owns the folders: the caller, or the mapped root where we are root
 * @group:	same
 * @extra:	additional stores, which are only read
 * @n_extra:	how many
 */
struct store {
	int fd;
	char *root;
	char id[17];
	char *runroot;
	char *run_path;
	int run_fd;
	int tree_fd;
	uid_t owner;
	gid_t group;
	struct extra *extra;
	size_t n_extra;
};

/**
 * struct extra - an additional store
 * @root:	absolute path
 * @fd:		its folder; negative: it could not be opened, which was said
 */
struct extra {
	char *root;
	int fd;
};

/* extra.c */
void extra_open(struct store *s);
void extra_reopen(struct store *s);
void extra_close(struct store *s);
int extra_find(struct store *s, const char *name, struct image_rec *ret);
int extra_read_tags(struct store *s, struct image_rec **recs, size_t *n, struct err *e);
int store_home_of(const struct store *s, const char *path);

/* store.c */
bool store_owns_name(const char *name);
int store_read_version(int fd, const char *root, char id[17], struct err *e);
const char *store_spare_place(struct err *e);

/* tag.c */
#define TAG_FILE_MAX 16384
void tag_encode(const char *name, char buf[256]);
char *tag_decode(const char *file);
int tag_read_all(struct store *s, struct image_rec **ret, size_t *ret_n, struct err *e);
int tag_read(struct store *s, const char *name, struct image_rec *ret, struct err *e);
int tag_read_file(int root, const char *file, struct image_rec *ret, struct err *e);
int tag_read_folder(int root, bool strict, struct image_rec **ret, size_t *ret_n, struct err *e);
int tag_write(struct store *s, const struct image_rec *rec, struct err *e);
int tag_remove(struct store *s, const struct image_rec *rec, struct err *e);
void image_rec_copy(const struct image_rec *from, struct image_rec *to);
int tag_move(struct store *s, const struct image_rec *rec, char **ret_old, struct err *e);
char *image_rec_key(const struct image_rec *rec);

/* txn.c */
int image_rec_fill(struct store *s, struct image_rec *rec, struct err *e);

/* index.c */
int index_rewrite(struct store *s, struct err *e);

/* blob.c */
/* "oci/blobs/sha256/HEX" */
#define BLOB_PATH_SIZE 83
int blob_path(const char *digest, char buf[BLOB_PATH_SIZE], struct err *e);
bool blob_is_there(struct store *s, const char *digest);
bool layer_is_there(struct store *s, const char *diff_id);
bool layer_is_ours(struct store *s, const char *diff_id);

/* refs.c: what is referred to, by images, containers and writers */

/**
 * struct refs - everything that garbage collection must leave alone
 * @blobs:	digests, sorted once by refs_collect()
 * @layers:	diff ids, likewise
 */
struct refs {
	char **blobs;
	char **layers;
};

int refs_collect(struct store *s, struct refs *ret, struct err *e);
int refs_collect_owners(struct store *s, struct refs *ret, struct err *e);
bool refs_has_blob(const struct refs *r, const char *digest);
bool refs_has_layer(const struct refs *r, const char *diff_id);
void refs_done(struct refs *r);
#define auto_refs __attribute__((cleanup(refs_done)))
int refs_add_lists(struct store *s, struct refs *r, struct err *e);
/* Digests that an image's config and manifest lead to (also the manifest's and config's own). */
int refs_add_image(struct store *s, struct refs *r, const struct image_rec *rec, struct err *e);

/**
 * struct image_user - a container that uses an image
 * @id:		its id
 * @is_running:	its monitor lives
 */
struct image_user {
	char id[65];
	bool is_running;
};
/* First container that uses the image (a running one if there is one). Return: 1, 0 or negative errno. */
int refs_find_user(struct store *s, const char *config_digest, struct image_user *ret, struct err *e);

/* work.c: folders with a living owner */
int work_open(struct store *s, const char *parent, char ret_name[17], int *ret_fd, int *ret_lock, struct err *e);
int work_next_dead(struct store *s, const char *parent, char **names, size_t *pos, int *ret_lock, struct err *e);

int work_remove(struct store *s, const char *parent, const char *name, struct err *e);

/* implied.c */
int implied_fix(const int *layers, const bool *staged, size_t n, struct err *e);

/* trash.c */
bool trash_may_return(struct store *s, int *tries);
int trash_layers_and_blobs(struct store *s, char *const *layers, char *const *blobs, struct err *e);
