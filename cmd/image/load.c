/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/image/archive.h"
#include "cmd/image/stop.h"
#include "cmd/image/trust.h"
#include "cmd/image/verbs.h"
#include "cmd/spec.h"
#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/oci/conf.h"
#include "lib/oci/digest.h"
#include "lib/oci/policy.h"
#include "lib/oci/ref.h"
#include "lib/runtime/userns.h"
#include "storage/store.h"
#include "storage/unpack/unpack.h"

/*
 * Theory of operation
 *
 * The archive's members become numbered files in the transaction's folder, but for large ones of a plain archive, which
 * stay where they are. Documents among them are read and checked, layers that the store does not have are unpacked from
 * these files, several at once, and everything is committed together: an archive is loaded whole or not at all. The
 * member files are removed before the commit's sync, but for compressed layers, which are kept as they came, and those
 * from which a layer's tar could not be written again.
 */

#define MEMBERS_DIR "members"
#define PARALLEL    4

/**
 * struct layer_job - one layer that is being unpacked
 * @diff_id:	what it must be
 * @member:	where it comes from
 * @u:		its unpacker, while it runs
 * @fd:		the member's file
 * @layer_fd:	its staged folder
 * @slot:	the transaction's name for it
 */
struct layer_job {
	const char *diff_id;
	const struct member *member;
	struct unpack *u;
	int fd;
	int layer_fd;
	unsigned slot;
};

/**
 * struct load - one `skiff load`
 * @store:	the store
 * @t:		the transaction
 * @dirfd:	folder of the members
 * @map:	user namespace A
 * @members:	what the archive has
 * @images:	what it means
 * @jobs:	layers to unpack
 * @n:		how many
 * @platform:	--platform or NULL
 * @limits:	for each layer
 * @stop:	readable when the command is to end
 * @keep_blobs:	compressed layers stay in the store
 */
struct load {
	struct store *store;
	struct store_txn *t;
	int dirfd;
	struct idmap map;
	struct members members;
	struct archive_images images;
	struct layer_job *jobs;
	size_t n;
	const struct oci_platform *platform;
	struct unpack_limits limits;
	int stop;
	bool keep_blobs;
};

static bool has_job(const struct load *l, const char *diff_id)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_is_eq(l->jobs[i].diff_id, diff_id))
			return true;
	return false;
}

static int plan_image(struct load *l, const struct archive_image *i, struct err *e)
{
	for (size_t k = 0; i->layers && i->layers[k]; k++) {
		const char *diff_id = i->config->diff_ids[k];
		int r = has_job(l, diff_id) ? 1 : store_txn_need_layer(l->t, diff_id, e);

		if (r < 0)
			return r;
		if (r)
			continue;
		l->jobs = xrealloc(l->jobs, (l->n + 1) * sizeof(*l->jobs));
		l->jobs[l->n++] = (struct layer_job) {
			.diff_id = diff_id,
			.member = members_find(&l->members, i->layers[k]),
			.fd = -EBADF,
			.layer_fd = -EBADF,
		};
	}
	return 0;
}

static int start_job(struct load *l, struct layer_job *j, struct err *e)
{
	struct unpack_spec spec = { .map = &l->map, .name = j->diff_id, .limits = l->limits };
	int r = store_txn_layer_open(l->t, &j->slot, &j->layer_fd, e);

	if (r == 0)
		r = members_open(&l->members, l->dirfd, j->member, &j->fd, &spec.blob_offset, e);
	if (r < 0)
		return r;
	spec.blob_fd = j->fd;
	spec.limits.packed = l->members.packed;
	spec.layer_fd = j->layer_fd;
	r = unpack_start(&spec, &j->u, e);
	return r < 0 ? r : unpack_progress(j->u, j->member->size, true, e);
}

/* A plain tar can be written again from the folder, byte for byte; a compressed one cannot. */
static bool is_worth_keeping(const struct load *l, const struct layer_job *j, const struct unpack_result *res)
{
	return res->needs_blob || (l->keep_blobs && strcmp(j->member->digest, j->diff_id));
}

static int keep_blob(struct load *l, const struct layer_job *j, struct err *e)
{
	auto_free char *own = xasprintf("kept-%u", j->member->file);
	int r = members_take(&l->members, l->dirfd, j->member, store_txn_dir(l->t), own, e);

	return r < 0 ? r : store_txn_blob_adopt(l->t, own, j->member->digest, e);
}

static int finish_job(struct load *l, struct layer_job *j, struct err *e)
{
	struct unpack_result res = { 0 };
	struct unpack *u = take_ptr(&j->u);
	auto_free char *meta = NULL;
	int r = unpack_finish(u, &res, e);

	fd_closep(&j->fd);
	fd_closep(&j->layer_fd);
	meta = res.meta_json;
	if (r < 0)
		return r;
	if (strcmp(res.diff_id, j->diff_id))
		return err_say(e, EBADMSG, "layer '%s': wrong diff id: unpacked it is %s, the config says %s",
			       j->member->name, res.diff_id, j->diff_id);
	r = store_txn_layer_done(l->t, j->slot, j->diff_id, meta, e);
	return r == 0 && is_worth_keeping(l, j, &res) ? keep_blob(l, j, e) : r;
}

static int wait_one(struct load *l, size_t first, size_t last, struct err *e)
{
	struct pollfd fds[PARALLEL + 1];
	size_t of[PARALLEL + 1], n = 0;

	for (size_t i = first; i < last; i++)
		if (l->jobs[i].u) {
			fds[n] = (struct pollfd) { .fd = unpack_fd(l->jobs[i].u), .events = POLLIN };
			of[n++] = i;
		}
	fds[n] = (struct pollfd) { .fd = l->stop, .events = POLLIN };
	if (poll(fds, n + 1, -1) < 0 && errno != EINTR)
		return err_set(e, errno, "wait for the unpackers");
	if (stop_signal(l->stop))
		return err_say(e, EINTR, "interrupted");
	for (size_t k = 0; k < n; k++)
		if (fds[k].revents)
			return finish_job(l, &l->jobs[of[k]], e);
	return 0;
}

static size_t count_active(const struct load *l, size_t last)
{
	size_t active = 0;

	for (size_t i = 0; i < last; i++)
		active += l->jobs[i].u != NULL;
	return active;
}

static int unpack_all(struct load *l, struct err *e)
{
	size_t next = 0;
	int r = 0;

	while (r == 0 && (next < l->n || count_active(l, next))) {
		if (next < l->n && count_active(l, next) < PARALLEL)
			r = start_job(l, &l->jobs[next++], e);
		else
			r = wait_one(l, 0, next, e);
	}
	for (size_t i = 0; i < next; i++) {
		unpack_abort(l->jobs[i].u);
		fd_closep(&l->jobs[i].fd);
		fd_closep(&l->jobs[i].layer_fd);
	}
	return r;
}

static int stage_document(struct load *l, const char *digest, const char *text, size_t len, struct err *e)
{
	int r = store_txn_need_blob(l->t, digest, e);

	return r == 0 ? store_txn_blob_write(l->t, digest, text, len, e) : r < 0 ? r : 0;
}

static int stage_image(struct load *l, const struct archive_image *i, struct err *e)
{
	struct image_rec rec = { 0 };
	auto_free char *manifest = xstrdup(i->manifest_digest);
	int r = stage_document(l, manifest, i->manifest_text, i->manifest_len, e);

	if (r == 0)
		r = stage_document(l, i->manifest.config.digest, i->config_text, i->config_len, e);
	rec.manifest_digest = manifest;
	rec.config_digest = i->manifest.config.digest;
	for (char **n = i->names; r == 0 && n && *n; n++) {
		rec.name = *n;
		r = store_txn_tag(l->t, &rec, e);
	}
	if (r == 0 && !i->names)
		r = store_txn_tag(l->t, &rec, e);
	return r;
}

static void report_image(const struct load *l, const struct archive_image *i)
{
	for (char **n = i->names; n && *n; n++) {
		auto_free char *shown = ref_shorten(*n);
		const char *old = store_txn_replaced(l->t, *n);

		if (old)
			printf("The image %s already exists, renaming the old one with ID %s to empty string\n", shown,
			       old);
		printf("Loaded image: %s\n", shown);
	}
	if (!i->names)
		printf("Loaded image ID: %s\n", i->manifest.config.digest);
}

static int stage_all(struct load *l, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < l->images.n && r == 0; i++)
		r = plan_image(l, &l->images.v[i], e);
	if (r == 0)
		r = unpack_all(l, e);
	for (size_t i = 0; i < l->images.n && r == 0; i++)
		r = stage_image(l, &l->images.v[i], e);
	return r;
}

static int read_archive(struct load *l, int input, struct err *e)
{
	struct stat st;
	int r = store_txn_begin(l->store, &l->t, e);

	if (r == 0)
		r = idmap_for_caller(&l->map, e);
	if (r == 0)
		r = store_make_dir(l->store, store_txn_dir(l->t), MEMBERS_DIR, e);
	if (r == 0)
		r = fs_open_dir(store_txn_dir(l->t), MEMBERS_DIR, &l->dirfd, e);
	if (r == 0 && fstat(input, &st) == 0 && S_ISDIR(st.st_mode))
		r = members_stage_dir(input, l->dirfd, &l->members, e);
	else if (r == 0)
		r = members_stage(input, l->dirfd, l->stop, &l->members, e);
	return r < 0 ? r : archive_read_images(&l->members, l->dirfd, l->platform, &l->images, e);
}

/* The image that comes with the program has the name that we give it. */
static int name_embedded(struct load *l, const char *name, struct err *e)
{
	struct archive_image *i = &l->images.v[0];

	if (l->images.n != 1)
		return err_say(e, EINVAL, "the embedded archive does not hold one image");
	strv_freep(&i->names);
	strv_add_take(&i->names, xasprintf("%s:latest", name));
	return 0;
}

/* Those names are ours: what runs as embedded/busybox must be what was installed. */
static int refuse_embedded(const struct load *l, struct err *e)
{
	for (size_t i = 0; i < l->images.n; i++)
		for (char **n = l->images.v[i].names; n && *n; n++)
			if (store_image_is_embedded(*n))
				return err_say(e, EINVAL, "the archive names an image '%s': embedded/ is reserved", *n);
	return 0;
}

/* What comes with the program is trusted as the program is. */
static int check_trust(const struct load *l, const struct load_opts *o, struct err *e)
{
	auto_policy struct policy *policy = NULL;
	int r = o->embedded ? 0 : policy_load(o->signature_policy, &policy, e);

	return r < 0 ? r : trust_check_archive(policy, l->images.transport, e);
}

static int load(struct load *l, int input, const struct load_opts *o, struct err *e)
{
	int r = read_archive(l, input, e);

	if (r == 0)
		r = check_trust(l, o, e);
	if (r == 0)
		r = o->embedded ? name_embedded(l, o->embedded, e) : refuse_embedded(l, e);
	if (r == 0)
		r = stage_all(l, e);
	if (r == 0)
		r = fs_remove_tree(store_txn_dir(l->t), MEMBERS_DIR, e);
	if (r == 0)
		r = store_txn_commit(l->t, e);
	/* With --quiet, too, as docker does: it is progress that is left out, and scripts read these lines. */
	for (size_t i = 0; r == 0 && i < l->images.n && !o->embedded; i++)
		report_image(l, &l->images.v[i]);
	return r;
}

static int open_embedded(const char *name, int *ret_fd, struct err *e)
{
	const char *file = str_after(name, "embedded/");
	auto_free char *rel = NULL, *path = NULL;
	int r;

	if (!file || !*file || strpbrk(file, "/:@"))
		return err_say(e, EINVAL, "'%s' does not name an embedded image", name);
	rel = xasprintf("embedded/%s.tar", file);
	r = proc_libexec(rel, &path, e);
	if (r == -ENOENT)
		return err_say(e, ENOENT, "No such image: %s", name);
	if (r < 0)
		return r;
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? err_set(e, errno, "open '%s'", path) : 0;
}

static int open_input(const struct load_opts *o, int *ret_fd, struct err *e)
{

	if (o->embedded)
		return open_embedded(o->embedded, ret_fd, e);
	if (o->input && strcmp(o->input, "-")) {
		*ret_fd = open(o->input, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (*ret_fd < 0)
			return err_set(e, errno, "open '%s'", o->input);
		return 0;
	}
	if (isatty(STDIN_FILENO))
		return err_say(e, EINVAL, "requested load from stdin, but stdin is empty");
	*ret_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	return *ret_fd < 0 ? err_set(e, errno, "duplicate stdin") : 0;
}

/**
 * load_run() - skiff load
 * @ctx:	Global options
 * @opts:	struct load_opts
 * @argc:	0
 * @argv:	Empty
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int load_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct load_opts *o = opts;
	auto_close int input = -EBADF, stop = -EBADF;
	auto_store struct store *store = NULL;
	auto_conf struct conf conf = { 0 };
	auto_oci_platform struct oci_platform platform = { 0 };
	struct load l = { .dirfd = -EBADF, .limits = { .size = o->max_size, .entries = o->max_entries } };
	int r = open_input(o, &input, e);

	(void)argc;
	(void)argv;
	if (r == 0 && o->platform)
		r = oci_platform_parse(o->platform, &platform, e);
	if (r == 0)
		r = stop_open(&stop, e);
	if (r == 0)
		r = conf_load(ctx->config_dir, &conf, e);
	if (r == 0)
		r = store_open(ctx->root, ctx->runroot, &store, e);
	if (r < 0)
		return r;
	l.store = store;
	l.platform = o->platform ? &platform : NULL;
	l.stop = stop;
	l.keep_blobs = ctx_is_given(ctx, "keep-blobs") ? o->keep_blobs : !conf.drop_blobs;
	r = load(&l, input, o, e);
	archive_images_done(&l.images);
	members_done(&l.members);
	free(l.jobs);
	fd_closep(&l.dirfd);
	store_txn_free(l.t);
	if (r == -EINTR && stop_signal(stop))
		return 128 + stop_signal(stop);
	return r < 0 && o->input ? err_wrap(e, r, "load '%s'", o->input) : r;
}
