/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: the registry answers 401 and names schemes. For Basic the credentials become the Authorization
 * value; for Bearer one request goes to the token server while every request that got a 401 waits (http_req_resume()).
 * Each new value gets a new generation: a 401 for an older one means only "try again with what came meanwhile".
 *
 * Where credentials go: Basic ones to the registry itself (https, or insecure by the user's wish), or to the realm,
 * which is https unless the registry is insecure (url_check_realm()). Redirects never see them (http.c).
 */
#include "lib/http/token.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/http/certs.h"
#include "lib/http/header.h"
#include "lib/http/url.h"
#include "lib/oci/auth.h"
#include "lib/oci/json.h"

#define TOKEN_MAX   (256UL * 1024)
#define WAITING_MAX 64

/**
 * struct token - authorisation of one repository
 * @domain:	registry, for the credential files
 * @path:	repository, likewise
 * @source:	where credentials come from
 * @cert_dir:	--cert-dir or NULL
 * @insecure:	plain http was allowed
 * @loaded:	@cred has been looked up
 * @value:	of Authorization, or NULL: none yet
 * @generation:	which @value that is
 * @req:	to the token server, under way
 * @peer:	trust of the token server
 * @waiting:	requests that wait for it
 * @ops:	the functions for those requests
 * @realm_ops:	for @req itself
 */
struct token {
	struct http *http;
	char *domain;
	char *path;
	struct auth_source source;
	const char *cert_dir;
	bool insecure;
	bool loaded;
	struct auth cred;
	char *value;
	unsigned generation;
	struct http_req *req;
	struct http_peer peer;
	struct http_req *waiting[WAITING_MAX];
	size_t n_waiting;
	struct http_auth ops;
	struct http_auth realm_ops;
};

static char *basic(const struct auth *a)
{
	char *pair, *coded, *r;

	if (!a->username)
		return NULL;
	pair = xasprintf("%s:%s", a->username, a->password ? a->password : "");
	coded = base64_encode(pair, strlen(pair));
	r = xasprintf("Basic %s", coded);
	secret_free(pair);
	secret_free(coded);
	return r;
}

/* @value becomes the current one; owned. */
static void set_value(struct token *t, char *value)
{
	secret_free(t->value);
	t->value = value;
	t->generation++;
}

static int load(struct token *t, struct err *e)
{
	int r;

	if (t->loaded)
		return 0;
	r = auth_find(&t->source, t->domain, t->path, &t->cred, e);
	if (r == 0)
		t->loaded = true;
	return r;
}

static char *on_header(void *arg, unsigned *ret_generation)
{
	struct token *t = arg;

	*ret_generation = t->generation;
	return xstrdup(t->value);
}

static char *realm_header(void *arg, unsigned *ret_generation)
{
	struct token *t = arg;

	*ret_generation = 0;
	return t->cred.identity_token ? NULL : basic(&t->cred);
}

/**
 * token_parse() - Read a token server's answer
 * @buf:	JSON: "token", or "access_token"
 * @len:	Its length
 * @ret_token:	The token; free with secret_free()
 * @e:		Failure
 *
 * Return: 0, -EINVAL for what is no JSON, has no token, or one that would break the request's headers
 */
int token_parse(const char *buf, size_t len, char **ret_token, struct err *e)
{
	auto_json struct json *j = NULL;
	const char *s;
	int r = json_parse(buf, len, &j, e);

	if (r < 0)
		return err_wrap(e, r, "answer of the token server");
	s = json_get_str(j, "token");
	if (str_is_empty(s))
		s = json_get_str(j, "access_token");
	if (str_is_empty(s))
		return err_say(e, EINVAL, "answer of the token server: no token in it");
	if (str_has_control(s) || strchr(s, ' '))
		return err_say(e, EINVAL, "answer of the token server: malformed token");
	*ret_token = xstrdup(s);
	return 0;
}

static void wake_all(struct token *t, int r, const struct err *e)
{
	struct http_req *all[WAITING_MAX];
	size_t n = t->n_waiting;

	memcpy(all, t->waiting, n * sizeof(*all));
	t->n_waiting = 0;
	for (size_t i = 0; i < n; i++)
		http_req_resume(all[i], r, e);
}

static void on_token(void *arg, struct http_req *req, int r, const struct err *why)
{
	struct token *t = arg;
	struct err e = *why;
	char *body, *token = NULL;
	size_t len;

	if (r == 0) {
		body = http_req_take_body(req, &len);
		r = token_parse(body, len, &token, &e);
		explicit_bzero(body, len);
		free(body);
	} else if (http_req_status(req) == 401 && !auth_is_empty(&t->cred)) {
		r = err_say(&e, EACCES, "unable to retrieve auth token: invalid username/password for %s", t->domain);
	}
	if (r == 0)
		set_value(t, xasprintf("Bearer %s", token));
	secret_free(token);
	t->req = NULL;
	http_req_free(req);
	wake_all(t, r, &e);
}

static void add_query(struct sbuf *b, const char *name, const char *value)
{
	auto_free char *v = value ? url_escape(value) : NULL;

	if (v)
		sbuf_printf(b, "%s%s=%s", b->len && !strchr("?&", b->p[b->len - 1]) ? "&" : "", name, v);
}

/* Ask the realm: GET with Basic credentials or none, or the OAuth2 form with a refresh token. */
static int ask_realm(struct token *t, const struct http_challenge *c, struct err *e)
{
	auto_url struct url u = { 0 };
	auto_sbuf struct sbuf q = { 0 };
	auto_free char *what = NULL, *host = NULL;
	struct http_spec s = { .method = "GET", .auth = &t->realm_ops, .max = TOKEN_MAX, .done = on_token, .arg = t };
	int r = c->realm ? url_check_realm(c->realm, t->insecure, e) : err_say(e, EINVAL, "no token server is named");

	if (r == 0)
		r = url_parse(c->realm, &u, e);
	if (r < 0)
		return r;
	host = u.port == (str_is_eq(u.scheme, "https") ? 443 : 80) ? xstrdup(u.host)
								   : xasprintf("%s:%u", u.host, u.port);
	http_peer_done(&t->peer);
	r = http_peer_load(host, t->cert_dir, &t->peer, e);
	if (r < 0)
		return r;
	t->peer.insecure = t->insecure;
	what = xasprintf("token for %s from %s", t->domain, host);
	if (!t->cred.identity_token)
		sbuf_printf(&q, "%s%c", c->realm, strchr(c->realm, '?') ? '&' : '?');
	add_query(&q, "service", c->service);
	add_query(&q, "scope", c->scope);
	if (t->cred.identity_token) {
		sbuf_printf(&q, "%sgrant_type=refresh_token&client_id=skiff", q.len ? "&" : "");
		add_query(&q, "refresh_token", t->cred.identity_token);
		s.method = "POST";
		s.form = sbuf_str(&q);
	}
	s.url = s.form ? c->realm : sbuf_str(&q);
	s.what = what;
	s.peer = &t->peer;
	r = http_req_start(t->http, &s, &t->req, e);
	if (q.p)
		explicit_bzero(q.p, q.len);
	return r;
}

static int no_credentials(const struct token *t, struct err *e)
{
	if (auth_is_empty(&t->cred))
		return err_say(e, EACCES, "unauthorized: authentication required (no credentials for %s were found)",
			       t->domain);
	return err_say(e, EACCES, "unauthorized: the credentials for %s were refused", t->domain);
}

/* Return: 1 a new value is there, 0 it is being fetched, negative errno. */
static int renew(struct token *t, const char *header, struct err *e)
{
	auto_http_challenges struct http_challenges list = { 0 };
	const struct http_challenge *bearer;
	int r = http_parse_challenges(header, &list);

	if (r < 0)
		return err_say(e, EPROTO,
			       "the registry asks for authorisation in words that cannot be read (WWW-Authenticate)");
	r = load(t, e);
	if (r < 0)
		return r;
	bearer = http_challenge_find(&list, "bearer");
	if (bearer && t->cred.registry_token && !t->value) {
		set_value(t, xasprintf("Bearer %s", t->cred.registry_token));
		return 1;
	}
	if (bearer)
		return ask_realm(t, bearer, e);
	if (!http_challenge_find(&list, "basic"))
		return err_say(e, ENOTSUP, "the registry asks for authorisation by '%.40s', which is not supported",
			       list.v[0].scheme);
	if (!t->cred.username || t->value)
		return no_credentials(t, e);
	set_value(t, basic(&t->cred));
	return 1;
}

static int on_challenge(void *arg, struct http_req *req, unsigned generation, const char *header, struct err *e)
{
	struct token *t = arg;
	int r = 0;

	if (generation != t->generation)
		return 1;
	if (!t->req)
		r = renew(t, header, e);
	if (r != 0)
		return r;
	if (t->n_waiting == WAITING_MAX)
		return err_say(e, EBUSY, "too many requests wait for a token");
	t->waiting[t->n_waiting++] = req;
	return 0;
}

static int realm_challenge(void *arg, struct http_req *req, unsigned generation, const char *header, struct err *e)
{
	const struct token *t = arg;

	(void)req;
	(void)generation;
	(void)header;
	return no_credentials(t, e);
}

static void on_cancel(void *arg, struct http_req *req)
{
	struct token *t = arg;

	for (size_t i = 0; i < t->n_waiting; i++) {
		if (t->waiting[i] != req)
			continue;
		t->waiting[i] = t->waiting[--t->n_waiting];
		return;
	}
}

/**
 * token_new() - Authorisation of one repository, none so far
 * @spec:	Whose
 * @ret:	The object; release with token_free(), before the client and after the requests that use it
 *
 * Credentials are read when the registry asks for them.
 */
void token_new(const struct token_spec *spec, struct token **ret)
{
	struct token *t = xcalloc(1, sizeof(*t));

	t->http = spec->http;
	t->domain = xstrdup(spec->domain);
	t->path = xstrdup(spec->path);
	t->source = *spec->auth;
	t->cert_dir = spec->cert_dir;
	t->insecure = spec->insecure;
	t->ops = (struct http_auth) { .arg = t, .header = on_header, .challenge = on_challenge, .cancel = on_cancel };
	t->realm_ops = (struct http_auth) { .arg = t, .header = realm_header, .challenge = realm_challenge };
	*ret = t;
}

/**
 * token_free() - Release; secrets are overwritten
 * @t:	Object or NULL
 */
void token_free(struct token *t)
{
	if (!t)
		return;
	http_req_free(t->req);
	http_peer_done(&t->peer);
	auth_done(&t->cred);
	secret_free(t->value);
	free(t->domain);
	free(t->path);
	free(t);
}

/**
 * token_auth() - The functions for struct http_spec
 * @t:	The object
 *
 * Return: lives as long as @t
 */
const struct http_auth *token_auth(const struct token *t)
{
	return &t->ops;
}
