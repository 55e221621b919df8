/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: the tarball becomes the one layer of a new image, unpacked by the caged applier while it still
 * comes in. A file is read where it is. What comes from a pipe or a server is written to a scratch file of the
 * transaction, because the applier reads from files; it is gone after the commit unless the layer's tar could not be
 * written again from its folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/image/stop.h"
#include "cmd/image/trust.h"
#include "cmd/image/verbs.h"
#include "cmd/spec.h"
#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/base/time.h"
#include "lib/crypto/sha256.h"
#include "lib/format/progress.h"
#include "lib/http/http.h"
#include "lib/http/url.h"
#include "lib/oci/change.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"
#include "lib/oci/policy.h"
#include "lib/oci/ref.h"
#include "lib/runtime/userns.h"
#include "storage/store.h"
#include "storage/unpack/unpack.h"

#define SCRATCH	   "import"
#define PIECE_SIZE (256U << 10)

/**
 * struct import - one `skiff import`
 * @source:	file, URL or "-"
 * @name:	full reference, or NULL
 * @t:		the transaction
 * @fd:		the tarball, perhaps still growing
 * @have:	bytes of it
 * @is_scratch:	@fd is the scratch file
 * @u:		the applier
 * @res:	what came out
 * @stop:	readable when the command is to end
 */
struct import {
	const struct import_opts *o;
	const char *source;
	char *name;
	struct oci_platform platform;
	struct store_txn *t;
	int fd;
	uint64_t have;
	bool is_scratch;
	struct unpack *u;
	struct unpack_result res;
	struct progress *out;
	size_t row;
	int stop;
};

static bool is_url(const char *s)
{
	return str_has_prefix(s, "http://") || str_has_prefix(s, "https://");
}

static int parse_name(const char *text, char **ret, struct err *e)
{
	auto_ref struct ref ref = { 0 };
	int r = ref_parse(text, &ref, e);

	if (r < 0)
		return r;
	if (ref.digest)
		return err_say(e, EINVAL, "'%s': an image that is imported cannot be named by a digest", text);
	if (ref_is_embedded(&ref))
		return err_say(e, EINVAL, "'%s': embedded/ is reserved for the images that come with the program",
			       text);
	ref_add_default_tag(&ref);
	*ret = ref_full(&ref);
	return 0;
}

/* ---- where the bytes come from ---- */

static int on_data(void *arg, const void *p, size_t n, struct err *e)
{
	struct import *i = arg;
	int r = fd_write_full(i->fd, p, n);

	if (r < 0)
		return err_set(e, r, "write to the store");
	i->have += n;
	progress_count(i->out, i->row, "Downloading", i->have, 0);
	return unpack_progress(i->u, i->have, false, e);
}

static int read_pipe(struct import *i, int from, struct err *e)
{
	auto_free char *buf = xmalloc(PIECE_SIZE);
	struct pollfd p[3] = { { .fd = from, .events = POLLIN },
			       { .fd = i->stop, .events = POLLIN },
			       { .fd = unpack_fd(i->u), .events = POLLIN } };

	for (;;) {
		ssize_t n;
		int r;

		if (poll(p, 3, -1) < 0 && errno != EINTR)
			return err_set(e, errno, "wait for the tarball");
		if (p[1].revents)
			return err_say(e, EINTR, "interrupted");
		if (p[2].revents) /* it has found something wrong */
			return -EPIPE;
		if (!p[0].revents)
			continue;
		n = fd_read(from, buf, PIECE_SIZE);
		if (n <= 0)
			return n < 0 ? err_set(e, (int)n, "read the tarball") : 0;
		r = on_data(i, buf, (size_t)n, e);
		if (r < 0)
			return r;
	}
}

static int read_url(struct import *i, struct err *e)
{
	auto_http struct http *http = NULL;
	auto_http_req struct http_req *req = NULL;
	const struct http_peer peer = { .insecure = !i->o->tls_verify };
	const struct http_spec spec = {
		.method = "GET",
		.url = i->source,
		.what = "the tarball",
		.peer = &peer,
		.data = on_data,
		.size = HTTP_UNKNOWN,
		.arg = i,
	};
	int r = http_new(&http, e);

	if (r == 0)
		r = http_req_start(http, &spec, &req, e);
	return r < 0 ? r : http_req_wait(http, req, i->stop, e);
}

static int open_source(struct import *i, int *ret_from, struct err *e)
{
	struct stat st;

	if (!is_url(i->source)) {
		if (!strcmp(i->source, "-"))
			*ret_from = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		else
			*ret_from = open(i->source, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (*ret_from < 0 || fstat(*ret_from, &st) < 0)
			return err_set(e, errno, "open '%s'", i->source);
		if (S_ISDIR(st.st_mode))
			return err_say(e, EISDIR, "open '%s': it is a folder", i->source);
		if (S_ISREG(st.st_mode) && lseek(*ret_from, 0, SEEK_CUR) == 0) {
			i->fd = take_fd(ret_from);
			i->have = (uint64_t)st.st_size;
			return 0;
		}
		if (isatty(*ret_from))
			return err_say(e, EINVAL, "the tarball cannot be read from a terminal");
	}
	i->fd = openat(store_txn_dir(i->t), SCRATCH, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	i->is_scratch = true;
	return i->fd < 0 ? err_set(e, errno, "create a scratch file in the store") : 0;
}

/* The reason why the applier ended is better than that it did. */
static int unpack(struct import *i, int from, struct err *e)
{
	struct unpack_result res = { 0 };
	struct unpack *u;
	int r = 0, done;

	if (i->is_scratch)
		r = is_url(i->source) ? read_url(i, e) : read_pipe(i, from, e);
	if (r == 0)
		r = unpack_progress(i->u, i->have, true, e);
	if (r < 0 && r != -EPIPE) {
		unpack_abort(take_ptr(&i->u));
		return r;
	}
	progress_status(i->out, i->row, "Extracting");
	u = take_ptr(&i->u);
	done = unpack_finish(u, &res, e);
	if (done == 0 && r < 0) { /* a tar ends where it says so; what stands behind it must be read all the same */
		free(res.meta_json);
		return err_say(e, EBADMSG, "the tarball ends before its file does");
	}
	if (done == 0)
		i->res = res;
	return done;
}

static int make_layer(struct import *i, struct err *e)
{
	struct unpack_spec spec = { .name = "of the tarball" };
	auto_close int from = -EBADF, layer = -EBADF;
	struct idmap map;
	unsigned slot = 0;
	int r = idmap_for_caller(&map, e);

	idmap_tell_single(&map);
	if (r == 0)
		r = open_source(i, &from, e);
	if (r == 0)
		r = store_txn_layer_open(i->t, &slot, &layer, e);
	if (r < 0)
		return r;
	spec.map = &map;
	spec.blob_fd = i->fd;
	spec.layer_fd = layer;
	r = unpack_start(&spec, &i->u, e);
	if (r == 0)
		r = unpack(i, from, e);
	return r < 0 ? r : store_txn_layer_done(i->t, slot, i->res.diff_id, i->res.meta_json, e);
}

/* ---- documents ---- */

static char *config_text(const struct import *i, const char *created, struct err *e)
{
	auto_json struct json *doc = json_new_object();
	struct json *config, *rootfs, *list, *h;
	auto_free char *comment = NULL, *shown = is_url(i->source) ? url_for_message(i->source) : NULL;

	json_set_str(doc, "architecture", i->platform.arch);
	config = json_set_object(doc, "config");
	for (char **c = i->o->change; c && *c; c++)
		if (change_apply(config, *c, e) < 0)
			return NULL;
	json_set_str(doc, "created", created);
	list = json_set_array(doc, "history");
	h = json_add_object(list);
	comment = xasprintf("Imported from %s", shown ? shown : i->source);
	json_set_str(h, "created", created);
	json_set_str(h, "comment", i->o->message ? i->o->message : comment);
	json_set_str(doc, "os", i->platform.os);
	if (i->platform.variant)
		json_set_str(doc, "variant", i->platform.variant);
	rootfs = json_set_object(doc, "rootfs");
	json_add_str(json_set_array(rootfs, "diff_ids"), i->res.diff_id);
	json_set_str(rootfs, "type", "layers");
	return json_compact(doc);
}

static const char *type_of(int fd)
{
	unsigned char magic[4] = { 0 };

	if (pread(fd, magic, sizeof(magic), 0) == 4 && magic[0] == 0x1f && magic[1] == 0x8b)
		return OCI_MT_LAYER_GZIP;
	return !memcmp(magic, "\x28\xb5\x2f\xfd", 4) ? OCI_MT_LAYER_ZSTD : OCI_MT_LAYER;
}

static int copy_to_scratch(struct import *i, struct err *e)
{
	auto_close int to = openat(store_txn_dir(i->t), SCRATCH, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	auto_free char *buf = xmalloc(PIECE_SIZE);
	uint64_t pos = 0;

	if (to < 0)
		return err_set(e, errno, "create a scratch file in the store");
	while (pos < i->have) {
		ssize_t n = pread(i->fd, buf, PIECE_SIZE, (off_t)pos);
		int r = n > 0 ? fd_write_full(to, buf, (size_t)n) : n ? -errno : -EIO;

		if (r < 0)
			return err_set(e, r, "copy the tarball to the store");
		pos += (uint64_t)n;
	}
	return 0;
}

/* The tar itself, which can be written again from its folder, or the file as it came, which is kept then. */
static int describe_layer(struct import *i, struct oci_descriptor *ret, struct err *e)
{
	char digest[SHA256_DIGEST_SIZE];
	uint64_t size;
	int r = 0;

	*ret = (struct oci_descriptor) {
		.media_type = xstrdup(OCI_MT_LAYER),
		.digest = xstrdup(i->res.diff_id),
		.size = (int64_t)i->res.tar_size,
	};
	if (!i->res.needs_blob)
		return 0;
	if (!i->is_scratch)
		r = copy_to_scratch(i, e);
	if (r == 0 && lseek(i->fd, 0, SEEK_SET) < 0)
		r = err_set(e, errno, "read the tarball again");
	if (r == 0)
		r = sha256_fd(i->fd, digest, &size, e);
	if (r < 0)
		return r;
	free(ret->media_type);
	free(ret->digest);
	*ret = (struct oci_descriptor) {
		.media_type = xstrdup(type_of(i->fd)),
		.digest = xstrdup(digest),
		.size = (int64_t)size,
	};
	return store_txn_blob_adopt(i->t, SCRATCH, digest, e);
}

static int stage_text(struct store_txn *t, const char *text, char digest[SHA256_DIGEST_SIZE], struct err *e)
{
	int r;

	sha256_of(text, strlen(text), digest);
	r = store_txn_need_blob(t, digest, e);
	return r ? (r < 0 ? r : 0) : store_txn_blob_write(t, digest, text, strlen(text), e);
}

static int stage_documents(struct import *i, char id[SHA256_DIGEST_SIZE], struct err *e)
{
	char created[TIME_RFC3339_LEN], manifest_digest[SHA256_DIGEST_SIZE];
	auto_oci_manifest struct oci_manifest m = { 0 };
	auto_free char *config = NULL, *manifest = NULL;
	int r;

	time_format_rfc3339(time_now(), created);
	config = config_text(i, created, e);
	if (!config)
		return -EINVAL;
	m.media_type = xstrdup(OCI_MT_MANIFEST);
	m.layers = xcalloc(1, sizeof(*m.layers));
	m.n_layers = 1;
	r = describe_layer(i, &m.layers[0], e);
	if (r == 0)
		r = stage_text(i->t, config, id, e);
	if (r < 0)
		return r;
	m.config = (struct oci_descriptor) {
		.media_type = xstrdup(OCI_MT_CONFIG),
		.digest = xstrdup(id),
		.size = (int64_t)strlen(config),
	};
	manifest = oci_manifest_text(&m);
	r = stage_text(i->t, manifest, manifest_digest, e);
	if (r < 0)
		return r;
	return store_txn_tag(i->t,
			     &(struct image_rec) {
				     .name = i->name,
				     .manifest_digest = manifest_digest,
				     .config_digest = id,
			     },
			     e);
}

/* Mistakes in --change are told before the tarball is read. */
static int check_changes(const struct import *i, struct err *e)
{
	auto_json struct json *config = json_new_object();
	int r = 0;

	for (char **c = i->o->change; r == 0 && c && *c; c++)
		r = change_apply(config, *c, e);
	return r;
}

static int check_trust(struct err *e)
{
	auto_policy struct policy *policy = NULL;
	int r = policy_load(NULL, &policy, e);

	return r < 0 ? r : trust_check_archive(policy, "tarball", e);
}

static int import(struct import *i, struct store *s, struct err *e)
{
	char id[SHA256_DIGEST_SIZE];
	const char *old;
	int r = store_txn_begin(s, &i->t, e);

	if (r == 0)
		r = make_layer(i, e);
	if (r == 0)
		r = stage_documents(i, id, e);
	if (r == 0 && i->is_scratch && !i->res.needs_blob && unlinkat(store_txn_dir(i->t), SCRATCH, 0) < 0)
		r = err_set(e, errno, "remove a scratch file of the store");
	if (r == 0)
		r = store_txn_commit(i->t, e);
	if (r < 0)
		return r;
	old = i->name ? store_txn_replaced(i->t, i->name) : NULL;
	if (old && strcmp(old, id) != 0) {
		auto_free char *shown = ref_shorten(i->name);

		fprintf(stderr, "The image %s already exists, renaming the old one with ID %s to empty string\n", shown,
			old);
	}
	puts(id);
	return 0;
}

/**
 * import_run() - skiff import
 * @ctx:	Global options
 * @opts:	struct import_opts
 * @argc:	1 or 2
 * @argv:	Where the tarball is; the image's name
 * @e:		Failure
 *
 * Return: 0, 128 + signal, or negative errno
 */
int import_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	auto_store struct store *store = NULL;
	auto_progress struct progress *out = NULL;
	struct import i = { .o = opts, .source = argv[0], .fd = -EBADF };
	int r = stop_open(&i.stop, e);

	if (r < 0)
		return r;
	r = argc > 1 ? parse_name(argv[1], &i.name, e) : 0;
	if (r == 0)
		r = check_trust(e);
	if (r == 0)
		r = check_changes(&i, e);
	if (r == 0)
		r = i.o->platform ? oci_platform_parse(i.o->platform, &i.platform, e)
				  : oci_platform_host(&i.platform, e);
	if (r == 0)
		r = store_open(ctx->root, ctx->runroot, &store, e);
	if (r == 0) {
		out = progress_new(STDERR_FILENO,
				   !is_url(i.source) || i.o->quiet ? PROGRESS_QUIET : progress_mode_for(STDERR_FILENO));
		i.out = out;
		i.row = progress_add(out, "import");
		r = import(&i, store, e);
	}
	store_txn_free(i.t);
	oci_platform_done(&i.platform);
	free(i.res.meta_json);
	free(i.name);
	fd_closep(&i.fd);
	if (r == -EINTR && stop_signal(i.stop))
		r = 128 + stop_signal(i.stop);
	else if (r < 0 && strcmp(i.source, "-") != 0 && !strstr(e->msg, i.source)) {
		auto_free char *shown = is_url(i.source) ? url_for_message(i.source) : NULL;

		r = err_wrap(e, r, "import '%s'", shown ? shown : i.source);
	}
	fd_closep(&i.stop);
	return r;
}
