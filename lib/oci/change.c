/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/oci/change.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/json.h"

#define LINE_MAX_LEN 65536U
#define BLANKS	     " \t"

typedef int (*change_fn)(struct json *config, const char *rest, struct err *e);

/* Words as a Dockerfile has them: blanks separate, quotes and backslashes keep. Return: 0 or -EINVAL */
static int split_words(const char *s, char ***ret, struct err *e)
{
	auto_strv char **words = NULL;

	while (*(s += strspn(s, BLANKS))) {
		auto_sbuf struct sbuf w = { 0 };
		char quote = '\0';

		for (; *s && (quote || !strchr(BLANKS, *s)); s++) {
			if (*s == '\\' && s[1] && quote != '\'')
				sbuf_addc(&w, *++s);
			else if (quote ? *s == quote : *s == '"' || *s == '\'')
				quote = quote ? '\0' : *s;
			else
				sbuf_addc(&w, *s);
		}
		if (quote)
			return err_say(e, EINVAL, "a quote is not closed");
		strv_add(&words, sbuf_str(&w));
	}
	*ret = take_ptr(&words);
	return 0;
}

/* A JSON list of strings. Return: 1, 0 when it is none, and is a command for the shell then */
static int parse_list(const char *rest, char ***ret)
{
	auto_json struct json *j = NULL, *doc = NULL;
	auto_strv char **v = NULL;

	if (*rest != '[' || json_parse(rest, strlen(rest), &j, NULL) < 0 || json_kind(j) != JSON_ARRAY)
		return 0;
	doc = json_new_object();
	json_set(doc, "v", take_ptr(&j));
	if (json_read_strv(doc, "v", &v, NULL) < 0)
		return 0;
	*ret = take_ptr(&v);
	return 1;
}

/* CMD and ENTRYPOINT: as it is, or through the image's shell. */
static void set_command(struct json *config, const char *key, const char *rest)
{
	auto_strv char **v = NULL, **shell = json_get_strv(config, "Shell");

	if (!parse_list(rest, &v)) {
		if (!shell) {
			strv_add(&shell, "/bin/sh");
			strv_add(&shell, "-c");
		}
		v = take_ptr(&shell);
		strv_add(&v, rest);
	}
	json_set_strv(config, key, v);
}

static int change_cmd(struct json *config, const char *rest, struct err *e)
{
	(void)e;
	set_command(config, "Cmd", rest);
	return 0;
}

static int change_entrypoint(struct json *config, const char *rest, struct err *e)
{
	(void)e;
	set_command(config, "Entrypoint", rest);
	return 0;
}

/* "a=b c=d", or the old "a b c": one name, and the rest is its value. */
static int split_pairs(const char *rest, char ***ret, struct err *e)
{
	auto_strv char **words = NULL, **pairs = NULL;
	size_t name = strcspn(rest, BLANKS "=");
	int r = 0;

	if (rest[name] != '=') {
		const char *value = rest + name + strspn(rest + name, BLANKS);

		if (!name || !*value)
			return err_say(e, EINVAL, "it needs a name and a value");
		strv_add_take(&pairs, xasprintf("%.*s=%s", (int)name, rest, value));
	} else {
		r = split_words(rest, &words, e);
	}
	for (char **w = words; r == 0 && w && *w; w++) {
		if (**w == '=' || !strchr(*w, '='))
			r = err_say(e, EINVAL, "'%s' is not name=value", *w);
		else
			strv_add(&pairs, *w);
	}
	if (r == 0)
		*ret = take_ptr(&pairs);
	return r;
}

static int change_env(struct json *config, const char *rest, struct err *e)
{
	auto_strv char **pairs = NULL, **old = json_get_strv(config, "Env"), **env = NULL;
	int r = split_pairs(rest, &pairs, e);

	if (r < 0)
		return r;
	for (char **o = old; o && *o; o++) {
		bool replaced = false;

		for (char **p = pairs; *p && !replaced; p++) {
			size_t n = strcspn(*p, "=") + 1;

			replaced = !strncmp(*p, *o, n);
		}
		if (!replaced)
			strv_add(&env, *o);
	}
	for (char **p = pairs; *p; p++)
		strv_add(&env, *p);
	json_set_strv(config, "Env", env);
	return 0;
}

/* Another object at @key with the old one's members. */
static struct json *copy_object(struct json *config, const char *key)
{
	struct json *fresh = json_new_object();

	for (struct json_iter it = json_iter(json_get_object(config, key)); json_next(&it);)
		json_set(fresh, it.key, json_share(it.value));
	json_set(config, key, fresh);
	return fresh;
}

static int change_label(struct json *config, const char *rest, struct err *e)
{
	auto_strv char **pairs = NULL;
	struct json *labels;
	int r = split_pairs(rest, &pairs, e);

	if (r < 0)
		return r;
	labels = copy_object(config, "Labels");
	for (char **p = pairs; p && *p; p++) {
		char *value = strchr(*p, '=');

		*value++ = '\0';
		json_set_str(labels, *p, value);
	}
	return 0;
}

/* "80", "80/tcp", "8000-8010/udp" */
static int add_ports(struct json *set, const char *word, struct err *e)
{
	size_t n = strcspn(word, "/");
	const char *proto = word[n] ? word + n + 1 : "tcp";
	auto_free char *range = xstrndup(word, n);
	char *dash = strchr(range, '-');
	uint64_t first, last;

	if (dash)
		*dash++ = '\0';
	if (str_to_u64(range, 65535, &first) < 0 || str_to_u64(dash ? dash : range, 65535, &last) < 0 || !first ||
	    last < first || (strcmp(proto, "tcp") && strcmp(proto, "udp") && strcmp(proto, "sctp")))
		return err_say(e, EINVAL, "'%s' is not a port", word);
	for (; first <= last; first++) {
		auto_free char *port = xasprintf("%llu/%s", (unsigned long long)first, proto);

		json_set(set, port, json_new_object());
	}
	return 0;
}

static int change_expose(struct json *config, const char *rest, struct err *e)
{
	auto_strv char **words = NULL;
	int r = split_words(rest, &words, e);
	struct json *set = r < 0 ? NULL : copy_object(config, "ExposedPorts");

	for (char **w = words; r == 0 && w && *w; w++)
		r = add_ports(set, *w, e);
	return r;
}

static int change_volume(struct json *config, const char *rest, struct err *e)
{
	auto_strv char **paths = NULL;
	struct json *set;
	int r = parse_list(rest, &paths) ? 0 : split_words(rest, &paths, e);

	if (r < 0)
		return r;
	set = copy_object(config, "Volumes");
	for (char **p = paths; p && *p; p++) {
		if (!**p)
			return err_say(e, EINVAL, "a volume's path is empty");
		json_set(set, *p, json_new_object());
	}
	return 0;
}

static int change_user(struct json *config, const char *rest, struct err *e)
{
	if (rest[strcspn(rest, BLANKS)])
		return err_say(e, EINVAL, "it takes one user");
	json_set_str(config, "User", rest);
	return 0;
}

static int change_workdir(struct json *config, const char *rest, struct err *e)
{
	const char *old = json_get_str(config, "WorkingDir");
	auto_free char *joined = NULL;

	(void)e;
	if (*rest != '/')
		joined = xasprintf("%s/%s", str_is_empty(old) || str_is_eq(old, "/") ? "" : old, rest);
	json_set_str(config, "WorkingDir", joined ? joined : rest);
	return 0;
}

static int change_onbuild(struct json *config, const char *rest, struct err *e)
{
	static const char *const never[] = { "ONBUILD", "FROM", "MAINTAINER" };
	auto_free char *word = xstrndup(rest, strcspn(rest, BLANKS));
	auto_strv char **list = json_get_strv(config, "OnBuild");

	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		if (!strcasecmp(word, never[i]))
			return err_say(e, EINVAL, "%s isn't allowed as an ONBUILD trigger", never[i]);
	strv_add(&list, rest);
	json_set_strv(config, "OnBuild", list);
	return 0;
}

static int change_stopsignal(struct json *config, const char *rest, struct err *e)
{
	uint64_t number;

	if (str_to_u64(rest, 64, &number) < 0 ? rest[strspn(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-")] || !*rest
					      : number == 0)
		return err_say(e, EINVAL, "'%s' is not a signal", rest);
	json_set_str(config, "StopSignal", rest);
	return 0;
}

/* One "--name=value" of HEALTHCHECK into @h. */
static int health_option(struct json *h, const char *word, struct err *e)
{
	static const struct {
		const char *option, *key;
	} durations[] = {
		{ "--interval=", "Interval" },
		{ "--timeout=", "Timeout" },
		{ "--start-period=", "StartPeriod" },
		{ "--start-interval=", "StartInterval" },
	};
	const char *value = str_after(word, "--retries=");
	uint64_t n;
	int64_t ns;

	if (value) {
		if (str_to_u64(value, INT32_MAX, &n) < 0)
			return err_say(e, EINVAL, "'%s' is not a number", value);
		json_set_i64(h, "Retries", (int64_t)n);
		return 0;
	}
	for (size_t i = 0; i < sizeof(durations) / sizeof(*durations); i++) {
		value = str_after(word, durations[i].option);
		if (!value)
			continue;
		if (str_to_duration(value, &ns) < 0)
			return err_say(e, EINVAL, "'%s' is not a duration", value);
		json_set_i64(h, durations[i].key, ns);
		return 0;
	}
	return err_say(e, EINVAL, "unknown flag '%s'", word);
}

static int change_healthcheck(struct json *config, const char *rest, struct err *e)
{
	auto_json struct json *h = json_new_object();
	auto_strv char **test = NULL, **list = NULL;
	const char *command;
	int r = 0;

	while (r == 0 && str_has_prefix(rest, "--")) {
		auto_free char *word = xstrndup(rest, strcspn(rest, BLANKS));

		r = health_option(h, word, e);
		rest += strlen(word);
		rest += strspn(rest, BLANKS);
	}
	if (r < 0)
		return r;
	command = str_after(rest, "CMD");
	if (str_is_eq(rest, "NONE")) {
		strv_add(&test, "NONE");
	} else if (command && *command && strchr(BLANKS, *command)) {
		command += strspn(command, BLANKS);
		strv_add(&test, parse_list(command, &list) ? "CMD" : "CMD-SHELL");
		for (char **l = list; l && *l; l++)
			strv_add(&test, *l);
		if (!list)
			strv_add(&test, command);
	} else {
		return err_say(e, EINVAL, "it takes NONE or CMD and a command");
	}
	json_set_strv(h, "Test", test);
	json_set(config, "Healthcheck", take_ptr(&h));
	return 0;
}

static const struct {
	const char *name;
	change_fn apply;
} instructions[] = {
	{ "CMD", change_cmd },	       { "ENTRYPOINT", change_entrypoint },   { "ENV", change_env },
	{ "EXPOSE", change_expose },   { "HEALTHCHECK", change_healthcheck }, { "LABEL", change_label },
	{ "ONBUILD", change_onbuild }, { "STOPSIGNAL", change_stopsignal },   { "USER", change_user },
	{ "VOLUME", change_volume },   { "WORKDIR", change_workdir },
};

int change_apply(struct json *config, const char *line, struct err *e)
{
	auto_free char *copy = NULL, *word = NULL;
	const char *rest;
	size_t n;

	if (strlen(line) > LINE_MAX_LEN)
		return err_say(e, E2BIG, "--change: a line is longer than %u bytes", LINE_MAX_LEN);
	copy = xstrdup(line);
	rest = str_trim(copy);
	n = strcspn(rest, BLANKS "=");
	word = xstrndup(rest, n);
	rest += n;
	rest += strspn(rest, BLANKS);
	if (*rest == '=') /* podman's way */
		rest += 1 + strspn(rest + 1, BLANKS);
	for (size_t i = 0; i < sizeof(instructions) / sizeof(*instructions); i++) {
		int r;

		if (strcasecmp(word, instructions[i].name) != 0)
			continue;
		if (!*rest)
			return err_say(e, EINVAL, "--change: %s requires at least one argument", instructions[i].name);
		r = instructions[i].apply(config, rest, e);
		return r < 0 ? err_wrap(e, r, "--change: %s", instructions[i].name) : 0;
	}
	return err_say(e, EINVAL, "--change: %.40s is not an instruction that can be used here", word);
}
