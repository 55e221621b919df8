/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The documents of an image: manifest, index and config, of OCI and of Docker schema 2. Parsers are pure (bytes in,
 * struct out); what they return has valid digests, sizes that are not negative and known media types.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

#define OCI_MT_MANIFEST	     "application/vnd.oci.image.manifest.v1+json"
#define OCI_MT_INDEX	     "application/vnd.oci.image.index.v1+json"
#define OCI_MT_CONFIG	     "application/vnd.oci.image.config.v1+json"
#define OCI_MT_LAYER	     "application/vnd.oci.image.layer.v1.tar"
#define OCI_MT_LAYER_GZIP    "application/vnd.oci.image.layer.v1.tar+gzip"
#define OCI_MT_LAYER_ZSTD    "application/vnd.oci.image.layer.v1.tar+zstd"
#define DOCKER_MT_MANIFEST   "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_MT_LIST	     "application/vnd.docker.distribution.manifest.list.v2+json"
#define DOCKER_MT_CONFIG     "application/vnd.docker.container.image.v1+json"
#define DOCKER_MT_LAYER	     "application/vnd.docker.image.rootfs.diff.tar"
#define DOCKER_MT_LAYER_GZIP "application/vnd.docker.image.rootfs.diff.tar.gzip"

/* What a client sends as Accept for a manifest. */
#define OCI_ACCEPT OCI_MT_INDEX ", " DOCKER_MT_LIST ", " OCI_MT_MANIFEST ", " DOCKER_MT_MANIFEST

#define OCI_MAX_MANIFEST  (4U << 20)
#define OCI_MAX_CONFIG	  (8U << 20)
#define OCI_MAX_LAYERS	  512
#define OCI_WARN_LAYERS	  127
#define OCI_MAX_MANIFESTS 4096

enum oci_compression { OCI_TAR, OCI_TAR_GZIP, OCI_TAR_ZSTD, OCI_COMPRESSION__N };

/* An empty member is NULL: any os, arch or variant. */
struct oci_platform {
	char *os;
	char *arch;
	char *variant;
};

/**
 * struct oci_descriptor - a reference to a blob
 * @media_type:		never NULL
 * @digest:		checked
 * @size:		≥ 0
 * @platform:		only in an index
 * @annotations:	string map (kv.h)
 * @is_attestation:	an index entry that is no image (buildkit's attestation manifests)
 */
struct oci_descriptor {
	char *media_type;
	char *digest;
	int64_t size;
	struct oci_platform platform;
	char **annotations;
	bool is_attestation;
};

struct oci_manifest {
	char *media_type;
	struct oci_descriptor config;
	struct oci_descriptor *layers;
	size_t n_layers;
	char **annotations;
};

struct oci_index {
	char *media_type;
	struct oci_descriptor *manifests;
	size_t n_manifests;
	char **annotations;
};

enum oci_doc_kind { OCI_DOC_MANIFEST, OCI_DOC_INDEX };

/**
 * struct oci_doc - what a registry answers under /manifests/
 * @kind:	which of the two is filled
 */
struct oci_doc {
	enum oci_doc_kind kind;
	struct oci_manifest manifest;
	struct oci_index index;
};

struct oci_healthcheck {
	char **test; /* NONE; CMD args...; CMD-SHELL command */
	int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns, retries;
};

struct oci_history {
	char *created, *created_by, *author, *comment;
	bool empty_layer;
};

/**
 * struct oci_image_config - the image's config
 * @env:		only well-formed NAME=value entries, later ones of a name win
 * @labels:		string map
 * @exposed_ports:	"80/tcp", ...
 * @volumes:		paths
 * @healthcheck:	.test is NULL when there is none
 * @diff_ids:		digests of the uncompressed layers, lowest first
 */
struct oci_image_config {
	struct oci_platform platform;
	char *os_version;
	char *created, *author;
	char *user, *working_dir, *stop_signal;
	char **env, **entrypoint, **cmd, **shell, **on_build;
	char **labels, **exposed_ports, **volumes;
	bool args_escaped;
	struct oci_healthcheck healthcheck;
	char **diff_ids;
	struct oci_history *history;
	size_t n_history;
};

/* @content_type is what the registry's header or the descriptor said; NULL where there is none. */
int oci_doc_parse(const char *buf, size_t len, const char *content_type, struct oci_doc *ret, struct err *e);
void oci_doc_done(struct oci_doc *d);
#define auto_oci_doc __attribute__((cleanup(oci_doc_done)))
int oci_manifest_parse(const char *buf, size_t len, const char *content_type, struct oci_manifest *ret, struct err *e);
void oci_manifest_done(struct oci_manifest *m);
#define auto_oci_manifest __attribute__((cleanup(oci_manifest_done)))
void oci_descriptor_done(struct oci_descriptor *d);
/* Compact JSON of a manifest, owned (for `load` and `build`). */
char *oci_manifest_text(const struct oci_manifest *m);

int oci_image_config_parse(const char *buf, size_t len, struct oci_image_config **ret, struct err *e);
void oci_image_config_free(struct oci_image_config *c);
void oci_image_config_freep(struct oci_image_config **c);
#define auto_oci_image_config __attribute__((cleanup(oci_image_config_freep)))

/* Return: 0 or -ENOTSUP with the reason (foreign, encrypted, unknown). */
int oci_layer_compression(const char *media_type, enum oci_compression *ret, struct err *e);
bool oci_is_index_type(const char *media_type);

/* "os[/arch[/variant]]" or "arch"; normalised (aarch64 -> arm64/v8, x86_64 -> amd64, armhf -> arm/v7). */
int oci_platform_parse(const char *text, struct oci_platform *ret, struct err *e);
/* What this machine runs. */
int oci_platform_host(struct oci_platform *ret, struct err *e);
void oci_platform_done(struct oci_platform *p);
#define auto_oci_platform __attribute__((cleanup(oci_platform_done)))
/* "linux/arm64/v8", owned. */
char *oci_platform_text(const struct oci_platform *p);
/* Can an image made for @have be used where @want is asked for? */
bool oci_platform_is_match(const struct oci_platform *have, const struct oci_platform *want);
/* First exact match, then (arm) the highest lower variant. Return: 0, -ENOENT with what there is. */
int oci_index_select(const struct oci_index *index, const struct oci_platform *want, const struct oci_descriptor **ret,
		     struct err *e);
