/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/engine/logrec.h"

#include <stdint.h>
#include <string.h>

#include "lib/oci/json.h"

/**
 * logrec_append() - Write a record
 * @b:		Where to
 * @stream:	"stdout" or "stderr"
 * @time:	RFC 3339
 * @data:	Text; bytes that are no UTF-8 become U+FFFD
 * @len:	Its length
 */
void logrec_append(struct sbuf *b, const char *stream, const char *time, const char *data, size_t len)
{
	sbuf_adds(b, "{\"log\":");
	json_quote(b, data, len);
	sbuf_printf(b, ",\"stream\":\"%s\",\"time\":\"%s\"}\n", stream, time);
}

/**
 * logrec_done() - Release a record
 * @r:	The record
 */
void logrec_done(struct logrec *r)
{
	sbuf_done(&r->text);
}

/* What is left to read. */
struct cursor {
	const char *p, *end;
};

static bool skip(struct cursor *c, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0)
		return false;
	c->p += n;
	return true;
}

static bool hex4(struct cursor *c, uint32_t *ret)
{
	uint32_t v = 0;

	if (c->end - c->p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char ch = *c->p++;

		if (ch >= '0' && ch <= '9')
			v = v << 4 | (uint32_t)(ch - '0');
		else if (ch >= 'a' && ch <= 'f')
			v = v << 4 | (uint32_t)(ch - 'a' + 10);
		else if (ch >= 'A' && ch <= 'F')
			v = v << 4 | (uint32_t)(ch - 'A' + 10);
		else
			return false;
	}
	*ret = v;
	return true;
}

static void add_utf8(struct sbuf *b, uint32_t u)
{
	if (u < 0x80) {
		sbuf_addc(b, (char)u);
	} else if (u < 0x800) {
		sbuf_addc(b, (char)(0xc0 | u >> 6));
		sbuf_addc(b, (char)(0x80 | (u & 0x3f)));
	} else {
		if (u < 0x10000) {
			sbuf_addc(b, (char)(0xe0 | u >> 12));
		} else {
			sbuf_addc(b, (char)(0xf0 | u >> 18));
			sbuf_addc(b, (char)(0x80 | (u >> 12 & 0x3f)));
		}
		sbuf_addc(b, (char)(0x80 | (u >> 6 & 0x3f)));
		sbuf_addc(b, (char)(0x80 | (u & 0x3f)));
	}
}

/* Behind "\u". Other writers than we escape what is outside the first plane as two halves. */
static bool unicode(struct cursor *c, struct sbuf *b)
{
	uint32_t u, low;

	if (!hex4(c, &u))
		return false;
	if (u >= 0xd800 && u < 0xdc00) {
		if (!skip(c, "\\u") || !hex4(c, &low) || low < 0xdc00 || low > 0xdfff)
			return false;
		u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
	} else if (u >= 0xdc00 && u < 0xe000) {
		return false;
	}
	add_utf8(b, u);
	return true;
}

static bool escape(struct cursor *c, struct sbuf *b)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (c->p == c->end)
		return false;
	if (*c->p == 'u') {
		c->p++;
		return unicode(c, b);
	}
	at = *c->p ? strchr(from, *c->p) : NULL;
	if (!at)
		return false;
	sbuf_addc(b, to[at - from]);
	c->p++;
	return true;
}

/* Behind the opening quote, up to and with the closing one. */
static bool string(struct cursor *c, struct sbuf *b)
{
	for (;;) {
		const char *from = c->p;

		while (c->p < c->end && *c->p != '"' && *c->p != '\\')
			c->p++;
		sbuf_add(b, from, (size_t)(c->p - from));
		if (c->p == c->end)
			return false;
		if (*c->p++ == '"')
			return true;
		if (!escape(c, b))
			return false;
	}
}

bool logrec_parse(const char *line, size_t len, struct logrec *ret)
{
	struct cursor c = { line, line + len };
	size_t n;

	sbuf_reset(&ret->text);
	if (!skip(&c, "{\"log\":\"") || !string(&c, &ret->text) || !skip(&c, ",\"stream\":\"std"))
		return false;
	ret->is_stderr = skip(&c, "err");
	if (!ret->is_stderr && !skip(&c, "out"))
		return false;
	if (!skip(&c, "\",\"time\":\""))
		return false;
	n = 0;
	while (c.p + n < c.end && c.p[n] && strchr("0123456789-:.+TZ", c.p[n]))
		n++;
	if (n == 0 || n >= sizeof(ret->time) || c.p + n == c.end || c.p[n] != '"')
		return false;
	memcpy(ret->time, c.p, n);
	ret->time[n] = '\0';
	return true;
}
