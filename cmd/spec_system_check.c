/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spec.h"

static const struct opt opts[] = {
	OPT_BOOL('q', "quick", struct check_opts, quick, "Skip what takes long: do not read the content of layers"),
	OPT_BOOL('r', "repair", struct check_opts, repair, "Move what is damaged aside, and mend what can be mended"),
	OPT_END,
};

const struct cmd cmd_system_check = {
	.path = "system check",
	.help = "Check that images are complete and unchanged",
	.more = "Prints one line per finding; the exit status is 1 when there are some. Without --repair nothing is "
		"changed.",
	.opts = opts,
	.opts_size = sizeof(struct check_opts),
	.flags = CMD_IMAGE,
};
