/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Credentials are read from several files (auth.c), because docker's and podman's tools each have their own. They are
 * written to one: docker's config.json, which all of these tools read, unless the user names a file or has the registry
 * in another one already; else the new password would stand behind the old one. Where that file names a helper
 * (credHelpers, credsStore), the helper gets the secret and the file only a note, as docker does.
 *
 * A file is changed under a lock on its folder and replaced by rename, with mode 0600; members that we do not know are
 * kept.
 */
#include "lib/oci/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/oci/auth_int.h"
#include "lib/oci/json.h"

/**
 * struct auth_file - a file that is being changed
 * @path:	where it is
 * @dirfd:	its folder, locked
 * @name:	in the folder
 * @doc:	its content; an object
 */
struct auth_file {
	char *path;
	int dirfd;
	const char *name;
	struct json *doc;
};

char *auth_key(const char *text)
{
	const char *url = strstr(text, "://");
	auto_free char *key = xstrdup(url ? url + 3 : text), *host = NULL;
	size_t n = strlen(key);

	while (n && key[n - 1] == '/')
		key[--n] = '\0';
	n = strcspn(key, "/");
	/* The path of a URL says nothing. */
	if (url || str_is_eq(key + n, "/v1") || str_is_eq(key + n, "/v2"))
		key[n] = '\0';
	host = xstrndup(key, n);
	for (char *c = host; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	if (!*host || host[strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_:[]")] || str_has_control(key) ||
	    *host == '.' || *host == '-')
		return NULL;
	return xasprintf("%s%s", auth_is_docker_hub(host) ? "docker.io" : host, key + n);
}

static bool is_same_key(const char *in_file, const char *key)
{
	auto_free char *k = auth_key(in_file);

	return str_is_eq(k, key);
}

/* ---- one file ---- */

static void file_done(struct auth_file *f)
{
	json_wipe(f->doc);
	json_free(f->doc);
	fd_closep(&f->dirfd);
	free(f->path);
}
#define auto_auth_file __attribute__((cleanup(file_done)))
#define AUTH_FILE_NONE                                                                                                 \
	{                                                                                                              \
		.dirfd = -EBADF                                                                                        \
	}

static int read_file(struct auth_file *f, struct err *e)
{
	auto_free char *text = NULL;
	size_t len;
	int r = fs_read_file(f->dirfd, f->name, AUTH_MAX, &text, &len, e);

	if (r == -ENOENT || (r == 0 && len == 0)) {
		f->doc = json_new_object();
		return 0;
	}
	if (r == 0) {
		r = json_parse(text, len, &f->doc, e);
		explicit_bzero(text, len);
	}
	if (r == 0 && json_kind(f->doc) != JSON_OBJECT)
		r = err_say(e, EINVAL, "not a JSON object");
	return r < 0 ? err_wrap(e, r, "%s", f->path) : 0;
}

/* @make: its folder, too. Return: 0, -ENOENT when the folder is not there. */
static int open_file(const char *path, bool make, struct auth_file *f, struct err *e)
{
	auto_free char *real = realpath(path, NULL), *dir = NULL; /* a symlink stays one */
	char *slash;
	int r = 0;

	f->path = xstrdup(real ? real : path);
	slash = strrchr(f->path, '/');
	f->name = slash ? slash + 1 : f->path;
	dir = slash ? xstrndup(f->path, (size_t)(slash - f->path) + (slash == f->path)) : xstrdup(".");
	if (make)
		r = fs_make_dirs(AT_FDCWD, dir, 0700, e);
	if (r < 0)
		return r;
	f->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dirfd < 0)
		return err_set(e, errno, "open '%s'", dir);
	if (flock(f->dirfd, LOCK_EX) < 0 && errno != ENOTSUP && errno != ENOLCK)
		return err_set(e, errno, "lock '%s'", dir);
	return read_file(f, e);
}

static int write_file(struct auth_file *f, struct err *e)
{
	char *text = json_pretty(f->doc);
	int r = fs_replace_file(f->dirfd, f->name, text, strlen(text), 0600, FS_SYNC, e);

	secret_free(text);
	return r < 0 ? err_wrap(e, r, "%s", f->path) : 0;
}

static bool has_key(const struct json *set, const char *key)
{
	for (struct json_iter it = json_iter(set); json_next(&it);)
		if (is_same_key(it.key, key))
			return true;
	return false;
}

/* The entries but those of @key. Return: whether there were some. */
static bool drop_key(struct json *doc, const char *key)
{
	const struct json *old = json_get(doc, "auths");
	struct json *kept;
	bool found = has_key(old, key);

	if (!found)
		return false;
	kept = json_new_object();
	for (struct json_iter it = json_iter(old); json_next(&it);)
		if (!is_same_key(it.key, key))
			json_set(kept, it.key, json_share(it.value));
	json_set(doc, "auths", kept);
	return true;
}

static const char *helper_of(const struct json *doc, const char *key)
{
	for (struct json_iter it = json_iter(json_get(doc, "credHelpers")); json_next(&it);)
		if (is_same_key(it.key, key) && !str_is_empty(json_as_str(it.value)))
			return json_as_str(it.value);
	key = json_get_str(doc, "credsStore");
	return str_is_empty(key) ? NULL : key;
}

/* ---- helpers ---- */

static const char *server_of(const char *key)
{
	return str_is_eq(key, "docker.io") ? AUTH_DOCKER_SERVER : key;
}

/* What it says about a failure is shown, unless it is what nobody may see. */
static int helper_failed(const char *name, const char *verb, int status, char *said, const char *secret, struct err *e)
{
	char *line = str_trim(said);

	line[strcspn(line, "\n")] = '\0';
	if (str_has_control(line) || (secret && strstr(line, secret)))
		line = NULL;
	return err_say(e, EIO, "credential helper %s: %s ended with status %d%s%.200s", name, verb, status,
		       str_is_empty(line) ? "" : ": ", line ? line : "");
}

static int helper_do(const char *name, const char *verb, const char *input, const char *secret, struct err *e)
{
	char said[AUTH_HELPER_MAX + 1];
	size_t n = 0;
	int r = auth_helper_run(name, verb, input, said, &n, e);

	said[n < AUTH_HELPER_MAX ? n : AUTH_HELPER_MAX] = '\0';
	if (r > 0)
		return helper_failed(name, verb, r, said, secret, e);
	return r < 0 ? err_wrap(e, r, "credential helper %s", name) : 0;
}

static int helper_store(const char *name, const char *key, const struct auth *a, struct err *e)
{
	auto_json struct json *doc = json_new_object();
	char *text;
	int r;

	json_set_str(doc, "ServerURL", server_of(key));
	json_set_str(doc, "Username", a->identity_token ? "<token>" : a->username);
	json_set_str(doc, "Secret", a->identity_token ? a->identity_token : a->password);
	text = json_compact(doc);
	r = helper_do(name, "store", text, a->identity_token ? a->identity_token : a->password, e);
	secret_free(text);
	json_wipe(doc);
	return r;
}

/* ---- writing ---- */

/* The key as the file's other users write it. */
static const char *key_for(const struct auth_file *f, const char *key)
{
	return str_is_eq(f->name, "config.json") ? server_of(key) : key;
}

static struct json *entry_of(const struct auth *a)
{
	struct json *entry = json_new_object();
	char *pair, *coded;

	if (a->identity_token)
		json_set_str(entry, "identitytoken", a->identity_token);
	if (!a->username)
		return entry;
	pair = xasprintf("%s:%s", a->username, a->password ? a->password : "");
	coded = base64_encode(pair, strlen(pair));
	json_set_str(entry, "auth", coded);
	secret_free(pair);
	secret_free(coded);
	return entry;
}

static bool file_has(const char *path, const char *key)
{
	auto_auth_file struct auth_file f = AUTH_FILE_NONE;

	return open_file(path, false, &f, NULL) == 0 &&
	       (has_key(json_get(f.doc, "auths"), key) || has_key(json_get(f.doc, "credHelpers"), key));
}

static const char *choose_file(const struct auth_source *src, char *const *files, const char *key)
{
	const char *named = getenv("REGISTRY_AUTH_FILE");

	if (!files)
		return NULL;
	if (src->file || src->config_dir || !str_is_empty(named))
		return files[0];
	for (char *const *f = files; *f; f++)
		if (file_has(*f, key) || !f[1])
			return *f;
	return NULL;
}

int auth_store(const struct auth_source *src, const char *key, const struct auth *a, char **ret_where,
	       bool *ret_is_plain, struct err *e)
{
	auto_strv char **files = auth_files(src);
	auto_auth_file struct auth_file f = AUTH_FILE_NONE;
	const char *path = choose_file(src, files, key), *helper;
	struct json *auths;
	int r;

	if (!path)
		return err_say(e, ENOENT, "HOME is not set: name the file for the credentials with --authfile");
	r = open_file(path, true, &f, e);
	if (r < 0)
		return r;
	helper = helper_of(f.doc, key);
	if (helper)
		r = helper_store(helper, key, a, e);
	if (r < 0)
		return r;
	drop_key(f.doc, key);
	auths = json_new_object();
	for (struct json_iter it = json_iter(json_get(f.doc, "auths")); json_next(&it);)
		json_set(auths, it.key, json_share(it.value));
	json_set(auths, key_for(&f, key), helper ? json_new_object() : entry_of(a));
	json_set(f.doc, "auths", auths);
	r = write_file(&f, e);
	if (r < 0)
		return r;
	*ret_where = helper ? xasprintf("docker-credential-%s", helper) : xstrdup(f.path);
	*ret_is_plain = !helper;
	return 0;
}

/* Return: 1, 0 when it is not there, negative errno. */
static int erase_in(const char *path, const char *key, struct err *e)
{
	auto_auth_file struct auth_file f = AUTH_FILE_NONE;
	const char *helper;
	bool found, in_helper;
	int r = open_file(path, false, &f, e);

	if (r == -ENOENT || r == -ENOTDIR || r == -EACCES)
		return 0;
	if (r < 0)
		return r;
	helper = helper_of(f.doc, key);
	found = drop_key(f.doc, key);
	/* A credential store knows more than the file says; an error of a helper that has none is no error. */
	in_helper = helper && helper_do(helper, "erase", server_of(key), NULL, found ? e : NULL) == 0;
	if (helper && found && !in_helper)
		return -EIO;
	r = found ? write_file(&f, e) : 0;
	return r < 0 ? r : found || (in_helper && has_key(json_get(f.doc, "credHelpers"), key));
}

int auth_erase(const struct auth_source *src, const char *key, struct err *e)
{
	auto_strv char **files = auth_files(src);
	int found = 0;

	for (char **f = files; f && *f; f++) {
		int r = erase_in(*f, key, e);

		if (r < 0)
			return r;
		found |= r;
	}
	return found;
}

static int erase_all_in(const char *path, struct err *e)
{
	auto_auth_file struct auth_file f = AUTH_FILE_NONE;
	auto_strv char **keys = NULL;
	int r = open_file(path, false, &f, e);

	if (r == -ENOENT || r == -ENOTDIR || r == -EACCES)
		return 0;
	if (r < 0)
		return r;
	for (struct json_iter it = json_iter(json_get(f.doc, "auths")); json_next(&it);) {
		auto_free char *key = auth_key(it.key);
		const char *helper = key ? helper_of(f.doc, key) : NULL;

		strv_add(&keys, it.key);
		if (helper)
			r = helper_do(helper, "erase", server_of(key), NULL, e);
		if (r < 0)
			return r;
	}
	if (!keys)
		return 0;
	json_set(f.doc, "auths", json_new_object());
	r = write_file(&f, e);
	return r < 0 ? r : (int)strv_len(keys);
}

int auth_erase_all(const struct auth_source *src, struct err *e)
{
	auto_strv char **files = auth_files(src);
	int n = 0;

	for (char **f = files; f && *f; f++) {
		int r = erase_all_in(*f, e);

		if (r < 0)
			return r;
		n += r;
	}
	return n;
}
