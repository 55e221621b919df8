/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"

int main(int argc, char **argv)
{
	static const struct app app = { .cmds = cmd_table, .topics = cmd_topics };

	return app_main(&app, argc, argv);
}
