/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spec.h"

static const struct opt opts[] = {
	OPT_STRV('f', "filter", struct search_opts, filter, "Filter output based on conditions provided"),
	OPT_STR(0, "format", struct search_opts, format, "Format output using a Go template"),
	OPT_I64(0, "limit", struct search_opts, limit, "Max number of search results (default 25)"),
	OPT_BOOL(0, "list-tags", struct search_opts, list_tags, "List the tags of a repository"),
	OPT_BOOL(0, "no-trunc", struct search_opts, no_trunc, "Don't truncate output"),
	REGISTRY_OPTS(struct search_opts),
	OPT_END,
};

const struct cmd cmd_search = {
	.path = "search",
	.args = "[REGISTRY/]TERM",
	.help = "Search a registry for images",
	.more = "Without a name the registry is docker.io. Few others have a search.",
	.opts = opts,
	.opts_size = sizeof(struct search_opts),
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_IMAGE,
	.group = CMD_GROUP_COMMON,
	.fail_status = 1,
};
