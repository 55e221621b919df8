/* SPDX-License-Identifier: Apache-2.0 */
/* RG-05: where redirects and token requests may go, and what goes with them. */
#include "lib/http/url.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "tests/unit/tap.h"

static void hop(const char *from, const char *location, const char *want, int same)
{
	auto_free char *to = NULL;
	bool is_same = false;
	int r = url_redirect(from, location, &to, &is_same, NULL);

	if (!want) {
		ok(r < 0, "%s -> %.*s is refused", from, (int)strcspn(location, "\r\n"), location);
		return;
	}
	is_int(r, 0, "%s -> %s", from, location);
	is_str(to, want, "leads there");
	is_int(is_same, same, "authorization %s", same ? "goes along" : "stays");
}

static void shown(const char *url, const char *want)
{
	auto_free char *s = url_for_message(url);

	is_str(s, want, "%s in a message", url);
}

static void realm(const char *url, bool insecure, int want)
{
	is_int(url_check_realm(url, insecure, NULL), want, "realm %s%s", url, insecure ? ", insecure" : "");
}

int main(void)
{
	struct err e = { 0 };
	char *esc;

	hop("https://a/v2/x", "/y", "https://a/y", 1);
	hop("https://a/v2/x", "https://a/y", "https://a/y", 1);
	hop("https://a/v2/x", "https://A:443/y", "https://A:443/y", 1);
	hop("https://a/v2/x", "https://a:8443/y", "https://a:8443/y", 0);
	hop("https://a/v2/x", "https://b/y?sig=1", "https://b/y?sig=1", 0);
	hop("https://a/v2/x", "https://a.evil/y", "https://a.evil/y", 0);
	hop("https://a/v2/x", "//b/y", "https://b/y", 0);
	hop("http://a/v2/x", "https://a/y", "https://a/y", 0);
	hop("http://a:5000/x", "http://a:5001/x", "http://a:5001/x", 0);
	hop("http://a:5000/x", "http://a:5000/y", "http://a:5000/y", 1);
	hop("https://a/v2/x", "http://a/y", NULL, 0);
	hop("https://a/v2/x", "http://b/y", NULL, 0);
	hop("https://a/v2/x", "ftp://b/y", NULL, 0);
	hop("https://a/v2/x", "file:///etc/passwd", NULL, 0);
	hop("https://a/v2/x", "https://user:pw@b/y", NULL, 0);
	hop("https://a/v2/x", "https://a@b/y", NULL, 0);
	hop("https://a/v2/x", "", NULL, 0);
	hop("https://a/v2/x", "/a b", NULL, 0);
	hop("https://a/v2/x", "/a\r\nHost: b", NULL, 0);

	is_int(url_redirect("https://a/x", "http://b/y", &esc, &(bool) { 0 }, &e), -EPERM, "to http");
	is_str(e.msg, "redirect from https to http refused (to b)", "says so");

	realm("https://auth.example/token", false, 0);
	realm("http://auth.example/token", false, -EPERM);
	realm("http://auth.example/token", true, 0);
	realm("file:///etc/passwd", true, -EINVAL);
	realm("https://me:pw@auth.example/token", false, -EINVAL);
	realm("token", false, -EINVAL);

	shown("https://user:pw@h:1/p?token=s#f", "https://h:1/p");
	shown("user:pw@h/p", "h/p");
	shown("https://h/p@q", "https://h/p@q");
	shown("https://h/\033[31m", "https://h/?[31m");

	ok(url_is_loopback("localhost") && url_is_loopback("127.0.0.1") && url_is_loopback("127.8.9.1"), "loopback");
	ok(!url_is_loopback("127.0.0.1.example") && !url_is_loopback("localhost.example") &&
		   !url_is_loopback("128.0.0.1"),
	   "not loopback");
	esc = url_escape("repository:a/b c:pull&x=\xc3\xa9");
	is_str(esc, "repository%3Aa%2Fb%20c%3Apull%26x%3D%C3%A9", "escape");
	free(esc);
	return done();
}
