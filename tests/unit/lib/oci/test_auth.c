/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/oci/auth.h"
#include "tests/unit/tap.h"

/* "user:password", "token:T", "", or the message; " helper NAME" behind it. */
static char *show(int r, const struct auth *a, const char *helper, const struct err *e)
{
	if (r < 0)
		return xstrdup(e->msg);
	if (r == 0)
		return xasprintf("-%s%s", helper ? " helper " : "", helper ? helper : "");
	if (a->identity_token)
		return xasprintf("token:%s", a->identity_token);
	if (a->registry_token)
		return xasprintf("bearer:%s", a->registry_token);
	return xasprintf("%s:%s%s%s", a->username, a->password, helper ? " helper " : "", helper ? helper : "");
}

static char *parse(const char *text, const char *domain, const char *path)
{
	auto_auth struct auth a = { 0 };
	auto_free char *helper = NULL;
	struct err e = { 0 };
	int r = auth_parse(text, strlen(text), "f", domain, path, &a, &helper, &e);

	return show(r, &a, helper, &e);
}

static void test_parse(void)
{
	/* u:p = dTpw, hub:x = aHViOng=, ns:x = bnM6eA==, repo:x = cmVwbzp4 */
	static const char file[] = "{\"auths\":{\"quay.io\":{\"auth\":\"dTpw\"},\"quay.io/"
				   "ns\":{\"auth\":\"bnM6eA==\"},\"quay.io/ns/repo\":{\"auth\":"
				   "\"cmVwbzp4\"},\"https://index.docker.io/v1/\":{\"auth\":\"aHViOng=\"},\"https://"
				   "old.example/v2/\":{\"username\":\"u\","
				   "\"password\":\"p:w\"},\"tok.example\":{\"identitytoken\":\"T\"},\"reg.example\":{"
				   "\"registrytoken\":\"R\"},\"empty.example\""
				   ":{},\"host:5000\":{\"auth\":\"dTpw\"},\"bad.example\":{\"auth\":\"d!\"},\"nocolon."
				   "example\":{\"auth\":\"dXA=\"},"
				   "\"type.example\":{\"identitytoken\":1}},\"credHelpers\":{\"help.example\":\"ecr-"
				   "login\",\"evil.example\":\"../../evil\"}}";
	static const struct {
		const char *domain, *path, *want;
	} cases[] = {
		{ "quay.io", "x", "u:p" },
		{ "quay.io", NULL, "u:p" },
		{ "quay.io", "ns/other", "ns:x" },
		{ "quay.io", "ns/repo", "repo:x" },
		{ "quay.io", "ns/repo/sub", "repo:x" },
		{ "quay.io", "ns/repository", "ns:x" },
		{ "quay.io", "nsx/repo", "u:p" },
		{ "docker.io", "library/busybox", "hub:x" },
		{ "old.example", "x", "u:p:w" },
		{ "tok.example", "x", "token:T" },
		{ "reg.example", "x", "bearer:R" },
		{ "empty.example", "x", "-" },
		{ "none.example", "x", "-" },
		{ "host:5000", "x", "u:p" },
		{ "host", "x", "-" },
		{ "host:50001", "x", "-" },
		{ "evil.quay.io", "x", "-" },
		{ "quay.io.evil", "x", "-" },
		{ "help.example", "x", "- helper ecr-login" },
		{ "evil.example", "x", "f: the name of a credential helper is not [a-z0-9_-]+" },
		{ "bad.example", "x", "f: 'auth' is not the base64 of user:password" },
		{ "nocolon.example", "x", "f: 'auth' is not the base64 of user:password" },
		{ "type.example", "x", "f: 'identitytoken' is not a string" },
	};
	auto_free char *store =
		parse("{\"credsStore\":\"desktop\",\"auths\":{\"a.b\":{\"auth\":\"dTpw\"}}}", "a.b", NULL);
	auto_free char *wrong = parse("[]", "a.b", NULL), *broken = parse("{\"auths\":{\"a\":\"secret", "a.b", NULL);
	auto_free char *empty = parse("", "a.b", NULL);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_free char *got = parse(file, cases[i].domain, cases[i].path);

		is_str(got, cases[i].want, "RG-08: %s/%s", cases[i].domain, cases[i].path ? cases[i].path : "");
	}
	is_str(store, "u:p helper desktop", "credsStore");
	is_str(wrong, "f: not a JSON object", "an array");
	ok(str_has_prefix(broken, "f: invalid JSON") && !strstr(broken, "secret"), "RG-08: %s", broken);
	is_str(empty, "-", "an empty file");
}

static void test_names(void)
{
	static const char *const bad[] = { "", "../evil", "a/b", "A", "a b", "a;b", "a.b", "a\n", "\xc3\xa9" };

	ok(auth_helper_name_is_valid("ecr-login") && auth_helper_name_is_valid("osxkeychain_2"), "RG-08: helper names");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(!auth_helper_name_is_valid(bad[i]), "RG-08: bad helper name %zu", i);
}

static void put(const char *dir, const char *name, const char *text, mode_t mode)
{
	auto_free char *path = xasprintf("%s/%s", dir, name);

	fs_write_file(AT_FDCWD, path, text, strlen(text), mode, NULL);
	chmod(path, mode);
}

static char *find(const char *dir, const char *domain)
{
	auto_auth struct auth a = { 0 };
	struct err e = { 0 };
	int r = auth_find(&(struct auth_source){ .config_dir = dir }, domain, "x", &a, &e);

	return show(r < 0 ? r : !auth_is_empty(&a), &a, NULL, &e);
}

/* Helpers are programs: made here, found through PATH. */
static void test_helpers(void)
{
	static const char *const names[] = { "good.example",	"token.example",   "unknown.example", "fails.example",
					     "missing.example", "garbage.example", "deaf.example" };
	static const char *const want[] = { "me:good.example", "token:T", "-", "f:b", "m:b", "g:b", "d:deaf" };
	char dir[] = "/tmp/skiff-test-auth-XXXXXX";
	auto_free char *path = NULL, *named = NULL, *home_file = NULL;

	if (!mkdtemp(dir)) {
		ok(0, "mkdtemp");
		return;
	}
	path = xasprintf("%s:/usr/bin:/bin", dir);
	setenv("PATH", path, 1);
	setenv("HOME", dir, 1);
	setenv("XDG_RUNTIME_DIR", dir, 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("DOCKER_CONFIG");
	unsetenv("REGISTRY_AUTH_FILE");
	put(dir, "docker-credential-good",
	    "#!/bin/sh\n[ \"$1\" = get ] || exit 3\nread -r s\n[ -n \"$s\" ] || s=$(cat)\n"
	    "printf '{\"ServerURL\":\"x\",\"Username\":\"me\",\"Secret\":\"%s\"}' \"$s\"\n",
	    0755);
	put(dir, "docker-credential-token", "#!/bin/sh\necho '{\"Username\":\"<token>\",\"Secret\":\"T\"}'\n", 0755);
	put(dir, "docker-credential-unknown", "#!/bin/sh\necho 'credentials not found in native keychain'\nexit 1\n",
	    0755);
	put(dir, "docker-credential-fails", "#!/bin/sh\nkill -9 $$\n", 0755);
	put(dir, "docker-credential-garbage", "#!/bin/sh\necho hello\n", 0755);
	put(dir, "docker-credential-deaf", "#!/bin/sh\nexec <&-\necho '{\"Username\":\"d\",\"Secret\":\"deaf\"}'\n",
	    0755);
	put(dir, "config.json",
	    "{\"credHelpers\":{\"good.example\":\"good\",\"token.example\":\"token\",\"unknown.example\":\"unknown\","
	    "\"fails.example\":"
	    "\"fails\",\"missing.example\":\"missing\",\"garbage.example\":\"garbage\",\"deaf.example\":\"deaf\"},"
	    "\"auths\":"
	    "{\"fails.example\":{\"auth\":\"ZjpiCg==\"},\"missing.example\":{\"auth\":\"bTpi\"},\"garbage.example\":{"
	    "\"auth\":\"Zzpi\"}}}",
	    0600);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		auto_free char *got = find(dir, names[i]);

		is_str(got && str_has_suffix(got, "\n") ? str_trim(got) : got, want[i], "helper of %s", names[i]);
	}
	mkdir((path = (free(path), xasprintf("%s/containers", dir))), 0700);
	put(path, "auth.json", "{\"auths\":{\"run.example\":{\"auth\":\"dTpw\"}}}", 0600);
	home_file = find(NULL, "run.example");
	is_str(home_file, "u:p", "$XDG_RUNTIME_DIR/containers/auth.json");
	put(dir, "named.json", "{\"auths\":{\"named.example\":{\"auth\":\"dTpw\"}}}", 0600);
	free(path);
	path = xasprintf("%s/named.json", dir);
	setenv("REGISTRY_AUTH_FILE", path, 1);
	named = find(NULL, "named.example");
	is_str(named, "u:p", "$REGISTRY_AUTH_FILE");
	free(home_file);
	home_file = find(NULL, "run.example");
	is_str(home_file, "-", "which keeps the other files out");
	fs_remove_tree(AT_FDCWD, dir, NULL);
}

int main(void)
{
	log_set_level(LOG_ERROR);
	test_parse();
	test_names();
	test_helpers();
	return done();
}
