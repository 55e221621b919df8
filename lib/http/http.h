/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTP requests that follow redirects, authenticate, time out, retry and resume on their own. One thread, one event
 * loop: http_step() moves every request on, and waits for the caller's descriptors at the same time. lib/http is the
 * only user of libcurl.
 */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

struct http;
struct http_req;

/* Size or offset that is not known. */
#define HTTP_UNKNOWN UINT64_MAX

int http_new(struct http **ret, struct err *e);
void http_free(struct http *h);
void http_freep(struct http **h);
#define auto_http __attribute__((cleanup(http_freep)))

/*
 * One turn: moves requests on, calls their done functions, waits at most @timeout_ns (or for @fds: their revents are
 * set). Return: 0 or negative errno
 */
int http_step(struct http *h, struct pollfd *fds, size_t n_fds, int64_t timeout_ns, struct err *e);

/**
 * struct http_peer - how a server is trusted; outlives its requests
 * @insecure:	no verification of certificates; the user said so
 * @ca:		further certificate authorities (PEM), added to the system's; or NULL
 * @ca_len:	their length
 * @cert:	path of our certificate, or NULL
 * @key:	path of its key, or NULL
 */
struct http_peer {
	bool insecure;
	char *ca;
	size_t ca_len;
	char *cert;
	char *key;
};

/**
 * struct http_auth - who knows the credentials for the origin that a request starts at
 * @arg:	for the functions
 * @header:	value of Authorization, owned, or NULL; @ret_generation: which one it is
 * @challenge:	the server said 401 to @generation. Return: 1 there is a newer one: try again, 0 http_req_resume() will
 *be called, negative errno: give up
 * @cancel:	@req, which waits, is being freed
 */
struct http_auth {
	void *arg;
	char *(*header)(void *arg, unsigned *ret_generation);
	int (*challenge)(void *arg, struct http_req *req, unsigned generation, const char *www_authenticate,
			 struct err *e);
	void (*cancel)(void *arg, struct http_req *req);
};

/**
 * struct http_body - what a request carries
 * @len:	bytes, or HTTP_UNKNOWN (sent in chunks)
 * @read:	gives up to @n bytes from @pos on; 0 at the end. A redirect or new credentials begin again at 0. Return:
 *		their number, -EAGAIN: none yet, http_req_unpause() will be called, other negative errno: give up
 * @arg:	for @read
 */
struct http_body {
	uint64_t len;
	ssize_t (*read)(void *arg, uint64_t pos, void *buf, size_t n, struct err *e);
	void *arg;
};

/**
 * struct http_spec - a request; strings are copied
 * @method:	"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"
 * @url:	where to start
 * @what:	what is asked for, with its host: "manifest latest in quay.io/x"; begins every error
 * @accept:	Accept header or NULL
 * @form:	POST body (application/x-www-form-urlencoded) or NULL; wiped when released
 * @body:	what is sent with PUT, PATCH, POST (without @form); @body.read NULL: nothing
 * @headers:	further header lines, or NULL
 * @peer:	trust; its certificates serve @url's origin only, redirects elsewhere are verified against the system's
 *authorities
 * @auth:	credentials or NULL
 * @max:	longest body that is kept in memory (without @data)
 * @data:	takes the body piece by piece, in order, each byte once, from @offset on; -EAGAIN: not now, it is
 *		called with the same bytes again after http_req_unpause(). May be NULL
 * @offset:	with @data: bytes that are there already
 * @size:	with @data: length of the whole, or HTTP_UNKNOWN
 * @no_retry:	one attempt
 * @done:	called from http_step() when it is over: 0 or negative errno with @e; may free the request. NULL: poll
 *		http_req_is_done()
 * @arg:	for @data and @done
 */
struct http_spec {
	const char *method;
	const char *url;
	const char *what;
	const char *accept;
	const char *form;
	struct http_body body;
	char **headers;
	const struct http_peer *peer;
	const struct http_auth *auth;
	uint64_t max;
	int (*data)(void *arg, const void *p, size_t n, struct err *e);
	uint64_t offset;
	uint64_t size;
	bool no_retry;
	void (*done)(void *arg, struct http_req *req, int r, const struct err *e);
	void *arg;
};

int http_req_start(struct http *h, const struct http_spec *spec, struct http_req **ret, struct err *e);
/* Also ends it when it is under way (no done call). NULL is fine. */
void http_req_free(struct http_req *r);
void http_req_freep(struct http_req **r);
#define auto_http_req __attribute__((cleanup(http_req_freep)))
/* Drive the loop until @r is done. Return: its result. -EINTR when @stop became readable (stop < 0: none). */
int http_req_wait(struct http *h, struct http_req *r, int stop, struct err *e);
/* From struct http_auth: the wait is over. */
void http_req_resume(struct http_req *r, int result, const struct err *e);

bool http_req_is_done(const struct http_req *r);
/* After a failure: did no HTTP answer come at all (no connection, TLS refused)? */
bool http_req_is_unreachable(const struct http_req *r);
long http_req_status(const struct http_req *r);
/* The caller's @read or @data, which answered -EAGAIN, may be asked again. */
void http_req_unpause(struct http_req *r);
/* After a failure: may a later attempt succeed? @ret_delay: when, for the @attempt-th one in ns. */
bool http_req_may_retry(const struct http_req *r, unsigned attempt, int64_t *ret_delay);
/* One of the headers that are kept (location, range, link, docker-content-digest, oci-chunk-min-length), or NULL. */
const char *http_req_header(const struct http_req *r, const char *name);
/* Where the last exchange went, redirects included. */
const char *http_req_url(const struct http_req *r);
/* Content-Type as it came, or NULL. */
const char *http_req_type(const struct http_req *r);
/* Body, NUL behind it. Owned by the caller from now on. */
char *http_req_take_body(struct http_req *r, size_t *ret_len);
