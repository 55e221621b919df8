/* SPDX-License-Identifier: Apache-2.0 */
/*
 * F21: a layer's frame as a broken disk may have it, as it is and behind its compression. What is read comes from
 * diff/ and nowhere else.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "storage/unpack/rebuild.h"

static char top[] = "/dev/shm/skiff-fuzz-frame-XXXXXX";
static int layer = -1;

static void clean_up(void)
{
	fs_remove_tree(AT_FDCWD, top, NULL);
}

static void set_up(void)
{
	struct err e;

	if (layer >= 0)
		return;
	if (!mkdtemp(top) || fs_open_dir(AT_FDCWD, top, &layer, &e) < 0 || mkdirat(layer, "diff", 0755) < 0 ||
	    fs_write_file(layer, "diff/f", "content", 7, 0644, &e) < 0 || symlinkat("../../secret", layer, "diff/l") < 0 ||
	    fs_write_file(layer, "secret", "S3CR3TS3CR3T", 12, 0644, &e) < 0)
		abort();
	atexit(clean_up);
}

static int look(void *arg, const void *data, size_t len, struct err *e)
{
	uint64_t *total = arg;

	(void)e;
	if (memmem(data, len, "S3CR3T", 6))
		abort();
	*total += len;
	return *total > (64U << 20) ? -1 : 0;
}

static void rebuild(const void *frame, size_t len)
{
	uint64_t total = 0;
	struct err e;

	unlinkat(layer, "frame", 0);
	if (fs_write_file(layer, "frame", frame, len, 0600, &e) < 0)
		abort();
	layer_rebuild(layer, look, &total, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t room = ZSTD_compressBound(size), n;
	auto_free char *packed = malloc(room);

	if (!packed || memmem(data, size, "S3CR3T", 6))
		return 0;
	set_up();
	rebuild(data, size);
	n = ZSTD_compress(packed, room, data, size, 1);
	if (ZSTD_isError(n))
		abort();
	rebuild(packed, n);
	return 0;
}
