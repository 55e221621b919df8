/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spec.h"

static const struct opt opts[] = {
	OPT_STR('o', "output", struct export_opts, output, "Write to a file, instead of STDOUT"),
	OPT_END,
};

const struct cmd cmd_export = {
	.path = "container export",
	.alias = "export",
	.args = "CONTAINER",
	.help = "Export a container's filesystem as a tar archive",
	.more = "The container may run. What is mounted in it (volumes, /proc) is not exported.",
	.opts = opts,
	.opts_size = sizeof(struct export_opts),
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_IMAGE,
	.fail_status = 1,
};
