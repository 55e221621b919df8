/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/unpack/pack.h"

#include <errno.h>
#include <signal.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "lib/runtime/sandbox.h"
#include "lib/runtime/userns.h"
#include "storage/unpack/rebuild.h"
#include "storage/unpack/unpack_int.h"

/*
 * Theory of operation: the child is id 0 of user namespace A, because the layer's files belong to many ids. It pulls
 * the tar out of the folder (rebuild.c) or a blob (inflate.c), hashes it, pushes it through a packer (packer.c), which
 * has threads, and hashes what comes out. A folder that was changed gives another tar: that is a failure, not another
 * image.
 */

struct pack {
	pid_t pid;
	int pidfd;
	int result;
	char *diff_id;
};

struct pack_report {
	int32_t code;
	char digest[SHA256_DIGEST_SIZE];
	uint64_t size;
	struct err why;
};

static const char *const names[] = { [PACK_TAR] = "tar", [PACK_GZIP] = "gzip", [PACK_ZSTD] = "zstd" };
static_assert(sizeof(names) / sizeof(*names) == PACK_FORMAT__N, "a name for each format");

/**
 * struct packing - the child's state
 * @tar:	hash of the tar
 * @out:	hash of the result
 * @out_fd:	where it goes
 * @size:	its bytes
 * @packer:	the compressor
 */
struct packing {
	struct sha256 *tar;
	struct sha256 *out;
	int out_fd;
	uint64_t size;
	struct packer *packer;
};

static int on_tar(void *arg, const void *data, size_t len, struct err *e)
{
	struct packing *p = arg;

	sha256_update(p->tar, data, len);
	return packer_add(p->packer, data, len, e);
}

static int on_packed(void *arg, const void *data, size_t len, struct err *e)
{
	struct packing *p = arg;
	int r = fd_write_full(p->out_fd, data, len);

	if (r < 0)
		return err_set(e, r, "write the compressed layer");
	sha256_update(p->out, data, len);
	p->size += len;
	return 0;
}

static int from_blob(int fd, rebuild_fn out, void *arg, struct err *e)
{
	struct source src = { .is_stream = true, .pipe = -EBADF, .fd = fd };
	auto_inflate struct inflate *z = NULL;
	const void *data;
	ssize_t n;
	int r = lseek(fd, 0, SEEK_SET) < 0 ? err_set(e, errno, "rewind the blob") : inflate_new(&src, &z, e);

	while (r == 0) {
		n = inflate_next(z, &data, e);
		if (n <= 0)
			return (int)n;
		r = out(arg, data, (size_t)n, e);
	}
	return r;
}

static int run(const struct pack_spec *s, struct pack_report *rep, struct err *e)
{
	auto_sha256 struct sha256 *tar = NULL, *out = NULL;
	struct packing p = { .out_fd = s->out_fd };
	char diff_id[SHA256_DIGEST_SIZE];
	int r = sha256_new(&tar, e);

	if (r == 0)
		r = sha256_new(&out, e);
	p.tar = tar;
	p.out = out;
	if (r == 0)
		r = packer_new(s->format, s->level, on_packed, &p, &p.packer, e);
	if (r < 0)
		return r;
	if (s->layer_fd >= 0)
		r = layer_rebuild(s->layer_fd, on_tar, &p, e);
	else
		r = from_blob(s->blob_fd, on_tar, &p, e);
	if (r == 0)
		r = packer_finish(p.packer, e);
	packer_free(p.packer);
	if (r < 0)
		return r;
	sha256_final_digest(tar, diff_id);
	if (strcmp(diff_id, s->diff_id))
		return err_say(e, EBADMSG, "its files were changed (they give %s); pull the image again", diff_id);
	sha256_final_digest(out, rep->digest);
	rep->size = p.size;
	return 0;
}

/*
 * What comes out of a registry is inflated here, too, and the store's txn lock is among our descriptors: so the process
 * is caged as the one that unpacked it, and ends with its parent.
 */
static int enter_cage(const struct pack_spec *s, pid_t parent, struct err *e)
{
	const struct sandbox_path path = { .fd = s->layer_fd, .rights = SANDBOX_READ };
	const struct sandbox_spec cage = { .paths = &path, .n_paths = s->layer_fd >= 0 };
	int r = proc_die_with(parent, e);

	return r < 0 ? r : sandbox_enter(&cage, e);
}

int pack_start(const struct pack_spec *spec, struct pack **ret, struct err *e)
{
	auto_close int rd = -EBADF, wr = -EBADF;
	struct pack *p;
	int pidfd = -EBADF, ends[2], r = fd_pipe(ends, e);
	pid_t pid, parent = getpid();

	if (r < 0)
		return r;
	rd = ends[0];
	wr = ends[1];
	pid = userns_fork(spec->map, 0, &pidfd, e);
	if (pid < 0)
		return (int)pid;
	if (pid == 0) {
		struct pack_report rep = { 0 };

		rep.code = enter_cage(spec, parent, &rep.why);
		if (rep.code >= 0)
			rep.code = run(spec, &rep, &rep.why);
		fd_write_full(wr, &rep, sizeof(rep));
		_exit(rep.code < 0);
	}
	p = xcalloc(1, sizeof(*p));
	*p = (struct pack) { .pid = pid, .pidfd = pidfd, .result = take_fd(&rd), .diff_id = xstrdup(spec->diff_id) };
	*ret = p;
	return 0;
}

int pack_fd(const struct pack *p)
{
	return p->result;
}

static void release(struct pack *p)
{
	fd_closep(&p->result);
	fd_closep(&p->pidfd);
	free(p->diff_id);
	free(p);
}

int pack_finish(struct pack *p, char ret_digest[SHA256_DIGEST_SIZE], uint64_t *ret_size, struct err *e)
{
	struct pack_report rep = { 0 };
	ssize_t n = fd_read_full(p->result, &rep, sizeof(rep));
	int r = 0, status = proc_wait(p->pid);

	if (n != (ssize_t)sizeof(rep))
		r = err_say(e, EIO, "layer %s: the process that compresses it ended with %s %d", p->diff_id,
			    status > 128 ? "signal" : "status", status > 128 ? status - 128 : status);
	else if (rep.code < 0)
		r = err_say(e, rep.code, "layer %s: %s", p->diff_id, rep.why.msg);
	release(p);
	if (r < 0)
		return r;
	memcpy(ret_digest, rep.digest, sizeof(rep.digest));
	*ret_size = rep.size;
	return 0;
}

void pack_abort(struct pack *p)
{
	if (!p)
		return;
	sys_pidfd_send_signal(p->pidfd, SIGKILL);
	proc_wait(p->pid);
	release(p);
}

int pack_format_parse(const char *text, enum pack_format *ret, struct err *e)
{
	for (enum pack_format f = PACK_GZIP; f < PACK_FORMAT__N; f++) {
		if (strcmp(names[f], text))
			continue;
		*ret = f;
		return 0;
	}
	return err_say(e, EINVAL, "compression format '%.40s' is not supported: gzip and zstd are", text);
}

int pack_level_check(enum pack_format format, int64_t level, struct err *e)
{
	int max = format == PACK_ZSTD ? 19 : 9;

	if (level >= 1 && level <= max)
		return 0;
	return err_say(e, EINVAL, "compression level %lld is not valid: %s has 1 to %d", (long long)level,
		       names[format], max);
}
