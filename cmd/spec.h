/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Options of the verbs that skiff-image does: filled by both programs, used by it (see cmd.h). */

#include <stdbool.h>
#include <stdint.h>

#include "cmd/cmd.h"

struct pull_opts {
	const char *platform;
	uint64_t max_entries;
	uint64_t max_size;
	bool quiet;
	bool tls_verify;
	bool keep_blobs;
};
extern const struct cmd cmd_pull;

struct load_opts {
	const char *input;
	const char *embedded;
	uint64_t max_entries;
	uint64_t max_size;
	bool quiet;
	bool keep_blobs;
};
extern const struct cmd cmd_load;

struct save_opts {
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

struct import_opts {
	char **change;
	const char *message;
	const char *platform;
	bool quiet;
	bool tls_verify;
};
extern const struct cmd cmd_import;

struct check_opts {
	bool quick;
};
extern const struct cmd cmd_system_check;
