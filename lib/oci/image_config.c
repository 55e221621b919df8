/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/oci/digest.h"
#include "lib/oci/envfile.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"

#define MAX_ENV 4096 /* entries are merged pairwise */

/**
 * oci_image_config_free() - Release a config
 * @c:	Config or NULL
 */
void oci_image_config_free(struct oci_image_config *c)
{
	if (!c)
		return;
	oci_platform_done(&c->platform);
	free(c->os_version);
	free(c->created);
	free(c->author);
	free(c->user);
	free(c->working_dir);
	free(c->stop_signal);
	strv_free(c->env);
	strv_free(c->entrypoint);
	strv_free(c->cmd);
	strv_free(c->shell);
	strv_free(c->on_build);
	strv_free(c->labels);
	strv_free(c->exposed_ports);
	strv_free(c->volumes);
	strv_free(c->healthcheck.test);
	strv_free(c->diff_ids);
	for (size_t i = 0; i < c->n_history; i++) {
		free(c->history[i].created);
		free(c->history[i].created_by);
		free(c->history[i].author);
		free(c->history[i].comment);
	}
	free(c->history);
	free(c);
}

/**
 * oci_image_config_freep() - oci_image_config_free() for auto_oci_image_config; disarms
 * @c:	Address of the config
 */
void oci_image_config_freep(struct oci_image_config **c)
{
	int saved = errno;

	oci_image_config_free(*c);
	*c = NULL;
	errno = saved;
}

/* Entrypoint and Cmd were plain strings in old images; docker still takes them as a vector of one. */
static int read_command(const struct json *j, const char *key, char ***ret, struct err *e)
{
	const char *s = json_get_str(j, key);

	if (!s)
		return json_read_strv(j, key, ret, e);
	strv_add(ret, s);
	return 0;
}

/* ExposedPorts and Volumes are objects whose values mean nothing. */
static int read_keys(const struct json *j, const char *key, char ***ret, struct err *e)
{
	const struct json *set = NULL;
	size_t n = 0;
	int r = json_read_object(j, key, &set, e);

	if (r < 0 || !json_len(set))
		return r;
	*ret = xcalloc(json_len(set) + 1, sizeof(**ret));
	for (struct json_iter it = json_iter(set); json_next(&it);)
		(*ret)[n++] = xstrdup(it.key);
	return 0;
}

/*
 * An entry without a name or without "=" is dropped: other engines look such a name up in the environment of the host
 * and hand its value to the container (CVE-2026-53488).
 */
static int read_env(const struct json *j, char ***ret, struct err *e)
{
	const struct json *env = NULL;
	int r = json_read_array(j, "Env", &env, e);

	if (r < 0)
		return r;
	if (json_len(env) > MAX_ENV)
		return err_say(e, E2BIG, "more than %d entries in Env", MAX_ENV);
	for (size_t i = 0; i < json_len(env); i++) {
		const char *entry = json_as_str(json_item(env, i));

		if (!entry)
			return err_say(e, EINVAL, "'Env' is not an array of strings");
		if (env_is_entry(entry))
			env_set(ret, entry);
		else
			log_debug("image config: dropped malformed environment entry %zu", i);
	}
	return 0;
}

static int read_healthcheck(const struct json *j, struct oci_healthcheck *ret, struct err *e)
{
	const struct json *h = NULL;
	int r = json_read_object(j, "Healthcheck", &h, e);

	if (r == 0)
		r = json_read_strv(h, "Test", &ret->test, e);
	if (r == 0)
		r = json_read_i64(h, "Interval", &ret->interval_ns, e);
	if (r == 0)
		r = json_read_i64(h, "Timeout", &ret->timeout_ns, e);
	if (r == 0)
		r = json_read_i64(h, "StartPeriod", &ret->start_period_ns, e);
	if (r == 0)
		r = json_read_i64(h, "StartInterval", &ret->start_interval_ns, e);
	if (r == 0)
		r = json_read_i64(h, "Retries", &ret->retries, e);
	return r;
}

/* The member "config": what a container made from the image does. */
static int read_run_config(const struct json *doc, struct oci_image_config *c, struct err *e)
{
	const struct json *j = NULL;
	const struct {
		const char *key;
		int (*read)(const struct json *, const char *, char ***, struct err *);
		char ***ret;
	} vectors[] = {
		{ "Entrypoint", read_command, &c->entrypoint }, { "Cmd", read_command, &c->cmd },
		{ "Shell", json_read_strv, &c->shell },		{ "OnBuild", json_read_strv, &c->on_build },
		{ "Labels", json_read_map, &c->labels },	{ "ExposedPorts", read_keys, &c->exposed_ports },
		{ "Volumes", read_keys, &c->volumes },
	};
	int r = json_read_object(doc, "config", &j, e);

	if (r == 0)
		r = json_read_str(j, "User", &c->user, e);
	if (r == 0)
		r = json_read_str(j, "WorkingDir", &c->working_dir, e);
	if (r == 0)
		r = json_read_str(j, "StopSignal", &c->stop_signal, e);
	if (r == 0)
		r = json_read_bool(j, "ArgsEscaped", &c->args_escaped, e);
	if (r == 0)
		r = read_env(j, &c->env, e);
	if (r == 0)
		r = read_healthcheck(j, &c->healthcheck, e);
	for (size_t i = 0; r == 0 && i < sizeof(vectors) / sizeof(*vectors); i++)
		r = vectors[i].read(j, vectors[i].key, vectors[i].ret, e);
	return r;
}

static int read_rootfs(const struct json *doc, struct oci_image_config *c, struct err *e)
{
	auto_free char *type = NULL;
	const struct json *rootfs = NULL;
	int r = json_read_object(doc, "rootfs", &rootfs, e);

	if (r == 0)
		r = json_read_str(rootfs, "type", &type, e);
	if (r == 0)
		r = json_read_strv(rootfs, "diff_ids", &c->diff_ids, e);
	if (r < 0)
		return r;
	if (type && strcmp(type, "layers") != 0)
		return err_say(e, ENOTSUP, "rootfs type '%.40s' is not supported", type);
	if (strv_len(c->diff_ids) > OCI_MAX_LAYERS)
		return err_say(e, E2BIG, "%zu layers, at most %d are allowed", strv_len(c->diff_ids), OCI_MAX_LAYERS);
	for (size_t i = 0; r == 0 && c->diff_ids && c->diff_ids[i]; i++)
		r = digest_check(c->diff_ids[i], e);
	return r;
}

static int read_history(const struct json *doc, struct oci_image_config *c, struct err *e)
{
	const struct json *arr = NULL;
	int r = json_read_array(doc, "history", &arr, e);
	size_t n = json_len(arr);

	if (r < 0)
		return r;
	c->history = xcalloc(n, sizeof(*c->history));
	c->n_history = n;
	for (size_t i = 0; i < n && r == 0; i++) {
		const struct json *j = json_item(arr, i);
		struct oci_history *h = &c->history[i];

		r = json_read_str(j, "created", &h->created, e);
		if (r == 0)
			r = json_read_str(j, "created_by", &h->created_by, e);
		if (r == 0)
			r = json_read_str(j, "author", &h->author, e);
		if (r == 0)
			r = json_read_str(j, "comment", &h->comment, e);
		if (r == 0)
			r = json_read_bool(j, "empty_layer", &h->empty_layer, e);
	}
	return r;
}

static int read_config(const struct json *doc, struct oci_image_config *c, struct err *e)
{
	int r;

	if (json_kind(doc) != JSON_OBJECT)
		return err_say(e, EINVAL, "not an object");
	r = json_read_str(doc, "os", &c->platform.os, e);
	if (r == 0)
		r = json_read_str(doc, "architecture", &c->platform.arch, e);
	if (r == 0)
		r = json_read_str(doc, "variant", &c->platform.variant, e);
	if (r == 0)
		r = json_read_str(doc, "os.version", &c->os_version, e);
	if (r == 0)
		r = json_read_str(doc, "created", &c->created, e);
	if (r == 0)
		r = json_read_str(doc, "author", &c->author, e);
	if (r == 0)
		r = read_run_config(doc, c, e);
	if (r == 0)
		r = read_rootfs(doc, c, e);
	if (r == 0)
		r = read_history(doc, c, e);
	return r;
}

/**
 * oci_image_config_parse() - Read an image's config
 * @buf:	The bytes
 * @len:	How many
 * @ret:	The config, owned
 * @e:		Failure
 *
 * Return: 0, -EINVAL, -E2BIG, -ENOTSUP
 */
int oci_image_config_parse(const char *buf, size_t len, struct oci_image_config **ret, struct err *e)
{
	auto_oci_image_config struct oci_image_config *c = NULL;
	auto_json struct json *doc = NULL;
	int r;

	if (len > OCI_MAX_CONFIG)
		return err_say(e, E2BIG, "the image config is larger than %u bytes", OCI_MAX_CONFIG);
	r = json_parse(buf, len, &doc, e);
	if (r == 0) {
		c = xcalloc(1, sizeof(*c));
		r = read_config(doc, c, e);
	}
	if (r < 0)
		return err_wrap(e, r, "image config");
	*ret = take_ptr(&c);
	return 0;
}
