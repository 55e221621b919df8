/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One repository of one registry, by the OCI distribution API: which scheme it speaks, how we are authorised there, and
 * its manifests and blobs. What comes back is verified by the caller against the digest that it asked for.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/oci/auth.h"
#include "lib/http/http.h"

struct registry;
struct registry_endpoint;

enum registry_verify {
	REGISTRY_VERIFY_CONF,	/* as configured */
	REGISTRY_VERIFY_ALWAYS, /* --tls-verify=true */
	REGISTRY_VERIFY_NEVER,	/* --tls-verify=false */
};

/**
 * struct registry_spec - which repository
 * @http:	client; outlives the registry
 * @endpoint:	where; copied
 * @domain:	the registry's name, under which credentials are kept and which messages show ("docker.io")
 * @verify:	--tls-verify
 * @auth:	where credentials come from; what it points to outlives the registry
 * @cert_dir:	--cert-dir or NULL; likewise
 * @stop:	descriptor that ends waits when it becomes readable; negative: none
 */
struct registry_spec {
	struct http *http;
	const struct registry_endpoint *endpoint;
	const char *domain;
	enum registry_verify verify;
	struct auth_source auth;
	const char *cert_dir;
	int stop;
};

int registry_open(const struct registry_spec *spec, struct registry **ret, struct err *e);
void registry_free(struct registry *r);
void registry_freep(struct registry **r);
#define auto_registry __attribute__((cleanup(registry_freep)))

/* "docker.io/library/busybox", as messages name it. */
const char *registry_name(const struct registry *r);

/* With an endpoint without a path: does the registry take our credentials? Return: 0, -EACCES, ... */
int registry_ping(struct registry *r, struct err *e);

/*
 * A manifest or index by tag or digest. @ret_type: Content-Type, NULL where none came. Return: 0, -ENOENT, -EACCES, ...
 */
int registry_manifest(struct registry *r, const char *reference, char **ret, size_t *ret_len, char **ret_type,
		      struct err *e);
/* A small blob into memory, at most @max bytes. */
int registry_blob_read(struct registry *r, const char *digest, uint64_t max, char **ret, size_t *ret_len,
		       struct err *e);

/**
 * struct registry_blob - a blob to fetch piece by piece
 * @digest:	checked
 * @size:	as the manifest says
 * @have:	bytes that are there already
 * @data:	takes the bytes from @have on
 * @done:	it is over; may free the request
 * @arg:	for both
 */
struct registry_blob {
	const char *digest;
	uint64_t size;
	uint64_t have;
	int (*data)(void *arg, const void *p, size_t n, struct err *e);
	void (*done)(void *arg, struct http_req *req, int r, const struct err *e);
	void *arg;
};
int registry_blob_start(struct registry *r, const struct registry_blob *b, struct http_req **ret, struct err *e);

/* Digest of what @reference names there, as the registry says. Return: 0, -ENOENT, ... */
int registry_manifest_head(struct registry *r, const char *reference, char **ret_digest, struct err *e);
/* Store a manifest under a tag or digest. */
int registry_manifest_put(struct registry *r, const char *reference, const char *type, const char *text, size_t len,
			  struct err *e);
/* Delete a manifest, by digest. */
int registry_manifest_delete(struct registry *r, const char *digest, struct err *e);
/* All tags, in the registry's order. */
int registry_tags(struct registry *r, char ***ret, struct err *e);

/* What docker's old index answers for a word: JSON. Return: 0, -ENOENT where there is no search, ... */
int registry_search(struct registry *r, const char *term, unsigned limit, char **ret, size_t *ret_len, struct err *e);

/**
 * struct registry_call - one step of an upload
 * @method:	"HEAD", "POST", "GET", "PATCH", "PUT", "DELETE"
 * @object:	below /v2/NAME/: "blobs/uploads/"; NULL with @url
 * @url:	where the step before said (registry_upload_url())
 * @what:	what it is about, with the registry's name: for messages
 * @headers:	header lines or NULL
 * @body:	what is sent
 * @retry:	lib/http may try again by itself
 * @done:	it is over; may free the request
 * @arg:	for @done
 */
struct registry_call {
	const char *method;
	const char *object;
	const char *url;
	const char *what;
	char **headers;
	struct http_body body;
	bool retry;
	void (*done)(void *arg, struct http_req *req, int r, const struct err *e);
	void *arg;
};
int registry_call_start(struct registry *r, const struct registry_call *c, struct http_req **ret, struct err *e);
/* The absolute URL of an answer's Location. Return: 0, -EPROTO, -EPERM for a step from https to http. */
int registry_upload_url(const struct http_req *req, char **ret, struct err *e);
