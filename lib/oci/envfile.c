/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/oci/envfile.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/oci/json_int.h"
#include "lib/oci/kv.h"

#define LINE_MAX_LEN (128U << 10) /* the kernel takes no longer string in an environment */

static bool has_name(const char *entry, const char *name, size_t len)
{
	return !strncmp(entry, name, len) && entry[len] == '=';
}

/**
 * env_get() - Look up a name
 * @env:	Environment or NULL
 * @name:	Name
 *
 * Return: the value, borrowed; NULL when the name is not there
 */
const char *env_get(char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (; env && *env; env++)
		if (has_name(*env, name, len))
			return *env + len + 1;
	return NULL;
}

/**
 * env_set() - Add or replace
 * @env:	Address of the environment
 * @entry:	NAME=value
 */
void env_set(char ***env, const char *entry)
{
	size_t len = strcspn(entry, "=");

	for (char **v = *env; v && *v; v++) {
		if (!has_name(*v, entry, len))
			continue;
		free(*v);
		*v = xstrdup(entry);
		return;
	}
	strv_add(env, entry);
}

/**
 * env_unset() - Remove a name
 * @env:	Environment or NULL; shortened in place
 * @name:	Name
 */
void env_unset(char **env, const char *name)
{
	size_t len = strlen(name);
	char **to = env;

	for (; env && *env; env++) {
		if (has_name(*env, name, len))
			free(*env);
		else
			*to++ = *env;
	}
	if (to)
		*to = NULL;
}

/**
 * env_is_entry() - May an image set this?
 * @entry:	Entry of an image's Env
 *
 * Return: whether it matches ^[A-Za-z_][^=]*=
 */
bool env_is_entry(const char *entry)
{
	char c = *entry;

	return ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_') && strchr(entry, '=');
}

/**
 * env_set_option() - Apply the value of -e
 * @env:	Address of the environment
 * @text:	NAME=value, or NAME: as it is in @host
 * @host:	Our own environment
 * @e:		Failure
 *
 * Return: 0 or -EINVAL
 */
int env_set_option(char ***env, const char *text, char *const *host, struct err *e)
{
	auto_free char *entry = NULL;
	const char *value;

	if (!*text || *text == '=')
		return err_say(e, EINVAL, "invalid environment variable: %.200s", text);
	if (strchr(text, '=')) {
		env_set(env, text);
		return 0;
	}
	value = env_get(host, text);
	if (!value) {
		/* As docker: a name that is set nowhere removes what the image sets. */
		env_unset(*env, text);
		return 0;
	}
	entry = xasprintf("%s=%s", text, value);
	env_set(env, entry);
	return 0;
}

/* Where lines go: an environment, for which @host has the values of bare names, or a string map of labels. */
struct target {
	char ***out;
	char *const *host;
	bool is_labels;
};

static void put(const struct target *t, const char *entry)
{
	if (t->is_labels)
		kv_set_text(t->out, entry);
	else
		env_set(t->out, entry);
}

static bool is_utf8(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = json_utf8_len(s + i, len - i);

		if (!n)
			return false;
		i += n;
	}
	return true;
}

/* @line is NUL-terminated and ours; its name is checked in docker's words. */
static int take_line(const char *line, const char *file, size_t number, const struct target *t, struct err *e)
{
	size_t name_len = strcspn(line, "=");
	const char *value;

	if (!name_len)
		return err_say(e, EINVAL, "%s: line %zu: no variable name on line '%.100s'", file, number, line);
	for (size_t i = 0; i < name_len; i++)
		if (isspace((unsigned char)line[i]) || (unsigned char)line[i] < 0x20)
			return err_say(e, EINVAL, "%s: line %zu: variable '%.*s' contains whitespaces", file, number,
				       (int)(name_len > 100 ? 100 : name_len), line);
	if (t->is_labels || line[name_len] == '=') {
		put(t, line);
		return 0;
	}
	value = env_get(t->host, line);
	if (value) {
		auto_free char *entry = xasprintf("%s=%s", line, value);

		put(t, entry);
	}
	return 0;
}

static int parse(const char *buf, size_t len, const char *file, const struct target *t, struct err *e)
{
	const char *end = buf + len;
	size_t number = 0;

	/* Editors of another system put a byte order mark before the first line. */
	if (len >= 3 && !memcmp(buf, "\xef\xbb\xbf", 3))
		buf += 3;
	while (buf < end) {
		const char *nl = memchr(buf, '\n', (size_t)(end - buf)), *stop = nl ? nl : end,
			   *next = nl ? nl + 1 : end;
		auto_free char *line = NULL;
		int r;

		number++;
		if (stop > buf && stop[-1] == '\r')
			stop--;
		while (buf < stop && isspace((unsigned char)*buf))
			buf++;
		if ((size_t)(stop - buf) > LINE_MAX_LEN)
			return err_say(e, E2BIG, "%s: line %zu is longer than %u bytes", file, number, LINE_MAX_LEN);
		if (memchr(buf, '\0', (size_t)(stop - buf)))
			return err_say(e, EINVAL, "%s: line %zu contains a NUL character", file, number);
		if (!is_utf8(buf, (size_t)(stop - buf)))
			return err_say(e, EINVAL, "%s: line %zu contains invalid utf8 bytes", file, number);
		line = xstrndup(buf, (size_t)(stop - buf));
		buf = next;
		if (!*line || *line == '#')
			continue;
		r = take_line(line, file, number, t, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/**
 * envfile_parse() - Read an --env-file
 * @buf:	Its bytes
 * @len:	How many
 * @name:	The file's name, for messages
 * @host:	Our own environment, for lines that are a name alone
 * @env:	Environment that is added to
 * @e:		Failure
 *
 * Return: 0, -EINVAL, -E2BIG
 */
int envfile_parse(const char *buf, size_t len, const char *name, char *const *host, char ***env, struct err *e)
{
	return parse(buf, len, name, &(struct target) { .out = env, .host = host }, e);
}

/**
 * labelfile_parse() - Read a --label-file
 * @buf:	Its bytes
 * @len:	How many
 * @name:	The file's name, for messages
 * @labels:	String map that is added to
 * @e:		Failure
 *
 * Return: 0, -EINVAL, -E2BIG
 */
int labelfile_parse(const char *buf, size_t len, const char *name, char ***labels, struct err *e)
{
	return parse(buf, len, name, &(struct target) { .out = labels, .is_labels = true }, e);
}

/* A pipe is fine here, as in --env-file <(command): the user named it. */
static int load(const char *path, const struct target *t, struct err *e)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	auto_free char *buf = NULL;
	size_t len;
	int r;

	if (fd < 0)
		return err_set(e, errno, "open %s", path);
	r = fs_read_fd(fd, ENVFILE_MAX, &buf, &len, e);
	return r < 0 ? err_wrap(e, r, "%s", path) : parse(buf, len, path, t, e);
}

/**
 * envfile_load() - Open and read an --env-file
 * @path:	The file
 * @host:	Our own environment
 * @env:	Environment that is added to
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int envfile_load(const char *path, char *const *host, char ***env, struct err *e)
{
	return load(path, &(struct target) { .out = env, .host = host }, e);
}

/**
 * labelfile_load() - Open and read a --label-file
 * @path:	The file
 * @labels:	String map that is added to
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int labelfile_load(const char *path, char ***labels, struct err *e)
{
	return load(path, &(struct target) { .out = labels, .is_labels = true }, e);
}
