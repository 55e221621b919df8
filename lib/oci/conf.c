/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/oci/conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/oci/envfile.h"
#include "lib/oci/json.h"
#include "lib/oci/kv.h"

#define SYSTEM_FILE "/etc/skiff/config.json"

/* Readers of one key. @field is the member of struct conf that the key's row names. */
typedef int reader(struct conf *c, const struct json *doc, const char *key, void *field, struct err *e);

static int read_text(struct conf *c, const struct json *doc, const char *key, void *field, struct err *e)
{
	(void)c;
	return json_read_str(doc, key, field, e);
}

static int read_flag(struct conf *c, const struct json *doc, const char *key, void *field, struct err *e)
{
	(void)c;
	return json_read_bool(doc, key, field, e);
}

static int read_flag_inverted(struct conf *c, const struct json *doc, const char *key, void *field, struct err *e)
{
	bool v = false;
	int r = json_read_bool(doc, key, &v, e);

	(void)c;
	*(bool *)field = !v;
	return r;
}

static int read_number(struct conf *c, const struct json *doc, const char *key, void *field, struct err *e)
{
	int64_t v = 0;
	int r = json_read_i64(doc, key, &v, e);

	(void)c;
	if (r < 0)
		return r;
	if (v < 0 || v > INT32_MAX)
		return err_say(e, EINVAL, "'%s' is out of range", key);
	*(int64_t *)field = v;
	return 0;
}

static int read_strings(struct conf *c, const struct json *doc, const char *key, void *field, struct err *e)
{
	(void)c;
	return json_read_strv(doc, key, field, e);
}

static int read_map(struct conf *c, const struct json *doc, const char *key, void *field, struct err *e)
{
	(void)c;
	return json_read_map(doc, key, field, e);
}

static bool is_ip(const char *s)
{
	unsigned char buf[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, s, buf) == 1 || inet_pton(AF_INET6, s, buf) == 1;
}

static int read_addresses(struct conf *c, const struct json *doc, const char *key, void *field, struct err *e)
{
	auto_strv char **v = NULL;
	int r = json_read_strv(doc, key, &v, e);

	(void)c;
	if (r < 0)
		return r;
	for (char **s = v; s && *s; s++)
		if (!is_ip(*s))
			return err_say(e, EINVAL, "'%s': '%.60s' is not an address", key, *s);
	strv_free(*(char ***)field);
	*(char ***)field = take_ptr(&v);
	return 0;
}

static int read_folders(struct conf *c, const struct json *doc, const char *key, void *field, struct err *e)
{
	auto_strv char **v = NULL;
	int r = json_read_strv(doc, key, &v, e);

	(void)c;
	if (r < 0)
		return r;
	for (char **s = v; s && *s; s++)
		if (**s != '/')
			return err_say(e, EINVAL, "'%s': '%.60s' is not an absolute path", key, *s);
	strv_free(*(char ***)field);
	*(char ***)field = take_ptr(&v);
	return 0;
}

static int read_size(struct conf *c, const struct json *doc, const char *key, void *field, struct err *e)
{
	const struct json *v = json_get(doc, key);
	const char *text = json_as_str(v);
	int64_t number = json_as_i64(v, -1);

	(void)c;
	if (text ? str_to_size(text, field) == 0 : number >= 0) {
		if (!text)
			*(uint64_t *)field = (uint64_t)number;
		return 0;
	}
	return err_say(e, EINVAL, "'%s' is not a size such as \"64m\"", key);
}

/* {"debug": true}; docker keeps the values as truth values, we as text. */
static int read_features(struct conf *c, const struct json *doc, const char *key, void *field, struct err *e)
{
	const struct json *set = NULL;
	int r = json_read_object(doc, key, &set, e);

	(void)c;
	for (struct json_iter it = json_iter(set); r == 0 && json_next(&it);) {
		if (json_kind(it.value) != JSON_BOOL)
			return err_say(e, EINVAL, "'%s': '%.60s' is not a boolean", key, it.key);
		kv_set(field, it.key, json_as_bool(it.value, false) ? "true" : "false");
	}
	return r;
}

static int read_one_ulimit(struct conf *c, const char *name, const struct json *v, struct err *e)
{
	struct ulimitspec u = { 0 };
	int64_t soft = -1, hard = -1;

	if (json_kind(v) != JSON_OBJECT || ulimitspec_find(name, &u) < 0)
		return err_say(e, EINVAL, "'default-ulimits': '%.60s' is not a limit", name);
	soft = json_get_i64(v, "Soft", -1);
	hard = json_get_i64(v, "Hard", soft);
	u.soft = soft < 0 ? ULIMIT_UNLIMITED : (uint64_t)soft;
	u.hard = hard < 0 ? ULIMIT_UNLIMITED : (uint64_t)hard;
	if (!json_get(v, "Soft") || u.soft > u.hard)
		return err_say(e, EINVAL, "'default-ulimits': the soft limit of '%s' is missing or above the hard one",
			       name);
	c->default_ulimits = xrealloc(c->default_ulimits, (c->n_default_ulimits + 1) * sizeof(*c->default_ulimits));
	c->default_ulimits[c->n_default_ulimits++] = u;
	return 0;
}

static int read_ulimits(struct conf *c, const struct json *doc, const char *key, void *field, struct err *e)
{
	const struct json *set = NULL;
	int r = json_read_object(doc, key, &set, e);

	(void)field;
	c->n_default_ulimits = 0;
	for (struct json_iter it = json_iter(set); r == 0 && json_next(&it);)
		r = read_one_ulimit(c, it.key, it.value, e);
	return r;
}

/* "10.10.0.0/16". Return: the length of the prefix, or -EINVAL. */
static int cidr_bits(const char *s, int family, void *addr)
{
	auto_free char *ip = xstrndup(s, strcspn(s, "/"));
	const char *slash = strchr(s, '/');
	uint64_t bits;

	if (!slash || inet_pton(family, ip, addr) != 1 ||
	    str_to_u64(slash + 1, family == AF_INET ? 32 : 128, &bits) < 0)
		return -EINVAL;
	return (int)bits;
}

static void free_pools(struct conf *c)
{
	for (size_t i = 0; i < c->n_address_pools; i++)
		free(c->address_pools[i].base);
	free(c->address_pools);
	c->address_pools = NULL;
	c->n_address_pools = 0;
}

static int read_pools(struct conf *c, const struct json *doc, const char *key, void *field, struct err *e)
{
	const struct json *arr = NULL;
	int r = json_read_array(doc, key, &arr, e);
	size_t n = json_len(arr);

	(void)field;
	if (r < 0)
		return r;
	free_pools(c);
	c->address_pools = xcalloc(n, sizeof(*c->address_pools));
	for (size_t i = 0; i < n; i++) {
		const char *base = json_get_str(json_item(arr, i), "base");
		int64_t size = json_get_i64(json_item(arr, i), "size", -1);
		unsigned char addr[sizeof(struct in6_addr)];
		int bits = base ? cidr_bits(base, strchr(base, ':') ? AF_INET6 : AF_INET, addr) : -EINVAL;

		if (bits < 0 || size < bits || size > (strchr(base, ':') ? 128 : 30))
			return err_say(e, EINVAL, "'%s': entry %zu is not {\"base\": \"address/bits\", \"size\": bits}",
				       key, i + 1);
		c->address_pools[c->n_address_pools++] = (struct conf_pool) { xstrdup(base), (unsigned)size };
	}
	return 0;
}

/* docker's client: {"default": {"httpProxy": ...}}, for containers; its daemon: {"http-proxy": ...}, for pulls. */
static int read_proxies(struct conf *c, const struct json *doc, const char *key, void *field, struct err *e)
{
	static const char *const names[][3] = {
		{ "httpProxy", "HTTP_PROXY", "http_proxy" }, { "httpsProxy", "HTTPS_PROXY", "https_proxy" },
		{ "ftpProxy", "FTP_PROXY", "ftp_proxy" },    { "noProxy", "NO_PROXY", "no_proxy" },
		{ "allProxy", "ALL_PROXY", "all_proxy" },
	};
	const struct json *p = NULL, *dflt = NULL;
	int r = json_read_object(doc, key, &p, e);

	(void)field;
	if (r == 0)
		r = json_read_str(p, "http-proxy", &c->http_proxy, e);
	if (r == 0)
		r = json_read_str(p, "https-proxy", &c->https_proxy, e);
	if (r == 0)
		r = json_read_str(p, "no-proxy", &c->no_proxy, e);
	if (r == 0)
		r = json_read_object(p, "default", &dflt, e);
	for (size_t i = 0; r == 0 && i < sizeof(names) / sizeof(*names); i++) {
		const char *value = json_get_str(dflt, names[i][0]);

		for (size_t k = 1; value && k < 3; k++) {
			auto_free char *entry = xasprintf("%s=%s", names[i][k], value);

			env_set(&c->proxy_env, entry);
		}
	}
	return r;
}

/* Keys that mean something to us. LATER: their values are checked, but nothing uses them yet, which the user is told.
 */
static const struct {
	const char *key;
	reader *read;
	size_t offset;
	bool is_used;
} keys[] = {
#define KEY(name, how, member)                                                                                         \
	{                                                                                                              \
		name, how, offsetof(struct conf, member), true                                                         \
	}
#define LATER(name, how, member)                                                                                       \
	{                                                                                                              \
		name, how, offsetof(struct conf, member), false                                                        \
	}
	KEY("additional-stores", read_folders, additional_stores),
	LATER("bip", read_text, bip),
	LATER("cgroup-parent", read_text, cgroup_parent),
	LATER("data-root", read_text, data_root),
	LATER("debug", read_flag, debug),
	LATER("default-address-pools", read_pools, address_pools),
	KEY("default-cgroupns-mode", read_text, cgroupns_mode),
	KEY("default-ipc-mode", read_text, ipc_mode),
	KEY("default-shm-size", read_size, shm_size),
	KEY("default-ulimits", read_ulimits, default_ulimits),
	KEY("default-userns-mode", read_text, userns_mode),
	KEY("detachKeys", read_text, detach_keys),
	KEY("dns", read_addresses, dns),
	KEY("dns-opts", read_strings, dns_opts),
	KEY("dns-search", read_strings, dns_search),
	LATER("features", read_features, features),
	LATER("host-gateway-ip", read_text, host_gateway_ip),
	KEY("imagesFormat", read_text, images_format),
	KEY("init", read_flag, init),
	LATER("init-path", read_text, init_path),
	KEY("insecure-registries", read_strings, insecure_registries),
	KEY("keep-blobs", read_flag_inverted, drop_blobs),
	KEY("labels", read_strings, labels),
	KEY("log-driver", read_text, log_driver),
	LATER("log-level", read_text, log_level),
	LATER("log-opts", read_map, log_opts),
	KEY("max-concurrent-downloads", read_number, max_downloads),
	LATER("max-concurrent-uploads", read_number, max_uploads),
	LATER("max-download-attempts", read_number, max_attempts),
	LATER("mtu", read_number, mtu),
	KEY("no-new-privileges", read_flag, no_new_privileges),
	KEY("proxies", read_proxies, proxy_env),
	KEY("psFormat", read_text, ps_format),
	KEY("registry-mirrors", read_strings, registry_mirrors),
	KEY("seccomp-profile", read_text, seccomp_profile),
	LATER("shutdown-timeout", read_number, shutdown_timeout),
	KEY("storage-driver", read_text, storage_driver),
	LATER("storage-opts", read_strings, storage_opts),
#undef KEY
#undef LATER
};

/* Of docker's client: other modules read them, or nobody has to. */
static const char *const client_keys[] = { "auths",	     "credsStore",    "credHelpers",	  "HttpHeaders",
					   "currentContext", "aliases",	      "plugins",	  "cliPluginsExtraDirs",
					   "networksFormat", "volumesFormat", "statsFormat",	  "servicesFormat",
					   "tasksFormat",    "secretFormat",  "configFormat",	  "nodesFormat",
					   "pluginsFormat",  "experimental",  "stackOrchestrator" };

static bool is_client_key(const char *key)
{
	for (size_t i = 0; i < sizeof(client_keys) / sizeof(*client_keys); i++)
		if (!strcmp(client_keys[i], key))
			return true;
	return false;
}

enum key_is { KEY_UNKNOWN, KEY_LATER, KEY_USED };

/* Return: enum key_is, or -EINVAL for a wrong value. */
static int read_key(struct conf *c, const struct json *doc, const char *key, struct err *e)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		int r;

		if (strcmp(keys[i].key, key) != 0)
			continue;
		if (!json_get(doc, key))
			return KEY_USED;
		r = keys[i].read(c, doc, key, (char *)c + keys[i].offset, e);
		return r < 0 ? r : keys[i].is_used ? KEY_USED : KEY_LATER;
	}
	return is_client_key(key) ? KEY_USED : KEY_UNKNOWN;
}

/**
 * conf_parse() - Put one configuration file over what is there already
 * @buf:	Its bytes
 * @len:	How many
 * @file:	Its name, for messages
 * @c:		Configuration that is changed
 * @e:		Failure: names file and key
 *
 * Return: 0 or -EINVAL
 */
int conf_parse(const char *buf, size_t len, const char *file, struct conf *c, struct err *e)
{
	auto_json struct json *doc = NULL;
	int r;

	/* docker takes an empty file for {}. */
	if (len == 0)
		return 0;
	r = json_parse(buf, len, &doc, e);
	if (r == 0 && json_kind(doc) != JSON_OBJECT)
		r = err_say(e, EINVAL, "not a JSON object");
	for (struct json_iter it = json_iter(doc); r == 0 && json_next(&it);) {
		r = read_key(c, doc, it.key, e);
		if (r == KEY_UNKNOWN || r == KEY_LATER)
			log_warn("%s: ignored the key '%.60s', which skiff does not %s", file, it.key,
				 r == KEY_LATER ? "use yet" : "know");
		r = r < 0 ? r : 0;
	}
	return r < 0 ? err_wrap(e, r, "%s", file) : 0;
}

/**
 * conf_check_owner() - Refuse a file that somebody else could have written
 * @fd:		The open file
 * @path:	Its name, for messages
 * @e:		Failure
 *
 * Return: 0 or -EPERM
 */
int conf_check_owner(int fd, const char *path, struct err *e)
{
	struct stat st, top;
	uid_t root = 0;

	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_say(e, EPERM, "%s: not a regular file", path);
	/* In a user namespace without it, the host's root has nobody's id. Who owns "/" is root, whatever the number.
	 */
	if (stat("/", &top) == 0)
		root = top.st_uid;
	if (st.st_uid != 0 && st.st_uid != root && st.st_uid != geteuid())
		return err_say(e, EPERM, "%s: refused, it belongs to user %u and neither to you nor to root", path,
			       st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_hint(e, err_say(e, EPERM, "%s: refused, others may write to it", path), "chmod go-w %s",
				path);
	return 0;
}

/* Return: 0 (also where there is no file: *ret is NULL then) or negative errno. */
static int read_file(const char *path, char **ret, size_t *ret_len, struct err *e)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_set(e, errno, "open '%s'", path);
	r = conf_check_owner(fd, path, e);
	if (r < 0)
		return r;
	r = fs_read_fd(fd, CONF_MAX, ret, ret_len, e);
	return r < 0 ? err_wrap(e, r, "%s", path) : 0;
}

static int load_file(const char *path, struct conf *c, struct err *e)
{
	auto_free char *buf = NULL;
	size_t len = 0;
	int r = read_file(path, &buf, &len, e);

	return r < 0 || !buf ? r : conf_parse(buf, len, path, c, e);
}

/*
 * Of docker's own file only these keys are taken, and nothing in it is an error: it is not ours, and docker goes on
 * too.
 */
static void load_docker_file(const char *path, struct conf *c)
{
	static const char *const wanted[] = { "detachKeys", "psFormat", "imagesFormat", "proxies" };
	auto_free char *buf = NULL;
	auto_json struct json *doc = NULL;
	struct err e = { 0 };
	size_t len;
	int r = fs_read_file(AT_FDCWD, path, CONF_MAX, &buf, &len, &e);

	if (r == -ENOENT || r == -ENOTDIR)
		return;
	if (r == 0 && len)
		r = json_parse(buf, len, &doc, &e);
	for (size_t i = 0; r >= 0 && i < sizeof(wanted) / sizeof(*wanted); i++)
		r = read_key(c, doc, wanted[i], &e);
	if (r < 0)
		log_warn("%s: ignored: %s", path, e.msg);
	json_wipe(doc);
	if (buf)
		explicit_bzero(buf, len);
}

static char *below_home(const char *name)
{
	const char *home = getenv("HOME");

	return home && *home == '/' ? xasprintf("%s/%s", home, name) : NULL;
}

/**
 * conf_xdg_dir() - Where the user's configuration is
 *
 * Return: $XDG_CONFIG_HOME or ~/.config, owned; NULL when there is no home
 */
char *conf_xdg_dir(void)
{
	const char *dir = getenv("XDG_CONFIG_HOME");

	/* The XDG specification: a relative path is to be ignored. */
	return dir && *dir == '/' ? xstrdup(dir) : below_home(".config");
}

/**
 * conf_docker_dir() - Where docker's client configuration is
 * @dir:	--config; NULL for the default
 *
 * Return: @dir, $DOCKER_CONFIG or ~/.docker, owned; NULL when there is no home
 */
char *conf_docker_dir(const char *dir)
{
	const char *env = getenv("DOCKER_CONFIG");

	if (dir)
		return xstrdup(dir);
	return str_is_empty(env) ? below_home(".docker") : xstrdup(env);
}

/**
 * conf_load() - Read all configuration files
 * @docker:	Folder of docker's client configuration (--config); NULL for the default
 * @ret:	The configuration; all zero where no file exists
 * @e:		Failure: names the file
 *
 * Return: 0, -EINVAL, -EPERM or another negative errno
 */
int conf_load(const char *docker, struct conf *ret, struct err *e)
{
	auto_conf struct conf c = { 0 };
	auto_free char *xdg = conf_xdg_dir(), *docker_dir = conf_docker_dir(docker);
	auto_free char *user_file = xasprintf("%s/skiff/config.json", xdg ? xdg : "");
	auto_free char *docker_file = xasprintf("%s/config.json", docker_dir ? docker_dir : "");
	int r;

	if (docker_dir)
		load_docker_file(docker_file, &c);
	r = load_file(SYSTEM_FILE, &c, e);
	if (r == 0 && xdg)
		r = load_file(user_file, &c, e);
	if (r < 0)
		return r;
	*ret = c;
	c = (struct conf) { 0 };
	return 0;
}

/**
 * conf_load_additional_stores() - Read one key of our own files
 * @ret:	What the last file that has it says; NULL: none has
 * @e:		Failure: names the file
 *
 * Return: 0, -EINVAL, -EPERM or another negative errno
 */
int conf_load_additional_stores(char ***ret, struct err *e)
{
	auto_conf struct conf c = { 0 };
	auto_free char *xdg = conf_xdg_dir(), *user_file = xasprintf("%s/skiff/config.json", xdg ? xdg : "");
	const char *const files[] = { SYSTEM_FILE, xdg ? user_file : NULL };
	int r = 0;

	for (size_t i = 0; r >= 0 && i < sizeof(files) / sizeof(*files); i++) {
		auto_free char *buf = NULL;
		auto_json struct json *doc = NULL;
		size_t len = 0;

		r = files[i] ? read_file(files[i], &buf, &len, e) : 0;
		if (r < 0 || !len)
			continue;
		r = json_parse(buf, len, &doc, e);
		if (r == 0)
			r = read_key(&c, doc, "additional-stores", e);
		if (r < 0)
			err_wrap(e, r, "%s", files[i]);
	}
	if (r < 0)
		return r;
	*ret = take_ptr(&c.additional_stores);
	return 0;
}

/**
 * conf_done() - Release a configuration
 * @c:	Configuration; empty afterwards
 */
void conf_done(struct conf *c)
{
	char *const texts[] = { c->log_driver,	  c->log_level,	      c->storage_driver,  c->data_root,
				c->bip,		  c->seccomp_profile, c->cgroup_parent,	  c->ipc_mode,
				c->cgroupns_mode, c->userns_mode,     c->host_gateway_ip, c->init_path,
				c->http_proxy,	  c->https_proxy,     c->no_proxy,	  c->detach_keys,
				c->ps_format,	  c->images_format };
	char **const vectors[] = { c->log_opts,		c->labels,    c->storage_opts,	   c->insecure_registries,
				   c->registry_mirrors, c->dns,	      c->dns_search,	   c->dns_opts,
				   c->features,		c->proxy_env, c->additional_stores };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++)
		strv_free(vectors[i]);
	free(c->default_ulimits);
	free_pools(c);
	*c = (struct conf) { 0 };
}

static bool is_in_cidr(const char *ip, const char *cidr)
{
	int family = strchr(cidr, ':') ? AF_INET6 : AF_INET;
	unsigned char net[sizeof(struct in6_addr)], addr[sizeof(struct in6_addr)];
	int bits = cidr_bits(cidr, family, net);

	if (bits < 0 || inet_pton(family, ip, addr) != 1)
		return false;
	for (int i = 0; i < bits; i++)
		if ((net[i / 8] ^ addr[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

/* The host of "host:port" or "[v6]:port", without brackets. */
static char *host_of(const char *domain)
{
	if (*domain == '[')
		return xstrndup(domain + 1, strcspn(domain + 1, "]"));
	return xstrndup(domain, strcspn(domain, ":"));
}

/**
 * conf_is_insecure() - May this registry be spoken to without verified TLS?
 * @c:		Configuration
 * @domain:	"host" or "host:port"
 *
 * Return: whether it is on the loopback, as docker allows, or among insecure-registries: by its exact name, or its
 *address in a CIDR range. Names are not resolved: an answer of the DNS must not turn verification off.
 */
bool conf_is_insecure(const struct conf *c, const char *domain)
{
	auto_free char *host = host_of(domain);

	if (!strcasecmp(host, "localhost") || is_in_cidr(host, "127.0.0.0/8") || is_in_cidr(host, "::1/128"))
		return true;
	for (char **s = c->insecure_registries; s && *s; s++) {
		const char *entry = strstr(*s, "://") ? strstr(*s, "://") + 3 : *s;

		if (!strcasecmp(entry, domain) || is_in_cidr(host, entry))
			return true;
	}
	return false;
}
