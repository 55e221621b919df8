/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Options of the verbs that skiff-image does: filled by both programs, used by it (see cmd.h). */

#include <stdbool.h>
#include <stdint.h>

#include "cmd/cmd.h"

/* Options of every verb that talks to a registry. */
struct registry_opts {
	const char *authfile;
	const char *cert_dir;
	const char *creds;
	bool tls_verify;
};
#define REGISTRY_OPTS(type)                                                                                            \
	OPT_STR(0, "authfile", type, reg.authfile, "File of registry credentials", .arg = "FILE"),                    \
		OPT_STR(0, "cert-dir", type, reg.cert_dir, "Folder of certificates", .arg = "DIR"),                    \
		OPT_STR(0, "creds", type, reg.creds, "Credentials for the registry", .arg = "USERNAME[:PASSWORD]"),    \
		OPT_BOOL(0, "tls-verify", type, reg.tls_verify, "Require HTTPS and verify certificates",               \
			 .dflt = "true")

struct pull_opts {
	struct registry_opts reg;
	const char *signature_policy;
	const char *platform;
	uint64_t max_entries;
	uint64_t max_size;
	bool quiet;
	bool keep_blobs;
	bool all_tags;
	const char *policy;
};
extern const struct cmd cmd_pull;

struct push_opts {
	struct registry_opts reg;
	const char *compression;
	int64_t level;
	const char *digestfile;
	const char *format;
	bool all_tags;
	bool force_compression;
	bool quiet;
};
extern const struct cmd cmd_push;

struct copy_opts {
	const char *authfile;
	const char *src_cert_dir, *dest_cert_dir;
	const char *src_creds, *dest_creds;
	const char *digestfile;
	const char *format;
	const char *platform;
	bool src_tls_verify, dest_tls_verify;
	bool all;
	bool quiet;
};
extern const struct cmd cmd_copy;

struct registry_inspect_opts {
	struct registry_opts reg;
	const char *platform;
	bool raw;
	bool config;
};
struct registry_verb_opts {
	struct registry_opts reg;
};
extern const struct cmd cmd_registry_inspect, cmd_registry_list_tags, cmd_registry_delete;

struct manifest_opts {
	struct registry_opts reg;
	const char *arch, *os, *variant, *os_version;
	char **os_features;
	char **annotations;
	bool amend;
	bool all;
	bool insecure;
	bool purge;
	bool quiet;
	bool verbose;
};
extern const struct cmd cmd_manifest_create, cmd_manifest_add, cmd_manifest_annotate, cmd_manifest_inspect,
	cmd_manifest_push, cmd_manifest_rm, cmd_manifest_remove, cmd_manifest_exists;

struct load_opts {
	const char *input;
	const char *embedded;
	const char *platform;
	const char *signature_policy;
	uint64_t max_entries;
	uint64_t max_size;
	bool quiet;
	bool keep_blobs;
};
extern const struct cmd cmd_load;

struct save_opts {
	bool compress;
	const char *output;
	const char *format;
	const char *platform;
	bool multi;
	bool quiet;
};
extern const struct cmd cmd_save;

struct login_opts {
	const char *authfile;
	const char *cert_dir;
	const char *username;
	const char *password;
	bool password_stdin;
	bool get_login;
	bool tls_verify;
	bool verbose;
};
struct logout_opts {
	const char *authfile;
	bool all;
};
extern const struct cmd cmd_login, cmd_logout;

struct export_opts {
	const char *output;
};
extern const struct cmd cmd_export;

struct trust_set_opts {
	const char *policy;
	const char *type;
	char **keys;
};
struct trust_show_opts {
	const char *policy;
	bool json;
	bool raw;
};
extern const struct cmd cmd_image_trust_set, cmd_image_trust_show;

struct search_opts {
	struct registry_opts reg;
	char **filter;
	const char *format;
	int64_t limit;
	bool list_tags;
	bool no_trunc;
};
extern const struct cmd cmd_search;

struct import_opts {
	char **change;
	const char *message;
	const char *platform;
	bool quiet;
	bool tls_verify;
};
extern const struct cmd cmd_import;

struct check_opts {
	bool quick, repair;
};
extern const struct cmd cmd_system_check;
