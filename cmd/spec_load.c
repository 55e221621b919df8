/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spec.h"

static const struct opt opts[] = {
	OPT_STR('i', "input", struct load_opts, input, "Read from tar archive file (or folder), instead of STDIN"),
	OPT_BOOL(0, "keep-blobs", struct load_opts, keep_blobs, "Keep compressed layers beside the unpacked ones",
		 .dflt = "true"),
	OPT_U64(0, "max-layer-entries", struct load_opts, max_entries,
		"Refuse layers with more entries (default: by their compressed size)"),
	OPT_SIZE(0, "max-layer-size", struct load_opts, max_size, "Refuse layers that are larger when unpacked"),
	OPT_STR(0, "platform", struct load_opts, platform, "Load only the given platform variant"),
	OPT_BOOL('q', "quiet", struct load_opts, quiet, "Suppress the load output"),
	OPT_STR(0, "signature-policy", struct load_opts, signature_policy,
		"File that says which images may come in (policy.json)", .arg = "FILE"),
	OPT_STR(0, "embedded", struct load_opts, embedded, "Load an image that comes with the program",
		.flags = OPT_HIDDEN),
	OPT_END,
};

const struct cmd cmd_load = {
	.path = "image load",
	.alias = "load",
	.help = "Load an image from a tar archive or STDIN",
	.more = "The archive is what `save` writes (docker's format or an OCI layout), plain or compressed with gzip "
		"or zstd.",
	.opts = opts,
	.opts_size = sizeof(struct load_opts),
	.max_args = 0,
	.flags = CMD_IMAGE,
	.fail_status = 1,
};
