/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http/header.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

/* RFC 9110: tchar */
static bool is_token_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static const char *skip_blank(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

static const char *skip_token(const char *s)
{
	while (is_token_char(*s))
		s++;
	return s;
}

/*
 * A token or a quoted string at *@s, which moves behind it. -EINVAL for an open quote, a control character, or more
 * than HTTP_PARAM_MAX bytes.
 */
static int param_value(const char **s, char **ret)
{
	auto_sbuf struct sbuf b = { 0 };
	const char *p = *s;

	if (*p != '"') {
		/* Registries leave quotes away around values with '/', ':' and '='; take up to the next separator. */
		while (*p && *p != ',' && *p != ' ' && *p != '\t' && *p != '"')
			sbuf_addc(&b, *p++);
	} else {
		for (p++; *p != '"'; p++) {
			if (*p == '\\' && p[1])
				p++;
			if (!*p)
				return -EINVAL;
			sbuf_addc(&b, *p);
		}
		p++;
	}
	if (b.len > HTTP_PARAM_MAX || str_has_control(sbuf_str(&b)))
		return -EINVAL;
	*s = p;
	*ret = sbuf_take(&b);
	return 0;
}

static void set_param(struct http_challenge *c, const char *name, size_t len, char **value)
{
	const struct {
		const char *name;
		char **to;
	} known[] = {
		{ "realm", &c->realm },
		{ "service", &c->service },
		{ "scope", &c->scope },
		{ "error", &c->error },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strlen(known[i].name) != len || strncasecmp(known[i].name, name, len))
			continue;
		if (!*known[i].to) /* the first one counts */
			*known[i].to = take_ptr(value);
	}
}

/* The parameters of one scheme: name=value, separated by commas; stops before the next scheme or at the end. */
static int parse_params(const char **s, struct http_challenge *c)
{
	const char *p = *s;

	for (;;) {
		auto_free char *value = NULL;
		const char *name, *end;
		int r;

		p = skip_blank(p);
		if (*p == ',') {
			p++;
			continue;
		}
		name = p;
		end = skip_token(p);
		p = skip_blank(end);
		if (end == name || *p != '=') {
			*s = name;
			return 0;
		}
		p = skip_blank(p + 1);
		r = param_value(&p, &value);
		if (r < 0)
			return r;
		set_param(c, name, (size_t)(end - name), &value);
		*s = p = skip_blank(p);
		if (*p && *p != ',')
			return -EINVAL;
	}
}

static char *lower(const char *s, size_t n)
{
	char *r = xstrndup(s, n);

	for (char *p = r; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return r;
}

/**
 * http_parse_challenges() - Read WWW-Authenticate
 * @value:	The header's value; several headers may be joined by commas
 * @ret:	What was read, also after a failure; release with http_challenges_done()
 *
 * A token68 credential after the scheme (RFC 9110: "Negotiate abc==") is skipped.
 *
 * Return: 0, -EINVAL for what is no list of challenges, -E2BIG for more than HTTP_CHALLENGES_MAX
 */
int http_parse_challenges(const char *value, struct http_challenges *ret)
{
	const char *p = value;

	*ret = (struct http_challenges) { 0 };
	for (;;) {
		const char *end;
		int r;

		while (*p == ',' || *p == ' ' || *p == '\t')
			p++;
		if (!*p)
			return ret->n ? 0 : -EINVAL;
		end = skip_token(p);
		if (end == p || (*end && *end != ' ' && *end != ',' && *end != '\t'))
			return -EINVAL;
		if (ret->n == HTTP_CHALLENGES_MAX)
			return -E2BIG;
		ret->v[ret->n++].scheme = lower(p, (size_t)(end - p));
		p = skip_blank(end);
		end = p;
		while (*end && *end != ' ' && *end != ',' && *end != '"')
			end++;
		if (end > p && end[-1] == '=' && (!*end || *end == ','))
			p = end;
		r = parse_params(&p, &ret->v[ret->n - 1]);
		if (r < 0)
			return r;
	}
}

/**
 * http_challenges_done() - Release what http_parse_challenges() read
 * @c:	The list; empty afterwards
 */
void http_challenges_done(struct http_challenges *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].scheme);
		free(c->v[i].realm);
		free(c->v[i].service);
		free(c->v[i].scope);
		free(c->v[i].error);
	}
	*c = (struct http_challenges) { 0 };
}

/**
 * http_challenge_find() - Look for a scheme
 * @c:		The list
 * @scheme:	In lower case
 *
 * Return: the first challenge of that scheme, or NULL
 */
const struct http_challenge *http_challenge_find(const struct http_challenges *c, const char *scheme)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->v[i].scheme, scheme))
			return &c->v[i];
	return NULL;
}

/* Digits at *@s, which moves behind them. */
static int number(const char **s, uint64_t *ret)
{
	size_t n = strspn(*s, "0123456789");
	char buf[24];

	if (!n || n >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, *s, n);
	buf[n] = '\0';
	*s += n;
	return str_to_u64(buf, UINT64_MAX - 1, ret);
}

/**
 * http_parse_content_range() - Read Content-Range: bytes 5-9/10
 * @value:	The header's value
 * @ret:	The range
 *
 * Return: 0, -EINVAL (also for the unsatisfied form with a star before the slash), -ERANGE
 */
int http_parse_content_range(const char *value, struct http_range *ret)
{
	struct http_range v;
	const char *p = value;
	int r;

	if (strncasecmp(p, "bytes", 5) || (p[5] != ' ' && p[5] != '='))
		return -EINVAL;
	p = skip_blank(p + 6);
	r = number(&p, &v.first);
	if (r < 0)
		return r;
	if (*p++ != '-')
		return -EINVAL;
	r = number(&p, &v.last);
	if (r < 0)
		return r;
	if (*p++ != '/')
		return -EINVAL;
	if (*p == '*') {
		v.total = UINT64_MAX;
		p++;
	} else {
		r = number(&p, &v.total);
		if (r < 0)
			return r;
	}
	if (*skip_blank(p) || v.first > v.last || v.last >= v.total)
		return -EINVAL;
	*ret = v;
	return 0;
}

/**
 * http_parse_retry_after() - Read Retry-After
 * @value:		The header's value: seconds, or a date
 * @now:		Seconds since 1970
 * @ret_seconds:	How long to wait; 0 for a date that has passed
 *
 * Return: 0, -EINVAL
 */
int http_parse_retry_after(const char *value, int64_t now, int64_t *ret_seconds)
{
	uint64_t v;
	time_t t;
	int r;

	r = str_to_u64(value, INT32_MAX, &v);
	if (r == -ERANGE) {
		*ret_seconds = INT32_MAX;
		return 0;
	}
	if (r == 0) {
		*ret_seconds = (int64_t)v;
		return 0;
	}
	t = curl_getdate(value, NULL);
	if (t == -1)
		return -EINVAL;
	*ret_seconds = t > now ? t - now : 0;
	return 0;
}

/**
 * http_parse_link_next() - Read the URL of rel=next from a Link header
 * @value:	The header's value
 * @ret:	URL, perhaps relative
 *
 * Return: 0, -ENOENT when there is no next page, -EINVAL
 */
int http_parse_link_next(const char *value, char **ret)
{
	const char *p = value;

	for (;;) {
		const char *start, *end;
		bool next = false;

		p = skip_blank(p);
		if (!*p)
			return -ENOENT;
		if (*p != '<')
			return -EINVAL;
		start = p + 1;
		end = strchr(start, '>');
		if (!end || end - start > HTTP_PARAM_MAX)
			return -EINVAL;
		p = skip_blank(end + 1);
		while (*p == ';') {
			auto_free char *v = NULL;
			const char *name = skip_blank(p + 1), *name_end = skip_token(name);
			int r;

			p = skip_blank(name_end);
			if (name_end == name || *p != '=')
				return -EINVAL;
			p = skip_blank(p + 1);
			r = param_value(&p, &v);
			if (r < 0)
				return r;
			if (name_end - name == 3 && !strncasecmp(name, "rel", 3) && !strcasecmp(v, "next"))
				next = true;
			p = skip_blank(p);
		}
		if (next) {
			auto_free char *url = xstrndup(start, (size_t)(end - start));

			if (!*url || str_has_control(url))
				return -EINVAL;
			*ret = take_ptr(&url);
			return 0;
		}
		if (*p == ',')
			p++;
		else if (*p)
			return -EINVAL;
	}
}

/**
 * http_parse_media_type() - Read a Content-Type without its parameters
 * @value:	The header's value
 * @ret:	type/subtype in lower case
 *
 * Return: 0, -EINVAL
 */
int http_parse_media_type(const char *value, char **ret)
{
	const char *p = skip_blank(value), *slash = skip_token(p), *end;

	if (slash == p || *slash != '/')
		return -EINVAL;
	end = skip_token(slash + 1);
	if (end == slash + 1 || end - p > 255)
		return -EINVAL;
	if (*skip_blank(end) && *skip_blank(end) != ';')
		return -EINVAL;
	*ret = lower(p, (size_t)(end - p));
	return 0;
}
