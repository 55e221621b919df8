/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/oci/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/oci/auth_int.h"
#include "lib/oci/conf.h"
#include "lib/oci/json.h"

/**
 * secret_free() - Free a string after overwriting it
 * @s:	String or NULL
 */
void secret_free(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

/**
 * auth_done() - Overwrite and release credentials
 * @a:	Credentials; empty afterwards
 */
void auth_done(struct auth *a)
{
	free(a->username);
	secret_free(a->password);
	secret_free(a->identity_token);
	secret_free(a->registry_token);
	*a = (struct auth) { 0 };
}

static void auth_copy(const struct auth *from, struct auth *to)
{
	*to = (struct auth) {
		.username = xstrdup(from->username),
		.password = xstrdup(from->password),
		.identity_token = xstrdup(from->identity_token),
		.registry_token = xstrdup(from->registry_token),
	};
}

/**
 * auth_is_empty() - Are there no credentials?
 * @a:	Credentials
 *
 * Return: whether to ask anonymously
 */
bool auth_is_empty(const struct auth *a)
{
	return !a->password && !a->identity_token && !a->registry_token;
}

/**
 * auth_helper_name_is_valid() - May this become the name of a program?
 * @name:	What credHelpers or credsStore says
 *
 * Return: whether it is [a-z0-9_-]+ (CVE-2023-26054 and relatives)
 */
bool auth_helper_name_is_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return n > 0 && n <= 64 && !name[n];
}

/* "user:password" in base64; the password may hold colons. */
static int read_basic(const char *text, struct auth *a)
{
	char *plain = NULL, *colon = NULL;
	size_t len;

	if (base64_decode(text, strlen(text), &plain, &len) == 0 && strlen(plain) == len)
		colon = strchr(plain, ':');
	if (colon) {
		a->username = xstrndup(plain, (size_t)(colon - plain));
		a->password = xstrdup(colon + 1);
	}
	secret_free(plain);
	return colon ? 0 : -EINVAL;
}

/* One member of "auths". Return: 1 with content, 0 empty, -EINVAL. */
static int read_entry(const struct json *j, struct auth *a, struct err *e)
{
	const char *basic = json_get_str(j, "auth");
	int r = json_read_str(j, "identitytoken", &a->identity_token, e);

	if (r == 0)
		r = json_read_str(j, "registrytoken", &a->registry_token, e);
	if (r < 0)
		return r;
	if (!str_is_empty(basic)) {
		if (read_basic(basic, a) < 0)
			return err_say(e, EINVAL, "'auth' is not the base64 of user:password");
	} else if (json_get_str(j, "username") && json_get_str(j, "password")) {
		a->username = xstrdup(json_get_str(j, "username"));
		a->password = xstrdup(json_get_str(j, "password"));
	}
	return !auth_is_empty(a);
}

bool auth_is_docker_hub(const char *host)
{
	return !strcmp(host, "docker.io") || !strcmp(host, "index.docker.io") || !strcmp(host, "registry-1.docker.io");
}

/*
 * How well the key of an entry fits a repository: 0 not at all, else the longer the better. docker writes keys as URLs,
 * whose path means nothing; podman writes host/path.
 */
static size_t fit(const char *key, const char *domain, const char *path)
{
	const char *url = strstr(key, "://");
	auto_free char *host = NULL;
	const char *rest;
	size_t n;

	if (url)
		key = url + 3;
	host = xstrndup(key, strcspn(key, "/"));
	rest = key + strlen(host);
	if (strcasecmp(host, domain) != 0 && !(auth_is_docker_hub(host) && auth_is_docker_hub(domain)))
		return 0;
	if (url || !rest[strspn(rest, "/")] || !strcmp(rest, "/v1/") || !strcmp(rest, "/v2/"))
		return 1;
	rest++;
	n = strlen(rest);
	while (n && rest[n - 1] == '/')
		n--;
	if (!path || strncmp(path, rest, n) != 0 || (path[n] && path[n] != '/'))
		return 0;
	return 1 + n;
}

static const struct json *best_entry(const struct json *set, const char *domain, const char *path)
{
	const struct json *best = NULL;
	size_t best_fit = 0;

	for (struct json_iter it = json_iter(set); json_next(&it);) {
		size_t f = fit(it.key, domain, path);

		if (f <= best_fit)
			continue;
		best = it.value;
		best_fit = f;
	}
	return best;
}

static int find_helper(const struct json *doc, const char *domain, const char *path, char **ret, struct err *e)
{
	const char *name = json_as_str(best_entry(json_get(doc, "credHelpers"), domain, path));

	if (str_is_empty(name))
		name = json_get_str(doc, "credsStore");
	if (str_is_empty(name))
		return 0;
	if (!auth_helper_name_is_valid(name))
		return err_say(e, EINVAL, "the name of a credential helper is not [a-z0-9_-]+");
	*ret = xstrdup(name);
	return 0;
}

/**
 * auth_parse() - Look for a repository's credentials in one file
 * @buf:	The file's bytes
 * @len:	How many
 * @file:	Its name, for messages
 * @domain:	Registry
 * @path:	Repository; NULL when unknown
 * @ret:	Credentials, when the file itself has them
 * @ret_helper:	Credential helper to ask first, owned; NULL for none
 * @e:		Failure; never has a secret in it
 *
 * Return: 1 when @ret is filled, 0 when not, -EINVAL
 */
int auth_parse(const char *buf, size_t len, const char *file, const char *domain, const char *path, struct auth *ret,
	       char **ret_helper, struct err *e)
{
	auto_auth struct auth a = { 0 };
	auto_free char *helper = NULL;
	auto_json struct json *doc = NULL;
	int r;

	*ret_helper = NULL;
	if (len == 0)
		return 0;
	r = json_parse(buf, len, &doc, e);
	if (r == 0 && json_kind(doc) != JSON_OBJECT)
		r = err_say(e, EINVAL, "not a JSON object");
	if (r == 0)
		r = find_helper(doc, domain, path, &helper, e);
	if (r == 0)
		r = read_entry(best_entry(json_get(doc, "auths"), domain, path), &a, e);
	json_wipe(doc);
	if (r < 0)
		return err_wrap(e, r, "%s", file);
	*ret_helper = take_ptr(&helper);
	*ret = a;
	a = (struct auth) { 0 };
	return r;
}

/**
 * auth_parse_helper() - Read a credential helper's answer
 * @buf:	What it printed
 * @len:	How much
 * @ret:	Credentials
 * @e:		Failure
 *
 * Return: 1 when @ret is filled, 0 when the helper knows none, -EINVAL
 */
int auth_parse_helper(const char *buf, size_t len, struct auth *ret, struct err *e)
{
	auto_json struct json *doc = NULL;
	const char *user, *secret;
	int r = json_parse(buf, len, &doc, e);

	if (r < 0)
		return r;
	user = json_get_str(doc, "Username");
	secret = json_get_str(doc, "Secret");
	if (!str_is_empty(secret)) {
		*ret = (struct auth) { 0 };
		/* What docker's helpers say for a token. */
		if (str_is_eq(user, "<token>")) {
			ret->identity_token = xstrdup(secret);
		} else {
			ret->username = xstrdup(user ? user : "");
			ret->password = xstrdup(secret);
		}
	}
	r = !str_is_empty(secret);
	json_wipe(doc);
	return r;
}

static int ask_helper(const char *name, const char *server, struct auth *ret, struct err *e)
{
	char answer[AUTH_HELPER_MAX];
	size_t n = 0;
	int r = auth_helper_run(name, "get", server, answer, &n, e);

	/* Helpers end with 1 and a sentence when they know nothing of a server. */
	if (r > 0)
		r = 0;
	else if (r == 0)
		r = auth_parse_helper(answer, n, ret, e);
	explicit_bzero(answer, sizeof(answer));
	return r < 0 ? err_wrap(e, r, "credential helper %s", name) : r;
}

/* Return: 1 found, 0 not, negative errno. */
static int find_in_file(const char *path, const char *domain, const char *repository, struct auth *ret, struct err *e)
{
	auto_auth struct auth stored = { 0 };
	auto_free char *buf = NULL, *helper = NULL;
	size_t len;
	int found, r = fs_read_file(AT_FDCWD, path, AUTH_MAX, &buf, &len, e);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return r;
	found = auth_parse(buf, len, path, domain, repository, &stored, &helper, e);
	explicit_bzero(buf, len);
	if (found >= 0 && helper) {
		struct err why = { 0 };

		r = ask_helper(helper, auth_is_docker_hub(domain) ? AUTH_DOCKER_SERVER : domain, ret, &why);
		if (r > 0)
			return 1;
		/* A broken helper (as of a desktop that is gone) must not stop the pull of a public image. */
		if (r < 0)
			log_warn("ignored: %s", why.msg);
	}
	if (found > 0) {
		*ret = stored;
		stored = (struct auth) { 0 };
	}
	return found;
}

static void add_path(char ***v, char *dir, const char *name)
{
	if (dir && *dir)
		strv_add_take(v, xasprintf("%s/%s", dir, name));
	free(dir);
}

/* The files that may have credentials, first one first. */
char **auth_files(const struct auth_source *src)
{
	const char *config_dir = src->config_dir;
	const char *file = getenv("REGISTRY_AUTH_FILE"), *run = getenv("XDG_RUNTIME_DIR");
	char **v = NULL;

	if (src->file) {
		strv_add(&v, src->file);
		return v;
	}
	if (config_dir)
		add_path(&v, xstrdup(config_dir), "config.json");
	/* As podman: who names a file wants no other. */
	if (!str_is_empty(file)) {
		strv_add(&v, file);
		return v;
	}
	if (geteuid() == 0)
		strv_add(&v, "/run/containers/0/auth.json");
	add_path(&v, xstrdup(run), "containers/auth.json");
	add_path(&v, conf_xdg_dir(), "containers/auth.json");
	if (!config_dir)
		add_path(&v, conf_docker_dir(NULL), "config.json");
	return v;
}

/**
 * auth_find() - The credentials for a repository
 * @src:	Where to look
 * @domain:	Registry
 * @path:	Repository; NULL when unknown
 * @ret:	Credentials; empty when there are none
 * @e:		Failure; never has a secret in it
 *
 * Return: 0, -EINVAL for a file that is wrong, or another negative errno
 */
int auth_find(const struct auth_source *src, const char *domain, const char *path, struct auth *ret, struct err *e)
{
	auto_strv char **files = auth_files(src);

	*ret = (struct auth) { 0 };
	if (src->given) {
		auth_copy(src->given, ret);
		return 0;
	}
	for (char **f = files; f && *f; f++) {
		int r = find_in_file(*f, domain, path, ret, e);

		if (r != 0)
			return r < 0 ? r : 0;
	}
	return 0;
}
