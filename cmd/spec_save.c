/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spec.h"

static const struct opt opts[] = {
	OPT_BOOL(0, "compress", struct save_opts, compress,
		 "Compress layers with gzip that the store has only unpacked"),
	OPT_STR(0, "format", struct save_opts, format, "docker-archive, oci-archive, oci-dir or docker-dir",
		.dflt = "docker-archive"),
	OPT_BOOL('m', "multi-image-archive", struct save_opts, multi, "Take several images", .dflt = "true"),
	OPT_STR('o', "output", struct save_opts, output, "Write to a file (or folder), instead of STDOUT"),
	OPT_STR(0, "platform", struct save_opts, platform, "Save only images for this platform"),
	OPT_BOOL('q', "quiet", struct save_opts, quiet, "Say nothing about what is written"),
	OPT_END,
};

const struct cmd cmd_save = {
	.path = "image save",
	.alias = "save",
	.args = "IMAGE [IMAGE...]",
	.help = "Save one or more images to a tar archive (streamed to STDOUT by default)",
	.more = "An image that is named without a tag is saved with all tags of its repository.\n"
		"The same images give the same bytes, at any time and on any machine.",
	.opts = opts,
	.opts_size = sizeof(struct save_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.flags = CMD_IMAGE,
	.fail_status = 1,
};
