/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* URLs: where requests may go, and what may go with them. Pure functions. */

#include <stdbool.h>

#include "lib/base/err.h"

/**
 * struct url - the parts of a URL that decide about trust
 * @scheme:	"http" or "https"
 * @host:	lower case; an IPv6 address in brackets
 * @port:	number, the scheme's default filled in
 */
struct url {
	char *scheme;
	char *host;
	unsigned port;
};

int url_parse(const char *text, struct url *ret, struct err *e);
void url_done(struct url *u);
#define auto_url __attribute__((cleanup(url_done)))

bool url_is_same_origin(const struct url *a, const struct url *b);
bool url_is_loopback(const char *host);
int url_redirect(const char *from, const char *location, char **ret_url, bool *ret_same_origin, struct err *e);
char *url_for_message(const char *text);
int url_check_realm(const char *realm, bool insecure, struct err *e);
char *url_escape(const char *s);
