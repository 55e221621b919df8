/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/digest.h"
#include "lib/oci/ref.h"
#include "tests/unit/tap.h"

#define HEX64  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX128 HEX64 HEX64
#define SHA256 "sha256:" HEX64
#define A50    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A250   A50 A50 A50 A50 A50

static const struct {
	const char *text, *full, *familiar;
} good[] = {
	{ "busybox", "docker.io/library/busybox", "busybox" },
	{ "busybox:latest", "docker.io/library/busybox:latest", "busybox:latest" },
	{ "busybox:1.36.1-musl_x", "docker.io/library/busybox:1.36.1-musl_x", "busybox:1.36.1-musl_x" },
	{ "library/busybox", "docker.io/library/busybox", "busybox" },
	{ "docker.io/busybox", "docker.io/library/busybox", "busybox" },
	{ "docker.io/library/busybox", "docker.io/library/busybox", "busybox" },
	{ "index.docker.io/busybox:1", "docker.io/library/busybox:1", "busybox:1" },
	{ "docker.io", "docker.io/library/docker.io", "docker.io" },
	{ "user/app", "docker.io/user/app", "user/app" },
	{ "library/a/b", "docker.io/library/a/b", "library/a/b" },
	{ "test.com/repo:tag", "test.com/repo:tag", "test.com/repo:tag" },
	{ "test.com/repo", "test.com/repo", "test.com/repo" },
	{ "test:5000/repo", "test:5000/repo", "test:5000/repo" },
	{ "test:5000/repo:tag", "test:5000/repo:tag", "test:5000/repo:tag" },
	{ "test:5000", "docker.io/library/test:5000", "test:5000" },
	{ "localhost/x", "localhost/x", "localhost/x" },
	{ "localhost:5000/x:1", "localhost:5000/x:1", "localhost:5000/x:1" },
	{ "localhost", "docker.io/library/localhost", "localhost" },
	{ "docker.io/localhost/x", "docker.io/localhost/x", "docker.io/localhost/x" },
	{ "127.0.0.1:5000/deb12py", "127.0.0.1:5000/deb12py", "127.0.0.1:5000/deb12py" },
	{ "[::1]:5000/x", "[::1]:5000/x", "[::1]:5000/x" },
	{ "[fd00:1:2::3]/x:t", "[fd00:1:2::3]/x:t", "[fd00:1:2::3]/x:t" },
	{ "embedded/busybox", "embedded/busybox", "embedded/busybox" },
	{ "embedded/busybox:latest", "embedded/busybox:latest", "embedded/busybox:latest" },
	{ "docker.io/embedded/x", "docker.io/embedded/x", "docker.io/embedded/x" },
	{ "embedded", "docker.io/library/embedded", "embedded" },
	{ "Foo/bar", "Foo/bar", "Foo/bar" },
	{ "XN--N3H.com/myimage:xn--n3h.com", "XN--N3H.com/myimage:xn--n3h.com", "XN--N3H.com/myimage:xn--n3h.com" },
	{ "busybox@" SHA256, "docker.io/library/busybox@" SHA256, "busybox@" SHA256 },
	{ "busybox:1@" SHA256, "docker.io/library/busybox:1@" SHA256, "busybox:1@" SHA256 },
	{ "test:5000/repo:tag@sha512:" HEX128, "test:5000/repo:tag@sha512:" HEX128,
	  "test:5000/repo:tag@sha512:" HEX128 },
	{ "a/b__c", "docker.io/a/b__c", "a/b__c" },
	{ "a/b---c.d_e", "docker.io/a/b---c.d_e", "a/b---c.d_e" },
	{ "a.b/c.d:8080", "a.b/c.d:8080", "a.b/c.d:8080" },
	{ "sub-dom1.foo.com/bar/baz/quux:some-long-tag", "sub-dom1.foo.com/bar/baz/quux:some-long-tag",
	  "sub-dom1.foo.com/bar/baz/quux:some-long-tag" },
	{ "a/" A50 ":" A50 A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  "docker.io/a/" A50 ":" A50 A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  "a/" A50 ":" A50 A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
	{ "x.y/" A250 "aaaaa", "x.y/" A250 "aaaaa", "x.y/" A250 "aaaaa" },
	{ "library/" HEX64, "docker.io/library/" HEX64, "library/" HEX64 },
	{ "0123456789abcdef", "docker.io/library/0123456789abcdef", "0123456789abcdef" },
};

static const char *const bad[] = {
	"",
	":justtag",
	"@" SHA256,
	"repo@sha256:ffffffffffffffffffffffffffffffffff",
	"repo@sha256:../../x",
	"repo@SHA256:" HEX64,
	"repo@md5:" HEX64,
	"repo@" SHA256 "0",
	"repo@" SHA256 ":tag",
	"repo@",
	"repo@@" SHA256,
	"Uppercase:tag",
	"test:5000/Uppercase/lowercase:tag",
	"docker.io/Busybox",
	"busybox:",
	"busybox:-x",
	"busybox:.x",
	"busybox:" A50 A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"x.y/" A250 "aaaaaa",
	A250 A250 A250 A250 A250,
	"a//b",
	"/a",
	"a/",
	"aa/asdf$$^/aa",
	"a b",
	" a",
	"a ",
	"a\n",
	"a\r\nHost: x",
	"a:t\r\n",
	"a\tb",
	"a..b",
	"a___b",
	"a._b",
	"-a",
	"a-",
	"_a",
	".a",
	"a_",
	"../a",
	"a/../b",
	"./a",
	"https://x.y/z",
	"x.y:z/a",
	"x.y:99999/a",
	"x.y:/a",
	"-x.y/a",
	"x-.y/a",
	"x..y/a",
	".x.y/a",
	"x.y./a",
	"[::1/a",
	"[]/a",
	"[::g]/a",
	"::1/a",
	"[::1]x/a",
	"a@b",
	"b\xc3\xbcsybox",
	"x.y/b\xc3\xbc",
	"\xef\xbb\xbf"
	"busybox",
	"busy\x7f"
	"box",
	HEX64,
	"a:1:2",
	"x.y/a:1:2",
	"embedded/",
	"embedded/Busybox",
	"*",
	"a\\b",
	"a?b",
	"a#b",
	"a%2e",
	"user@x.y/a",
};

static void test_good(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		auto_ref struct ref r = { 0 };
		struct err e = { 0 };
		auto_free char *full = NULL, *familiar = NULL, *back = NULL;
		auto_ref struct ref again = { 0 };

		ok(ref_parse(good[i].text, &r, &e) == 0, "parse '%s' %s", good[i].text, e.msg);
		if (!r.domain)
			continue;
		full = ref_full(&r);
		familiar = ref_familiar(&r);
		back = ref_shorten(full);
		is_str(full, good[i].full, "full form of '%s'", good[i].text);
		is_str(familiar, good[i].familiar, "familiar form of '%s'", good[i].text);
		is_str(back, good[i].familiar, "shortened full form of '%s'", good[i].text);
		ok(ref_parse(familiar, &again, NULL) == 0 && str_is_eq(again.domain, r.domain) &&
			   str_is_eq(again.path, r.path) && str_is_eq(again.tag, r.tag) &&
			   str_is_eq(again.digest, r.digest),
		   "'%s' comes back from its familiar form", good[i].text);
	}
}

static void test_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		auto_ref struct ref r = { 0 };
		struct err e = { 0 };

		is_int(ref_parse(bad[i], &r, &e), -EINVAL, "refuse bad reference %zu", i);
		ok(strstr(e.msg, "invalid reference format") && !str_has_control(e.msg),
		   "its message is one clean line");
		ok(!r.domain && !r.path, "nothing is returned");
	}
}

static void test_parts(void)
{
	auto_ref struct ref r = { 0 };
	auto_free char *short_text = ref_shorten("<none>");
	struct err e = { 0 };
	auto_ref struct ref embedded = { 0 };

	ref_parse("Busybox", &r, &e);
	is_str(e.msg, "parsing reference \"Busybox\": invalid reference format: repository name must be lowercase",
	       "capitals are explained");
	is_str(short_text, "<none>", "no reference stays as it is");
	ok(ref_parse("host:5000/a/b:1", &r, &e) == 0, "parts");
	is_str(r.domain, "host:5000", "domain");
	is_str(r.path, "a/b", "path");
	is_str(r.tag, "1", "tag");
	ok(!r.digest, "no digest");
	ok(!ref_add_default_tag(&r), "no second tag");
	ok(!ref_is_embedded(&r), "not embedded");
	ok(ref_parse("embedded/busybox", &embedded, &e) == 0 && ref_is_embedded(&embedded), "embedded");
	ok(ref_add_default_tag(&embedded), "default tag");
	is_str(embedded.tag, "latest", "is latest");
	ok(ref_has_domain("embedded/x") && ref_has_domain("localhost/x") && ref_has_domain("a.b/x") &&
		   ref_has_domain("a:1/x"),
	   "names with a domain");
	ok(!ref_has_domain("x") && !ref_has_domain("a/x") && !ref_has_domain("x:5000"), "names without");
}

static void test_digest(void)
{
	static const char *const wrong[] = {
		"",
		"sha256:",
		"sha256",
		HEX64,
		"sha256:" HEX64 "0",
		"sha512:" HEX64,
		"sha256:../../../../../../../../../../../../../../../../../../../../../../xx",
		"sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
		"sha384:" HEX64,
		" " SHA256,
		SHA256 "\n",
		"sha256 :" HEX64
	};
	char buf[DIGEST_SHORT + 1];
	struct err e = { 0 };

	ok(digest_is_valid(SHA256) && digest_is_sha256(SHA256) && digest_check(SHA256, &e) == 0, "sha256");
	ok(digest_is_valid("sha512:" HEX128) && !digest_is_sha256("sha512:" HEX128), "sha512");
	ok(!digest_is_valid(NULL), "no digest");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		ok(!digest_is_valid(wrong[i]) && digest_check(wrong[i], &e) == -EINVAL && !str_has_control(e.msg),
		   "RG-03: refuse digest %zu", i);
	is_str(digest_hex(SHA256), HEX64, "digits");
	digest_short(SHA256, buf);
	is_str(buf, "0123456789ab", "short id");
	digest_short("abc", buf);
	is_str(buf, "abc", "short id of few digits");
}

int main(void)
{
	test_good();
	test_bad();
	test_parts();
	test_digest();
	return done();
}
