/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/unpack/members.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "lib/oci/digest.h"
#include "lib/runtime/sandbox.h"
#include "storage/unpack/unpack_int.h"

/*
 * Theory of operation
 *
 * The child decodes and writes, and reports each member over a pipe: struct wire, then name and target. The last record
 * says how it ended. The parent believes none of it without a look: lengths are bounded, digests must have their form,
 * and the contents are hashed or parsed again by whoever uses them.
 */

#define MEMBERS_MAX 20000U
#define LINKS_MAX   8
/* Smaller members are copied: they are documents, which are read several times. */
#define STAY_SIZE  (1 << 20)
#define MAX_MEMORY (512ULL << 20)

enum wire_kind { WIRE_FILE, WIRE_LINK, WIRE_END };

struct wire {
	uint32_t kind;
	int32_t code; /* WIRE_END */
	uint32_t name_len;
	uint32_t target_len;
	uint32_t file;
	uint32_t in_place;
	uint64_t offset;
	uint64_t size;
	char digest[SHA256_DIGEST_SIZE];
};

/* ---- child ---- */

/**
 * struct stager - state of the child
 * @z:		the inflated archive
 * @ar:		libarchive
 * @dirfd:	where files go
 * @out:	pipe to the parent
 * @hash:	of the member that is being written
 * @n:		files so far
 * @can_stay:	large members need no files of their own: the archive is one
 * @any:	there was a byte
 * @why:	failure of the callback
 * @failed:	its code, or 0
 */
struct stager {
	struct inflate *z;
	struct archive *ar;
	int dirfd;
	int out;
	struct sha256 *hash;
	unsigned n;
	bool can_stay;
	bool any;
	struct err why;
	int failed;
};

static la_ssize_t on_read(struct archive *ar, void *arg, const void **buf)
{
	struct stager *s = arg;
	ssize_t n = inflate_next(s->z, buf, &s->why);

	s->failed = n < 0 ? (int)n : 0;
	s->any |= n > 0;
	if (n < 0)
		archive_set_error(ar, (int)-n, "input");
	return n;
}

static int archive_failed(struct stager *s, struct err *e)
{
	const char *text = archive_error_string(s->ar);

	if (s->failed < 0) {
		if (e)
			*e = s->why;
		return s->failed;
	}
	if (!s->any)
		return err_say(e, EBADMSG, "the archive is empty");
	return err_say(e, EBADMSG, "the archive is corrupt or of an unknown format: %s", text ? text : "unknown error");
}

static int tell(struct stager *s, struct wire *w, const char *name, const char *target, struct err *e)
{
	int r;

	w->name_len = (uint32_t)strlen(name);
	w->target_len = (uint32_t)strlen(target);
	r = fd_write_full(s->out, w, sizeof(*w));
	if (r == 0)
		r = fd_write_full(s->out, name, w->name_len);
	if (r == 0)
		r = fd_write_full(s->out, target, w->target_len);
	return r < 0 ? err_set(e, r, "report a member") : 0;
}

/* @fd: where to, or negative: the bytes are only hashed. */
static int write_data(struct stager *s, int fd, uint64_t *ret_size, struct err *e)
{
	const void *data;
	int64_t off, pos = 0;
	size_t len;

	for (;;) {
		int ar = archive_read_data_block(s->ar, &data, &len, &off), r;

		if (ar == ARCHIVE_EOF)
			break;
		if (ar != ARCHIVE_OK)
			return archive_failed(s, e);
		if (off != pos)
			return err_say(e, EBADMSG, "a member of the archive is a sparse file");
		r = fd < 0 ? 0 : fd_write_full(fd, data, len);
		if (r < 0)
			return err_set(e, r, "write a member of the archive");
		sha256_update(s->hash, data, len);
		pos += (int64_t)len;
	}
	*ret_size = (uint64_t)pos;
	return 0;
}

static int create_file(struct stager *s, unsigned number, int *ret, struct err *e)
{
	char file[16];

	snprintf(file, sizeof(file), "%u", number);
	*ret = openat(s->dirfd, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return *ret < 0 ? err_set(e, errno, "create a file for a member of the archive") : 0;
}

static int stage_file(struct stager *s, const char *name, int64_t size, struct err *e)
{
	auto_close int fd = -EBADF;
	struct wire w = { .kind = WIRE_FILE, .file = s->n++ };
	int r = 0;

	if (w.file >= MEMBERS_MAX)
		return err_say(e, E2BIG, "the archive has more than %u members", MEMBERS_MAX);
	w.in_place = s->can_stay && size >= STAY_SIZE;
	if (w.in_place)
		w.offset = (uint64_t)archive_filter_bytes(s->ar, 0);
	else
		r = create_file(s, w.file, &fd, e);
	if (r < 0)
		return r;
	sha256_reset(s->hash);
	r = write_data(s, fd, &w.size, e);
	if (r < 0)
		return r;
	sha256_final_digest(s->hash, w.digest);
	return tell(s, &w, name, "", e);
}

/* A symlink's target is relative to its folder; hard links name members. ".." is resolved as text: only names are
 * meant. */
static int link_target(const char *name, const char *link, bool is_symlink, char buf[TAR_PATH_MAX + 1])
{
	auto_sbuf struct sbuf b = { 0 };
	const char *slash = strrchr(name, '/');
	auto_strv char **parts = NULL;

	if (is_symlink && *link != '/' && slash)
		sbuf_add(&b, name, (size_t)(slash - name) + 1);
	sbuf_adds(&b, link);
	parts = strv_split(sbuf_str(&b), '/');
	sbuf_reset(&b);
	for (char **p = parts; *p; p++) {
		if (!**p || str_is_eq(*p, "."))
			continue;
		if (str_is_eq(*p, "..")) {
			char *last = b.p ? strrchr(b.p, '/') : NULL;

			if (!b.p || !b.len)
				return -EINVAL;
			b.len = last ? (size_t)(last - b.p) : 0;
			b.p[b.len] = '\0';
			continue;
		}
		sbuf_printf(&b, "%s%s", b.len ? "/" : "", *p);
	}
	if (!b.len || b.len > TAR_PATH_MAX)
		return -EINVAL;
	memcpy(buf, b.p, b.len + 1);
	return 0;
}

static int stage_link(struct stager *s, const char *name, const char *link, bool is_symlink, struct err *e)
{
	struct wire w = { .kind = WIRE_LINK };
	char target[TAR_PATH_MAX + 1];

	if (s->n++ >= MEMBERS_MAX)
		return err_say(e, E2BIG, "the archive has more than %u members", MEMBERS_MAX);
	if (link_target(name, link, is_symlink, target) < 0)
		return 0; /* leads out of the archive: nothing that an image is made of */
	return tell(s, &w, name, target, e);
}

static int stage_one(struct stager *s, struct archive_entry *ae, struct err *e)
{
	const char *raw = archive_entry_pathname(ae);
	const char *hard = archive_entry_hardlink(ae), *sym = archive_entry_symlink(ae);
	struct tar_path p;
	int r;

	if (!raw)
		return err_say(e, EILSEQ, "a member's name is not UTF-8");
	r = tar_path_parse(raw, &p, e);
	if (r < 0)
		return r;
	if (hard || sym)
		return stage_link(s, p.full, hard ? hard : sym, !hard, e);
	return archive_entry_filetype(ae) == S_IFREG && *p.full ? stage_file(s, p.full, archive_entry_size(ae), e) : 0;
}

static int stage_all(struct stager *s, struct err *e)
{
	struct archive_entry *ae;
	int r = sha256_new(&s->hash, e);

	if (r < 0)
		return r;
	s->ar = archive_read_new();
	if (!s->ar || archive_read_support_format_tar(s->ar) != ARCHIVE_OK ||
	    archive_read_open(s->ar, s, NULL, on_read, NULL) != ARCHIVE_OK)
		return archive_failed(s, e);
	while (r == 0) {
		int ar = archive_read_next_header(s->ar, &ae);

		if (ar == ARCHIVE_EOF)
			break;
		if (ar != ARCHIVE_OK)
			return archive_failed(s, e);
		r = stage_one(s, ae, e);
	}
	return r;
}

static int run_stager(int input, int dirfd, int out, pid_t parent, struct err *e)
{
	struct source src = { .fd = input, .is_stream = true, .pipe = -EBADF };
	const struct sandbox_path path = { .fd = dirfd, .rights = SANDBOX_WRITE };
	const struct sandbox_spec spec = {
		.paths = &path,
		.n_paths = 1,
#ifndef __SANITIZE_ADDRESS__
		.max_memory = MAX_MEMORY,
#endif
	};
	struct stager s = { .dirfd = dirfd, .out = out };
	struct wire end = { .kind = WIRE_END };
	bool at_start = lseek(input, 0, SEEK_CUR) == 0;
	struct stat st;
	int r;

	setlocale(LC_CTYPE, "C.UTF-8");
	r = proc_die_with(parent, e);
	if (r == 0)
		r = sandbox_enter(&spec, e);
	if (r >= 0)
		r = inflate_new(&src, &s.z, e);
	s.can_stay = r >= 0 && inflate_is_plain(s.z) && fstat(input, &st) == 0 && S_ISREG(st.st_mode) && at_start;
	if (r >= 0)
		r = stage_all(&s, e);
	end.code = r;
	end.size = src.pos;
	return tell(&s, &end, r < 0 && e ? e->msg : "", "", NULL);
}

/* ---- parent ---- */

static int read_text(int fd, uint32_t len, char **ret)
{
	auto_free char *text = NULL;

	if (len > TAR_PATH_MAX)
		return -EPROTO;
	text = xcalloc(1, len + 1UL);
	if (fd_read_full(fd, text, len) != (ssize_t)len || strlen(text) != len)
		return -EPROTO;
	*ret = take_ptr(&text);
	return 0;
}

/* Return: 1 a member was added, 0 the end, negative errno */
static int receive(int fd, struct members *m, struct err *e)
{
	auto_free char *name = NULL, *target = NULL;
	struct member *mb;
	struct wire w;

	if (fd_read_full(fd, &w, sizeof(w)) != (ssize_t)sizeof(w) || read_text(fd, w.name_len, &name) < 0 ||
	    read_text(fd, w.target_len, &target) < 0)
		return err_say(e, EPROTO, "the process that reads the archive ended unexpectedly");
	if (w.kind == WIRE_END) {
		m->packed = w.size;
		return w.code < 0 ? err_say(e, w.code, "%s", name) : 0;
	}
	if (m->n >= MEMBERS_MAX || (w.kind == WIRE_FILE && (strnlen(w.digest, sizeof(w.digest)) == sizeof(w.digest) ||
							    !digest_is_sha256(w.digest))))
		return err_say(e, EPROTO, "the report on the archive is not valid");
	m->v = xrealloc(m->v, (m->n + 1) * sizeof(*m->v));
	mb = &m->v[m->n++];
	*mb = (struct member) {
		.name = take_ptr(&name),
		.file = w.file,
		.in_place = w.in_place,
		.offset = w.offset,
		.size = w.size,
	};
	memcpy(mb->digest, w.digest, sizeof(mb->digest));
	if (w.kind == WIRE_LINK)
		mb->target = take_ptr(&target);
	return 1;
}

static pid_t start_stager(int input, int dirfd, int *ret_rd, struct err *e)
{
	auto_close int rd = -EBADF, wr = -EBADF;
	struct err why = { 0 };
	int p[2], r = fd_pipe(p, e);
	pid_t pid, parent = getpid();

	if (r < 0)
		return r;
	rd = p[0];
	wr = p[1];
	pid = sys_clone_fork(0, NULL);
	if (pid < 0)
		return err_set(e, pid, "start a process");
	if (pid == 0)
		_exit(run_stager(input, dirfd, wr, parent, &why) < 0);
	*ret_rd = take_fd(&rd);
	return pid;
}

/* Return: 0 when the child has something to say, -EINTR */
static int wait_for(int rd, int stop, struct err *e)
{
	struct pollfd p[2] = { { .fd = rd, .events = POLLIN }, { .fd = stop, .events = POLLIN } };

	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "wait for the archive's members");
	return p[1].revents ? err_say(e, EINTR, "interrupted") : 0;
}

int members_stage(int input, int dirfd, int stop, struct members *ret, struct err *e)
{
	auto_members struct members m = { .input = input };
	auto_close int rd = -EBADF;
	int r;
	pid_t pid = start_stager(input, dirfd, &rd, e);

	if (pid < 0)
		return (int)pid;
	do {
		r = wait_for(rd, stop, e);
		if (r == 0)
			r = receive(rd, &m, e);
	} while (r > 0);
	fd_closep(&rd);
	if (r < 0)
		kill(pid, SIGKILL);
	proc_wait(pid);
	if (r < 0)
		return r;
	*ret = m;
	m = (struct members) { 0 };
	return 0;
}

static int copy_range(int from, uint64_t offset, uint64_t size, int to, struct sha256 *hash)
{
	static char buf[256 << 10];

	while (size) {
		ssize_t n = pread(from, buf, size < sizeof(buf) ? size : sizeof(buf), (off_t)offset);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		r = n > 0 ? fd_write_full(to, buf, (size_t)n) : n ? -errno : -EIO;
		if (r < 0)
			return r;
		sha256_update(hash, buf, (size_t)n);
		offset += (uint64_t)n;
		size -= (uint64_t)n;
	}
	return 0;
}

static int stage_from_dir(struct members *m, int folder, const char *prefix, const char *name, int dirfd, struct err *e)
{
	auto_close int from = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), to = -EBADF;
	auto_sha256 struct sha256 *hash = NULL;
	struct member *mb;
	struct stat st;
	char file[16];
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return errno == ELOOP ? 0 : err_set(e, errno, "open '%s%s'", prefix, name);
	if (!S_ISREG(st.st_mode))
		return 0;
	if (m->n >= MEMBERS_MAX)
		return err_say(e, E2BIG, "the folder has more than %u files", MEMBERS_MAX);
	snprintf(file, sizeof(file), "%zu", m->n);
	to = openat(dirfd, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0)
		return err_set(e, errno, "create a file for '%s%s'", prefix, name);
	r = sha256_new(&hash, e);
	if (r < 0)
		return r;
	r = copy_range(from, 0, (uint64_t)st.st_size, to, hash);
	if (r < 0)
		return err_set(e, r, "copy '%s%s'", prefix, name);
	m->v = xrealloc(m->v, (m->n + 1) * sizeof(*m->v));
	mb = &m->v[m->n];
	*mb = (struct member) {
		.name = xasprintf("%s%s", prefix, name),
		.file = (unsigned)m->n++,
		.size = (uint64_t)st.st_size,
	};
	sha256_final_digest(hash, mb->digest);
	m->packed += mb->size;
	return 0;
}

int members_stage_dir(int input, int dirfd, struct members *ret, struct err *e)
{
	static const char *const folders[] = { "", "blobs/sha256/" };
	auto_members struct members m = { .input = -EBADF };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(folders) / sizeof(*folders); i++) {
		auto_close int folder =
			openat(input, *folders[i] ? folders[i] : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		auto_strv char **names = NULL;

		if (folder < 0 && errno == ENOENT)
			continue;
		if (folder < 0)
			return err_set(e, errno, "open '%s'", folders[i]);
		r = fs_list_dir(folder, ".", &names, e);
		for (char **n = names; r == 0 && n && *n; n++)
			r = stage_from_dir(&m, folder, folders[i], *n, dirfd, e);
	}
	if (r < 0)
		return r;
	*ret = m;
	m = (struct members) { 0 };
	return 0;
}

void members_done(struct members *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].name);
		free(m->v[i].target);
	}
	free(m->v);
	*m = (struct members) { 0 };
}

const struct member *members_find(const struct members *m, const char *name)
{
	for (int depth = 0; depth < LINKS_MAX; depth++) {
		const struct member *found = NULL;

		for (size_t i = m->n; i-- > 0 && !found;) /* the last one of a name counts, as in any tar */
			if (str_is_eq(m->v[i].name, name))
				found = &m->v[i];
		if (!found || !found->target)
			return found;
		name = found->target;
	}
	return NULL;
}

int members_open(const struct members *m, int dirfd, const struct member *mb, int *ret_fd, uint64_t *ret_offset,
		 struct err *e)
{
	char file[16];
	int fd;

	snprintf(file, sizeof(file), "%u", mb->file);
	if (mb->in_place)
		fd = fcntl(m->input, F_DUPFD_CLOEXEC, 3);
	else
		fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_set(e, errno, "open member '%s'", mb->name);
	*ret_fd = fd;
	*ret_offset = mb->in_place ? mb->offset : 0;
	return 0;
}

int members_take(const struct members *m, int dirfd, const struct member *mb, int to, const char *name, struct err *e)
{
	auto_sha256 struct sha256 *hash = NULL;
	auto_close int fd = -EBADF;
	char file[16], have[SHA256_DIGEST_SIZE];
	int r;

	snprintf(file, sizeof(file), "%u", mb->file);
	if (!mb->in_place)
		return renameat(dirfd, file, to, name) < 0 ? err_set(e, errno, "keep member '%s'", mb->name) : 0;
	fd = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, errno, "keep member '%s'", mb->name);
	r = sha256_new(&hash, e);
	if (r < 0)
		return r;
	r = copy_range(m->input, mb->offset, mb->size, fd, hash);
	if (r < 0)
		return err_set(e, r, "keep member '%s'", mb->name);
	sha256_final_digest(hash, have);
	if (strcmp(have, mb->digest) != 0)
		return err_say(e, EBADMSG, "member '%s' has changed while it was read", mb->name);
	return 0;
}

int members_read(const struct members *m, int dirfd, const char *name, size_t max, char **ret, size_t *ret_len,
		 struct err *e)
{
	const struct member *mb = members_find(m, name);
	char file[16];
	int r;

	if (!mb)
		return err_say(e, ENOENT, "the archive has no '%s'", name);
	if (mb->in_place || mb->size > max) {
		auto_close int fd = -EBADF;
		uint64_t offset;
		char *text;

		if (mb->size > max)
			return err_say(e, E2BIG, "member '%s': it has %llu bytes, %zu are allowed", name,
				       (unsigned long long)mb->size, max);
		r = members_open(m, dirfd, mb, &fd, &offset, e);
		if (r < 0)
			return r;
		text = xcalloc(1, mb->size + 1);
		if (pread(fd, text, mb->size, (off_t)offset) != (ssize_t)mb->size) {
			free(text);
			return err_say(e, EIO, "member '%s': it cannot be read", name);
		}
		*ret = text;
		*ret_len = mb->size;
		return 0;
	}
	snprintf(file, sizeof(file), "%u", mb->file);
	r = fs_read_file(dirfd, file, max, ret, ret_len, e);
	return r < 0 ? err_wrap(e, r, "member '%s'", name) : 0;
}
