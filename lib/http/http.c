/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: a request is a small state machine around exchanges (exchange.c). An exchange ends in finish(),
 * which decides: done, failed, another URL (redirect), wait for credentials (401), or sleep and try again. Everything
 * runs in one thread from http_step(); callbacks of libcurl never start or end exchanges, they only note what happened.
 *
 * Attempts are counted anew when a mebibyte has come since the last failure: a bad line that makes progress may take as
 * many attempts as it needs, a server that sends a byte and hangs up gets HTTP_RETRIES_MAX.
 */
#include "lib/http/http.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/rand.h"
#include "lib/base/time.h"
#include "lib/http/header.h"
#include "lib/http/http_int.h"
#include "lib/http/retry.h"
#include "lib/http/url.h"
#include "lib/oci/json.h"

#define REDIRECTS_MAX  10
#define CHALLENGES_MAX 2
#define PROGRESS       (1U << 20)
#define POLL_FDS_MAX   64

static int64_t setting(const char *name, int64_t dflt, int64_t max)
{
	uint64_t v;
	const char *s = getenv(name);

	if (str_is_empty(s))
		return dflt;
	if (str_to_u64(s, (uint64_t)max, &v) < 0 || !v) {
		log_warn("ignored, going on: %s is no number from 1 to %lld", name, (long long)max);
		return dflt;
	}
	return (int64_t)v;
}

/**
 * http_new() - A client: connections are shared by its requests
 * @ret:	The client
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int http_new(struct http **ret, struct err *e)
{
	struct http *h;
	CURLM *m;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_say(e, EIO, "libcurl does not start");
	m = curl_multi_init();
	if (!m)
		return err_set(e, ENOMEM, "start libcurl");
	h = xcalloc(1, sizeof(*h));
	h->multi = m;
	h->stall_s = (long)setting("SKIFF_HTTP_STALL", HTTP_STALL_SECONDS, 3600);
	h->backoff_ns = setting("SKIFF_HTTP_BACKOFF", HTTP_BACKOFF_MS, 60000) * NSEC_PER_MSEC;
	curl_multi_setopt(m, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	curl_multi_setopt(m, CURLMOPT_MAX_HOST_CONNECTIONS, 8L);
	*ret = h;
	return 0;
}

/**
 * http_free() - End a client and every request that is left
 * @h:	Client or NULL
 */
void http_free(struct http *h)
{
	if (!h)
		return;
	while (h->reqs)
		http_req_free(h->reqs);
	curl_multi_cleanup(h->multi);
	free(h);
}

/**
 * http_freep() - http_free() for auto_http; disarms
 * @h:	Address of the pointer
 */
void http_freep(struct http **h)
{
	http_free(*h);
	*h = NULL;
}

static bool is_writing(const struct http_req *r)
{
	return strcmp(r->spec.method, "GET") && strcmp(r->spec.method, "HEAD") && !r->spec.form;
}

static void complete(struct http_req *r, int result)
{
	http_exchange_end(r);
	r->state = HTTP_DONE;
	r->result = result;
	if (result < 0)
		err_wrap(&r->e, result, "%s %s", is_writing(r) ? "writing" : "reading", r->spec.what);
	r->h->called |= r->spec.done != NULL;
	if (r->spec.done)
		r->spec.done(r->spec.arg, r, result, &r->e);
}

static void start_exchange(struct http_req *r)
{
	int code = http_exchange_start(r);

	if (code < 0)
		complete(r, code);
}

/* From the beginning: the first URL (the one of a redirect may have expired), new count of redirects and challenges. */
static void start_attempt(struct http_req *r)
{
	free(r->url);
	r->url = xstrdup(r->spec.url);
	r->redirects = r->challenges = 0;
	r->foreign = false;
	start_exchange(r);
}

static void retry_later(struct http_req *r, int code)
{
	int64_t after = -1, delay;
	uint32_t random = 0;

	if (r->offset - r->mark >= PROGRESS) {
		r->attempt = 0;
		r->mark = r->offset;
	}
	r->transient = true;
	if (r->spec.no_retry || ++r->attempt > HTTP_RETRIES_MAX) {
		complete(r, r->attempt > 1 ? err_hint(&r->e, code, "gave up after %u attempts", r->attempt) : code);
		return;
	}
	rand_bytes(&random, sizeof(random), NULL);
	if (r->answer.retry_after && http_parse_retry_after(r->answer.retry_after, time(NULL), &after) < 0)
		after = -1;
	delay = http_retry_delay(r->attempt, r->h->backoff_ns, after, random);
	log_debug("%s: %s; attempt %u in %lld ms", r->spec.what, r->e.msg, r->attempt + 1,
		  (long long)(delay / NSEC_PER_MSEC));
	http_exchange_end(r);
	r->state = HTTP_SLEEPING;
	r->wake = time_mono() + delay;
}

/* The registry's own words for a status: {"errors":[{"code":...,"message":...}]}, control characters removed. */
static char *server_says(const struct http_req *r)
{
	auto_json struct json *j = NULL;
	auto_sbuf struct sbuf b = { 0 };
	const struct json *errors;

	if (!r->body.len || json_parse(r->body.p, r->body.len, &j, NULL) < 0)
		return NULL;
	errors = json_get_array(j, "errors");
	for (size_t i = 0; i < json_len(errors) && i < 3; i++) {
		const struct json *one = json_item(errors, i);
		const char *text = json_get_str(one, "message");

		if (str_is_empty(text))
			text = json_get_str(one, "code");
		if (str_is_empty(text))
			continue;
		sbuf_printf(&b, "%s%.150s", b.len ? "; " : "", text);
	}
	for (size_t i = 0; i < b.len; i++)
		if ((unsigned char)b.p[i] < 0x20 || b.p[i] == 0x7f)
			b.p[i] = '?';
	return b.len ? sbuf_take(&b) : NULL;
}

static int status_error(struct http_req *r)
{
	static const struct {
		long status;
		int code;
		const char *text;
	} known[] = {
		{ 401, EACCES, "unauthorized: authentication required" },
		{ 403, EACCES, "denied: requested access to the resource is denied" },
		{ 404, ENOENT, "not found" },
		{ 429, EBUSY, "toomanyrequests: too many requests" },
	};
	auto_free char *says = server_says(r);
	int code = EIO;
	const char *text = "unexpected answer";

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (known[i].status == r->status) {
			code = known[i].code;
			text = known[i].text;
		}
	}
	if (r->status >= 500)
		text = "the server failed";
	return err_say(&r->e, code, "%s (status %ld)", says ? says : text, r->status);
}

static int curl_error(struct http_req *r, CURLcode c)
{
	static const struct {
		CURLcode c;
		int code;
		const char *text;
	} known[] = {
		{ CURLE_COULDNT_RESOLVE_HOST, EHOSTUNREACH, NULL },
		{ CURLE_COULDNT_CONNECT, ECONNREFUSED, NULL },
		{ CURLE_OPERATION_TIMEDOUT, ETIMEDOUT, NULL },
		{ CURLE_PEER_FAILED_VERIFICATION, EKEYREJECTED, NULL },
		{ CURLE_SSL_CONNECT_ERROR, EPROTO, NULL },
		{ CURLE_PARTIAL_FILE, ECONNRESET, "the connection ended too early" },
		{ CURLE_GOT_NOTHING, ECONNRESET, "the server closed the connection without an answer" },
	};
	const char *text = r->errbuf[0] ? r->errbuf : curl_easy_strerror(c);
	int code = EIO;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (known[i].c == c) {
			code = known[i].code;
			text = known[i].text ? known[i].text : text;
		}
	}
	if (c == CURLE_SSL_CONNECT_ERROR && strstr(text, "wrong version number"))
		return err_say(&r->e, code,
			       "http: server gave HTTP response to HTTPS client (--tls-verify=false allows http)");
	if (c == CURLE_PEER_FAILED_VERIFICATION) {
		err_say(&r->e, code, "%s", text);
		return err_hint(&r->e, -code, "its authority belongs into ~/.config/containers/certs.d/HOST/ca.crt");
	}
	if (c == CURLE_OPERATION_TIMEDOUT && r->answered && r->spec.data)
		return err_say(&r->e, code, "stalled: nearly nothing came for %ld seconds", r->h->stall_s);
	return err_say(&r->e, code, "%s", text);
}

/*
 * A connection that never came about is worth another attempt only where one has worked before: a wrong name or a
 * registry that is not there should be told at once. A connection that is used again has no time of its own.
 */
static bool is_curl_again(const struct http_req *r, CURLcode c)
{
	curl_off_t connected = 0;

	if (!http_curl_is_transient((int)c))
		return false;
	if (c != CURLE_COULDNT_RESOLVE_HOST && c != CURLE_COULDNT_CONNECT && c != CURLE_OPERATION_TIMEDOUT)
		return true;
	curl_easy_getinfo(r->easy, CURLINFO_CONNECT_TIME_T, &connected);
	return connected || r->h->has_worked;
}

static void redirect(struct http_req *r)
{
	auto_free char *to = NULL;
	bool same;
	int code;

	if (!r->answer.location) {
		complete(r, err_say(&r->e, EPROTO, "redirect without a target (status %ld)", r->status));
		return;
	}
	if (r->redirects++ >= REDIRECTS_MAX) {
		complete(r, err_say(&r->e, ELOOP, "more than %d redirects", REDIRECTS_MAX));
		return;
	}
	code = url_redirect(r->url, r->answer.location, &to, &same, &r->e);
	if (code < 0) {
		complete(r, code);
		return;
	}
	if (!same && r->spec.form) { /* it holds the refresh token */
		complete(r, err_say(&r->e, EPERM, "credentials are not sent on to another host"));
		return;
	}
	http_exchange_end(r);
	free(r->url);
	r->url = take_ptr(&to);
	if (!same)
		r->foreign = true;
	start_exchange(r);
}

static void challenge(struct http_req *r)
{
	int code;

	if (r->foreign || !r->spec.auth || !r->answer.challenge || r->challenges++ >= CHALLENGES_MAX) {
		complete(r, status_error(r));
		return;
	}
	http_exchange_end(r);
	r->state = HTTP_WAITING;
	code = r->spec.auth->challenge(r->spec.auth->arg, r, r->generation, r->answer.challenge, &r->e);
	if (code < 0)
		complete(r, code);
	else if (code > 0)
		start_exchange(r);
}

/* A 2xx answer has ended: was it all? */
static void finish_body(struct http_req *r)
{
	if (r->spec.data && r->spec.size != HTTP_UNKNOWN && r->offset < r->spec.size) {
		err_say(&r->e, ECONNRESET, "ended after %llu of %llu bytes", (unsigned long long)r->offset,
			(unsigned long long)r->spec.size);
		retry_later(r, -ECONNRESET);
		return;
	}
	complete(r, 0);
}

static void finish(struct http_req *r, CURLcode c)
{
	long s = 0;

	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &s);
	r->status = s;
	if (s)
		r->answered = r->h->has_worked = true;
	if (r->fail_r < 0) {
		if (r->fail_again)
			retry_later(r, r->fail_r);
		else
			complete(r, r->fail_r);
	} else if (c != CURLE_OK && !r->cut) {
		int code = curl_error(r, c);

		if (is_curl_again(r, c))
			retry_later(r, code);
		else
			complete(r, code);
	} else if (s == 200 || s == 206 || (s / 100 == 2 && !r->spec.data)) {
		finish_body(r);
	} else if (s == 301 || s == 302 || s == 303 || s == 307 || s == 308) {
		redirect(r);
	} else if (s == 401) {
		challenge(r);
	} else if (s == 416 && r->offset && !r->no_range) {
		r->no_range = true;
		retry_later(r, status_error(r));
	} else if (http_status_is_transient(s)) {
		retry_later(r, status_error(r));
	} else {
		complete(r, status_error(r));
	}
}

/* Starts what has slept enough. Return: nanoseconds until the next one wakes, at most @timeout */
static int64_t wake(struct http *h, int64_t timeout)
{
	int64_t now = time_mono();
	bool again;

	do { /* a done function may change the list */
		again = false;
		for (struct http_req *r = h->reqs; r; r = r->next) {
			if (r->state != HTTP_SLEEPING || r->wake > now)
				continue;
			start_attempt(r);
			again = true;
			break;
		}
	} while (again);
	for (struct http_req *r = h->reqs; r; r = r->next)
		if (r->state == HTTP_SLEEPING && (timeout < 0 || r->wake - now < timeout))
			timeout = r->wake - now;
	return timeout;
}

static int perform(struct http *h, struct err *e)
{
	struct CURLMsg *m;
	int running, left;

	if (curl_multi_perform(h->multi, &running) != CURLM_OK)
		return err_say(e, EIO, "libcurl's loop failed");
	while ((m = curl_multi_info_read(h->multi, &left))) {
		struct http_req *r = NULL;
		CURLcode c = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &r);
		finish(r, c);
	}
	return 0;
}

static bool is_something_done(const struct http *h)
{
	for (struct http_req *r = h->reqs; r; r = r->next)
		if (r->state == HTTP_DONE && !r->spec.done)
			return true;
	return false;
}

/**
 * http_step() - Move every request on
 * @h:		The client
 * @fds:	Further descriptors to wait for; revents is set. May be NULL
 * @n_fds:	How many
 * @timeout_ns:	Longest wait
 * @e:		Failure of the loop itself; requests report their own
 *
 * Return: 0 or negative errno
 */
int http_step(struct http *h, struct pollfd *fds, size_t n_fds, int64_t timeout_ns, struct err *e)
{
	struct curl_waitfd w[POLL_FDS_MAX];
	int64_t ms;
	int r, n;

	timeout_ns = wake(h, timeout_ns);
	r = perform(h, e);
	if (r < 0)
		return r;
	timeout_ns = wake(h, timeout_ns);
	/* The caller may have to react to what is over, before anything else happens. */
	if (is_something_done(h) || h->called)
		timeout_ns = 0;
	h->called = false;
	if (n_fds > POLL_FDS_MAX)
		return err_say(e, EINVAL, "too many descriptors to wait for");
	for (size_t i = 0; i < n_fds; i++)
		w[i] = (struct curl_waitfd) { .fd = fds[i].fd,
					      .events = fds[i].events & POLLIN ? CURL_WAIT_POLLIN : 0 };
	ms = timeout_ns < 0 ? 1000 : (timeout_ns + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
	if (curl_multi_poll(h->multi, w, (unsigned)n_fds, (int)(ms > 10000 ? 10000 : ms), &n) != CURLM_OK)
		return err_say(e, EIO, "waiting for the network failed");
	/* libcurl tells only readiness to read, not that the other end is gone: ask again, without waiting. */
	if (n_fds && poll(fds, (nfds_t)n_fds, 0) < 0 && errno != EINTR)
		return err_set(e, errno, "poll");
	return 0;
}

static void copy_spec(struct http_spec *to, const struct http_spec *from)
{
	*to = *from;
	to->method = xstrdup(from->method);
	to->url = xstrdup(from->url);
	to->what = xstrdup(from->what);
	to->accept = xstrdup(from->accept);
	to->form = xstrdup(from->form);
	to->headers = strv_dup(from->headers);
}

static void free_spec(struct http_spec *s)
{
	void *own[5];

	/* Owned since copy_spec(); const for everybody else. */
	memcpy(&own[0], &s->method, sizeof(void *));
	memcpy(&own[1], &s->url, sizeof(void *));
	memcpy(&own[2], &s->what, sizeof(void *));
	memcpy(&own[3], &s->accept, sizeof(void *));
	memcpy(&own[4], &s->form, sizeof(void *));
	strv_free(s->headers);
	if (own[4])
		explicit_bzero(own[4], strlen(own[4]));
	for (size_t i = 0; i < 5; i++)
		free(own[i]);
}

/**
 * http_req_start() - Start a request
 * @h:		The client
 * @spec:	What to do
 * @ret:	The request; release with http_req_free()
 * @e:		Failure to start; failures of the request itself are its result
 *
 * Return: 0 or negative errno
 */
int http_req_start(struct http *h, const struct http_spec *spec, struct http_req **ret, struct err *e)
{
	CURL *c = curl_easy_init();
	struct http_req *r;

	if (!c)
		return err_set(e, ENOMEM, "start a transfer");
	r = xcalloc(1, sizeof(*r));
	r->h = h;
	r->easy = c;
	copy_spec(&r->spec, spec);
	r->offset = r->mark = spec->data ? spec->offset : 0;
	r->next = h->reqs;
	h->reqs = r;
	/* Begun by http_step(), so that a done call never comes before this function has returned. */
	r->state = HTTP_SLEEPING;
	r->wake = 0;
	*ret = r;
	return 0;
}

/**
 * http_req_free() - Release a request, ending it when it is under way
 * @r:	Request or NULL
 */
void http_req_free(struct http_req *r)
{
	if (!r)
		return;
	if (r->state == HTTP_WAITING && r->spec.auth->cancel)
		r->spec.auth->cancel(r->spec.auth->arg, r);
	http_exchange_end(r);
	for (struct http_req **p = &r->h->reqs; *p; p = &(*p)->next) {
		if (*p == r) {
			*p = r->next;
			break;
		}
	}
	curl_easy_cleanup(r->easy);
	http_answer_reset(&r->answer);
	if (r->body.p)
		explicit_bzero(r->body.p, r->body.len);
	sbuf_done(&r->body);
	free(r->url);
	free_spec(&r->spec);
	free(r);
}

/**
 * http_req_freep() - http_req_free() for auto_http_req; disarms
 * @r:	Address of the pointer
 */
void http_req_freep(struct http_req **r)
{
	http_req_free(*r);
	*r = NULL;
}

/**
 * http_req_wait() - Run the loop until one request is done
 * @h:		The client
 * @r:		The request, started without a done function
 * @stop:	Descriptor that ends the wait when it becomes readable; negative: none
 * @e:		Failure
 *
 * Return: the request's result, or -EINTR for @stop
 */
int http_req_wait(struct http *h, struct http_req *r, int stop, struct err *e)
{
	while (r->state != HTTP_DONE) {
		struct pollfd p = { .fd = stop, .events = POLLIN };
		int code = http_step(h, &p, stop >= 0, NSEC_PER_SEC, e);

		if (code < 0)
			return code;
		if (stop >= 0 && p.revents)
			return err_say(e, EINTR, "interrupted");
	}
	if (r->result < 0 && e)
		*e = r->e;
	return r->result;
}

/**
 * http_req_resume() - Credentials have come (or not) for a request that waits for them
 * @r:		The request
 * @result:	0, or negative errno with @e
 * @e:		Why there are none
 */
void http_req_resume(struct http_req *r, int result, const struct err *e)
{
	if (r->state != HTTP_WAITING)
		return;
	if (result < 0) {
		r->e = *e;
		complete(r, result);
	} else {
		start_exchange(r);
	}
}

/**
 * http_req_is_done() - Is it over?
 * @r:	The request
 *
 * Return: whether it is
 */
bool http_req_is_done(const struct http_req *r)
{
	return r->state == HTTP_DONE;
}

/**
 * http_req_is_unreachable() - Did a failed request get no HTTP answer at all?
 * @r:	The request
 *
 * Return: whether no connection came about, or the TLS handshake failed
 */
bool http_req_is_unreachable(const struct http_req *r)
{
	return !r->answered && r->result < 0;
}

/**
 * http_req_status() - Status of the last answer
 * @r:	The request
 *
 * Return: the status, 0 for none
 */
long http_req_status(const struct http_req *r)
{
	return r->status;
}

/**
 * http_req_unpause() - Ask a caller's function again that answered -EAGAIN
 * @r:	The request or NULL; nothing happens when none did
 */
void http_req_unpause(struct http_req *r)
{
	if (!r || !r->paused || r->state != HTTP_RUNNING)
		return;
	r->paused = false;
	curl_easy_pause(r->easy, CURLPAUSE_CONT);
}

/**
 * http_req_may_retry() - After a failure: may a later attempt succeed?
 * @r:		The request
 * @attempt:	Attempts that have failed, from 1
 * @ret_delay:	How long to wait before the next one, ns
 *
 * Return: whether it may
 */
bool http_req_may_retry(const struct http_req *r, unsigned attempt, int64_t *ret_delay)
{
	uint32_t random = 0;
	int64_t after = -1;

	if (!r->transient || attempt > HTTP_RETRIES_MAX)
		return false;
	rand_bytes(&random, sizeof(random), NULL);
	if (r->answer.retry_after && http_parse_retry_after(r->answer.retry_after, time(NULL), &after) < 0)
		after = -1;
	*ret_delay = http_retry_delay(attempt, r->h->backoff_ns, after, random);
	return true;
}

/**
 * http_req_header() - A header of the last answer
 * @r:		The request
 * @name:	Which one, lower case, of those that are kept
 *
 * Return: its value or NULL
 */
const char *http_req_header(const struct http_req *r, const char *name)
{
	const struct http_answer *a = &r->answer;
	const struct {
		const char *name, *value;
	} kept[] = {
		{ "location", a->location },		 { "range", a->range },
		{ "link", a->link },			 { "docker-content-digest", a->digest },
		{ "oci-chunk-min-length", a->chunk_min },
	};

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		if (!strcmp(kept[i].name, name))
			return kept[i].value;
	return NULL;
}

/**
 * http_req_url() - Where the last exchange went
 * @r:	The request
 *
 * Return: a URL that lives as long as the request
 */
const char *http_req_url(const struct http_req *r)
{
	return r->url;
}

/**
 * http_req_type() - Content-Type of the answer as it came
 * @r:	The request
 *
 * Return: the header's value (see http_parse_media_type()), or NULL
 */
const char *http_req_type(const struct http_req *r)
{
	return r->answer.type;
}

/**
 * http_req_take_body() - Take the body of a finished request
 * @r:		The request
 * @ret_len:	Its length
 *
 * Return: owned bytes, a NUL behind them
 */
char *http_req_take_body(struct http_req *r, size_t *ret_len)
{
	*ret_len = r->body.len;
	return sbuf_take(&r->body);
}
