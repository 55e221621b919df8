/* SPDX-License-Identifier: Apache-2.0 */
/* Every verb of skiff, in the order of its own help page. A record stands at the end of its verb's file. */
#include "cmd/cmd.h"

#include <stddef.h>

const struct cmd *const cmd_table[] = {
	NULL,
};

const struct cmd_topic cmd_topics[] = {
	{ "container", "Manage containers" },
	{ "image", "Manage images" },
	{ "system", "Manage skiff" },
	{ NULL, NULL },
};
