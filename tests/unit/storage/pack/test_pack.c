/* SPDX-License-Identifier: Apache-2.0 */
/* A folder becomes a tar: what is in it, in which order, and the same bytes twice. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "storage/pack/pack.h"
#include "tests/unit/tap.h"

static int collect(void *arg, const void *data, size_t len, struct err *e)
{
	(void)e;
	sbuf_add(arg, data, len);
	return 0;
}

static int refuse(void *arg, const void *data, size_t len, struct err *e)
{
	(void)arg;
	(void)data;
	(void)len;
	return err_say(e, ENOSPC, "full");
}

static unsigned long long octal(const char *p)
{
	return strtoull(p, NULL, 8);
}

/* "TYPE NAME[>LINK] SIZE;" for every header; contents are passed over. @pax gets the records. */
static void list(const struct sbuf *tar, struct sbuf *out, struct sbuf *pax)
{
	for (size_t pos = 0; pos + TAR_BLOCK <= tar->len && tar->p[pos];) {
		const char *h = tar->p + pos;
		unsigned long long size = octal(h + 124);
		unsigned sum = 0;

		for (size_t i = 0; i < TAR_BLOCK; i++)
			sum += i >= 148 && i < 156 ? ' ' : (unsigned char)h[i];
		if (sum != octal(h + 148))
			sbuf_adds(out, "BAD SUM ");
		pos += TAR_BLOCK;
		if (h[156] == 'x')
			sbuf_add(pax, tar->p + pos, (size_t)size);
		else
			sbuf_printf(out, "%c %.100s%s%.100s %llu;", h[156], h, h[157] ? ">" : "", h + 157, size);
		pos += (size_t)size + tar_padding(size);
	}
}

static void make(int dir)
{
	static const char long_name[] = "0123456789012345678901234567890123456789012345678901234567890123456789"
					"01234567890123456789012345678901234567890123456789";
	auto_close int fd = -EBADF;

	mkdirat(dir, "a", 0755);
	fs_write_file(dir, "a/file", "hello", 5, 0640, NULL);
	if (linkat(dir, "a/file", dir, "hard", 0) < 0 || symlinkat("../x", dir, "a/link") < 0)
		ok(false, "make links");
	fs_write_file(dir, long_name, "", 0, 0644, NULL);
	mkdirat(dir, "z", 01777);
	mkfifoat(dir, "z/fifo", 0600);
	fs_write_file(dir, "z/attr", "", 0, 0644, NULL);
	fd = openat(dir, "z/attr", O_RDONLY | O_CLOEXEC);
	fsetxattr(fd, "user.b", "1\0002", 3, 0);
	fsetxattr(fd, "user.a", "x", 1, 0);
	fsetxattr(fd, "user.overlay.redirect", "/etc", 4, 0);
}

static void test_tree(int dir)
{
	const struct pack_tree t = { .root = dir };
	auto_sbuf struct sbuf one = { 0 }, two = { 0 }, names = { 0 }, pax = { 0 };
	struct err e = { 0 };

	is_int(pack_tree_write(&t, collect, &one, &e), 0, "write");
	is_int(pack_tree_write(&t, collect, &two, &e), 0, "write again");
	ok(one.len == two.len && !memcmp(one.p, two.p, one.len), "the same bytes");
	is_int(one.len % TAR_BLOCK, 0, "whole blocks");
	list(&one, &names, &pax);
	ok(str_has_prefix(names.p, "0 "), "%s", names.p);
	ok(strstr(names.p, ";5 a/ 0;0 a/file 5;2 a/link>../x 0;1 hard>a/file 0;5 z/ 0;0 z/attr 0;6 z/fifo 0;"),
	   "entries in order: %s", names.p);
	ok(strstr(pax.p, "130 path=0123"), "a long name: %.40s", pax.p);
	ok(strstr(pax.p, " SCHILY.xattr.user.a=x\n"), "attributes");
	ok(!strstr(pax.p, "overlay"), "but not those that overlay would obey");
	is_int(pack_tree_write(&t, refuse, NULL, &e), -ENOSPC, "a full disk ends it");
}

static void test_upper(int dir)
{
	const struct pack_tree t = { .root = dir, .is_upper = true };
	auto_sbuf struct sbuf tar = { 0 }, names = { 0 }, pax = { 0 };
	auto_close int folder = -EBADF, file = -EBADF;
	struct err e = { 0 };

	mkdirat(dir, "d", 0755);
	mkdirat(dir, "d/opaque", 0755);
	if (mknodat(dir, "d/gone", S_IFCHR, 0) < 0) {
		ok(true, "# skip whiteouts cannot be made here");
		return;
	}
	folder = openat(dir, "d/opaque", O_RDONLY | O_CLOEXEC);
	fsetxattr(folder, "user.overlay.opaque", "y", 1, 0);
	fs_write_file(dir, "d/x", "", 0, 0644, NULL);
	file = openat(dir, "d/x", O_RDONLY | O_CLOEXEC);
	fsetxattr(file, "user.overlay.whiteout", "y", 1, 0);
	is_int(pack_tree_write(&t, collect, &tar, &e), 0, "write an upper folder");
	list(&tar, &names, &pax);
	is_str(names.p, "5 d/ 0;0 d/.wh.gone 0;5 d/opaque/ 0;0 d/opaque/.wh..wh..opq 0;0 d/.wh.x 0;", "whiteouts");
}

static void test_sparse(int dir)
{
	const struct pack_tree t = { .root = dir };
	auto_sbuf struct sbuf tar = { 0 }, names = { 0 }, pax = { 0 };
	auto_close int fd = openat(dir, "s", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct err e = { 0 };

	if (pwrite(fd, "data", 4, 4 << 20) != 4 || ftruncate(fd, 64 << 20) < 0)
		ok(false, "make a file with holes");
	is_int(pack_tree_write(&t, collect, &tar, &e), 0, "write");
	list(&tar, &names, &pax);
	ok(tar.len < (1 << 20), "holes are no bytes");
	ok(strstr(pax.p, "GNU.sparse.major=1") && strstr(pax.p, "GNU.sparse.name=s\n") &&
		   strstr(pax.p, "GNU.sparse.realsize=67108864\n"),
	   "the records: %s", pax.p);
}

static void test_numbers(void)
{
	const struct tar_head h = {
		.type = TAR_FILE, .name = "big", .uid = 4000000000U, .size = 9000000000ULL, .mtime = -5, .mode = 0644
	};
	auto_sbuf struct sbuf b = { 0 };

	tar_head_write(&b, &h);
	ok(strstr(b.p + TAR_BLOCK, "19 size=9000000000\n") && strstr(b.p + TAR_BLOCK, "18 uid=4000000000\n") &&
		   strstr(b.p + TAR_BLOCK, "12 mtime=-5\n"),
	   "numbers that do not fit: %s", b.p + TAR_BLOCK);
}

int main(void)
{
	char path[] = "/tmp/test_pack.XXXXXX";
	int top = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	void (*const tests[])(int) = { test_tree, test_upper, test_sparse };

	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		auto_close int dir = -EBADF;

		mkdirat(top, "t", 0755);
		dir = openat(top, "t", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (i == 0)
			make(dir);
		tests[i](dir);
		fs_remove_tree(top, "t", NULL);
	}
	test_numbers();
	close(top);
	rmdir(path);
	return done();
}
