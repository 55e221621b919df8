/* SPDX-License-Identifier: Apache-2.0 */
/* F12: header values, URLs and token answers of a registry. What is accepted can be put into a request as it is. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/http/header.h"
#include "lib/http/token.h"
#include "lib/http/url.h"
#include "lib/oci/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void clean(const char *s)
{
	assert(!s || !str_has_control(s));
}

static void challenges(const char *text)
{
	auto_http_challenges struct http_challenges c = { 0 };

	if (http_parse_challenges(text, &c) < 0)
		return;
	for (size_t i = 0; i < c.n; i++) {
		clean(c.v[i].scheme);
		clean(c.v[i].realm);
		clean(c.v[i].service);
		clean(c.v[i].scope);
		if (c.v[i].realm)
			url_check_realm(c.v[i].realm, false, NULL);
	}
}

static void redirect(const char *text)
{
	static const char from[] = "https://registry.example:5000/v2/a/b/blobs/x";
	auto_free char *to = NULL, *shown = url_for_message(text);
	auto_url struct url a = { 0 }, b = { 0 };
	bool same;

	clean(shown);
	if (url_redirect(from, text, &to, &same, NULL) < 0)
		return;
	clean(to);
	assert(!strncmp(to, "https://", 8)); /* never down to http, never another scheme */
	assert(url_parse(from, &a, NULL) == 0 && url_parse(to, &b, NULL) == 0);
	assert(same == url_is_same_origin(&a, &b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size), *link = NULL, *type = NULL;
	struct http_range range;
	char *token = NULL;
	int64_t seconds;

	challenges(text);
	redirect(text);
	if (http_parse_content_range(text, &range) == 0)
		assert(range.first <= range.last && range.last < range.total);
	if (http_parse_retry_after(text, 1600000000, &seconds) == 0)
		assert(seconds >= 0);
	if (http_parse_link_next(text, &link) == 0)
		clean(link);
	if (http_parse_media_type(text, &type) == 0)
		clean(type);
	if (token_parse((const char *)data, size, &token, NULL) == 0)
		clean(token);
	secret_free(token);
	return 0;
}
