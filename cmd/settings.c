/* SPDX-License-Identifier: Apache-2.0 */
/* What verbs take from configuration files when no option says it. */
#include "cmd/cmd.h"
#include "lib/base/str.h"
#include "lib/oci/conf.h"

#define DETACH_KEYS "ctrl-p,ctrl-q"

int cmd_detach_keys(const struct ctx *ctx, const char *option, char **ret, struct err *e)
{
	auto_conf struct conf conf = { 0 };
	int r = option ? 0 : conf_load(ctx->config_dir, &conf, e);

	if (r == 0)
		*ret = xstrdup(option ? option : conf.detach_keys ? conf.detach_keys : DETACH_KEYS);
	return r;
}

int cmd_list_format(const struct ctx *ctx, const char *option, enum cmd_list list, char **ret, struct err *e)
{
	auto_conf struct conf conf = { 0 };
	int r = option ? 0 : conf_load(ctx->config_dir, &conf, e);

	if (r == 0)
		*ret = xstrdup(option ? option : list == CMD_LIST_PS ? conf.ps_format : conf.images_format);
	return r;
}
