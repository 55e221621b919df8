/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spec.h"

static const struct opt opts[] = {
	OPT_BOOL('a', "all-tags", struct push_opts, all_tags, "Push all tags of an image to the repository"),
	OPT_STR(0, "compression-format", struct push_opts, compression,
		"Compress layers with \"gzip\" or \"zstd\" (default: as they are, else gzip)"),
	OPT_I64(0, "compression-level", struct push_opts, level,
		"Level for layers that are compressed anew: gzip 1 to 9, zstd 1 to 19"),
	OPT_STR(0, "digestfile", struct push_opts, digestfile, "Write the digest of the pushed image to a file",
		.arg = "FILE"),
	OPT_IGNORE(OPT_KIND_BOOL, 0, "disable-content-trust", "Skip image signing",
		   "does nothing: content trust is gone from docker too"),
	OPT_BOOL(0, "force-compression", struct push_opts, force_compression,
		 "Compress every layer anew, also those that have the format already"),
	OPT_STR('f', "format", struct push_opts, format,
		"Manifest type: \"oci\" or \"v2s2\" (default: the image's own)"),
	OPT_BOOL('q', "quiet", struct push_opts, quiet, "Suppress verbose output"),
	REGISTRY_OPTS(struct push_opts),
	OPT_END,
};

const struct cmd cmd_push = {
	.path = "image push",
	.alias = "push",
	.args = "NAME[:TAG] [DESTINATION]",
	.help = "Upload an image to a registry",
	.more = "Layers go out as they came, with the digests that they had. What was dropped from the store, or is "
		"not "
		"compressed, is compressed anew, and the image's digest changes.",
	.opts = opts,
	.opts_size = sizeof(struct push_opts),
	.min_args = 1,
	.max_args = 2,
	.flags = CMD_IMAGE,
	.group = CMD_GROUP_COMMON,
	.fail_status = 125,
};
