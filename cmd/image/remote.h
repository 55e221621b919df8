/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From what a user wrote to verified documents: candidates of a short name, mirrors, index, platform, manifest, config.
 */

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/http/registry.h"
#include "lib/oci/image.h"
#include "lib/oci/ref.h"

struct conf;
struct policy;
struct registries;
struct store;

/**
 * struct remote - where to look, the same for all images of a command
 * @store:	documents that are there already are not fetched again
 * @platform:	wanted; of this machine when none was given
 * @local:	digest under which the store has the name, whole and for the platform; owned, NULL: it has not. May be
 * NULL
 * @local_arg:	for @local
 * @strict:	the platform was given: an image for another one is an error
 * @auth:	where credentials come from
 * @cert_dir:	--cert-dir or NULL
 * @policy:	which images may come in; NULL: all
 * @verify:	--tls-verify
 * @stop:	readable when the command is to end
 */
struct remote {
	struct store *store;
	struct http *http;
	const struct conf *conf;
	const struct registries *registries;
	struct auth_source auth;
	const char *cert_dir;
	const struct policy *policy;
	const struct oci_platform *platform;
	char *(*local)(void *arg, const struct ref *ref);
	void *local_arg;
	bool strict;
	enum registry_verify verify;
	int stop;
};

/**
 * struct remote_image - an image as a registry has it
 * @registry:	the one that had it (perhaps a mirror): its layers come from there
 * @ref:	full reference
 * @default_tag: the user named no tag
 * @unchanged:	the registry says that @local is what it has: only @digest is filled in
 * @digest:	what the registry knows the name by: of the index, or of the manifest
 * @manifest_digest: of @manifest_text
 * @manifest_text: bytes
 * @manifest:	parsed
 * @config_text: bytes
 * @config:	parsed
 */
struct remote_image {
	struct registry *registry;
	struct ref ref;
	bool default_tag;
	bool unchanged;
	char *digest;
	char *manifest_digest;
	char *manifest_text;
	size_t manifest_len;
	struct oci_manifest manifest;
	char *config_text;
	size_t config_len;
	struct oci_image_config *config;
};

int remote_find(const struct remote *r, const char *text, void (*found)(void *arg, const struct remote_image *),
		void *arg, struct remote_image *ret, struct err *e);
/* The registry itself, to write to: no mirror. Nothing is sent yet. */
int remote_open(const struct remote *r, const struct ref *ref, struct registry **ret, struct err *e);
void remote_image_done(struct remote_image *i);
#define auto_remote_image __attribute__((cleanup(remote_image_done)))
