/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/http/certs.h"
#include "lib/http/header.h"
#include "lib/http/http.h"
#include "lib/http/token.h"
#include "lib/http/url.h"
#include "lib/oci/digest.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"
#include "lib/oci/registries.h"

/* What a registry says of itself at /v2/ means nothing. */
#define PING_MAX      (64U << 10)
#define TAG_PAGES_MAX 1000

/**
 * struct registry - one repository
 * @host:	"host[:port]" to connect to
 * @path:	repository there
 * @name:	for messages
 * @scheme:	"https" or "http"; NULL until the first answer of an insecure registry
 */
struct registry {
	struct http *http;
	char *host;
	char *path;
	char *name;
	const char *scheme;
	struct http_peer peer;
	struct token *token;
	int stop;
};

static bool is_insecure(const struct registry_spec *s)
{
	size_t n = strcspn(s->endpoint->host, ":");
	auto_free char *name = xstrndup(s->endpoint->host, n);

	if (s->verify != REGISTRY_VERIFY_CONF)
		return s->verify == REGISTRY_VERIFY_NEVER;
	return s->endpoint->insecure || url_is_loopback(name) || str_has_prefix(s->endpoint->host, "[::1]");
}

/**
 * registry_open() - Prepare to talk about one repository; nothing is sent yet
 * @spec:	Which one
 * @ret:	The registry; release with registry_free()
 * @e:		Failure
 *
 * This machine itself counts as insecure, as with docker: https without verification is tried, then http.
 *
 * Return: 0; negative errno when its certificates cannot be used
 */
int registry_open(const struct registry_spec *spec, struct registry **ret, struct err *e)
{
	const struct registry_endpoint *ep = spec->endpoint;
	struct registry *g = xcalloc(1, sizeof(*g));
	struct auth_source auth = spec->auth;
	int r = http_peer_load(ep->host, spec->cert_dir, &g->peer, e);

	if (r < 0) {
		free(g);
		return r;
	}
	g->http = spec->http;
	g->stop = spec->stop;
	g->host = xstrdup(ep->host);
	g->path = xstrdup(ep->path);
	g->name = xasprintf("%s%s%s", ep->is_mirror ? ep->host : spec->domain, ep->path ? "/" : "",
			    ep->path ? ep->path : "");
	g->peer.insecure = is_insecure(spec);
	if (!g->peer.insecure)
		g->scheme = "https";
	else if (ep->is_http)
		g->scheme = "http";
	if (ep->is_mirror) /* --creds are for the registry itself */
		auth.given = NULL;
	token_new(
		&(struct token_spec) {
			.http = g->http,
			.domain = ep->is_mirror ? ep->host : spec->domain,
			.path = ep->path,
			.auth = &auth,
			.cert_dir = spec->cert_dir,
			.insecure = g->peer.insecure,
		},
		&g->token);
	*ret = g;
	return 0;
}

/**
 * registry_free() - Release; requests to it must be over
 * @r:	Registry or NULL
 */
void registry_free(struct registry *r)
{
	if (!r)
		return;
	token_free(r->token);
	http_peer_done(&r->peer);
	free(r->host);
	free(r->path);
	free(r->name);
	free(r);
}

/**
 * registry_freep() - registry_free() for auto_registry; disarms
 * @r:	Address of the pointer
 */
void registry_freep(struct registry **r)
{
	registry_free(*r);
	*r = NULL;
}

/**
 * registry_name() - The repository as messages name it
 * @r:	The registry
 *
 * Return: "docker.io/library/busybox"
 */
const char *registry_name(const struct registry *r)
{
	return r->name;
}

/* One document, with one scheme. */
static int get_once(struct registry *g, const char *scheme, struct http_spec *s, const char *object,
		    struct http_req **ret, struct err *e)
{
	auto_free char *url = NULL;
	int r;

	if (object && *object == '/') /* not the repository's */
		url = xasprintf("%s://%s%s", scheme, g->host, object);
	else if (object)
		url = xasprintf("%s://%s/v2/%s/%s", scheme, g->host, g->path, object);
	else
		url = xasprintf("%s://%s/v2/", scheme, g->host);
	s->url = url;
	r = http_req_start(g->http, s, ret, e);
	return r < 0 ? r : http_req_wait(g->http, *ret, g->stop, e);
}

/* One document into memory, or out of it. Settles the scheme of an insecure registry: https without verification, then
 * http. */
static int settle(struct registry *g, const char *object, const struct http_spec *spec, struct http_req **ret,
		  struct err *e)
{
	struct http_spec s = *spec;
	auto_http_req struct http_req *req = NULL;
	int r;

	if (!g->scheme) {
		s.no_retry = true;
		r = get_once(g, "https", &s, object, &req, e);
		if (r < 0 && r != -EINTR && req && http_req_is_unreachable(req)) {
			log_debug("%s does not speak https, trying http", g->host);
			g->scheme = "http";
			http_req_freep(&req);
		} else {
			g->scheme = "https";
			if (r == 0)
				*ret = take_ptr(&req);
			/* That was without retries; a failure that may go away gets them below. */
			if (r == 0 ||
			    (req && http_req_status(req) && http_req_status(req) < 500 && http_req_status(req) != 429))
				return r;
			http_req_freep(&req);
		}
		s.no_retry = false;
	}
	r = get_once(g, g->scheme, &s, object, &req, e);
	if (r == 0)
		*ret = take_ptr(&req);
	return r;
}

static int get(struct registry *g, const char *object, const char *what, const char *accept, uint64_t max,
	       struct http_req **ret, struct err *e)
{
	const struct http_spec s = {
		.method = "GET",
		.what = what,
		.accept = accept,
		.peer = &g->peer,
		.auth = token_auth(g->token),
		.max = max,
	};

	return settle(g, object, &s, ret, e);
}

/**
 * registry_ping() - Ask a registry whether it speaks the API and takes our credentials
 * @r:	The registry
 * @e:	Failure
 *
 * Return: 0, -EACCES, -ENOENT where it does not speak it, ...
 */
int registry_ping(struct registry *r, struct err *e)
{
	auto_free char *what = xasprintf("/v2/ of %s", r->name);
	auto_http_req struct http_req *req = NULL;

	return get(r, NULL, what, NULL, PING_MAX, &req, e);
}

/**
 * registry_manifest() - Fetch a manifest or an index; not verified
 * @r:		The registry
 * @reference:	Tag or digest
 * @ret:	Bytes, a NUL behind them
 * @ret_len:	Their length
 * @ret_type:	Content-Type without parameters; NULL where none came
 * @e:		Failure
 *
 * Return: 0, -ENOENT, -EACCES, -E2BIG, ...
 */
int registry_manifest(struct registry *r, const char *reference, char **ret, size_t *ret_len, char **ret_type,
		      struct err *e)
{
	auto_free char *what = xasprintf("manifest %s in %s", reference, r->name);
	auto_free char *object = xasprintf("manifests/%s", reference);
	auto_http_req struct http_req *req = NULL;
	char *type = NULL;
	int code = get(r, object, what, OCI_ACCEPT, OCI_MAX_MANIFEST, &req, e);

	if (code < 0)
		return code;
	if (http_req_type(req) && http_parse_media_type(http_req_type(req), &type) < 0)
		return err_say(e, EPROTO, "reading %s: malformed Content-Type", what);
	*ret_type = type;
	*ret = http_req_take_body(req, ret_len);
	return 0;
}

/**
 * registry_blob_read() - Fetch a small blob into memory; not verified
 * @r:		The registry
 * @digest:	Checked digest
 * @max:	Bytes at most
 * @ret:	Bytes, a NUL behind them
 * @ret_len:	Their length
 * @e:		Failure
 *
 * Return: 0, -ENOENT, -E2BIG, ...
 */
int registry_blob_read(struct registry *r, const char *digest, uint64_t max, char **ret, size_t *ret_len, struct err *e)
{
	auto_free char *what = xasprintf("blob %s in %s", digest, r->name);
	auto_free char *object = xasprintf("blobs/%s", digest);
	auto_http_req struct http_req *req = NULL;
	int code = digest_check(digest, e);

	if (code == 0)
		code = get(r, object, what, NULL, max, &req, e);
	if (code < 0)
		return code;
	*ret = http_req_take_body(req, ret_len);
	return 0;
}

/**
 * registry_blob_start() - Begin to fetch a blob piece by piece
 * @r:		The registry, after a manifest came from it
 * @b:		Which blob, and where its bytes go
 * @ret:	The request
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int registry_blob_start(struct registry *r, const struct registry_blob *b, struct http_req **ret, struct err *e)
{
	auto_free char *what = xasprintf("blob %s in %s", b->digest, r->name);
	auto_free char *url = NULL;
	struct http_spec s = {
		.method = "GET",
		.what = what,
		.peer = &r->peer,
		.auth = token_auth(r->token),
		.data = b->data,
		.offset = b->have,
		.size = b->size,
		.done = b->done,
		.arg = b->arg,
	};
	int code = digest_check(b->digest, e);

	if (code < 0)
		return code;
	url = xasprintf("%s://%s/v2/%s/blobs/%s", r->scheme ? r->scheme : "https", r->host, r->path, b->digest);
	s.url = url;
	return http_req_start(r->http, &s, ret, e);
}

/**
 * registry_manifest_head() - Ask which digest a reference has
 * @r:		The registry
 * @reference:	Tag or digest
 * @ret_digest:	What the registry says (a valid digest), NULL when it does not say; good for comparing, not for trust
 * @e:		Failure
 *
 * Return: 0, -ENOENT, -EACCES, ...
 */
int registry_manifest_head(struct registry *r, const char *reference, char **ret_digest, struct err *e)
{
	auto_free char *what = xasprintf("manifest %s in %s", reference, r->name);
	auto_free char *object = xasprintf("manifests/%s", reference);
	const struct http_spec s = {
		.method = "HEAD",
		.what = what,
		.accept = OCI_ACCEPT,
		.peer = &r->peer,
		.auth = token_auth(r->token),
	};
	auto_http_req struct http_req *req = NULL;
	const char *digest;
	int code = settle(r, object, &s, &req, e);

	if (code < 0)
		return code;
	digest = http_req_header(req, "docker-content-digest");
	*ret_digest = digest && digest_is_valid(digest) ? xstrdup(digest) : NULL;
	return 0;
}

struct text {
	const char *p;
	size_t len;
};

static ssize_t read_text(void *arg, uint64_t pos, void *buf, size_t n, struct err *e)
{
	const struct text *t = arg;

	(void)e;
	if (pos >= t->len)
		return 0;
	if (n > t->len - pos)
		n = t->len - pos;
	memcpy(buf, t->p + pos, n);
	return (ssize_t)n;
}

/**
 * registry_manifest_put() - Store a manifest
 * @r:		The registry
 * @reference:	Tag or digest
 * @type:	Its media type
 * @text:	Its bytes
 * @len:	How many
 * @e:		Failure
 *
 * Return: 0, -EACCES, ...
 */
int registry_manifest_put(struct registry *r, const char *reference, const char *type, const char *text, size_t len,
			  struct err *e)
{
	auto_free char *what = xasprintf("manifest %s to %s", reference, r->name);
	auto_free char *object = xasprintf("manifests/%s", reference);
	auto_strv char **headers = NULL;
	auto_http_req struct http_req *req = NULL;
	struct text body = { text, len };
	struct http_spec s = {
		.method = "PUT",
		.what = what,
		.body = { .len = len, .read = read_text, .arg = &body },
		.peer = &r->peer,
		.auth = token_auth(r->token),
		.max = OCI_MAX_MANIFEST,
	};

	strv_add_take(&headers, xasprintf("Content-Type: %s", type));
	s.headers = headers;
	return settle(r, object, &s, &req, e);
}

/**
 * registry_manifest_delete() - Delete a manifest
 * @r:		The registry
 * @digest:	Which one
 * @e:		Failure
 *
 * Return: 0, -ENOENT, -EACCES, -ENOTSUP where the registry does not allow it
 */
int registry_manifest_delete(struct registry *r, const char *digest, struct err *e)
{
	auto_free char *what = xasprintf("manifest %s in %s", digest, r->name);
	auto_free char *object = xasprintf("manifests/%s", digest);
	const struct http_spec s = {
		.method = "DELETE",
		.what = what,
		.peer = &r->peer,
		.auth = token_auth(r->token),
		.max = OCI_MAX_MANIFEST,
	};
	auto_http_req struct http_req *req = NULL;

	return settle(r, object, &s, &req, e);
}

static int add_tags(const char *body, size_t len, char ***tags, struct err *e)
{
	auto_json struct json *doc = NULL;
	const struct json *list = NULL;
	int r = json_parse(body, len, &doc, e);

	if (r == 0)
		r = json_read_array(doc, "tags", &list, e);
	for (size_t i = 0; r == 0 && i < json_len(list); i++) {
		const char *tag = json_as_str(json_item(list, i));

		if (!tag || !*tag || str_has_control(tag))
			return err_say(e, EPROTO, "the list of tags is malformed");
		strv_add(tags, tag);
	}
	return r;
}

/* The path below /v2/NAME/ of the next page; a Link to anywhere else is not followed. */
static int next_page(const struct registry *g, const struct http_req *req, char **ret, struct err *e)
{
	const char *link = http_req_header(req, "link"), *rest;
	auto_free char *prefix = xasprintf("/v2/%s/", g->path), *to = NULL, *url = NULL;
	bool same;
	int r;

	*ret = NULL;
	if (!link || http_parse_link_next(link, &to) < 0)
		return 0;
	r = url_redirect(http_req_url(req), to, &url, &same, e);
	if (r < 0)
		return r;
	rest = strstr(url, "://");
	rest = rest ? strchr(rest + 3, '/') : NULL;
	rest = rest ? str_after(rest, prefix) : NULL;
	if (!same || !rest)
		return err_say(e, EPROTO, "the next page of %s's tags is somewhere else", g->name);
	*ret = xstrdup(rest);
	return 0;
}

/**
 * registry_tags() - List the tags of a repository
 * @r:		The registry
 * @ret:	Tags, in the registry's order
 * @e:		Failure
 *
 * Return: 0, -ENOENT, ...
 */
int registry_tags(struct registry *r, char ***ret, struct err *e)
{
	auto_free char *what = xasprintf("tags of %s", r->name), *object = xstrdup("tags/list");
	auto_strv char **tags = NULL;

	for (int page = 0; object && page < TAG_PAGES_MAX; page++) {
		auto_http_req struct http_req *req = NULL;
		auto_free char *body = NULL, *next = NULL;
		size_t len;
		int code = get(r, object, what, NULL, OCI_MAX_MANIFEST, &req, e);

		if (code < 0)
			return code;
		body = http_req_take_body(req, &len);
		code = add_tags(body, len, &tags, e);
		if (code == 0)
			code = next_page(r, req, &next, e);
		if (code < 0)
			return err_wrap(e, code, "reading %s", what);
		free(object);
		object = take_ptr(&next);
	}
	*ret = take_ptr(&tags);
	return 0;
}

/**
 * registry_search() - Ask a registry's index for a word (docker's first API; few have it)
 * @r:		The registry
 * @term:	The word
 * @limit:	Results at most
 * @ret:	JSON, a NUL behind it
 * @ret_len:	Its length
 * @e:		Failure
 *
 * Return: 0, -ENOENT where there is no search, ...
 */
int registry_search(struct registry *r, const char *term, unsigned limit, char **ret, size_t *ret_len, struct err *e)
{
	auto_free char *escaped = url_escape(term);
	auto_free char *object = xasprintf("/v1/search?q=%s&n=%u", escaped, limit);
	auto_free char *what = xasprintf("search at %s", r->host);
	auto_http_req struct http_req *req = NULL;
	int code = get(r, object, what, NULL, OCI_MAX_MANIFEST, &req, e);

	if (code < 0)
		return code;
	*ret = http_req_take_body(req, ret_len);
	return 0;
}

/**
 * registry_call_start() - Begin one step of an upload
 * @r:		The registry, after its scheme is known (any of the functions that wait)
 * @c:		The step
 * @ret:	The request
 * @e:		Failure
 *
 * What goes to another origin than the registry's goes without credentials.
 *
 * Return: 0 or negative errno
 */
int registry_call_start(struct registry *r, const struct registry_call *c, struct http_req **ret, struct err *e)
{
	auto_free char *base = xasprintf("%s://%s/v2/%s/", r->scheme ? r->scheme : "https", r->host, r->path);
	auto_free char *url = c->url ? xstrdup(c->url) : xasprintf("%s%s", base, c->object);
	auto_url struct url home = { 0 }, to = { 0 };
	struct http_spec s = {
		.method = c->method,
		.url = url,
		.what = c->what,
		.headers = c->headers,
		.body = c->body,
		.peer = &r->peer,
		.auth = token_auth(r->token),
		.max = OCI_MAX_MANIFEST,
		.no_retry = !c->retry,
		.done = c->done,
		.arg = c->arg,
	};
	int code = url_parse(base, &home, e);

	if (code == 0)
		code = url_parse(url, &to, e);
	if (code < 0)
		return code;
	if (!url_is_same_origin(&home, &to)) {
		s.auth = NULL;
		s.peer = NULL;
	}
	return http_req_start(r->http, &s, ret, e);
}

/**
 * registry_upload_url() - Where an upload goes on
 * @req:	The step that was answered
 * @ret:	Absolute URL
 * @e:		Failure
 *
 * Return: 0, -EPROTO, -EPERM
 */
int registry_upload_url(const struct http_req *req, char **ret, struct err *e)
{
	const char *location = http_req_header(req, "location");
	bool same;

	if (!location)
		return err_say(e, EPROTO, "the registry does not say where the upload goes on");
	return url_redirect(http_req_url(req), location, ret, &same, e);
}
