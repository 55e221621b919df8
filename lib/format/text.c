/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/format/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/str.h"
#include "lib/base/time.h"

static const char *scale(double v, double base, int digits, const char *const units[9], char buf[FORMAT_LEN])
{
	size_t i = 0;

	for (; v >= base && i < 8; i++)
		v /= base;
	snprintf(buf, FORMAT_LEN, "%.*g%s", digits, v, units[i]);
	return buf;
}

/**
 * format_size() - A size with decimal units
 * @bytes:	Size
 * @digits:	Significant digits
 * @buf:	Room
 *
 * Return: @buf
 */
const char *format_size(uint64_t bytes, int digits, char buf[FORMAT_LEN])
{
	static const char *const units[9] = { "B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB" };

	return scale((double)bytes, 1000, digits, units, buf);
}

/**
 * format_size_binary() - A size with binary units
 * @bytes:	Size
 * @buf:	Room
 *
 * Return: @buf
 */
const char *format_size_binary(uint64_t bytes, char buf[FORMAT_LEN])
{
	static const char *const units[9] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB" };

	return scale((double)bytes, 1024, 4, units, buf);
}

/**
 * format_duration() - A duration in words
 * @ns:		Duration
 * @buf:	Room
 *
 * Return: @buf
 */
const char *format_duration(int64_t ns, char buf[FORMAT_LEN])
{
	long long s = ns / NSEC_PER_SEC, m = s / 60, h = (s + 1800) / 3600;

	if (s < 1)
		snprintf(buf, FORMAT_LEN, "Less than a second");
	else if (s == 1)
		snprintf(buf, FORMAT_LEN, "1 second");
	else if (s < 60)
		snprintf(buf, FORMAT_LEN, "%lld seconds", s);
	else if (m == 1)
		snprintf(buf, FORMAT_LEN, "About a minute");
	else if (m < 60)
		snprintf(buf, FORMAT_LEN, "%lld minutes", m);
	else if (h == 1)
		snprintf(buf, FORMAT_LEN, "About an hour");
	else if (h < 48)
		snprintf(buf, FORMAT_LEN, "%lld hours", h);
	else if (h < 24LL * 7 * 2)
		snprintf(buf, FORMAT_LEN, "%lld days", h / 24);
	else if (h < 24LL * 30 * 2)
		snprintf(buf, FORMAT_LEN, "%lld weeks", h / 24 / 7);
	else if (h < 24LL * 365 * 2)
		snprintf(buf, FORMAT_LEN, "%lld months", h / 24 / 30);
	else
		snprintf(buf, FORMAT_LEN, "%lld years", s / 3600 / 24 / 365);
	return buf;
}

/**
 * format_ago() - How long ago something was
 * @then_ns:	Wall-clock time; 0: never
 * @buf:	Room
 *
 * Return: @buf
 */
const char *format_ago(int64_t then_ns, char buf[FORMAT_LEN])
{
	size_t n;

	buf[0] = '\0';
	if (then_ns == 0)
		return buf;
	format_duration(time_now() - then_ns, buf);
	n = strlen(buf);
	snprintf(buf + n, FORMAT_LEN - n, " ago");
	return buf;
}

/**
 * format_time_local() - A time in the user's zone, as docker's CreatedAt
 * @ns:		Wall-clock time
 * @buf:	Room
 *
 * Return: @buf
 */
const char *format_time_local(int64_t ns, char buf[FORMAT_LEN])
{
	time_t t = (time_t)(ns / NSEC_PER_SEC);
	struct tm tm = { 0 };

	localtime_r(&t, &tm);
	if (strftime(buf, FORMAT_LEN, "%Y-%m-%d %H:%M:%S %z %Z", &tm) == 0)
		buf[0] = '\0';
	return buf;
}

/**
 * format_short_id() - The short form of an id
 * @id:		Id, or digest with "sha256:" before it; may be NULL
 * @buf:	Room
 *
 * Return: @buf
 */
const char *format_short_id(const char *id, char buf[FORMAT_LEN])
{
	const char *colon = id ? strchr(id, ':') : NULL;

	snprintf(buf, FORMAT_LEN, "%.12s", colon ? colon + 1 : id ? id : "");
	return buf;
}

/*
 * One character of UTF-8. Return: its length, or 0 when the bytes are none: overlong forms, surrogates and what lies
 * beyond U+10FFFF are no characters either.
 */
static size_t decode(const char *p, size_t len, uint32_t *ret)
{
	const unsigned char *u = (const unsigned char *)p;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = u[0] < 0x80 ? 1 : u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
	uint32_t c = n == 1 ? u[0] : u[0] & (0xffU >> (n + 1));

	if ((u[0] >= 0x80 && u[0] < 0xc2) || u[0] > 0xf4 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	if (n > 1 && (c < least[n] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff))
		return 0;
	*ret = c;
	return n;
}

/* C0, DEL, C1, and the marks that turn the direction of the text around (the shown order would lie). */
static bool is_harmful(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/**
 * format_plain() - Append text that does nothing to a terminal
 * @out:	Where to
 * @text:	Text from anywhere
 * @len:	Its length
 * @keep_lines:	Newline and tab stay
 */
void format_plain(struct sbuf *out, const char *text, size_t len, bool keep_lines)
{
	for (size_t i = 0; i < len;) {
		uint32_t c = 0;
		size_t n = decode(text + i, len - i, &c);

		if (n == 0 || (is_harmful(c) && !(keep_lines && (c == '\n' || c == '\t'))))
			sbuf_addc(out, '?');
		else
			sbuf_add(out, text + i, n);
		i += n ? n : 1;
	}
}

/**
 * format_width() - Count characters
 * @text:	Text
 * @len:	Its length in bytes
 *
 * Return: characters; a broken byte counts as one
 */
size_t format_width(const char *text, size_t len)
{
	size_t width = 0;
	uint32_t c;

	for (size_t i = 0; i < len; width++) {
		size_t n = decode(text + i, len - i, &c);

		i += n ? n : 1;
	}
	return width;
}

/**
 * format_truncate() - Append at most so many characters
 * @out:	Where to
 * @text:	Text
 * @max:	Characters
 */
void format_truncate(struct sbuf *out, const char *text, size_t max)
{
	size_t len = strlen(text), i = 0, n;
	uint32_t c;

	if (format_width(text, len) <= max) {
		sbuf_adds(out, text);
		return;
	}
	for (size_t k = 0; k + 1 < max && i < len; k++) {
		n = decode(text + i, len - i, &c);
		i += n ? n : 1;
	}
	sbuf_add(out, text, i);
	if (max > 0)
		sbuf_adds(out, "\xe2\x80\xa6");
}
