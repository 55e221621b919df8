/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/oci/registries.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/oci/conf.h"
#include "lib/oci/kv.h"
#include "lib/oci/ref.h"
#include "lib/oci/toml.h"

#define SYSTEM_DIR     "/etc/containers"
#define MAX_ENTRIES    4096
#define DOCKER_HUB     "docker.io"
#define DOCKER_HUB_API "registry-1.docker.io"

struct mirror {
	char *location;
	bool insecure, digest_only, tag_only;
};

/* One [[registry]]. @location may be NULL: as the prefix. */
struct entry {
	char *prefix, *location;
	bool insecure, blocked, mirrors_by_digest;
	struct mirror *mirrors;
	size_t n_mirrors;
};

struct registries {
	char **search;
	char **aliases; /* string map: short name -> full name */
	struct entry *entries;
	size_t n;
};

/* State while one file is read: the [[registry]] that is being filled, merged when the next one begins. */
struct reading {
	struct registries *r;
	const char *file;
	struct entry entry;
	bool has_entry;
};

static void entry_done(struct entry *x)
{
	free(x->prefix);
	free(x->location);
	for (size_t i = 0; i < x->n_mirrors; i++)
		free(x->mirrors[i].location);
	free(x->mirrors);
	*x = (struct entry) { 0 };
}

/**
 * registries_new() - No settings at all
 * @ret:	Settings, owned
 *
 * Return: 0
 */
int registries_new(struct registries **ret)
{
	*ret = xcalloc(1, sizeof(**ret));
	return 0;
}

/**
 * registries_free() - Release settings
 * @r:	Settings or NULL
 */
void registries_free(struct registries *r)
{
	if (!r)
		return;
	strv_free(r->search);
	strv_free(r->aliases);
	for (size_t i = 0; i < r->n; i++)
		entry_done(&r->entries[i]);
	free(r->entries);
	free(r);
}

/**
 * registries_freep() - registries_free() for auto_registries; disarms
 * @r:	Address of the settings
 */
void registries_freep(struct registries **r)
{
	int saved = errno;

	registries_free(*r);
	*r = NULL;
	errno = saved;
}

/* A later [[registry]] of the same prefix replaces the earlier one. */
static int finish_entry(struct reading *rd, struct err *e)
{
	struct registries *r = rd->r;
	struct entry *x = &rd->entry;

	if (!rd->has_entry)
		return 0;
	rd->has_entry = false;
	if (!x->prefix)
		x->prefix = xstrdup(x->location);
	if (str_is_empty(x->prefix))
		return err_say(e, EINVAL, "a [[registry]] has neither a prefix nor a location");
	for (size_t i = 0; i < r->n; i++) {
		if (strcmp(r->entries[i].prefix, x->prefix) != 0)
			continue;
		entry_done(&r->entries[i]);
		r->entries[i] = *x;
		*x = (struct entry) { 0 };
		return 0;
	}
	if (r->n == MAX_ENTRIES)
		return err_say(e, E2BIG, "more than %d registries", MAX_ENTRIES);
	r->entries = xrealloc(r->entries, (r->n + 1) * sizeof(*r->entries));
	r->entries[r->n++] = *x;
	*x = (struct entry) { 0 };
	return 0;
}

static int want_kind(const struct toml_value *v, enum toml_kind kind, const char *key, struct err *e)
{
	static const char *const names[] = { "a string", "a boolean", "a number", "an array of strings" };

	return v->kind == kind ? 0 : err_say(e, EINVAL, "'%.60s' is not %s", key, names[kind]);
}

/* A host, with a path or not: what may stand in front of a repository. No scheme, no user, nothing that a URL would end
 * at. */
static int set_location(char **ret, const char *key, const struct toml_value *v, struct err *e)
{
	int r = want_kind(v, TOML_STRING, key, e);
	size_t n;

	if (r < 0)
		return r;
	n = strcspn(v->string, "/");
	for (const char *s = v->string; *s; s++)
		if ((unsigned char)*s <= 0x20 || *s == 0x7f || strchr("@?#%\\", *s))
			return err_say(e, EINVAL, "'%s' is not the name of a registry", key);
	if (!n || strstr(v->string, "://"))
		return err_say(e, EINVAL, "'%s' is not the name of a registry", key);
	free(*ret);
	*ret = xstrdup(v->string);
	for (n = strlen(*ret); n && (*ret)[n - 1] == '/'; n--)
		(*ret)[n - 1] = '\0';
	return 0;
}

static int set_truth(bool *ret, const char *key, const struct toml_value *v, struct err *e)
{
	int r = want_kind(v, TOML_BOOL, key, e);

	if (r == 0)
		*ret = v->truth;
	return r;
}

static int unknown(const struct reading *rd, const char *table, const char *key)
{
	log_debug("%s: ignored %s%s%s", rd->file, table, *table ? "." : "", key);
	return 0;
}

static int set_top(struct reading *rd, const char *key, const struct toml_value *v, struct err *e)
{
	int r;

	if (strcmp(key, "unqualified-search-registries") != 0)
		return unknown(rd, "", key);
	r = want_kind(v, TOML_STRINGS, key, e);
	if (r < 0)
		return r;
	for (char **s = v->strings; s && *s; s++) {
		auto_ref struct ref ref = { 0 };
		auto_free char *probe = xasprintf("%s/x", *s);

		if (ref_parse(probe, &ref, NULL) < 0 || ref_is_embedded(&ref))
			return err_say(e, EINVAL, "'%s': '%.60s' is not the name of a registry", key, *s);
	}
	strv_free(rd->r->search);
	rd->r->search = strv_dup(v->strings);
	return 0;
}

static int set_registry(struct reading *rd, const char *key, const struct toml_value *v, struct err *e)
{
	struct entry *x = &rd->entry;

	if (!strcmp(key, "prefix"))
		return set_location(&x->prefix, key, v, e);
	if (!strcmp(key, "location"))
		return set_location(&x->location, key, v, e);
	if (!strcmp(key, "insecure"))
		return set_truth(&x->insecure, key, v, e);
	if (!strcmp(key, "blocked"))
		return set_truth(&x->blocked, key, v, e);
	if (!strcmp(key, "mirror-by-digest-only"))
		return set_truth(&x->mirrors_by_digest, key, v, e);
	return unknown(rd, "registry", key);
}

static int set_mirror(struct reading *rd, const char *key, const struct toml_value *v, struct err *e)
{
	struct entry *x = &rd->entry;
	struct mirror *m;
	int r;

	if (!x->n_mirrors)
		return err_say(e, EINVAL, "a mirror without a [[registry]]");
	m = &x->mirrors[x->n_mirrors - 1];
	if (!strcmp(key, "location"))
		return set_location(&m->location, key, v, e);
	if (!strcmp(key, "insecure"))
		return set_truth(&m->insecure, key, v, e);
	if (strcmp(key, "pull-from-mirror") != 0)
		return unknown(rd, "registry.mirror", key);
	r = want_kind(v, TOML_STRING, key, e);
	if (r < 0)
		return r;
	m->digest_only = !strcmp(v->string, "digest-only");
	m->tag_only = !strcmp(v->string, "tag-only");
	if (!m->digest_only && !m->tag_only && strcmp(v->string, "all") != 0)
		return err_say(e, EINVAL, "'%s' is not all, digest-only or tag-only", key);
	return 0;
}

static int set_alias(struct reading *rd, const char *key, const struct toml_value *v, struct err *e)
{
	auto_ref struct ref ref = { 0 };
	int r = want_kind(v, TOML_STRING, key, e);

	if (r < 0)
		return r;
	/* An empty value takes an alias of an earlier file back. */
	if (*v->string && (ref_parse(v->string, &ref, NULL) < 0 || ref.tag || ref.digest ||
			   !ref_has_domain(v->string) || ref_is_embedded(&ref)))
		return err_say(e, EINVAL, "the alias '%.60s' is not a full name without a tag", key);
	if (ref_has_domain(key))
		return err_say(e, EINVAL, "'%.60s' is not a short name", key);
	kv_set(&rd->r->aliases, key, v->string);
	return 0;
}

static int begin_table(struct reading *rd, const char *table, struct err *e)
{
	struct entry *x = &rd->entry;
	int r;

	if (!strcmp(table, "registry.mirror")) {
		if (!rd->has_entry)
			return err_say(e, EINVAL, "a mirror without a [[registry]]");
		if (x->n_mirrors == MAX_ENTRIES)
			return err_say(e, E2BIG, "more than %d mirrors", MAX_ENTRIES);
		x->mirrors = xrealloc(x->mirrors, (x->n_mirrors + 1) * sizeof(*x->mirrors));
		x->mirrors[x->n_mirrors++] = (struct mirror) { 0 };
		return 0;
	}
	r = finish_entry(rd, e);
	if (r < 0)
		return r;
	if (str_has_prefix(table, "registries."))
		return err_say(e, EINVAL, "version 1 of registries.conf is not supported");
	rd->has_entry = !strcmp(table, "registry");
	return 0;
}

static int handle(void *ctx, const char *table, const char *key, const struct toml_value *v, struct err *e)
{
	struct reading *rd = ctx;

	if (!key)
		return begin_table(rd, table, e);
	if (!*table)
		return set_top(rd, key, v, e);
	if (!strcmp(table, "registry"))
		return rd->has_entry ? set_registry(rd, key, v, e) : unknown(rd, table, key);
	if (!strcmp(table, "registry.mirror"))
		return set_mirror(rd, key, v, e);
	if (!strcmp(table, "aliases"))
		return set_alias(rd, key, v, e);
	return unknown(rd, table, key);
}

static int check_mirrors(const struct reading *rd, struct err *e)
{
	for (size_t i = 0; i < rd->r->n; i++)
		for (size_t k = 0; k < rd->r->entries[i].n_mirrors; k++)
			if (!rd->r->entries[i].mirrors[k].location)
				return err_say(e, EINVAL, "a mirror of '%.60s' has no location",
					       rd->r->entries[i].prefix);
	return 0;
}

/**
 * registries_parse() - Put one file over the settings that are there already
 * @r:		Settings that are changed
 * @buf:	The file's bytes
 * @len:	How many
 * @file:	Its name, for messages
 * @e:		Failure
 *
 * Return: 0, -EINVAL, -E2BIG
 */
int registries_parse(struct registries *r, const char *buf, size_t len, const char *file, struct err *e)
{
	struct reading rd = { .r = r, .file = file };
	int ret = toml_parse(buf, len, handle, &rd, e);

	if (ret == 0)
		ret = finish_entry(&rd, e);
	if (ret == 0)
		ret = check_mirrors(&rd, e);
	entry_done(&rd.entry);
	return ret < 0 ? err_wrap(e, ret, "%s", file) : 0;
}

/* Return: 1 read, 0 not there, negative errno. */
static int load_file(struct registries *r, const char *path, struct err *e)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	auto_free char *buf = NULL;
	size_t len;
	int ret;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_set(e, errno, "open '%s'", path);
	ret = conf_check_owner(fd, path, e);
	if (ret < 0)
		return ret;
	ret = fs_read_fd(fd, REGISTRIES_MAX, &buf, &len, e);
	if (ret < 0)
		return err_wrap(e, ret, "%s", path);
	ret = registries_parse(r, buf, len, path, e);
	return ret < 0 ? ret : 1;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every *.conf of a folder, by name. */
static int load_dropins(struct registries *r, const char *dir, struct err *e)
{
	auto_free char *path = xasprintf("%s/registries.conf.d", dir);
	auto_strv char **names = NULL;
	int ret = fs_list_dir(AT_FDCWD, path, &names, e);

	if (ret == -ENOENT || ret == -ENOTDIR)
		return 0;
	if (ret < 0)
		return ret;
	if (names)
		qsort(names, strv_len(names), sizeof(*names), compare_names);
	for (char **n = names; n && *n; n++) {
		auto_free char *file = xasprintf("%s/%s", path, *n);

		if (!str_has_suffix(*n, ".conf"))
			continue;
		ret = load_file(r, file, e);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/**
 * registries_load() - Read the settings of this machine and user
 * @ret:	Settings, owned
 * @e:		Failure: names the file
 *
 * Return: 0, -EINVAL, -EPERM or another negative errno
 */
int registries_load(struct registries **ret, struct err *e)
{
	auto_registries struct registries *r = NULL;
	auto_free char *xdg = conf_xdg_dir(), *user = xdg ? xasprintf("%s/containers", xdg) : NULL;
	auto_free char *file = user ? xasprintf("%s/registries.conf", user) : NULL;
	const char *named = getenv("CONTAINERS_REGISTRIES_CONF");
	int n = 0;

	registries_new(&r);
	if (!str_is_empty(named))
		n = load_file(r, named, e);
	else if (file)
		n = load_file(r, file, e);
	if (n == 0 && str_is_empty(named))
		n = load_file(r, SYSTEM_DIR "/registries.conf", e);
	if (n >= 0)
		n = load_dropins(r, SYSTEM_DIR, e);
	if (n >= 0 && user)
		n = load_dropins(r, user, e);
	if (n < 0)
		return n;
	*ret = take_ptr(&r);
	return 0;
}

/**
 * registries_candidates() - Which images a name without a registry may mean
 * @r:		Settings
 * @text:	What the user wrote
 *
 * Return: texts for ref_parse() in the order in which to try them, owned, never empty
 */
char **registries_candidates(const struct registries *r, const char *text)
{
	size_t slash = strrchr(text, '/') ? (size_t)(strrchr(text, '/') - text) : 0;
	size_t n = slash + strcspn(text + slash, ":@");
	auto_free char *name = xstrndup(text, n);
	const char *alias = kv_get(r->aliases, name);
	char **v = NULL;

	if (!ref_has_domain(text) && !str_is_empty(alias))
		strv_add_take(&v, xasprintf("%s%s", alias, text + n));
	else if (!ref_has_domain(text))
		for (char **s = r->search; s && *s; s++)
			strv_add_take(&v, xasprintf("%s/%s", *s, text));
	if (!v)
		strv_add(&v, text);
	return v;
}

/* How much of @name the prefix of an entry covers; 0: it is another registry. */
static size_t covers(const char *prefix, const char *name)
{
	size_t n = strlen(prefix), host = strcspn(name, "/:");

	/* "*.example.com": every name below it, and the whole host is covered. */
	if (str_has_prefix(prefix, "*.")) {
		n--;
		return host > n && !strncmp(name + host - n, prefix + 1, n) ? host : 0;
	}
	if (strncmp(name, prefix, n) != 0 || (name[n] && !strchr("/:@", name[n])))
		return 0;
	return n;
}

static const struct entry *find_entry(const struct registries *r, const char *name, size_t *ret_covered)
{
	const struct entry *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; r && i < r->n; i++) {
		size_t len = strlen(r->entries[i].prefix), n = covers(r->entries[i].prefix, name);

		if (!n || len <= best_len)
			continue;
		best = &r->entries[i];
		best_len = len;
		*ret_covered = n;
	}
	return best;
}

struct endpoints {
	struct registry_endpoint *v;
	size_t n;
};

/* Split "host/path" into a new endpoint. */
static struct registry_endpoint *add_endpoint(struct endpoints *out, const char *where)
{
	size_t n = strcspn(where, "/");
	auto_free char *host = xstrndup(where, n);
	struct registry_endpoint *ep;

	out->v = xrealloc(out->v, (out->n + 1) * sizeof(*out->v));
	ep = &out->v[out->n++];
	*ep = (struct registry_endpoint) { .host = xstrdup(!strcmp(host, DOCKER_HUB) ? DOCKER_HUB_API : host),
					   .path = xstrdup(where[n] ? where + n + 1 : "") };
	return ep;
}

/* docker's registry-mirrors: URLs of mirrors of docker.io. */
static void add_docker_mirrors(struct endpoints *out, const struct conf *c, const struct ref *ref)
{
	for (char **m = c->registry_mirrors; m && *m; m++) {
		const char *where = strstr(*m, "://") ? strstr(*m, "://") + 3 : *m;
		size_t n = strlen(where);
		auto_free char *full = NULL;
		struct registry_endpoint *ep;

		while (n && where[n - 1] == '/')
			n--;
		full = xasprintf("%.*s/%s", (int)n, where, ref->path);
		ep = add_endpoint(out, full);
		ep->is_mirror = true;
		ep->is_http = str_has_prefix(*m, "http://");
		ep->insecure = ep->is_http || conf_is_insecure(c, ep->host);
	}
}

static void add_entry_mirrors(struct endpoints *out, const struct entry *x, const struct conf *c, const char *rest)
{
	for (size_t i = 0; i < x->n_mirrors; i++) {
		const struct mirror *m = &x->mirrors[i];
		auto_free char *where = xasprintf("%s%s", m->location, rest);
		struct registry_endpoint *ep = add_endpoint(out, where);

		ep->is_mirror = true;
		ep->insecure = m->insecure || conf_is_insecure(c, ep->host);
		ep->digest_only = m->digest_only || x->mirrors_by_digest;
		ep->tag_only = m->tag_only;
	}
}

/**
 * registries_endpoints() - Where a repository may be had
 * @r:		Settings; may be NULL
 * @c:		Configuration, for registry-mirrors and insecure-registries
 * @ref:	Image
 * @ret:	Places in the order in which to try them: mirrors, then the registry itself; owned
 * @ret_n:	How many
 * @e:		Failure
 *
 * Return: 0, -EPERM when the registry is blocked or is none
 */
int registries_endpoints(const struct registries *r, const struct conf *c, const struct ref *ref,
			 struct registry_endpoint **ret, size_t *ret_n, struct err *e)
{
	auto_free char *name = ref_name(ref), *where = NULL;
	struct endpoints out = { 0 };
	const struct entry *x;
	struct registry_endpoint *own;
	size_t covered = 0;

	if (ref_is_embedded(ref))
		return err_say(e, EPERM, "%s: images of 'embedded' come with the program and are never pulled", name);
	x = find_entry(r, name, &covered);
	if (x && x->blocked)
		return err_say(e, EPERM, "registry %s is blocked by registries.conf", x->prefix);
	if (x && x->n_mirrors)
		add_entry_mirrors(&out, x, c, name + covered);
	else if (!strcmp(ref->domain, DOCKER_HUB))
		add_docker_mirrors(&out, c, ref);
	where = x && x->location ? xasprintf("%s%s", x->location, name + covered) : xstrdup(name);
	own = add_endpoint(&out, where);
	own->insecure = (x && x->insecure) || conf_is_insecure(c, own->host);
	*ret = out.v;
	*ret_n = out.n;
	return 0;
}

/**
 * registry_endpoints_free() - Release endpoints
 * @v:	Endpoints or NULL
 * @n:	How many
 */
void registry_endpoints_free(struct registry_endpoint *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].host);
		free(v[i].path);
	}
	free(v);
}
