/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "storage/pack/pack.h"

/* struct ustar - a header block, as POSIX has it */
struct ustar {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[6];
	char version[2];
	char uname[32];
	char gname[32];
	char major[8];
	char minor[8];
	char prefix[155];
	char unused[12];
};
_Static_assert(sizeof(struct ustar) == TAR_BLOCK, "a header is one block");

#define PAX_TYPE 'x'
/* The largest number in a field of so many octal digits. */
#define OCTAL_MAX(digits) ((1ULL << (3 * (digits))) - 1)

static void put_octal(char *field, size_t size, uint64_t v)
{
	uint64_t max = OCTAL_MAX(size - 1);

	/* A PAX record says what does not fit. */
	snprintf(field, size, "%0*llo", (int)size - 1, (unsigned long long)(v > max ? 0 : v));
}

/* What does not fit is in a PAX record; the end of a path tells more than its beginning. */
static void put_name(char *field, size_t size, const char *s)
{
	size_t n = strlen(s);

	memcpy(field, n > size ? s + n - size : s, n > size ? size : n);
}

static void put_block(struct sbuf *b, const struct tar_head *h, char type, const char *name, uint64_t size)
{
	struct ustar u = { .type = type, .magic = "ustar", .version = { '0', '0' } };
	const unsigned char *p = (const unsigned char *)&u;
	unsigned sum = 0;

	put_name(u.name, sizeof(u.name), name);
	put_octal(u.mode, sizeof(u.mode), h->mode & 07777);
	put_octal(u.uid, sizeof(u.uid), h->uid);
	put_octal(u.gid, sizeof(u.gid), h->gid);
	put_octal(u.size, sizeof(u.size), size);
	put_octal(u.mtime, sizeof(u.mtime), h->mtime < 0 ? 0 : (uint64_t)h->mtime);
	if (type != PAX_TYPE && h->link)
		put_name(u.link, sizeof(u.link), h->link);
	put_octal(u.major, sizeof(u.major), h->major);
	put_octal(u.minor, sizeof(u.minor), h->minor);
	memset(u.checksum, ' ', sizeof(u.checksum));
	for (size_t i = 0; i < sizeof(u); i++)
		sum += p[i];
	snprintf(u.checksum, sizeof(u.checksum), "%06o", sum);
	u.checksum[7] = ' ';
	sbuf_add(b, &u, sizeof(u));
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts itself. */
static void add_record(struct sbuf *b, const char *prefix, const char *key, const void *value, size_t len)
{
	size_t rest = strlen(prefix) + strlen(key) + len + 3, n = rest, digits;
	char text[24];

	do {
		digits = (size_t)snprintf(text, sizeof(text), "%zu", n);
		n = rest + digits;
	} while ((size_t)snprintf(text, sizeof(text), "%zu", n) != digits);
	sbuf_printf(b, "%s %s%s=", text, prefix, key);
	sbuf_add(b, value, len);
	sbuf_addc(b, '\n');
}

static void add_text(struct sbuf *b, const char *key, const char *value)
{
	add_record(b, "", key, value, strlen(value));
}

static void add_number(struct sbuf *b, const char *key, int64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)v);
	add_text(b, key, text);
}

static void add_sparse(struct sbuf *b, const struct tar_head *h)
{
	add_text(b, "GNU.sparse.major", "1");
	add_text(b, "GNU.sparse.minor", "0");
	add_text(b, "GNU.sparse.name", h->name);
	add_number(b, "GNU.sparse.realsize", (int64_t)h->real_size);
}

static void add_records(struct sbuf *b, const struct tar_head *h)
{
	const struct ustar *u = NULL;

	if (h->is_sparse)
		add_sparse(b, h);
	else if (strlen(h->name) > sizeof(u->name))
		add_text(b, "path", h->name);
	if (h->link && strlen(h->link) > sizeof(u->link))
		add_text(b, "linkpath", h->link);
	if (h->size > OCTAL_MAX(sizeof(u->size) - 1))
		add_number(b, "size", (int64_t)h->size);
	if (h->uid > OCTAL_MAX(sizeof(u->uid) - 1))
		add_number(b, "uid", (int64_t)h->uid);
	if (h->gid > OCTAL_MAX(sizeof(u->gid) - 1))
		add_number(b, "gid", (int64_t)h->gid);
	if (h->mtime < 0 || (uint64_t)h->mtime > OCTAL_MAX(sizeof(u->mtime) - 1))
		add_number(b, "mtime", h->mtime);
	for (size_t i = 0; i < h->n_xattrs; i++)
		add_record(b, "SCHILY.xattr.", h->xattrs[i].name, h->xattrs[i].value, h->xattrs[i].len);
}

void tar_head_write(struct sbuf *b, const struct tar_head *h)
{
	static const char zeros[TAR_BLOCK];
	auto_sbuf struct sbuf pax = { 0 }, name = { 0 };
	const struct tar_head plain = { .mode = 0644 };

	add_records(&pax, h);
	if (pax.len) {
		const char *base = strrchr(h->name, '/');

		sbuf_printf(&name, "PaxHeaders.0/%.80s", base && base[1] ? base + 1 : "entry");
		put_block(b, &plain, PAX_TYPE, sbuf_str(&name), pax.len);
		sbuf_add(b, pax.p, pax.len);
		sbuf_add(b, zeros, tar_padding(pax.len));
	}
	sbuf_reset(&name);
	/* Who cannot read sparse files finds the parts under a name that says so. */
	if (h->is_sparse)
		sbuf_printf(&name, "GNUSparseFile.0/%s", h->name);
	put_block(b, h, (char)h->type, h->is_sparse ? sbuf_str(&name) : h->name, h->size);
}
