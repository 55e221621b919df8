/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http/url.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

#define URL_MAX 16384

static void curlu_freep(CURLU **u)
{
	curl_url_cleanup(*u);
	*u = NULL;
}
#define auto_curlu __attribute__((cleanup(curlu_freep)))

static void curl_strp(char **s)
{
	curl_free(*s);
	*s = NULL;
}
#define auto_curl_str __attribute__((cleanup(curl_strp)))

/* Only http and https, no user name and password in it, no control character, of bounded length. */
static int parse(const char *text, CURLU **ret, struct err *e)
{
	auto_curlu CURLU *u = curl_url();
	auto_curl_str char *scheme = NULL;
	auto_free char *shown = url_for_message(text);

	if (!u)
		return err_set(e, ENOMEM, "parse a URL");
	if (strlen(text) > URL_MAX || str_has_control(text) || strchr(text, ' '))
		return err_say(e, EINVAL, "invalid URL '%s'", shown);
	if (curl_url_set(u, CURLUPART_URL, text, CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
		return err_say(e, EINVAL, "invalid URL '%s'", shown);
	if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    (strcmp(scheme, "http") && strcmp(scheme, "https")))
		return err_say(e, EINVAL, "invalid URL '%s': neither http nor https", shown);
	*ret = take_ptr(&u);
	return 0;
}

static int parts(CURLU *u, struct url *ret)
{
	auto_curl_str char *scheme = NULL, *host = NULL, *port = NULL;
	uint32_t n;

	if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) || curl_url_get(u, CURLUPART_HOST, &host, 0) ||
	    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))
		return -EINVAL;
	if (!*host || str_to_u32(port, &n) < 0)
		return -EINVAL;
	ret->scheme = xstrdup(scheme);
	ret->host = xstrdup(host);
	ret->port = n;
	for (char *p = ret->host; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return 0;
}

/**
 * url_parse() - Take a URL apart
 * @text:	The URL
 * @ret:	Its parts; release with url_done()
 * @e:		Failure
 *
 * Return: 0, -EINVAL for what is no absolute http(s) URL, or has a user name in it
 */
int url_parse(const char *text, struct url *ret, struct err *e)
{
	auto_curlu CURLU *u = NULL;
	auto_free char *shown = NULL;
	int r = parse(text, &u, e);

	if (r < 0)
		return r;
	r = parts(u, ret);
	if (r == 0)
		return 0;
	shown = url_for_message(text);
	return err_say(e, EINVAL, "invalid URL '%s'", shown);
}

/**
 * url_done() - Release a URL's parts
 * @u:	The parts; empty afterwards
 */
void url_done(struct url *u)
{
	free(u->scheme);
	free(u->host);
	*u = (struct url) { 0 };
}

/**
 * url_is_same_origin() - May what is meant for one URL be sent to another?
 * @a:	One
 * @b:	The other
 *
 * Return: whether scheme, host and port are equal
 */
bool url_is_same_origin(const struct url *a, const struct url *b)
{
	return !strcmp(a->scheme, b->scheme) && !strcmp(a->host, b->host) && a->port == b->port;
}

/**
 * url_is_loopback() - Is a registry's host this machine itself?
 * @host:	Name or address, no port
 *
 * Return: whether it is localhost, in 127.0.0.0/8, or ::1
 */
bool url_is_loopback(const char *host)
{
	if (!strcmp(host, "localhost") || !strcmp(host, "[::1]") || !strcmp(host, "::1"))
		return true;
	return str_has_prefix(host, "127.") && host[strspn(host, "0123456789.")] == '\0';
}

/**
 * url_redirect() - Where does a redirect lead, and does the authorization go with it?
 * @from:		URL that was asked
 * @location:		The answer's Location, perhaps relative
 * @ret_url:		Absolute URL
 * @ret_same_origin:	Same scheme, host and port? Only then may credentials be sent
 * @e:			Failure
 *
 * Return: 0, -EINVAL for a bad URL, -EPERM for a step from https to http
 */
int url_redirect(const char *from, const char *location, char **ret_url, bool *ret_same_origin, struct err *e)
{
	auto_curlu CURLU *u = NULL;
	auto_curl_str char *abs = NULL;
	auto_url struct url a = { 0 }, b = { 0 };
	auto_free char *shown = url_for_message(location);
	int r = parse(from, &u, e);

	if (r < 0)
		return r;
	if (!*location || strlen(location) > URL_MAX || str_has_control(location) || strchr(location, ' '))
		return err_say(e, EINVAL, "redirect to an invalid URL '%s'", shown);
	if (curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) ||
	    curl_url_set(u, CURLUPART_URL, location, CURLU_DISALLOW_USER) || curl_url_get(u, CURLUPART_URL, &abs, 0))
		return err_say(e, EINVAL, "redirect to an invalid URL '%s'", shown);
	r = url_parse(from, &a, e);
	if (r == 0)
		r = url_parse(abs, &b, e);
	if (r < 0)
		return err_wrap(e, r, "redirect");
	if (!strcmp(a.scheme, "https") && strcmp(b.scheme, "https"))
		return err_say(e, EPERM, "redirect from https to http refused (to %s)", b.host);
	*ret_url = xstrdup(abs);
	*ret_same_origin = url_is_same_origin(&a, &b);
	return 0;
}

/**
 * url_for_message() - A URL without what may be secret: user name, password, query, fragment
 * @text:	URL or part of one
 *
 * Return: owned text, at most 200 characters, control characters replaced
 */
char *url_for_message(const char *text)
{
	const char *scheme = strstr(text, "://");
	const char *rest = scheme ? scheme + 3 : text;
	size_t host = strcspn(rest, "/?#");
	const char *at = memrchr(rest, '@', host);
	auto_sbuf struct sbuf b = { 0 };

	if (scheme)
		sbuf_add(&b, text, (size_t)(rest - text));
	if (at)
		rest = at + 1;
	sbuf_add(&b, rest, strcspn(rest, "?#"));
	for (size_t i = 0; i < b.len; i++)
		if ((unsigned char)b.p[i] < 0x21 || b.p[i] == 0x7f)
			b.p[i] = '?';
	if (b.len > 200)
		b.p[200] = '\0';
	return sbuf_take(&b);
}

/**
 * url_check_realm() - May credentials be sent to this token server?
 * @realm:	URL from a Bearer challenge
 * @insecure:	Was the registry reached without verification, by the user's own wish?
 * @e:		Failure
 *
 * Return: 0, -EINVAL, -EPERM for plain http
 */
int url_check_realm(const char *realm, bool insecure, struct err *e)
{
	auto_url struct url u = { 0 };
	auto_free char *shown = NULL;
	int r = url_parse(realm, &u, e);

	if (r < 0)
		return err_wrap(e, r, "token server");
	if (!strcmp(u.scheme, "https") || insecure)
		return 0;
	shown = url_for_message(realm);
	return err_say(e, EPERM, "token server '%s' refused: not https", shown);
}

/**
 * url_escape() - Percent-encode for use in a query or a form
 * @s:	Text
 *
 * Return: owned text
 */
char *url_escape(const char *s)
{
	static const char digits[] = "0123456789ABCDEF";
	struct sbuf b = { 0 };

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (isalnum(c) || strchr("-._~", c)) {
			sbuf_addc(&b, (char)c);
			continue;
		}
		sbuf_addc(&b, '%');
		sbuf_addc(&b, digits[c >> 4]);
		sbuf_addc(&b, digits[c & 15]);
	}
	return sbuf_take(&b);
}
