/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spec.h"

static const struct opt login_opts[] = {
	OPT_STR(0, "authfile", struct login_opts, authfile, "File to keep the credentials in"),
	OPT_STR(0, "cert-dir", struct login_opts, cert_dir, "Folder with the registry's certificates"),
	OPT_BOOL(0, "get-login", struct login_opts, get_login, "Print the user name that is logged in"),
	OPT_STR('p', "password", struct login_opts, password, "Password or Personal Access Token (PAT)"),
	OPT_BOOL(0, "password-stdin", struct login_opts, password_stdin,
		 "Take the Password or Personal Access Token (PAT) from stdin"),
	OPT_BOOL(0, "tls-verify", struct login_opts, tls_verify, "Require HTTPS and verify certificates",
		 .dflt = "true"),
	OPT_STR('u', "username", struct login_opts, username, "Username"),
	OPT_BOOL('v', "verbose", struct login_opts, verbose, "Tell where the credentials are kept"),
	OPT_END,
};

const struct cmd cmd_login = {
	.path = "login",
	.args = "[REGISTRY]",
	.help = "Authenticate to a registry",
	.more = "Without a name the registry is docker.io. HOST/REPOSITORY keeps credentials for that repository "
		"alone.",
	.opts = login_opts,
	.opts_size = sizeof(struct login_opts),
	.max_args = 1,
	.flags = CMD_IMAGE,
	.group = CMD_GROUP_COMMON,
	.fail_status = 1,
};

static const struct opt logout_opts[] = {
	OPT_BOOL('a', "all", struct logout_opts, all, "Remove the credentials of all registries"),
	OPT_STR(0, "authfile", struct logout_opts, authfile, "File that has the credentials"),
	OPT_END,
};

const struct cmd cmd_logout = {
	.path = "logout",
	.args = "[REGISTRY]",
	.help = "Log out from a registry",
	.more = "Without a name the registry is docker.io.",
	.opts = logout_opts,
	.opts_size = sizeof(struct logout_opts),
	.max_args = 1,
	.flags = CMD_IMAGE,
	.group = CMD_GROUP_COMMON,
	.fail_status = 1,
};
