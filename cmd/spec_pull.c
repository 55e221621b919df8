/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spec.h"

static const struct opt opts[] = {
	OPT_BOOL('a', "all-tags", struct pull_opts, all_tags, "Download all tagged images in the repository"),
	OPT_IGNORE(OPT_KIND_BOOL, 0, "disable-content-trust", "Skip image verification",
		   "does nothing: content trust is gone from docker too"),
	OPT_BOOL(0, "keep-blobs", struct pull_opts, keep_blobs, "Keep compressed layers beside the unpacked ones",
		 .dflt = "true"),
	OPT_U64(0, "max-layer-entries", struct pull_opts, max_entries,
		"Refuse layers with more entries (default: by their compressed size)"),
	OPT_SIZE(0, "max-layer-size", struct pull_opts, max_size, "Refuse layers that are larger when unpacked"),
	OPT_STR(0, "platform", struct pull_opts, platform, "Set platform if server is multi-platform capable"),
	OPT_STR(0, "policy", struct pull_opts, policy,
		"When to ask the registry: \"always\", \"missing\", \"never\" or \"newer\"", .dflt = "always"),
	OPT_STR(0, "pull", struct pull_opts, policy, "Same as --policy", .flags = OPT_HIDDEN),
	OPT_BOOL('q', "quiet", struct pull_opts, quiet, "Suppress verbose output"),
	OPT_STR(0, "signature-policy", struct pull_opts, signature_policy,
		"File that says which images may come in (policy.json)", .arg = "FILE"),
	REGISTRY_OPTS(struct pull_opts),
	OPT_END,
};

const struct cmd cmd_pull = {
	.path = "image pull",
	.alias = "pull",
	.args = "NAME[:TAG|@DIGEST] [NAME...]",
	.help = "Download an image from a registry",
	.more = "With --tls-verify=false certificates are not verified, and plain HTTP is tried where HTTPS is not "
		"spoken.\n"
		"With --quiet only the image's id is printed.",
	.opts = opts,
	.opts_size = sizeof(struct pull_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.flags = CMD_IMAGE,
	.group = CMD_GROUP_COMMON,
	.fail_status = 125,
};
