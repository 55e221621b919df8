/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/image/verbs.h"
#include "cmd/spec.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/json.h"
#include "lib/oci/policy.h"

/* ---- set ---- */

static int add_keys(struct json *rule, char *const *files, struct err *e)
{
	auto_strv char **paths = NULL;

	for (char *const *f = files; f && *f; f++) {
		char *real = realpath(*f, NULL);

		if (!real)
			return err_set(e, errno, "public key '%s'", *f);
		strv_add_take(&paths, real);
	}
	if (!paths)
		return err_say(e, EINVAL, "sigstoreSigned needs a public key: --pubkeysfile FILE");
	if (paths[1])
		json_set_strv(rule, "keyPaths", paths);
	else
		json_set_str(rule, "keyPath", paths[0]);
	return 0;
}

static int make_rule(const struct trust_set_opts *o, struct json **ret, struct err *e)
{
	auto_json struct json *list = json_new_array();
	struct json *rule = json_add_object(list);
	int r = 0;

	if (str_is_eq(o->type, "accept") || str_is_eq(o->type, "insecureAcceptAnything"))
		json_set_str(rule, "type", "insecureAcceptAnything");
	else if (str_is_eq(o->type, "reject") || str_is_eq(o->type, "sigstoreSigned"))
		json_set_str(rule, "type", o->type);
	else if (str_is_eq(o->type, "signedBy"))
		r = err_say(e, ENOTSUP, "signedBy (GPG signatures) is not supported: use sigstoreSigned");
	else
		r = err_say(e, EINVAL, "unknown type '%s': it is accept, reject or sigstoreSigned", o->type);
	if (r == 0 && str_is_eq(o->type, "sigstoreSigned"))
		r = add_keys(rule, o->keys, e);
	else if (r == 0 && o->keys)
		r = err_say(e, EINVAL, "--pubkeysfile is for --type sigstoreSigned");
	if (r == 0)
		*ret = take_ptr(&list);
	return r;
}

/**
 * image_trust_set_run() - skiff image trust set
 * @ctx:	Global options
 * @opts:	struct trust_set_opts
 * @argc:	1
 * @argv:	Registry, repository, or "default"
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int image_trust_set_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct trust_set_opts *o = opts;
	auto_free char *own = policy_own_path();
	const char *file = o->policy ? o->policy : own;
	struct json *rules = NULL;
	int r;

	(void)ctx;
	(void)argc;
	if (!file)
		return err_say(e, ENOENT, "HOME is not set: name the file with --signature-policy");
	if (!*argv[0] || str_has_control(argv[0]) || strpbrk(argv[0], " "))
		return err_say(e, EINVAL, "'%s' is not a registry or repository", argv[0]);
	r = make_rule(o, &rules, e);
	return r < 0 ? r : policy_set(file, argv[0], rules, e);
}

/* ---- show ---- */

static const char *type_word(const struct json *rule)
{
	const char *type = json_get_str(rule, "type");

	return str_is_eq(type, "insecureAcceptAnything") ? "accept" : type;
}

static char *keys_of(const struct json *rule)
{
	static const char *const sources[] = { "keyPath", "keyPaths", "keyData", "keyDatas" };
	auto_strv char **all = NULL;

	for (size_t i = 0; i < 4; i++) {
		const struct json *v = json_get(rule, sources[i]);

		for (size_t k = 0; v && k < (i % 2 ? json_len(v) : 1); k++) {
			const char *s = json_as_str(i % 2 ? json_item(v, k) : v);

			strv_add(&all, i < 2 && s ? s : "(data)");
		}
	}
	return all ? strv_join(all, ",") : xstrdup("");
}

static void add_rows(struct json *rows, const char *transport, const char *name, const struct json *rules)
{
	for (size_t i = 0; i < json_len(rules); i++) {
		const struct json *rule = json_item(rules, i);
		struct json *row = json_add_object(rows);
		auto_free char *keys = keys_of(rule);

		json_set_str(row, "transport", transport);
		json_set_str(row, "name", name);
		json_set_str(row, "type", type_word(rule));
		json_set_str(row, "keys", keys);
	}
}

static struct json *make_rows(const struct json *doc, const char *only)
{
	struct json *rows = json_new_array();

	if (!only || !strcmp(only, "default"))
		add_rows(rows, "all", "default", json_get(doc, "default"));
	for (struct json_iter t = json_iter(json_get(doc, "transports")); json_next(&t);)
		for (struct json_iter s = json_iter(t.value); json_next(&s);)
			if (!only || !strcmp(only, s.key))
				add_rows(rows, !strcmp(t.key, "docker") ? "repository" : t.key, s.key, s.value);
	return rows;
}

static void print_rows(const struct json *rows)
{
	int transport = 9, name = 4, type = 4;

	for (size_t i = 0; i < json_len(rows); i++) {
		const struct json *row = json_item(rows, i);
		int a = (int)strlen(json_get_str(row, "transport")), b = (int)strlen(json_get_str(row, "name")),
		    c = (int)strlen(json_get_str(row, "type"));

		transport = a > transport ? a : transport;
		name = b > name ? b : name;
		type = c > type ? c : type;
	}
	printf("%-*s  %-*s  %-*s  %s\n", transport, "TRANSPORT", name, "NAME", type, "TYPE", "KEYS");
	for (size_t i = 0; i < json_len(rows); i++) {
		const struct json *row = json_item(rows, i);
		const char *keys = json_get_str(row, "keys");

		printf("%-*s  %-*s  %-*s%s%s\n", transport, json_get_str(row, "transport"), name,
		       json_get_str(row, "name"), *keys ? type : 0, json_get_str(row, "type"), *keys ? "  " : "", keys);
	}
}

/**
 * image_trust_show_run() - skiff image trust show
 * @ctx:	Global options
 * @opts:	struct trust_show_opts
 * @argc:	0 or 1
 * @argv:	One scope, or all
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int image_trust_show_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct trust_show_opts *o = opts;
	auto_policy struct policy *p = NULL;
	auto_json struct json *rows = NULL;
	static const char everything[] = "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}";
	auto_free char *text = NULL;
	int r = policy_load(o->policy, &p, e);

	(void)ctx;
	if (r == 0 && !p) /* what having none means */
		r = policy_parse(everything, sizeof(everything) - 1, "none", &p, e);
	if (r < 0)
		return r;
	if (o->raw) {
		text = json_pretty(policy_json(p));
		puts(text);
		return 0;
	}
	rows = make_rows(policy_json(p), argc ? argv[0] : NULL);
	if (argc && !json_len(rows))
		return err_say(e, ENOENT, "the policy has nothing about '%s'", argv[0]);
	if (!o->json) {
		print_rows(rows);
		return 0;
	}
	text = json_pretty(rows);
	puts(text);
	return 0;
}
