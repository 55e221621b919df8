/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/unpack/unpack.h"
#include "storage/unpack/unpack_int.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"

/* TL-01: names become components below the root, or are refused. */
static void test_names(void)
{
	static const struct {
		const char *name, *full, *base; /* full NULL: refused */
	} t[] = {
		{ "a", "a", "a" },
		{ "a/b", "a/b", "b" },
		{ "a/b/c", "a/b/c", "c" },
		{ "/a", "a", "a" },
		{ "//a", "a", "a" },
		{ "///a//b///", "a/b", "b" },
		{ "./a", "a", "a" },
		{ "././a/./b/.", "a/b", "b" },
		{ "a/", "a", "a" },
		{ "a/.", "a", "a" },
		{ ".", "", "" },
		{ "./", "", "" },
		{ "/", "", "" },
		{ "//", "", "" },
		{ "/./", "", "" },
		{ "...", "...", "..." },
		{ "..a", "..a", "..a" },
		{ "a..", "a..", "a.." },
		{ "a/..b", "a/..b", "..b" },
		{ " ", " ", " " },
		{ "a b", "a b", "a b" },
		{ "-rf", "-rf", "-rf" },
		{ "a\\..\\b", "a\\..\\b", "a\\..\\b" },
		{ "a\nb", "a\nb", "a\nb" },
		{ "\xff\xfe", "\xff\xfe", "\xff\xfe" },
		{ "\xc3\xa4/\xe2\x82\xac", "\xc3\xa4/\xe2\x82\xac", "\xe2\x82\xac" },
		{ "%2e%2e/a", "%2e%2e/a", "a" },
		{ "C:\\x", "C:\\x", "C:\\x" },
		{ "", NULL, NULL },
		{ "..", NULL, NULL },
		{ "../x", NULL, NULL },
		{ "/../x", NULL, NULL },
		{ "/..", NULL, NULL },
		{ "a/..", NULL, NULL },
		{ "a/../b", NULL, NULL },
		{ "a/../../x", NULL, NULL },
		{ "./../x", NULL, NULL },
		{ "a/./../x", NULL, NULL },
		{ "a//../x", NULL, NULL },
		{ "../../../../etc/passwd", NULL, NULL },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct tar_path p;
		struct err e = { 0 };
		int r = tar_path_parse(t[i].name, &p, &e);

		if (!t[i].full) {
			ok(r < 0 && e.msg[0], "TL-01 refused: '%s'", t[i].name);
			continue;
		}
		ok(r == 0, "TL-01 taken: '%s'", t[i].name);
		is_str(p.full, t[i].full, "its components");
		is_str(p.base, t[i].base, "its last one");
		ok(p.dir_len == 0 || p.full[p.dir_len] == '/', "its parent ends at a slash");
	}
}

static void test_lengths(void)
{
	char name[8192];
	struct tar_path p;

	memset(name, 'a', sizeof(name));
	name[255] = '\0';
	ok(tar_path_parse(name, &p, NULL) == 0, "TL-01 255 bytes in a component");
	name[255] = 'a';
	name[256] = '\0';
	ok(tar_path_parse(name, &p, NULL) < 0, "TL-01 256 bytes are too many");
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 200 == 199 ? '/' : 'a';
	name[4090] = '\0';
	ok(tar_path_parse(name, &p, NULL) == 0, "TL-01 a path of 4090 bytes");
	name[4090] = 'a';
	name[4097] = '\0';
	ok(tar_path_parse(name, &p, NULL) < 0, "TL-01 a path of 4097 bytes");
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 2 ? '/' : 'a';
	name[2047] = '\0';
	ok(tar_path_parse(name, &p, NULL) == 0, "TL-10 1024 levels");
	name[2047] = '/';
	name[2049] = '\0';
	ok(tar_path_parse(name, &p, NULL) < 0, "TL-10 1025 levels");
}

/* TL-06 */
static void test_whiteouts(void)
{
	static const struct {
		const char *base;
		enum whiteout kind;
		const char *name;
		bool is_bad;
	} t[] = {
		{ "file", WHITEOUT_NONE, NULL, false },
		{ ".wh", WHITEOUT_NONE, NULL, false },
		{ "a.wh.b", WHITEOUT_NONE, NULL, false },
		{ ".wh.file", WHITEOUT_NAME, "file", false },
		{ ".wh.a.wh.b", WHITEOUT_NAME, "a.wh.b", false },
		{ ".wh....", WHITEOUT_NAME, "...", false },
		{ ".wh..wh..opq", WHITEOUT_OPAQUE, NULL, false },
		{ ".wh..wh.aufs", WHITEOUT_IGNORED, NULL, false },
		{ ".wh..wh.plnk", WHITEOUT_IGNORED, NULL, false },
		{ ".wh.", WHITEOUT_NONE, NULL, true },
		{ ".wh..", WHITEOUT_NONE, NULL, true },
		{ ".wh...", WHITEOUT_NONE, NULL, true },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		enum whiteout kind;
		const char *name = NULL;
		int r = whiteout_parse(t[i].base, &kind, &name, NULL);

		is_int(r < 0, t[i].is_bad, "TL-06 '%s' is %s", t[i].base, t[i].is_bad ? "refused" : "taken");
		if (t[i].is_bad)
			continue;
		is_int(kind, t[i].kind, "TL-06 meaning of '%s'", t[i].base);
		if (kind == WHITEOUT_NAME)
			is_str(name, t[i].name, "TL-06 what '%s' removes", t[i].base);
	}
}

/* TL-07 */
static void test_xattrs(void)
{
	static const char *const kept[] = { "user.x", "user.overlayfoo", "security.capability",
					    "system.posix_acl_access" };
	static const char *const dropped[] = {
		"user.overlay.opaque",
		"user.overlay.redirect",
		"user.overlay.metacopy",
		"user.overlay.origin",
		"trusted.overlay.opaque",
		"trusted.x",
		"user.fuseoverlayfs.opaque",
		"user.containers.override_stat",
		"security.selinux",
		"security.ima",
		"security.evm",
		"system.nfs4_acl",
		"",
		"user",
		"x",
	};

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		ok(xattr_is_kept(kept[i]), "TL-07 %s is kept", kept[i]);
	for (size_t i = 0; i < sizeof(dropped) / sizeof(*dropped); i++)
		ok(!xattr_is_kept(dropped[i]), "TL-07 '%s' is dropped", dropped[i]);
}

/* ---- TL-12: extended headers ---- */

struct blocks {
	unsigned char p[64 * 1024];
	size_t len;
};

static void add_block(struct blocks *b, char type, const char *body, size_t len)
{
	unsigned char *h = b->p + b->len;

	memset(h, 0, 512 + (len + 511) / 512 * 512);
	memcpy(h, "name", 4);
	snprintf((char *)h + 124, 12, "%011o", (unsigned)len);
	h[156] = (unsigned char)type;
	memcpy(h + 512, body, len);
	b->len += 512 + (len + 511) / 512 * 512;
}

static int parse(const char *pax, size_t len, char type, struct raw_header *h)
{
	static struct blocks b;

	b.len = 0;
	add_block(&b, type, pax, len);
	add_block(&b, '0', "", 0);
	return raw_header_parse(b.p, b.len, h, NULL);
}

static void test_pax(void)
{
	static const struct {
		const char *pax;
		size_t len; /* 0: strlen */
		bool is_good;
	} t[] = {
		{ "10 path=a\n", 0, true },
		{ "10 path=a\n10 path=a\n", 0, true },
		{ "10 path=a\n10 path=b\n", 0, false },
		{ "14 linkpath=a\n", 0, true },
		{ "14 linkpath=a\n14 linkpath=b\n", 0, false },
		{ "10 size=7\n", 0, true },
		{ "10 size=7\n10 size=8\n", 0, false },
		{ "11 size=-7\n", 0, false },
		{ "13 size= 7 \n", 0, false },
		{ "29 size=9223372036854775808\n\n", 0, false },
		{ "9 size=x\n", 0, false },
		{ "10 path=a", 0, false },
		{ "9 path=a\n", 0, true },
		{ "11 path=a\n", 0, false },
		{ "0 path=a\n", 0, false },
		{ " 10 path=a\n", 0, false },
		{ "99999999999 path=a\n", 0, false },
		{ "5 a=\n", 0, true },
		{ "4 a\n", 0, false },
		{ "12 path=a\0b\n", 12, false },
		{ "12 user=a\0b\n", 12, true },
		{ "12 path=a\xff"
		  "b\n",
		  0, true },
		{ "6 =a\n\n", 0, false },
	};
	static struct raw_header h;

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		size_t len = t[i].len ? t[i].len : strlen(t[i].pax);

		is_int(parse(t[i].pax, len, 'x', &h) == 0, t[i].is_good, "TL-12 PAX header %zu", i);
	}
	ok(parse("10 path=a\n", 10, 'g', &h) < 0, "TL-12 a global header must not name entries");
	ok(parse("14 comment=xx\n", 14, 'g', &h) == 0, "a global comment is fine");
	ok(parse("12 path=a\xff"
		 "b\n",
		 12, 'x', &h) == 0 &&
		   !strcmp(h.path, "a\xff"
				   "b"),
	   "names are bytes");
	ok(parse("long", 4, 'L', &h) == 0 && h.has_path && !strcmp(h.path, "long"), "GNU long name");
	ok(parse("long", 4, 'K', &h) == 0 && h.has_link && !strcmp(h.link, "long"), "GNU long link");
}

static void test_pax_twice(void)
{
	static struct blocks b;
	static struct raw_header h;

	b.len = 0;
	add_block(&b, 'x', "10 path=a\n", 10);
	add_block(&b, 'x', "10 path=a\n", 10);
	add_block(&b, '0', "", 0);
	ok(raw_header_parse(b.p, b.len, &h, NULL) < 0, "TL-12 two PAX headers");
	b.len = 0;
	add_block(&b, 'x', "10 path=a\n", 10);
	add_block(&b, 'L', "b", 1);
	add_block(&b, '0', "", 0);
	ok(raw_header_parse(b.p, b.len, &h, NULL) < 0, "TL-12 PAX and GNU names differ");
	b.len = 0;
	add_block(&b, 'x', "10 path=a\n", 10);
	memset(b.p + 124, '7', 11);
	ok(raw_header_parse(b.p, b.len, &h, NULL) < 0, "TL-10 a PAX header of a gigabyte");
}

int main(void)
{
	test_names();
	test_lengths();
	test_whiteouts();
	test_xattrs();
	test_pax();
	test_pax_twice();
	return done();
}
