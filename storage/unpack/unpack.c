/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/unpack/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/sys.h"
#include "lib/oci/digest.h"
#include "lib/oci/json.h"
#include "lib/runtime/sandbox.h"
#include "lib/runtime/userns.h"
#include "storage/unpack/unpack_int.h"

/*
 * Theory of operation
 *
 *	parent					child (user namespace A, caged)
 *	appends to the blob's file
 *	progress socket: u64 totals	------>	pread, inflate, hash, decode, apply
 *	poll(result pipe)		<------	struct report, meta.json; then the end
 *
 * The child opens diff/, frame and a scratch file, makes diff/ its root, closes everything else, gives up all
 *capabilities that writing files does not need, and enters the cage: no exec, no sockets, no mounts, no other folder.
 *What it decodes comes from strangers; a crash there is a failed layer, not a failed pull process.
 */

#define MAX_FILE (16ULL << 40)
#define MAX_META (16U << 20)
/* Stream buffers, decoder states, a zstd window of 128 MiB. */
#define MAX_MEMORY (512ULL << 20)

struct unpack {
	pid_t pid;
	int pidfd;
	int progress;
	int result;
	uint64_t told;
	char *name;
};

/* First what the child says about itself, then meta_len bytes. */
struct report {
	int32_t code;
	uint32_t needs_blob;
	uint32_t meta_len;
	char diff_id[SHA256_DIGEST_SIZE];
	uint64_t tar_size, size, entries;
	struct err why;
};

/* ---- child ---- */

/**
 * struct child - what the child works with
 * @src:	the blob
 * @root:	diff/
 * @frame_fd:	frame
 * @dirs_fd:	scratch file without a name
 * @result:	pipe to the parent
 * @parent:	who waits for it
 * @map:	user namespace A's map
 * @limits:	what the layer may become
 */
struct child {
	struct source src;
	int root;
	int frame_fd;
	int dirs_fd;
	int result;
	pid_t parent;
	const struct idmap *map;
	struct unpack_limits limits;
};

static int open_layer(struct child *c, int layer_fd, struct err *e)
{
	static const char scratch[] = "dirs";
	int r = fs_make_dir(layer_fd, "diff", 0755, e);

	if (r == 0)
		r = fs_open_dir(layer_fd, "diff", &c->root, e);
	if (r < 0)
		return r;
	if (fchmod(c->root, 0755) < 0)
		return err_set(e, errno, "set mode of the layer's root");
	c->frame_fd = openat(layer_fd, "frame", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (c->frame_fd < 0)
		return err_set(e, errno, "create the layer's frame");
	c->dirs_fd = openat(layer_fd, scratch, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (c->dirs_fd < 0)
		return err_set(e, errno, "create a scratch file");
	unlinkat(layer_fd, scratch, 0);
	return 0;
}

/* Descriptors that are not ours, the parent's lock among them, must not outlive it in us. */
static int close_others(struct child *c, struct err *e)
{
	int *const ours[] = { &c->src.fd, &c->src.pipe, &c->root, &c->frame_fd, &c->dirs_fd, &c->result };
	const int n = sizeof(ours) / sizeof(*ours), base = 3;

	for (int i = 0; i < n; i++) { /* out of the way first: the new numbers may be somebody's old ones */
		int fd = fcntl(*ours[i], F_DUPFD_CLOEXEC, base + n + 16);

		if (fd < 0)
			return err_set(e, errno, "duplicate descriptor");
		*ours[i] = fd;
	}
	for (int i = 0; i < n; i++) {
		if (dup3(*ours[i], base + i, O_CLOEXEC) < 0)
			return err_set(e, errno, "duplicate descriptor");
		*ours[i] = base + i;
	}
	sys_close_range((unsigned)(base + n), ~0U, 0);
	return 0;
}

static int drop_caps(struct err *e)
{
	const uint32_t keep[2] = { 1U << CAP_CHOWN | 1U << CAP_DAC_OVERRIDE | 1U << CAP_FOWNER | 1U << CAP_FSETID |
					   1U << CAP_MKNOD | 1U << CAP_SETFCAP,
				   0 };
	const uint32_t none[2] = { 0, 0 };
	int r = sys_capset(keep, keep, none);

	return r < 0 ? err_set(e, r, "give up capabilities") : 0;
}

static int enter_cage(struct child *c, struct err *e)
{
	const struct sandbox_path path = { .fd = c->root, .rights = SANDBOX_READ | SANDBOX_WRITE | SANDBOX_NODES };
	const struct sandbox_spec spec = {
		.paths = &path,
		.n_paths = 1,
#ifndef __SANITIZE_ADDRESS__ /* which reserves terabytes */
		.max_memory = MAX_MEMORY,
#endif
		.max_file = MAX_FILE,
	};
	int r;

	signal(SIGXFSZ, SIG_IGN); /* a file of eight exabytes is an error with a name */
	/* Names in PAX headers are UTF-8: libarchive must not "convert" them to ASCII. */
	setlocale(LC_CTYPE, "C.UTF-8");
	umask(0);
	if (fchdir(c->root) < 0 || chroot(".") < 0)
		return err_set(e, errno, "make the layer the root");
	r = drop_caps(e);
	if (r == 0)
		r = proc_die_with(c->parent, e); /* a killed pull must not leave somebody who fills the disk */
	return r < 0 ? r : sandbox_enter(&spec, e);
}

static char *meta_text(const struct applier *a, const struct report *rep)
{
	auto_json struct json *meta = json_new_object();

	json_set_str(meta, "diffID", rep->diff_id);
	json_set_i64(meta, "size", (int64_t)rep->size);
	json_set_i64(meta, "tarSize", (int64_t)rep->tar_size);
	json_set_i64(meta, "entries", (int64_t)rep->entries);
	json_set_bool(meta, "frame", !rep->needs_blob);
	if (a->n_skipped) {
		json_set_i64(meta, "skippedDevices", (int64_t)a->n_skipped);
		json_set(meta, "devices", json_share(a->skipped));
	}
	if (json_len(a->implied))
		json_set(meta, "impliedFolders", json_share(a->implied));
	return json_compact(meta);
}

static int apply_layer(struct child *c, struct report *rep, char **ret_meta, struct err *e)
{
	auto_inflate struct inflate *z = NULL;
	auto_sha256 struct sha256 *hash = NULL;
	struct frame *frame = NULL;
	struct applier a;
	int r;

	r = inflate_new(&c->src, &z, e);
	if (r == 0)
		r = sha256_new(&hash, e);
	if (r == 0)
		r = frame_new(c->frame_fd, &frame, e);
	if (r == 0)
		r = applier_init(&a, c->root, c->dirs_fd, c->map, e);
	if (r < 0)
		return r;
	a.limits = c->limits;
	r = tar_apply(z, hash, frame, &a, &rep->tar_size, e);
	if (r == 0) {
		sha256_final_digest(hash, rep->diff_id);
		rep->entries = a.entries;
		rep->size = a.bytes;
		rep->needs_blob = a.is_lossy;
		*ret_meta = meta_text(&a, rep);
		rep->meta_len = (uint32_t)strlen(*ret_meta);
	}
	applier_done(&a);
	frame_free(frame);
	return r;
}

static _Noreturn void run_child(struct child *c)
{
	struct report rep = { 0 };
	char *meta = NULL;
	int r = close_others(c, &rep.why);

	if (r == 0)
		r = enter_cage(c, &rep.why);
	if (r >= 0)
		r = apply_layer(c, &rep, &meta, &rep.why);
	rep.code = r;
	if (fd_write_full(c->result, &rep, sizeof(rep)) == 0 && r == 0)
		fd_write_full(c->result, meta, rep.meta_len);
	_exit(r < 0);
}

/* ---- parent ---- */

int unpack_start(const struct unpack_spec *spec, struct unpack **ret, struct err *e)
{
	auto_close int in_rd = -EBADF, in_wr = -EBADF, out_rd = -EBADF, out_wr = -EBADF;
	struct child c = {
		.parent = getpid(),
		.map = spec->map,
		.limits = spec->limits,
		.root = -EBADF,
		.frame_fd = -EBADF,
		.dirs_fd = -EBADF,
	};
	struct unpack *u;
	int in[2], out[2], pidfd = -EBADF;
	pid_t pid;
	int r = fd_socketpair(SOCK_STREAM, in, e); /* a pipe would raise SIGPIPE */

	if (r < 0)
		return r;
	in_rd = in[0];
	in_wr = in[1];
	r = fd_pipe(out, e);
	if (r < 0)
		return r;
	out_rd = out[0];
	out_wr = out[1];
	pid = userns_fork(spec->map, 0, &pidfd, e);
	if (pid < 0)
		return (int)pid;
	if (pid == 0) {
		struct report rep = { 0 };

		c.src = (struct source){ .fd = spec->blob_fd, .base = spec->blob_offset, .pipe = in_rd };
		c.result = out_wr;
		rep.code = open_layer(&c, spec->layer_fd, &rep.why);
		if (rep.code == 0)
			run_child(&c);
		fd_write_full(out_wr, &rep, sizeof(rep));
		_exit(1);
	}
	u = xcalloc(1, sizeof(*u));
	*u = (struct unpack){ .pid = pid, .pidfd = pidfd, .progress = take_fd(&in_wr), .result = take_fd(&out_rd) };
	u->name = xstrdup(spec->name ? spec->name : "?");
	fd_set_nonblock(u->progress, true);
	*ret = u;
	return 0;
}

int unpack_progress(struct unpack *u, uint64_t have, bool complete, struct err *e)
{
	uint64_t word = have | (complete ? SOURCE_FINAL : 0);
	struct pollfd p = { .fd = u->progress, .events = POLLOUT };

	/* A word at a time, and not for every packet: the socket has room for few. */
	if (!complete && have - u->told < (128U << 10))
		return 0;
	for (;;) {
		ssize_t n = send(u->progress, &word, sizeof(word), MSG_NOSIGNAL);

		if (n == (ssize_t)sizeof(word))
			break;
		if (n < 0 && errno == EAGAIN && !complete)
			return 0;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return err_set(e, errno, "layer %s: unpack", u->name);
		poll(&p, 1, -1);
	}
	u->told = have;
	return 0;
}

int unpack_fd(const struct unpack *u)
{
	return u->result;
}

static void release(struct unpack *u)
{
	fd_closep(&u->progress);
	fd_closep(&u->result);
	fd_closep(&u->pidfd);
	free(u->name);
	free(u);
}

/* The child is caged because it may be taken over: nothing in its report is believed without a look. */
static int check_report(const struct report *rep, struct err *e)
{
	if (rep->meta_len > MAX_META || strnlen(rep->diff_id, sizeof(rep->diff_id)) == sizeof(rep->diff_id) ||
	    !digest_is_sha256(rep->diff_id))
		return err_say(e, EPROTO, "the unpacker's report is not valid");
	return 0;
}

static int read_report(struct unpack *u, struct report *rep, char **ret_meta, struct err *e)
{
	auto_free char *meta = NULL;
	ssize_t n = fd_read_full(u->result, rep, sizeof(*rep));
	int r;

	if (n != (ssize_t)sizeof(*rep))
		return -EPIPE;
	if (rep->code < 0) {
		rep->why.msg[sizeof(rep->why.msg) - 1] = '\0';
		return err_say(e, rep->code, "%s", rep->why.msg);
	}
	r = check_report(rep, e);
	if (r < 0)
		return r;
	meta = xcalloc(1, rep->meta_len + 1UL);
	n = fd_read_full(u->result, meta, rep->meta_len);
	if (n != (ssize_t)rep->meta_len)
		return -EPIPE;
	*ret_meta = take_ptr(&meta);
	return 0;
}

int unpack_finish(struct unpack *u, struct unpack_result *ret, struct err *e)
{
	struct report rep = { 0 };
	auto_free char *meta = NULL;
	int status, r = read_report(u, &rep, &meta, e);

	if (r < 0) /* it may wait for a download that will not come */
		fd_closep(&u->progress);
	status = proc_wait(u->pid);
	if (r == -EPIPE)
		err_say(e, EIO, "the unpacker ended with %s %d", status > 128 ? "signal" : "status",
			status > 128 ? status - 128 : status);
	if (r < 0)
		err_wrap(e, r, "layer %s", u->name);
	release(u);
	if (r < 0)
		return r;
	*ret = (struct unpack_result){
		.tar_size = rep.tar_size,
		.size = rep.size,
		.entries = rep.entries,
		.needs_blob = rep.needs_blob,
		.meta_json = take_ptr(&meta),
	};
	memcpy(ret->diff_id, rep.diff_id, sizeof(ret->diff_id));
	return 0;
}

void unpack_abort(struct unpack *u)
{
	if (!u)
		return;
	sys_pidfd_send_signal(u->pidfd, SIGKILL);
	proc_wait(u->pid);
	release(u);
}
