/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spec.h"

static const struct opt opts[] = {
	OPT_STRV('c', "change", struct import_opts, change, "Apply Dockerfile instruction to the created image"),
	OPT_STR('m', "message", struct import_opts, message, "Set commit message for imported image"),
	OPT_STR(0, "platform", struct import_opts, platform, "Set platform of the image"),
	OPT_BOOL('q', "quiet", struct import_opts, quiet, "Show no progress"),
	OPT_BOOL(0, "tls-verify", struct import_opts, tls_verify, "Verify the certificate of a URL's server",
		 .dflt = "true"),
	OPT_END,
};

const struct cmd cmd_import = {
	.path = "image import",
	.alias = "import",
	.args = "FILE|URL|- [REPOSITORY[:TAG]]",
	.help = "Import the contents from a tarball to create a filesystem image",
	.more = "The tarball may be plain or compressed with gzip or zstd.",
	.opts = opts,
	.opts_size = sizeof(struct import_opts),
	.min_args = 1,
	.max_args = 2,
	.flags = CMD_IMAGE,
	.fail_status = 1,
};
