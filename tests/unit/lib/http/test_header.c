/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http/header.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "tests/unit/tap.h"

static void one(const char *value, const char *scheme, const char *realm, const char *service, const char *scope)
{
	auto_http_challenges struct http_challenges c = { 0 };
	const struct http_challenge *h;

	is_int(http_parse_challenges(value, &c), 0, "%s", value);
	h = http_challenge_find(&c, scheme);
	ok(h, "has %s", scheme);
	if (!h)
		return;
	is_str(h->realm, realm, "realm");
	is_str(h->service, service, "service");
	is_str(h->scope, scope, "scope");
}

static void bad(const char *value)
{
	auto_http_challenges struct http_challenges c = { 0 };

	ok(http_parse_challenges(value, &c) < 0, "refused: %.*s", (int)strcspn(value, "\r\n"), value);
}

static void challenges(void)
{
	auto_free char *many = xstrdup("Basic"), *huge = xmalloc(HTTP_PARAM_MAX + 100);

	one("Bearer "
	    "realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",scope=\"repository:library/x:pull\"",
	    "bearer", "https://auth.docker.io/token", "registry.docker.io", "repository:library/x:pull");
	one("Basic realm=\"Registry Realm\"", "basic", "Registry Realm", NULL, NULL);
	one("basic", "basic", NULL, NULL, NULL);
	one("BEARER Realm=https://a/b?c=d , SERVICE=x", "bearer", "https://a/b?c=d", "x", NULL);
	one("Bearer realm=\"a\\\"b\\\\c\"", "bearer", "a\"b\\c", NULL, NULL);
	one("Negotiate, Basic realm=\"x\"", "basic", "x", NULL, NULL);
	one("Negotiate YWJj==, Bearer realm=\"x\",scope=\"a,b\"", "bearer", "x", NULL, "a,b");
	one("Basic realm=\"x\", Bearer realm=\"y\", service=\"z\"", "bearer", "y", "z", NULL);
	one("Bearer realm=\"x\",error=\"invalid_token\",foo=bar", "bearer", "x", NULL, NULL);
	one("Bearer realm=\"x\",realm=\"y\"", "bearer", "x", NULL, NULL);
	one(", ,Basic realm = \"x\" ,", "basic", "x", NULL, NULL);
	bad("");
	bad(" , ");
	bad("Bearer realm=\"open");
	bad("Bearer realm=\"a\r\nAuthorization: x\"");
	bad("Bearer realm=\"a\001\"");
	bad("Bearer realm=\"x\" service=\"y\"");
	bad("=\"x\"");
	bad("B\xc3\xa4sic realm=\"x\"");
	for (int i = 0; i < HTTP_CHALLENGES_MAX; i++) {
		char *longer = xasprintf("%s, Basic", many);

		free(many);
		many = longer;
	}
	bad(many);
	snprintf(huge, 16, "Bearer realm=\"");
	memset(huge + 14, 'a', HTTP_PARAM_MAX + 1);
	snprintf(huge + 14 + HTTP_PARAM_MAX + 1, 2, "\"");
	bad(huge);
}

static void ranges(void)
{
	static const char *const wrong[] = { "",
					     "bytes",
					     "bytes 5-9",
					     "bytes 9-5/10",
					     "bytes 0-9/9",
					     "bytes */10",
					     "bytes 0-9/10x",
					     "bytes -1-9/10",
					     "bytes 0-99999999999999999999/*",
					     "lines 0-1/2",
					     "bytes 0 -9/10" };
	struct http_range r;

	is_int(http_parse_content_range("bytes 5-9/10", &r), 0, "range");
	ok(r.first == 5 && r.last == 9 && r.total == 10, "its numbers");
	is_int(http_parse_content_range("Bytes 0-0/*", &r), 0, "unknown total");
	ok(r.total == UINT64_MAX, "is told");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		ok(http_parse_content_range(wrong[i], &r) < 0, "refused: '%s'", wrong[i]);
}

static void retry_after(void)
{
	int64_t s = -1;

	is_int(http_parse_retry_after("120", 0, &s), 0, "seconds");
	is_int(s, 120, "120");
	is_int(http_parse_retry_after("99999999999999999999999", 0, &s), 0, "far too many");
	is_int(s, INT32_MAX, "are cut");
	is_int(http_parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT", 1445412470, &s), 0, "date");
	is_int(s, 10, "in ten seconds");
	is_int(http_parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT", 1445412999, &s), 0, "past date");
	is_int(s, 0, "is now");
	is_int(http_parse_retry_after("soon", 0, &s), -EINVAL, "words");
	is_int(http_parse_retry_after("-5", 0, &s), -EINVAL, "negative");
	is_int(http_parse_retry_after("", 0, &s), -EINVAL, "nothing");
}

static void link_next(const char *value, int r, const char *want)
{
	auto_free char *url = NULL;

	is_int(http_parse_link_next(value, &url), r, "link: %.*s", (int)strcspn(value, "\n"), value);
	is_str(url, want, "its target");
}

static void media_type(const char *value, const char *want)
{
	auto_free char *t = NULL;

	is_int(http_parse_media_type(value, &t), want ? 0 : -EINVAL, "type: %s", value);
	is_str(t, want, "read");
}

int main(void)
{
	challenges();
	ranges();
	retry_after();
	link_next("</v2/_catalog?last=b&n=1>; rel=\"next\"", 0, "/v2/_catalog?last=b&n=1");
	link_next("<a>; rel=prev, <b>;title=\"x,y\"; rel=next", 0, "b");
	link_next("<a>; rel=prev", -ENOENT, NULL);
	link_next("", -ENOENT, NULL);
	link_next("a; rel=next", -EINVAL, NULL);
	link_next("<a", -EINVAL, NULL);
	link_next("<a\nb>; rel=next", -EINVAL, NULL);
	link_next("<a>; rel=\"next", -EINVAL, NULL);
	media_type("application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.index.v1+json");
	media_type("Application/JSON; charset=utf-8", "application/json");
	media_type("application", NULL);
	media_type("a/b c", NULL);
	media_type("/b", NULL);
	return done();
}
