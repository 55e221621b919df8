/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One exchange with a server: the options of libcurl's handle, and what its callbacks do with headers and body. What an
 * answer means for the request as a whole is decided in http.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/http/header.h"
#include "lib/http/http_int.h"
#include "lib/http/url.h"

#define HEADERS_MAX	(256UL * 1024)
#define ERROR_BODY_MAX	(16UL * 1024)
#define CONNECT_SECONDS 15L
/* Slower than this for the stall time counts as stalled: a server that sends a byte a second holds us for years
 * otherwise. */
#define STALL_BYTES_PER_SECOND 64L
/* Documents kept in memory are small; together with the stall limit this bounds them in time. */
#define MEMORY_SECONDS 120L
/* libcurl's largest: fewer, larger reads, hash updates and writes. */
#define BUFFER_SIZE (512L * 1024)

/**
 * http_answer_reset() - Forget an answer's headers
 * @a:	The answer
 */
void http_answer_reset(struct http_answer *a)
{
	free(a->location);
	free(a->challenge);
	free(a->retry_after);
	free(a->content_range);
	free(a->type);
	free(a->encoding);
	free(a->range);
	free(a->link);
	free(a->digest);
	free(a->chunk_min);
	*a = (struct http_answer) { 0 };
}

/**
 * http_headers_wipe() - Release a header list after overwriting it
 * @l:	Address of the list
 */
void http_headers_wipe(struct curl_slist **l)
{
	for (struct curl_slist *i = *l; i; i = i->next)
		explicit_bzero(i->data, strlen(i->data));
	curl_slist_free_all(*l);
	*l = NULL;
}

/* End the transfer from inside a callback with a failure of our own. */
static size_t fail(struct http_req *r, int code, bool again)
{
	r->fail_r = code;
	r->fail_again = again;
	return 0;
}

/* The value of header @name when @line is that header. */
static char *header_value(const char *line, size_t len, const char *name)
{
	size_t n = strlen(name);
	auto_free char *v = NULL;

	if (len <= n || line[n] != ':' || strncasecmp(line, name, n))
		return NULL;
	v = xstrndup(line + n + 1, len - n - 1);
	return xstrdup(str_trim(v));
}

static void keep_header(struct http_answer *a, const char *line, size_t len)
{
	const struct {
		const char *name;
		char **to;
	} known[] = {
		{ "location", &a->location },
		{ "www-authenticate", &a->challenge },
		{ "retry-after", &a->retry_after },
		{ "content-range", &a->content_range },
		{ "content-type", &a->type },
		{ "content-encoding", &a->encoding },
		{ "range", &a->range },
		{ "link", &a->link },
		{ "docker-content-digest", &a->digest },
		{ "oci-chunk-min-length", &a->chunk_min },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		auto_free char *v = header_value(line, len, known[i].name);
		char *old = *known[i].to;

		if (!v)
			continue;
		/* Several challenges may come in several headers; of anything else the first one counts. */
		if (!old)
			*known[i].to = take_ptr(&v);
		else if (known[i].to == &a->challenge)
			*known[i].to = xasprintf("%s, %s", old, v);
		if (*known[i].to != old)
			free(old);
		return;
	}
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct http_req *r = arg;

	n *= size;
	/* A new status line: what came before was "100 Continue" or a proxy's answer to CONNECT. */
	if (n > 5 && !strncmp(p, "HTTP/", 5)) {
		size_t bytes = r->answer.bytes;

		http_answer_reset(&r->answer);
		r->answer.bytes = bytes;
	}
	r->answer.bytes += n;
	if (r->answer.bytes > HEADERS_MAX)
		return fail(r, err_say(&r->e, E2BIG, "headers larger than %lu bytes", HEADERS_MAX), false);
	keep_header(&r->answer, p, n);
	return n;
}

/* 206: is it the part that we asked for? Otherwise fetch everything once more and skip what is there. */
static int check_range(struct http_req *r)
{
	struct http_range range;
	bool right = r->answer.content_range && http_parse_content_range(r->answer.content_range, &range) == 0 &&
		     range.first == r->offset &&
		     range.last + 1 == (r->spec.size == HTTP_UNKNOWN ? range.last + 1 : r->spec.size) &&
		     (range.total == HTTP_UNKNOWN || r->spec.size == HTTP_UNKNOWN || range.total == r->spec.size);

	if (right)
		return 0;
	if (r->no_range)
		return err_say(&r->e, EPROTO, "the server answers with another part of it than was asked for");
	r->no_range = true;
	r->fail_again = true;
	return err_say(&r->e, EPROTO, "the server answers with another part of it than was asked for");
}

/* The first byte of a body: may it be taken for what was asked for? */
static int begin_body(struct http_req *r)
{
	curl_off_t length = -1;
	uint64_t want;
	int code;

	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &r->status);
	r->body_begun = true;
	r->body_ok = r->spec.data ? r->status == 200 || r->status == 206 : r->status / 100 == 2;
	if (!r->body_ok)
		return 0;
	if (r->answer.encoding && strcasecmp(r->answer.encoding, "identity"))
		return err_say(&r->e, EPROTO, "the server compresses what must come as it is (Content-Encoding)");
	curl_easy_getinfo(r->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	if (!r->spec.data) {
		if (length > 0 && (uint64_t)length > r->spec.max)
			return err_say(&r->e, E2BIG, "larger than %llu bytes", (unsigned long long)r->spec.max);
		return 0;
	}
	if (r->status == 206) {
		code = check_range(r);
		if (code < 0)
			return code;
	} else {
		r->skip = r->offset;
	}
	want = r->status == 206 ? r->spec.size - r->offset : r->spec.size;
	if (r->spec.size != HTTP_UNKNOWN && length >= 0 && (uint64_t)length != want)
		return err_say(&r->e, EPROTO, "wrong size: %lld bytes where %llu were announced", (long long)length,
			       (unsigned long long)want);
	return 0;
}

static size_t to_memory(struct http_req *r, const char *p, size_t n, uint64_t max)
{
	if (r->body.len + n <= max) {
		sbuf_add(&r->body, p, n);
		return n;
	}
	if (r->body_ok)
		return fail(r, err_say(&r->e, E2BIG, "larger than %llu bytes", (unsigned long long)max), false);
	r->cut = true; /* enough of an error page */
	return 0;
}

static size_t to_caller(struct http_req *r, const char *p, size_t n)
{
	size_t all = n;
	int code;

	if (r->skip) {
		size_t s = r->skip < n ? (size_t)r->skip : n;

		r->skip -= s;
		p += s;
		n -= s;
	}
	if (!n)
		return all;
	if (r->spec.size != HTTP_UNKNOWN && n > r->spec.size - r->offset)
		return fail(r,
			    err_say(&r->e, EPROTO, "wrong size: more than the %llu bytes that were announced",
				    (unsigned long long)r->spec.size),
			    false);
	code = r->spec.data(r->spec.arg, p, n, &r->e);
	if (code == -EAGAIN) { /* libcurl comes with all of it again; what we skipped of it was skipped for good */
		r->skip += all - n;
		r->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	if (code < 0)
		return fail(r, code, false);
	r->offset += n;
	return all;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct http_req *r = arg;

	n *= size;
	if (!r->body_begun) {
		int code = begin_body(r);

		if (code < 0)
			return fail(r, code, r->fail_again);
	}
	if (!r->body_ok)
		return to_memory(r, p, n, ERROR_BODY_MAX);
	return r->spec.data ? to_caller(r, p, n) : to_memory(r, p, n, r->spec.max);
}

static size_t on_send(char *p, size_t size, size_t n, void *arg)
{
	struct http_req *r = arg;
	ssize_t got = r->spec.body.read(r->spec.body.arg, r->sent, p, size * n, &r->e);

	if (got == -EAGAIN) {
		r->paused = true;
		return CURL_READFUNC_PAUSE;
	}
	if (got < 0) {
		r->fail_r = (int)got;
		return CURL_READFUNC_ABORT;
	}
	r->sent += (uint64_t)got;
	return (size_t)got;
}

/* libcurl's own sockets are not close-on-exec, and credential helpers are executed while connections are open. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	(void)arg;
	(void)purpose;
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static int add_header(struct http_req *r, const char *text)
{
	struct curl_slist *l;

	/* libcurl sends what it gets: a media type out of an image would become a request of its own. */
	if (strpbrk(text, "\r\n"))
		return err_say(&r->e, EINVAL, "a header with a line break in it");
	l = curl_slist_append(r->headers, text);
	if (!l)
		return err_set(&r->e, ENOMEM, "build a request");
	r->headers = l;
	return 0;
}

static int add_headers(struct http_req *r)
{
	int code = 0;

	http_headers_wipe(&r->headers);
	if (r->spec.accept) {
		auto_free char *accept = xasprintf("Accept: %s", r->spec.accept);

		code = add_header(r, accept);
	}
	for (char **h = r->spec.headers; code == 0 && h && *h; h++)
		code = add_header(r, *h);
	/* A registry that does not know "100-continue" would cost us a second each time. */
	if (code == 0 && r->spec.body.read)
		code = add_header(r, "Expect:");
	if (code == 0 && r->spec.auth && !r->foreign) {
		char *value = r->spec.auth->header(r->spec.auth->arg, &r->generation);

		if (value) {
			char *line = xasprintf("Authorization: %s", value);

			code = add_header(r, line);
			explicit_bzero(line, strlen(line));
			explicit_bzero(value, strlen(value));
			free(line);
			free(value);
		}
	}
	return code;
}

/*
 * curl knows http_proxy, https_proxy, all_proxy and no_proxy. Go's programs, which users set these for, also take
 * HTTP_PROXY and never send this machine's own addresses to a proxy.
 */
static void set_proxy(struct http_req *r, const struct url *u)
{
	const char *upper = getenv("HTTP_PROXY");

	if (url_is_loopback(u->host))
		curl_easy_setopt(r->easy, CURLOPT_PROXY, "");
	else if (!strcmp(u->scheme, "http") && upper && !getenv("http_proxy"))
		curl_easy_setopt(r->easy, CURLOPT_PROXY, upper);
}

static void set_tls(struct http_req *r)
{
	const struct http_peer *p = r->spec.peer;
	const char *file = getenv("SSL_CERT_FILE"), *dir = getenv("SSL_CERT_DIR");
	CURL *c = r->easy;

	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (!str_is_empty(file))
		curl_easy_setopt(c, CURLOPT_CAINFO, file);
	if (!str_is_empty(dir))
		curl_easy_setopt(c, CURLOPT_CAPATH, dir);
	if (!p)
		return;
	if (p->insecure) {
		curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (r->foreign)
		return;
	if (p->ca && !p->insecure) {
		struct curl_blob b = { .data = p->ca, .len = p->ca_len, .flags = CURL_BLOB_NOCOPY };

		curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &b);
	}
	if (p->cert) {
		curl_easy_setopt(c, CURLOPT_SSLCERT, p->cert);
		curl_easy_setopt(c, CURLOPT_SSLKEY, p->key);
	}
}

static bool is_upload(const struct http_req *r)
{
	return r->spec.body.read || !strcmp(r->spec.method, "PUT") || !strcmp(r->spec.method, "PATCH");
}

static void set_limits(struct http_req *r)
{
	CURL *c = r->easy;

	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES_PER_SECOND);
	/* Behind the last byte of an upload the registry may have to copy all of it. */
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, is_upload(r) ? 4 * r->h->stall_s : r->h->stall_s);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	if (r->spec.data)
		curl_easy_setopt(c, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
	else if (is_upload(r))
		curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, BUFFER_SIZE);
	else
		curl_easy_setopt(c, CURLOPT_TIMEOUT, MEMORY_SECONDS);
}

static void set_method(struct http_req *r)
{
	CURL *c = r->easy;

	if (!strcmp(r->spec.method, "HEAD"))
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	if (is_upload(r) || (!strcmp(r->spec.method, "POST") && !r->spec.form)) {
		curl_off_t len = !r->spec.body.read		    ? 0
				 : r->spec.body.len == HTTP_UNKNOWN ? -1
								    : (curl_off_t)r->spec.body.len;

		curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, len);
		if (r->spec.body.read) {
			curl_easy_setopt(c, CURLOPT_READFUNCTION, on_send);
			curl_easy_setopt(c, CURLOPT_READDATA, r);
		}
	}
	if (strcmp(r->spec.method, "HEAD") && strcmp(r->spec.method, "GET") && !r->spec.form)
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->spec.method);
	if (r->spec.form)
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->spec.form);
	if (r->spec.data && r->offset && !r->no_range) {
		auto_free char *range = xasprintf("%llu-", (unsigned long long)r->offset);

		curl_easy_setopt(c, CURLOPT_RANGE, range);
	}
}

/**
 * http_exchange_start() - Send @r to r->url
 * @r:	The request; its state becomes HTTP_RUNNING
 *
 * Return: 0 or negative errno with r->e
 */
int http_exchange_start(struct http_req *r)
{
	auto_url struct url u = { 0 };
	CURL *c = r->easy;
	int code = url_parse(r->url, &u, &r->e);

	if (code == 0)
		code = add_headers(r);
	if (code < 0)
		return code;
	curl_easy_reset(c);
	http_answer_reset(&r->answer);
	sbuf_reset(&r->body);
	r->skip = r->sent = 0;
	r->status = 0;
	r->body_begun = r->body_ok = r->cut = r->fail_again = r->paused = r->transient = false;
	r->fail_r = 0;
	r->errbuf[0] = '\0';
	curl_easy_setopt(c, CURLOPT_URL, r->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "skiff/" SKIFF_VERSION);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(c, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, r->errbuf);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, r);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(c, CURLOPT_PRIVATE, r);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, r->headers);
	set_proxy(r, &u);
	set_tls(r);
	set_limits(r);
	set_method(r);
	if (curl_multi_add_handle(r->h->multi, c) != CURLM_OK)
		return err_set(&r->e, ENOMEM, "start a transfer");
	r->state = HTTP_RUNNING;
	return 0;
}

/**
 * http_exchange_end() - Take @r's handle back from the loop
 * @r:	The request
 */
void http_exchange_end(struct http_req *r)
{
	if (r->state == HTTP_RUNNING)
		curl_multi_remove_handle(r->h->multi, r->easy);
	http_headers_wipe(&r->headers);
}
