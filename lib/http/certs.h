/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Certificates of one registry: certs.d/HOST[:PORT]/ with *.crt (authorities, added to the system's), *.cert and *.key
 * (ours), as docker and containers/image read it.
 */

#include "lib/base/err.h"
#include "lib/http/http.h"

/* @dir: --cert-dir, which is used for every host then; NULL: certs.d. */
int http_peer_load(const char *host, const char *dir, struct http_peer *ret, struct err *e);
void http_peer_done(struct http_peer *p);
