/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layer applier on any bytes, in a throw-away folder beside a canary: whatever it makes of them, nothing outside
 * the folder changes, what was applied has no mark of overlay's that an image brought, and the frame gives the same tar
 * again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/crypto/sha256.h"
#include "lib/runtime/userns.h"
#include "storage/unpack/rebuild.h"
#include "storage/unpack/unpack_int.h"

static char top[] = "/dev/shm/skiff-fuzz-unpack-XXXXXX";
static int top_fd = -1;

static void clean_up(void)
{
	fs_remove_tree(AT_FDCWD, top, NULL);
}

static void set_up(void)
{
	struct err e;

	if (top_fd >= 0)
		return;
	umask(0);
	if (!mkdtemp(top) || fs_open_dir(AT_FDCWD, top, &top_fd, &e) < 0)
		abort();
	atexit(clean_up);
	if (fs_write_file(top_fd, "canary", "untouched", 9, 0600, &e) < 0)
		abort();
}

static void check_canary(void)
{
	auto_strv char **names = NULL;
	auto_free char *text = NULL;
	struct stat st;

	if (fs_list_dir(top_fd, ".", &names, NULL) < 0 || strv_len(names) != 2 ||
	    fs_read_file(top_fd, "canary", 100, &text, NULL, NULL) < 0 || strcmp(text, "untouched") != 0)
		abort();
	if (fstatat(top_fd, "canary", &st, 0) < 0 || st.st_nlink != 1 || (st.st_mode & 07777) != 0600)
		abort();
}

static int hash_piece(void *arg, const void *data, size_t len, struct err *e)
{
	(void)e;
	sha256_update(arg, data, len);
	return 0;
}

static void check_rebuild(int layer, const char *want)
{
	auto_sha256 struct sha256 *h = NULL;
	char have[SHA256_DIGEST_SIZE];
	struct err e = { 0 };
	int r = sha256_new(&h, &e);

	if (r == 0)
		r = layer_rebuild(layer, hash_piece, h, &e);
	/* Files that were made unreadable for us are no fault: in real life it is done by the namespace's root. */
	if (r == -EACCES)
		return;
	if (r < 0)
		abort();
	sha256_final_digest(h, have);
	if (strcmp(have, want) != 0)
		abort();
}

static int apply(int blob, size_t size, int layer, char *diff_id, bool *lossy)
{
	struct source src = { .fd = blob, .have = size, .complete = true, .pipe = -EBADF };
	const struct idmap map = { .single = true };
	auto_close int root = -EBADF, frame_fd = -EBADF, dirs = -EBADF;
	auto_inflate struct inflate *z = NULL;
	auto_sha256 struct sha256 *h = NULL;
	struct frame *frame = NULL;
	uint64_t tar_size;
	struct applier a;
	struct err e;
	int r;

	if (fs_make_dir(layer, "diff", 0755, &e) < 0 || fs_open_dir(layer, "diff", &root, &e) < 0)
		abort();
	frame_fd = openat(layer, "frame", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	dirs = memfd_create("dirs", MFD_CLOEXEC);
	r = inflate_new(&src, &z, &e);
	if (r == 0)
		r = sha256_new(&h, &e);
	if (r == 0)
		r = frame_new(frame_fd, &frame, &e);
	if (r < 0)
		return r;
	applier_init(&a, root, dirs, &map, &e);
	a.limits.size = 8U << 20;
	r = tar_apply(z, h, frame, &a, &tar_size, &e);
	*lossy = a.is_lossy;
	if (r == 0)
		sha256_final_digest(h, diff_id);
	applier_done(&a);
	frame_free(frame);
	return r;
}

/* Mutations behind the checksum are the interesting ones: in plain tars every header gets the right one. */
static void fix_checksums(uint8_t *p, size_t size)
{
	for (; size >= 512; p += 512, size -= 512) {
		unsigned sum = 0;

		if (memcmp(p + 257, "ustar", 5) != 0)
			continue;
		memset(p + 148, ' ', 8);
		for (size_t i = 0; i < 512; i++)
			sum += p[i];
		for (size_t i = 0; i < 6; i++)
			p[148 + 5 - i] = (uint8_t)('0' + (sum >> (3 * i) & 7));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_close int blob = memfd_create("blob", MFD_CLOEXEC), layer = -EBADF;
	auto_free uint8_t *copy = xmalloc(size + 1);
	char diff_id[SHA256_DIGEST_SIZE];
	bool lossy = false;
	struct err e;

	set_up();
	memcpy(copy, data, size);
	fix_checksums(copy, size);
	if (blob < 0 || write(blob, copy, size) != (ssize_t)size || fs_make_dir(top_fd, "layer", 0700, &e) < 0 ||
	    fs_open_dir(top_fd, "layer", &layer, &e) < 0)
		abort();
	if (apply(blob, size, layer, diff_id, &lossy) == 0 && !lossy)
		check_rebuild(layer, diff_id);
	check_canary();
	if (fs_remove_tree(top_fd, "layer", &e) < 0)
		abort();
	return 0;
}
