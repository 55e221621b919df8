/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Header values that a registry sends, from bytes to structs: pure functions, bounded, nothing trusted. What they
 * return holds no control characters, so that it can be put into a request without opening a way to inject headers.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_CHALLENGES_MAX 8
#define HTTP_PARAM_MAX	    4096

/**
 * struct http_challenge - one authentication scheme of a WWW-Authenticate header
 * @scheme:	lower case: "bearer", "basic", ...
 * @realm:	bearer: URL of the token server; may be NULL
 * @service:	may be NULL
 * @scope:	may be NULL
 * @error:	"insufficient_scope", "invalid_token"; may be NULL
 */
struct http_challenge {
	char *scheme;
	char *realm;
	char *service;
	char *scope;
	char *error;
};

struct http_challenges {
	struct http_challenge v[HTTP_CHALLENGES_MAX];
	size_t n;
};

int http_parse_challenges(const char *value, struct http_challenges *ret);
void http_challenges_done(struct http_challenges *c);
#define auto_http_challenges __attribute__((cleanup(http_challenges_done)))
const struct http_challenge *http_challenge_find(const struct http_challenges *c, const char *scheme);

/**
 * struct http_range - a Content-Range
 * @first:	first byte
 * @last:	last byte
 * @total:	length of the whole, UINT64_MAX when not told
 */
struct http_range {
	uint64_t first;
	uint64_t last;
	uint64_t total;
};

int http_parse_content_range(const char *value, struct http_range *ret);
int http_parse_retry_after(const char *value, int64_t now, int64_t *ret_seconds);
int http_parse_link_next(const char *value, char **ret);
int http_parse_media_type(const char *value, char **ret);
