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
#include "lib/oci/registries.h"

/* What a registry says of itself at /v2/ means nothing. */
#define PING_MAX (64U << 10)

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

	if (object)
		url = xasprintf("%s://%s/v2/%s/%s", scheme, g->host, g->path, object);
	else
		url = xasprintf("%s://%s/v2/", scheme, g->host);
	s->url = url;
	r = http_req_start(g->http, s, ret, e);
	return r < 0 ? r : http_req_wait(g->http, *ret, g->stop, e);
}

/* One document into memory. Settles the scheme of an insecure registry: https without verification, then http. */
static int get(struct registry *g, const char *object, const char *what, const char *accept, uint64_t max,
	       struct http_req **ret, struct err *e)
{
	struct http_spec s = {
		.method = "GET",
		.what = what,
		.accept = accept,
		.peer = &g->peer,
		.auth = token_auth(g->token),
		.max = max,
	};
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
