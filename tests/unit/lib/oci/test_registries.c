/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/conf.h"
#include "lib/oci/ref.h"
#include "lib/oci/registries.h"
#include "tests/unit/tap.h"

static int parse(struct registries *r, const char *text, struct err *e)
{
	return registries_parse(r, text, strlen(text), "f", e);
}

static char *candidates(const struct registries *r, const char *text)
{
	auto_strv char **v = registries_candidates(r, text);

	return strv_join(v, " ");
}

/* "host/path+flags ..." or the message. */
static char *endpoints(const struct registries *r, const struct conf *c, const char *text)
{
	struct registry_endpoint *v = NULL;
	auto_ref struct ref ref = { 0 };
	auto_sbuf struct sbuf b = { 0 };
	struct err e = { 0 };
	size_t n = 0;

	if (ref_parse(text, &ref, &e) < 0 || registries_endpoints(r, c, &ref, &v, &n, &e) < 0)
		return xstrdup(e.msg);
	for (size_t i = 0; i < n; i++)
		sbuf_printf(&b, "%s%s/%s%s%s%s%s%s", i ? " " : "", v[i].host, v[i].path,
			    v[i].is_mirror ? "+mirror" : "", v[i].insecure ? "+insecure" : "",
			    v[i].is_http ? "+http" : "", v[i].digest_only ? "+digest" : "",
			    v[i].tag_only ? "+tag" : "");
	registry_endpoints_free(v, n);
	return sbuf_take(&b);
}

static const char file[] = "# a comment\r\n"
			   "unqualified-search-registries = [\n  \"quay.io\", # one\n  'docker.io',\n]\n"
			   "short-name-mode = \"permissive\"\n"
			   "\n[[registry]]\n"
			   "prefix = \"example.com/foo\"\n"
			   "location = \"internal:5000/bar/\"\n"
			   "insecure = true\n"
			   "[[registry.mirror]]\n"
			   "location = \"mirror-a/foo\"\n"
			   "[[registry.mirror]]\n"
			   "location = \"mirror-b\"\ninsecure = true\npull-from-mirror = \"digest-only\"\n"
			   "[[registry]]\nlocation = \"example.com\"\n"
			   "[[registry]]\nlocation = \"bad.example\"\nblocked = true\n"
			   "[[registry]]\nprefix = \"*.wild.example\"\nlocation = \"real.example\"\n"
			   "[[registry]]\nprefix = \"docker.io\"\nlocation = \"docker.io\"\n"
			   "[[registry.mirror]]\nlocation = \"hub:5000\"\npull-from-mirror = \"tag-only\"\n"
			   "[aliases]\n"
			   "\"fedora\" = \"registry.fedoraproject.org/fedora\"\n"
			   "alpine/helm = 1\n";

static void test_good(void)
{
	auto_registries struct registries *r = NULL;
	auto_conf struct conf c = { 0 };
	static const struct {
		const char *text, *want;
	} names[] = {
		{ "busybox", "quay.io/busybox docker.io/busybox" },
		{ "a/b:1", "quay.io/a/b:1 docker.io/a/b:1" },
		{ "fedora", "registry.fedoraproject.org/fedora" },
		{ "fedora:38", "registry.fedoraproject.org/fedora:38" },
		{ "fedora@sha256:0", "registry.fedoraproject.org/fedora@sha256:0" },
		{ "fedora2", "quay.io/fedora2 docker.io/fedora2" },
		{ "quay.io/x", "quay.io/x" },
		{ "localhost/x", "localhost/x" },
		{ "embedded/x", "embedded/x" },
		{ "localhost:5000/x:1", "localhost:5000/x:1" },
	};
	static const struct {
		const char *text, *want;
	} places[] = {
		{ "example.com/foo/app:1",
		  "mirror-a/foo/app+mirror mirror-b/app+mirror+insecure+digest internal:5000/bar/app+insecure" },
		{ "example.com/foobar:1", "example.com/foobar" },
		{ "example.com/x", "example.com/x" },
		{ "example.com:5000/x", "example.com:5000/x" },
		{ "bad.example/x", "registry bad.example is blocked by registries.conf" },
		{ "a.wild.example/x", "real.example/x" },
		{ "wild.example/x", "wild.example/x" },
		{ "busybox", "hub:5000/library/busybox+mirror+tag registry-1.docker.io/library/busybox" },
		{ "quay.io/x", "quay.io/x" },
		{ "localhost:5000/x", "localhost:5000/x+insecure" },
		{ "embedded/busybox",
		  "embedded/busybox: images of 'embedded' come with the program and are never pulled" },
	};
	struct err e = { 0 };
	size_t n = strlen(file) - strlen("alpine/helm = 1\n");

	registries_new(&r);
	is_int(registries_parse(r, file, n, "f", &e), 0, "parse %s", e.msg);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		auto_free char *got = candidates(r, names[i].text);

		is_str(got, names[i].want, "RG-09: candidates of %s", names[i].text);
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		auto_free char *got = endpoints(r, &c, places[i].text);

		is_str(got, places[i].want, "endpoints of %s", places[i].text);
	}
}

static void test_layers(void)
{
	static const char mirrors[] = "{\"registry-mirrors\":[\"https://m.example/\",\"http://h:5000/p\"],"
				      "\"insecure-registries\":[\"i:1\"]}";
	auto_registries struct registries *r = NULL;
	auto_conf struct conf c = { 0 };
	auto_free char *plain = NULL, *unset = NULL, *mirrored = NULL, *replaced = NULL;
	struct err e = { 0 };

	registries_new(&r);
	plain = candidates(r, "busybox");
	is_str(plain, "busybox", "RG-09: nothing configured: docker.io alone");
	is_int(conf_parse(mirrors, strlen(mirrors), "c", &c, &e), 0, "docker's mirrors %s", e.msg);
	mirrored = endpoints(NULL, &c, "busybox:1");
	is_str(mirrored,
	       "m.example/library/busybox+mirror h:5000/p/library/busybox+mirror+insecure+http "
	       "registry-1.docker.io/library/busybox",
	       "are for docker.io");
	is_int(parse(r, "[aliases]\nx = \"a.b/x\"\n[[registry]]\nlocation = \"a.b\"\ninsecure = true\n", &e), 0,
	       "first file %s", e.msg);
	is_int(parse(r, "[aliases]\nx = \"\"\n[[registry]]\nlocation = \"a.b\"\n", &e), 0, "second file %s", e.msg);
	unset = candidates(r, "x");
	replaced = endpoints(r, &c, "a.b/x");
	is_str(unset, "x", "takes an alias back");
	is_str(replaced, "a.b/x", "replaces a registry");
}

static void test_bad(void)
{
	static const char *const bad[] = {
		"x",
		"x =",
		"= 1",
		"x = \"a",
		"x = 'a",
		"x = \"\"\"a\"\"\"",
		"x = \"\\q\"",
		"x = \"\\u00\"",
		"x = \"\\ud800\"",
		"x = \"\\u0000\"",
		"x = \"\x01\"",
		"x = \"\xff\"",
		"x = [1]",
		"x = [\"a\" \"b\"]",
		"x = [\"a\"",
		"x = {}",
		"x = 1.5",
		"x = 1979-05-27",
		"x = yes",
		"x = 1 y",
		"[a",
		"[a] b",
		"[[a]",
		"[]",
		"[a]]",
		"x = \"a\" \"b\"",
		"\x01 = 1",
		"[[registry]]\n",
		"[[registry]]\ninsecure = true\n",
		"[[registry]]\nlocation = 1",
		"[[registry]]\nlocation = \"\"",
		"[[registry]]\nlocation = \"http://x\"",
		"[[registry]]\nlocation = \"u@x\"",
		"[[registry]]\nlocation = \"a b\"",
		"[[registry]]\nlocation = \"/x\"",
		"[[registry]]\nlocation = \"x\"\ninsecure = \"yes\"",
		"[[registry.mirror]]\n",
		"[[registry]]\nlocation = \"x\"\n[[registry.mirror]]\n",
		"[[registry]]\nlocation = \"x\"\n[[registry.mirror]]\nlocation="
		"\"y\"\npull-from-mirror = \"x\"",
		"unqualified-search-registries = \"x\"",
		"unqualified-search-registries = [\"a/B\"]",
		"unqualified-search-registries = [\"http://x\"]",
		"unqualified-search-registries = [\"embedded\"]",
		"[aliases]\nx = \"y\"",
		"[aliases]\nx = \"a.b/y:1\"",
		"[aliases]\nx = true",
		"[aliases]\n\"a.b/x\" = \"c.d/x\"",
		"[aliases]\nx = \"embedded/x\"",
		"[registries.search]\nregistries = [\"x\"]",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		auto_registries struct registries *r = NULL;
		struct err e = { 0 };

		registries_new(&r);
		ok(parse(r, bad[i], &e) < 0 && str_has_prefix(e.msg, "f: ") && !str_has_control(e.msg),
		   "bad file %zu: %s", i, e.msg);
	}
}

int main(void)
{
	test_good();
	test_layers();
	test_bad();
	return done();
}
