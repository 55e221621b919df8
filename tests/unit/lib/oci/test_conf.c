/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/base/time.h"
#include "lib/oci/conf.h"
#include "lib/oci/kv.h"
#include "tests/unit/tap.h"

static int parse(const char *text, struct conf *c, struct err *e)
{
	return conf_parse(text, strlen(text), "f", c, e);
}

static void test_good(void)
{
	auto_conf struct conf c = { 0 };
	struct err e = { 0 };

	is_int(parse("{\"log-driver\":\"local\",\"log-opts\":{\"max-size\":\"10m\"},\"insecure-registries\":[\"reg:"
		     "5000\","
		     "\"10.0.0.0/8\",\"http://old:1\",\"fd00::/8\"],\"registry-mirrors\":[\"https://"
		     "m.example\"],\"dns\":"
		     "[\"1.1.1.1\",\"::1\"],\"dns-search\":[\"x\"],\"dns-opts\":[\"ndots:1\"],\"labels\":[\"a=b\"],"
		     "\"default-ulimits\":{\"nofile\":{\"Name\":\"nofile\",\"Soft\":64,\"Hard\":128},\"core\":{"
		     "\"Soft\":-1}},"
		     "\"storage-driver\":\"overlay\",\"default-address-pools\":[{\"base\":\"10.10.0.0/"
		     "16\",\"size\":24}],"
		     "\"default-shm-size\":\"128M\",\"max-concurrent-downloads\":5,\"debug\":true,\"features\":{\"x\":"
		     "false},"
		     "\"proxies\":{\"http-proxy\":\"p1\",\"default\":{\"httpProxy\":\"p2\"}},\"detachKeys\":\"ctrl-x\","
		     "\"auths\":{}}",
		     &c, &e),
	       0, "all kinds of keys %s", e.msg);
	is_str(c.log_driver, "local", "text");
	is_str(kv_get(c.log_opts, "max-size"), "10m", "map");
	is_int(strv_len(c.insecure_registries), 4, "strings");
	ok(c.n_default_ulimits == 2 && c.default_ulimits[0].hard == 128 &&
		   c.default_ulimits[1].hard == ULIMIT_UNLIMITED,
	   "ulimits");
	ok(c.n_address_pools == 1 && c.address_pools[0].size == 24, "pools");
	is_int(c.shm_size, 128 << 20, "size");
	is_int(c.max_downloads, 5, "number");
	ok(c.debug && str_is_eq(kv_get(c.features, "x"), "false"), "truth values");
	is_str(c.http_proxy, "p1", "proxy for pulls");
	ok(strv_has(c.proxy_env, "HTTP_PROXY=p2") && strv_has(c.proxy_env, "http_proxy=p2"), "proxy for containers");
	ok(conf_is_insecure(&c, "reg:5000") && !conf_is_insecure(&c, "reg") && !conf_is_insecure(&c, "reg:50000"),
	   "by name");
	ok(conf_is_insecure(&c, "old:1"), "by name, written as a URL");
	ok(conf_is_insecure(&c, "10.1.2.3:80") && !conf_is_insecure(&c, "11.1.2.3") &&
		   conf_is_insecure(&c, "[fd12::1]:5000") && !conf_is_insecure(&c, "[fe80::1]"),
	   "by network");
	ok(conf_is_insecure(&c, "localhost:5000") && conf_is_insecure(&c, "127.0.0.1:5000") &&
		   conf_is_insecure(&c, "[::1]:1") && !conf_is_insecure(&c, "localhost.evil.example") &&
		   !conf_is_insecure(&c, "127.0.0.1.evil.example"),
	   "the loopback");
	is_int(parse("{\"log-driver\":\"none\",\"dns\":[],\"default-ulimits\":{}}", &c, &e), 0, "a later file");
	ok(str_is_eq(c.log_driver, "none") && !c.dns && !c.n_default_ulimits && c.debug, "wins key by key");
	is_int(parse("", &c, &e), 0, "an empty file");
	is_int(parse("{\"debug\":null}", &c, &e), 0, "null is not there");
}

static void test_bad(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "[]", "f: not a JSON object" },
		{ "{\"debug\":1}", "f: 'debug' is not a boolean" },
		{ "{\"log-driver\":[]}", "f: 'log-driver' is not a string" },
		{ "{\"log-opts\":{\"max-file\":3}}", "f: 'log-opts' is not an object of strings" },
		{ "{\"dns\":[\"x\"]}", "f: 'dns': 'x' is not an address" },
		{ "{\"dns\":\"1.1.1.1\"}", "f: 'dns' is not an array" },
		{ "{\"labels\":[1]}", "f: 'labels' is not an array of strings" },
		{ "{\"mtu\":-1}", "f: 'mtu' is out of range" },
		{ "{\"mtu\":\"1500\"}", "f: 'mtu' is not a whole number" },
		{ "{\"default-shm-size\":\"x\"}", "f: 'default-shm-size' is not a size such as \"64m\"" },
		{ "{\"default-shm-size\":-1}", "f: 'default-shm-size' is not a size such as \"64m\"" },
		{ "{\"default-ulimits\":{\"foo\":{\"Soft\":1}}}", "f: 'default-ulimits': 'foo' is not a limit" },
		{ "{\"default-ulimits\":{\"core\":1}}", "f: 'default-ulimits': 'core' is not a limit" },
		{ "{\"default-ulimits\":{\"core\":{\"Soft\":2,\"Hard\":1}}}",
		  "f: 'default-ulimits': the soft limit of 'core' is missing or above the hard one" },
		{ "{\"default-address-pools\":[{\"base\":\"10.0.0.0/16\",\"size\":8}]}",
		  "f: 'default-address-pools': entry 1 is not {\"base\": \"address/bits\", \"size\": bits}" },
		{ "{\"default-address-pools\":[{\"base\":\"x\",\"size\":24}]}",
		  "f: 'default-address-pools': entry 1 is not {\"base\": \"address/bits\", \"size\": bits}" },
		{ "{\"default-address-pools\":[1]}",
		  "f: 'default-address-pools': entry 1 is not {\"base\": \"address/bits\", \"size\": bits}" },
		{ "{\"features\":{\"x\":1}}", "f: 'features': 'x' is not a boolean" },
		{ "{\"debug\":true,\"debug\":false}", "f: invalid JSON: a key is there twice" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_conf struct conf c = { 0 };
		struct err e = { 0 };

		is_int(parse(cases[i].text, &c, &e), -EINVAL, "refuse %s", cases[i].text);
		is_str(e.msg, cases[i].want, "and name the key");
	}
}

static void put(const char *path, const char *text, mode_t mode)
{
	fs_write_file(AT_FDCWD, path, text, strlen(text), mode, NULL);
	chmod(path, mode);
}

/* CP-08: the files themselves. */
static void test_files(void)
{
	char dir[] = "/tmp/skiff-test-conf-XXXXXX";
	auto_conf struct conf c = { 0 }, none = { 0 }, user = { 0 };
	auto_free char *file = NULL, *sub = NULL;
	struct err e = { 0 };
	int64_t t;

	if (!mkdtemp(dir)) {
		ok(0, "mkdtemp");
		return;
	}
	setenv("HOME", dir, 1);
	unsetenv("DOCKER_CONFIG");
	sub = xasprintf("%s/skiff", dir);
	mkdir(sub, 0700);
	file = xasprintf("%s/config.json", sub);
	free(take_ptr(&sub));
	setenv("XDG_CONFIG_HOME", dir, 1);
	t = time_mono();
	is_int(conf_load(NULL, &none, &e), 0, "no file at all %s", e.msg);
	printf("# %lld ns without files\n", (long long)(time_mono() - t));
	put(file, "{\"init\":true,\"unknown\":1}", 0600);
	is_int(conf_load(NULL, &c, &e), 0, "an unknown key %s", e.msg);
	ok(c.init, "is no error");
	conf_done(&c);
	setenv("XDG_CONFIG_HOME", "/no/such", 1);
	sub = xasprintf("%s/skiff", dir);
	is_int(conf_load(sub, &c, &e), 0, "--config DIR %s", e.msg);
	ok(!c.init, "does not name skiff's own configuration");
	setenv("XDG_CONFIG_HOME", dir, 1);
	free(sub);
	chmod(file, 0620);
	conf_done(&c);
	is_int(conf_load(NULL, &c, &e), -EPERM, "CP-08: writable by the group: %s", e.msg);
	ok(strstr(e.msg, "config.json") && strstr(e.msg, "chmod go-w"), "says what to do");
	chmod(file, 0602);
	is_int(conf_load(NULL, &c, &e), -EPERM, "CP-08: writable by others");
	chmod(file, 0600);
	if (geteuid() == 0) {
		is_int(chown(file, 12345, 0), 0, "chown");
		is_int(conf_load(NULL, &c, &e), -EPERM, "CP-08: of another user: %s", e.msg);
	}
	unlink(file);
	mkdir(file, 0700);
	is_int(conf_load(NULL, &c, &e), -EPERM, "a folder");
	rmdir(file);
	sub = xasprintf("%s/.docker", dir);
	mkdir(sub, 0700);
	free(file);
	file = xasprintf("%s/config.json", sub);
	put(file, "{\"auths\":{\"x\":{}},\"detachKeys\":\"ctrl-a\",\"debug\":1}", 0664);
	is_int(conf_load(NULL, &user, &e), 0, "docker's file %s", e.msg);
	is_str(user.detach_keys, "ctrl-a", "gives its few keys");
	ok(!user.debug, "and no others");
	conf_done(&user);
	put(file, "{\"detachKeys\":\"ctrl-b\"}", 0600);
	setenv("DOCKER_CONFIG", sub, 1);
	setenv("HOME", "/no/such", 1);
	is_int(conf_load(NULL, &user, &e), 0, "DOCKER_CONFIG %s", e.msg);
	is_str(user.detach_keys, "ctrl-b", "names docker's folder");
	unsetenv("DOCKER_CONFIG");
	conf_done(&user);
	is_int(conf_load(sub, &user, &e), 0, "--config %s", e.msg);
	is_str(user.detach_keys, "ctrl-b", "does too");
	put(file, "{", 0664);
	conf_done(&user);
	is_int(conf_load(sub, &user, &e), 0, "a broken file of docker's is no error");
	fs_remove_tree(AT_FDCWD, dir, NULL);
}

int main(void)
{
	log_set_level(LOG_ERROR);
	test_good();
	test_bad();
	test_files();
	return done();
}
