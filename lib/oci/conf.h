/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Configuration: /etc/skiff/config.json, then $XDG_CONFIG_HOME/skiff/config.json, with the key names of docker's
 * daemon.json; a later file's keys win. These two are skiff's own. Docker's client configuration is another file, the
 * config.json in the folder that --config, DOCKER_CONFIG or ~/.docker name: of its keys the few that people rely on
 * (detachKeys, psFormat, imagesFormat, proxies) are taken, below skiff's own; lib/oci/auth.c reads its credentials. A
 * missing file costs one failed open.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/oci/runspec.h"

#define CONF_MAX (1U << 20)

struct conf_pool {
	char *base; /* "10.10.0.0/16" */
	unsigned size;
};

/**
 * struct conf - what the files said; zero and NULL mean: not set, use the built-in default
 * @log_opts:		string map
 * @labels:		engine labels, "key=value"
 * @storage_opts:	"key=value"
 * @additional_stores:	folders of stores whose images are used, and never written
 * @default_ulimits:	for every container, below --ulimit
 * @shm_size:		default-shm-size, bytes
 * @max_downloads:	max-concurrent-downloads
 * @drop_blobs:		"keep-blobs": false: layers are stored unpacked only
 * @features:		string map of "true" and "false"
 * @http_proxy, @https_proxy, @no_proxy: proxies: for pulls
 * @detach_keys:	docker client: detachKeys
 * @ps_format, @images_format: docker client: psFormat, imagesFormat
 * @proxy_env:		docker client: proxies.default, as HTTP_PROXY=..., http_proxy=... for containers
 */
struct conf {
	char *log_driver, *log_level, *storage_driver, *data_root;
	char *bip, *seccomp_profile, *cgroup_parent, *ipc_mode, *cgroupns_mode, *userns_mode, *host_gateway_ip;
	char *init_path;
	char **log_opts, **labels, **storage_opts;
	char **insecure_registries, **registry_mirrors;
	char **additional_stores;
	char **dns, **dns_search, **dns_opts;
	char **features;
	struct ulimitspec *default_ulimits;
	size_t n_default_ulimits;
	struct conf_pool *address_pools;
	size_t n_address_pools;
	uint64_t shm_size;
	int64_t mtu, max_downloads, max_uploads, max_attempts, shutdown_timeout;
	bool debug, init, no_new_privileges, drop_blobs;
	char *http_proxy, *https_proxy, *no_proxy;
	char *detach_keys, *ps_format, *images_format;
	char **proxy_env;
};

/*
 * @docker: the folder of docker's client configuration (--config); NULL for the default. Return: 0, -EINVAL (file and
 * key are named), -EPERM (owner or mode), ...
 */
int conf_load(const char *docker, struct conf *ret, struct err *e);
/* Only additional-stores, without a word about other keys: for the store, before anything else is known. */
int conf_load_additional_stores(char ***ret, struct err *e);
/* One document over what @c holds already; @file is for messages. */
int conf_parse(const char *buf, size_t len, const char *file, struct conf *c, struct err *e);
void conf_done(struct conf *c);
#define auto_conf __attribute__((cleanup(conf_done)))

/* Is this "host[:port]" among insecure-registries (names, name:port, CIDR), or on the loopback (as docker)? */
bool conf_is_insecure(const struct conf *c, const char *domain);

/* The folder of docker's client configuration: @dir, $DOCKER_CONFIG or ~/.docker; owned, NULL when there is no home. */
char *conf_docker_dir(const char *dir);
/* $XDG_CONFIG_HOME or ~/.config; owned, NULL when there is no home. */
char *conf_xdg_dir(void);
/* Refuse a file that somebody else could have written (CVE-2024-25621). */
int conf_check_owner(int fd, const char *path, struct err *e);
