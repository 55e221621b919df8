/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spec.h"

static const struct opt set_opts[] = {
	OPT_STR(0, "policypath", struct trust_set_opts, policy, "File to change", .flags = OPT_HIDDEN),
	OPT_STRV('f', "pubkeysfile", struct trust_set_opts, keys, "Public key, for sigstoreSigned", .arg = "FILE"),
	OPT_STR(0, "signature-policy", struct trust_set_opts, policy, "File to change, instead of the user's own",
		.arg = "FILE"),
	OPT_STR('t', "type", struct trust_set_opts, type, "accept, reject or sigstoreSigned", .dflt = "sigstoreSigned"),
	OPT_END,
};

const struct cmd cmd_image_trust_set = {
	.path = "image trust set",
	.args = "REGISTRY[/REPOSITORY]|default",
	.help = "Set which images of a registry may be pulled",
	.opts = set_opts,
	.opts_size = sizeof(struct trust_set_opts),
	.min_args = 1,
	.max_args = 1,
	.fail_status = 1,
	.flags = CMD_IMAGE,
};

static const struct opt show_opts[] = {
	OPT_BOOL('j', "json", struct trust_show_opts, json, "Print as JSON"),
	OPT_STR(0, "policypath", struct trust_show_opts, policy, "File to show", .flags = OPT_HIDDEN),
	OPT_BOOL(0, "raw", struct trust_show_opts, raw, "Print the file as it is"),
	OPT_STR(0, "signature-policy", struct trust_show_opts, policy, "File to show, instead of what applies",
		.arg = "FILE"),
	OPT_END,
};

const struct cmd cmd_image_trust_show = {
	.path = "image trust show",
	.args = "[REGISTRY]",
	.help = "Show which images may be pulled",
	.opts = show_opts,
	.opts_size = sizeof(struct trust_show_opts),
	.max_args = 1,
	.fail_status = 1,
	.flags = CMD_IMAGE,
};
