/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private to lib/http: the inside of a request, shared by the loop (http.c) and the exchange (exchange.c). */

#include <curl/curl.h>

#include "lib/base/str.h"
#include "lib/http/http.h"

/* Tests shorten these two by the environment: SKIFF_HTTP_STALL (seconds), SKIFF_HTTP_BACKOFF (milliseconds). */
#define HTTP_STALL_SECONDS 30
#define HTTP_BACKOFF_MS	   500

struct http {
	CURLM *multi;
	struct http_req *reqs;
	long stall_s;
	int64_t backoff_ns;
	bool has_worked;
	bool called; /* a done function, since the last wait */
};

enum http_state {
	HTTP_RUNNING,  /* its easy handle is in the multi handle */
	HTTP_SLEEPING, /* until .wake */
	HTTP_WAITING,  /* for http_req_resume() */
	HTTP_DONE,
};

/**
 * struct http_answer - headers of one answer
 * @bytes:	of headers seen, to bound them
 */
struct http_answer {
	char *location;
	char *challenge;
	char *retry_after;
	char *content_range;
	char *type;
	char *encoding;
	char *range;
	char *link;
	char *digest;
	char *chunk_min;
	size_t bytes;
};

/**
 * struct http_req - one request
 * @next:	list of the client
 * @easy:	libcurl's handle, reused by every attempt
 * @headers:	request headers of this attempt
 * @url:	where this attempt goes (after redirects)
 * @offset:	position of the next byte that @spec.data gets
 * @sent:	position of the next byte of the request body
 * @skip:	bytes of the answer that are there already (the server ignored Range)
 * @mark:	@offset when attempts were last counted from 0
 * @attempt:	attempts that failed since @mark
 * @redirects:	followed in this attempt
 * @challenges:	401 answered with new credentials in this attempt
 * @generation:	of the credentials sent
 * @foreign:	a redirect left the origin: no credentials any more
 * @no_range:	the server's answer to Range is unusable: fetch all and skip
 * @body_begun:	the first byte of this answer's body was seen
 * @body_ok:	and it is what was asked for, not an error's text
 * @cut:	we ended the transfer on purpose (an error's text that is too long)
 * @answered:	some HTTP answer has come
 * @fail_r:	result decided inside a callback; the transfer ends
 * @fail_again:	that result may go away by a retry
 * @transient:	the failure that ended it may go away later
 * @paused:	a callback of the caller answered -EAGAIN
 * @e:		sentence of the failure
 */
struct http_req {
	struct http *h;
	struct http_req *next;
	struct http_spec spec;
	enum http_state state;
	CURL *easy;
	struct curl_slist *headers;
	char errbuf[CURL_ERROR_SIZE];
	char *url;
	uint64_t offset;
	uint64_t sent;
	uint64_t skip;
	uint64_t mark;
	unsigned attempt;
	unsigned redirects;
	unsigned challenges;
	unsigned generation;
	bool foreign;
	bool no_range;
	bool body_begun;
	bool body_ok;
	bool cut;
	bool answered;
	int fail_r;
	bool fail_again;
	bool transient;
	bool paused;
	int64_t wake;
	int result;
	long status;
	struct http_answer answer;
	struct sbuf body;
	struct err e;
};

/* exchange.c: one exchange, from the handle's options to the headers and the body. */
int http_exchange_start(struct http_req *r);
void http_exchange_end(struct http_req *r);
void http_answer_reset(struct http_answer *a);
/* Overwrite the strings of a list before they are freed. */
void http_headers_wipe(struct curl_slist **l);
