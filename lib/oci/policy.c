/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/oci/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/oci/conf.h"
#include "lib/oci/json.h"
#include "lib/oci/ref.h"

#define SYSTEM_FILE "/etc/containers/policy.json"
#define KEY_MAX	    65536U
#define KEYS_MAX    64U

/*
 * Theory of operation
 *
 * The most specific scope counts, alone: host/ns/repo:tag or @digest, then host/ns/repo, host/ns, host, *.domain, "",
 * then the default. A file that is not understood in full is an error: what it wants to keep out must not come in
 * because of a typing error. Requirements that cannot be checked here are refused when the file is read.
 */

struct policy {
	char *file;
	struct json *doc;
};

void policy_free(struct policy *p)
{
	if (!p)
		return;
	json_free(p->doc);
	free(p->file);
	free(p);
}

void policy_freep(struct policy **p)
{
	policy_free(*p);
	*p = NULL;
}

const char *policy_file(const struct policy *p)
{
	return p->file;
}

const struct json *policy_json(const struct policy *p)
{
	return p->doc;
}

void policy_rules_done(struct policy_rules *r)
{
	for (size_t i = 0; i < r->n; i++) {
		strv_free(r->v[i].keys);
		free(r->v[i].name);
		free(r->v[i].prefix);
	}
	free(r->v);
	*r = (struct policy_rules) { 0 };
}

/* ---- requirements ---- */

static int check_keys(const struct json *j, const char *const *known, struct err *e)
{
	for (struct json_iter it = json_iter(j); json_next(&it);) {
		bool ok = false;

		for (const char *const *k = known; *k && !ok; k++)
			ok = str_is_eq(*k, it.key);
		if (!ok)
			return err_say(e, EINVAL, "unknown key '%.60s'", it.key);
	}
	return 0;
}

static int add_key_file(char ***keys, const char *path, struct err *e)
{
	char *text = NULL;
	int r = *path == '/' ? fs_read_file(AT_FDCWD, path, KEY_MAX, &text, NULL, e)
			     : err_say(e, EINVAL, "'%.200s' is not an absolute path", path);

	if (r < 0)
		return err_wrap(e, r, "public key");
	strv_add_take(keys, text);
	return 0;
}

static int add_key_data(char ***keys, const char *coded, struct err *e)
{
	char *text = NULL;
	size_t len;

	if (base64_decode(coded, strlen(coded), &text, &len) < 0 || strlen(text) != len) {
		free(text);
		return err_say(e, EINVAL, "keyData is not the base64 of a key");
	}
	strv_add_take(keys, text);
	return 0;
}

/* Exactly one of keyPath, keyPaths, keyData, keyDatas. @read: the files, too. */
static int read_keys(const struct json *j, bool read, char ***keys, struct err *e)
{
	static const char *const sources[] = { "keyPath", "keyPaths", "keyData", "keyDatas" };
	unsigned given = 0;
	int r = 0;

	for (unsigned i = 0; i < 4 && r == 0; i++) {
		const struct json *v = json_get(j, sources[i]);
		size_t n = i % 2 ? json_len(v) : 1;

		if (!v)
			continue;
		given++;
		if ((i % 2 && (json_kind(v) != JSON_ARRAY || n == 0 || n > KEYS_MAX)))
			return err_say(e, EINVAL, "%s is not a list of keys", sources[i]);
		for (size_t k = 0; k < n && r == 0; k++) {
			const char *text = json_as_str(i % 2 ? json_item(v, k) : v);

			if (!text)
				r = err_say(e, EINVAL, "%s is not a string", sources[i]);
			else if (i < 2 && read)
				r = add_key_file(keys, text, e);
			else if (i >= 2)
				r = add_key_data(keys, text, e);
		}
	}
	if (r == 0 && given != 1)
		r = err_say(e, EINVAL,
			    "sigstoreSigned needs exactly one of keyPath, keyPaths, keyData, keyDatas (fulcio and pki "
			    "are not supported)");
	return r;
}

static int read_identity(const struct json *j, struct policy_rule *rule, struct err *e)
{
	static const struct {
		const char *type, *keys[4];
		enum policy_identity identity;
	} known[] = {
		{ "matchExact", { "type" }, POLICY_MATCH_EXACT },
		{ "matchRepoDigestOrExact", { "type" }, POLICY_MATCH_REPO_DIGEST_OR_EXACT },
		{ "matchRepository", { "type" }, POLICY_MATCH_REPOSITORY },
		{ "exactReference", { "type", "dockerReference" }, POLICY_EXACT_REFERENCE },
		{ "exactRepository", { "type", "dockerRepository" }, POLICY_EXACT_REPOSITORY },
		{ "remapIdentity", { "type", "prefix", "signedPrefix" }, POLICY_REMAP },
	};
	const char *type = json_get_str(j, "type");
	int r;

	rule->identity = POLICY_MATCH_REPO_DIGEST_OR_EXACT;
	if (!j)
		return 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (!str_is_eq(type, known[i].type))
			continue;
		rule->identity = known[i].identity;
		r = check_keys(j, known[i].keys, e);
		if (r == 0 && known[i].keys[1])
			r = json_read_str(j, known[i].keys[rule->identity == POLICY_REMAP ? 2 : 1], &rule->name, e);
		if (r == 0 && rule->identity == POLICY_REMAP)
			r = json_read_str(j, "prefix", &rule->prefix, e);
		if (r == 0 && ((known[i].keys[1] && !rule->name) || (rule->identity == POLICY_REMAP && !rule->prefix)))
			r = err_say(e, EINVAL, "signedIdentity %s is not complete", type);
		return r;
	}
	return err_say(e, EINVAL, "unknown signedIdentity '%.60s'", type ? type : "");
}

static int read_sigstore(const struct json *j, bool read, struct policy_rule *rule, struct err *e)
{
	static const char *const known[] = { "type",	 "keyPath",	   "keyPaths", "keyData",
					     "keyDatas", "signedIdentity", NULL };
	static const char *const unable[] = { "fulcio",
					      "pki",
					      "rekorPublicKeyPath",
					      "rekorPublicKeyPaths",
					      "rekorPublicKeyData",
					      "rekorPublicKeyDatas" };
	int r;

	for (size_t i = 0; i < sizeof(unable) / sizeof(*unable); i++)
		if (json_get(j, unable[i]))
			return err_say(e, ENOTSUP, "%s is not supported: only public keys are", unable[i]);
	r = check_keys(j, known, e);
	rule->kind = POLICY_SIGSTORE;
	if (r == 0)
		r = read_keys(j, read, &rule->keys, e);
	return r < 0 ? r : read_identity(json_get(j, "signedIdentity"), rule, e);
}

static int read_rule(const struct json *j, bool read, struct policy_rule *rule, struct err *e)
{
	static const char *const plain[] = { "type", NULL };
	const char *type = json_get_str(j, "type");

	if (str_is_eq(type, "sigstoreSigned"))
		return read_sigstore(j, read, rule, e);
	if (str_is_eq(type, "signedBy"))
		return err_say(e, ENOTSUP,
			       "signedBy (GPG signatures) is not supported: use sigstoreSigned with a public key");
	if (!str_is_eq(type, "reject") && !str_is_eq(type, "insecureAcceptAnything"))
		return err_say(e, EINVAL, "unknown type '%.60s'", type ? type : "");
	rule->kind = *type == 'r' ? POLICY_REJECT : POLICY_ACCEPT;
	return check_keys(j, plain, e);
}

static int read_rules(const struct json *list, bool read, const char *where, struct policy_rules *ret, struct err *e)
{
	int r = 0;

	if (json_kind(list) != JSON_ARRAY || json_len(list) == 0)
		return err_say(e, EINVAL, "%.200s: it needs a list of requirements", where);
	ret->v = xcalloc(json_len(list), sizeof(*ret->v));
	for (size_t i = 0; r == 0 && i < json_len(list); i++)
		r = read_rule(json_item(list, i), read, &ret->v[ret->n++], e);
	return r < 0 ? err_wrap(e, r, "%.200s", where) : 0;
}

/* ---- files ---- */

static int check_rules(const struct json *list, const char *where, struct err *e)
{
	struct policy_rules rules = { 0 };
	int r = read_rules(list, false, where, &rules, e);

	policy_rules_done(&rules);
	return r;
}

/* What is no object has no members: it would say nothing, whatever it says. */
static int check_object(const struct json *j, const char *where, struct err *e)
{
	return json_kind(j) == JSON_OBJECT ? 0 : err_say(e, EINVAL, "%.200s: not a JSON object", where);
}

/* All of it, not only what applies today; but for files of keys, which another user's rules may name. */
static int check_all(const struct json *doc, struct err *e)
{
	static const char *const known[] = { "default", "transports", NULL };
	int r = json_kind(doc) == JSON_OBJECT ? check_keys(doc, known, e) : err_say(e, EINVAL, "not a JSON object");

	if (r == 0)
		r = check_rules(json_get(doc, "default"), "default", e);
	if (r == 0 && json_get(doc, "transports"))
		r = check_object(json_get(doc, "transports"), "transports", e);
	for (struct json_iter t = json_iter(json_get(doc, "transports")); r == 0 && json_next(&t);) {
		r = check_object(t.value, t.key, e);
		for (struct json_iter s = json_iter(t.value); r == 0 && json_next(&s);)
			r = check_rules(s.value, *s.key ? s.key : t.key, e);
	}
	return r;
}

int policy_parse(const char *buf, size_t len, const char *file, struct policy **ret, struct err *e)
{
	auto_json struct json *doc = NULL;
	int r = json_parse(buf, len, &doc, e);

	if (r == 0)
		r = check_all(doc, e);
	if (r < 0)
		return err_wrap(e, r, "policy '%s'", file);
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->doc = take_ptr(&doc);
	(*ret)->file = xstrdup(file);
	return 0;
}

char *policy_own_path(void)
{
	char *dir, *path;

	if (geteuid() == 0)
		return xstrdup(SYSTEM_FILE);
	dir = conf_xdg_dir();
	path = dir ? xasprintf("%s/containers/policy.json", dir) : NULL;
	free(dir);
	return path;
}

static int load_file(const char *file, struct policy **ret, struct err *e)
{
	auto_free char *text = NULL;
	size_t len;
	int r = fs_read_file(AT_FDCWD, file, POLICY_MAX, &text, &len, e);

	return r < 0 ? r : policy_parse(text, len, file, ret, e);
}

int policy_load(const char *file, struct policy **ret, struct err *e)
{
	auto_free char *own = policy_own_path();
	struct err why = { 0 };
	int r = -ENOENT;

	*ret = NULL;
	if (file)
		return load_file(file, ret, e);
	if (own)
		r = load_file(own, ret, &why);
	if (r == -ENOENT || r == -ENOTDIR)
		r = load_file(SYSTEM_FILE, ret, &why);
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0 && e)
		*e = why;
	return r;
}

/* ---- scopes ---- */

/* host/ns/repo, host/ns, host, *.a.b, *.b */
static const struct json *find_scope(const struct json *scopes, const struct ref *ref, char **ret_scope)
{
	auto_free char *name = ref_name(ref), *exact = NULL;
	const struct json *found;

	if (ref->tag)
		exact = xasprintf("%s:%s", name, ref->tag);
	else if (ref->digest)
		exact = xasprintf("%s@%s", name, ref->digest);
	found = exact ? json_get(scopes, exact) : NULL;
	if (found) {
		*ret_scope = take_ptr(&exact);
		return found;
	}
	for (;;) {
		char *slash = strrchr(name, '/');

		found = json_get(scopes, name);
		if (found) {
			*ret_scope = take_ptr(&name);
			return found;
		}
		if (!slash)
			break;
		*slash = '\0';
	}
	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
		auto_free char *wild = xasprintf("*%s", dot);

		found = json_get(scopes, wild);
		if (found) {
			*ret_scope = take_ptr(&wild);
			return found;
		}
	}
	return NULL;
}

int policy_find(const struct policy *p, const char *transport, const struct ref *ref, struct policy_rules *ret,
		char **ret_scope, struct err *e)
{
	const struct json *scopes = json_get(json_get(p->doc, "transports"), transport), *rules = NULL;
	auto_free char *scope = NULL;
	int r;

	if (ref)
		rules = find_scope(scopes, ref, &scope);
	if (!rules) {
		rules = json_get(scopes, "");
		scope = xstrdup(rules ? transport : "default");
	}
	if (!rules)
		rules = json_get(p->doc, "default");
	r = read_rules(rules, true, scope, ret, e);
	if (r < 0) {
		policy_rules_done(ret);
		return err_wrap(e, r, "policy '%s'", p->file);
	}
	*ret_scope = take_ptr(&scope);
	return 0;
}

/* ---- identities ---- */

static bool is_same_repo(const struct ref *a, const struct ref *b)
{
	return str_is_eq(a->domain, b->domain) && str_is_eq(a->path, b->path);
}

static bool is_same(const struct ref *a, const struct ref *b)
{
	return is_same_repo(a, b) && str_is_eq(a->tag, b->tag) && str_is_eq(a->digest, b->digest) &&
	       (a->tag || a->digest);
}

/* What @want is called where it was signed; false where the prefix does not fit. */
static bool remap(const struct policy_rule *rule, const struct ref *want, struct ref *ret)
{
	auto_free char *full = ref_full(want), *mapped = NULL;
	const char *rest = str_after(full, rule->prefix);

	if (!rest || (*rest && !strchr("/:@", *rest)))
		return false;
	mapped = xasprintf("%s%s", rule->name, rest);
	return ref_parse(mapped, ret, NULL) == 0;
}

bool policy_identity_fits(const struct policy_rule *rule, const struct ref *want, const char *have)
{
	auto_ref struct ref h = { 0 }, other = { 0 };

	if (!have || ref_parse(have, &h, NULL) < 0)
		return false;
	switch (rule->identity) {
	case POLICY_MATCH_EXACT:
		return is_same(&h, want);
	case POLICY_MATCH_REPO_DIGEST_OR_EXACT:
		return want->tag ? is_same(&h, want) : is_same_repo(&h, want);
	case POLICY_MATCH_REPOSITORY:
		return is_same_repo(&h, want);
	case POLICY_EXACT_REFERENCE:
		return ref_parse(rule->name, &other, NULL) == 0 && is_same(&h, &other);
	case POLICY_EXACT_REPOSITORY:
		return ref_parse(rule->name, &other, NULL) == 0 && is_same_repo(&h, &other);
	default:
		/* A name outside the prefix is its own. */
		if (!remap(rule, want, &other))
			return want->tag ? is_same(&h, want) : is_same_repo(&h, want);
		return other.tag ? is_same(&h, &other) : is_same_repo(&h, &other);
	}
}

/* ---- changing ---- */

static struct json *copy_members(const struct json *from)
{
	struct json *to = json_new_object();

	for (struct json_iter it = json_iter(from); json_next(&it);)
		json_set(to, it.key, json_share(it.value));
	return to;
}

static struct json *accept_all(void)
{
	struct json *list = json_new_array();

	json_set_str(json_add_object(list), "type", "insecureAcceptAnything");
	return list;
}

int policy_set(const char *file, const char *scope, struct json *rules, struct err *e)
{
	auto_free char *dir = xstrdup(file), *text = NULL;
	auto_close int dirfd = -EBADF;
	auto_json struct json *doc = NULL;
	char *slash = strrchr(dir, '/');
	int r = json_parse_file(AT_FDCWD, file, POLICY_MAX, &doc, e);

	if (r == -ENOENT || r == -ENOTDIR) {
		doc = json_new_object();
		json_set(doc, "default", accept_all());
		r = 0;
	}
	if (r == 0)
		r = check_all(doc, e);
	if (r < 0) {
		json_free(rules);
		return err_wrap(e, r, "policy '%s'", file);
	}
	if (str_is_eq(scope, "default")) {
		json_set(doc, "default", rules);
	} else {
		struct json *transports = copy_members(json_get(doc, "transports"));
		struct json *docker = copy_members(json_get(transports, "docker"));

		json_set(docker, scope, rules);
		json_set(transports, "docker", docker);
		json_set(doc, "transports", transports);
	}
	r = check_all(doc, e);
	if (slash)
		*slash = '\0';
	if (r == 0)
		r = fs_make_dirs(AT_FDCWD, slash ? dir : ".", 0755, e);
	if (r == 0)
		r = fs_open_dir(AT_FDCWD, slash ? dir : ".", &dirfd, e);
	if (r < 0)
		return err_wrap(e, r, "policy '%s'", file);
	text = json_pretty(doc);
	r = fs_replace_file(dirfd, slash ? file + (slash - dir) + 1 : file, text, strlen(text), 0644, FS_SYNC, e);
	return r < 0 ? err_wrap(e, r, "policy '%s'", file) : 0;
}
