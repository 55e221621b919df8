/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spec.h"

#define T	 struct manifest_opts
#define INSECURE OPT_BOOL(0, "insecure", T, insecure, "Allow communication with an insecure registry")
#define PLATFORM                                                                                                       \
	OPT_STRV(0, "annotation", T, annotations, "Set an annotation of the entry", .arg = "KEY=VALUE"),               \
		OPT_STR(0, "arch", T, arch, "Set architecture"), OPT_STR(0, "os", T, os, "Set operating system"),      \
		OPT_STRV(0, "os-features", T, os_features, "Set operating system feature"),                            \
		OPT_STR(0, "os-version", T, os_version, "Set operating system version"),                               \
		OPT_STR(0, "variant", T, variant, "Set architecture variant")

static const struct opt create_opts[] = {
	OPT_BOOL(0, "all", T, all, "Add the images for all platforms of an index"),
	OPT_BOOL('a', "amend", T, amend, "Amend an existing manifest list"),
	INSECURE,
	REGISTRY_OPTS(T),
	OPT_END,
};

const struct cmd cmd_manifest_create = {
	.path = "manifest create",
	.args = "MANIFEST_LIST [MANIFEST...]",
	.help = "Create a local manifest list for annotating and pushing to a registry",
	.more = "Each MANIFEST is an image of the store, or else of a registry; docker://NAME asks the registry only.",
	.opts = create_opts,
	.opts_size = sizeof(T),
	.min_args = 1,
	.max_args = CMD_ANY,
	.flags = CMD_IMAGE,
	.fail_status = 1,
};

static const struct opt add_opts[] = {
	OPT_BOOL(0, "all", T, all, "Add the images for all platforms of an index"),
	INSECURE,
	PLATFORM,
	REGISTRY_OPTS(T),
	OPT_END,
};

const struct cmd cmd_manifest_add = {
	.path = "manifest add",
	.args = "MANIFEST_LIST MANIFEST [MANIFEST...]",
	.help = "Add images to a manifest list",
	.opts = add_opts,
	.opts_size = sizeof(T),
	.min_args = 2,
	.max_args = CMD_ANY,
	.flags = CMD_IMAGE,
	.fail_status = 1,
};

static const struct opt annotate_opts[] = {
	PLATFORM,
	OPT_END,
};

const struct cmd cmd_manifest_annotate = {
	.path = "manifest annotate",
	.args = "MANIFEST_LIST MANIFEST",
	.help = "Add additional information to a local image manifest",
	.more = "MANIFEST is what was added, or its digest.",
	.opts = annotate_opts,
	.opts_size = sizeof(T),
	.min_args = 2,
	.max_args = 2,
	.flags = CMD_IMAGE,
	.fail_status = 1,
};

static const struct opt inspect_opts[] = {
	INSECURE,
	OPT_BOOL('v', "verbose", T, verbose, "Output descriptor and platform, too"),
	REGISTRY_OPTS(T),
	OPT_END,
};

const struct cmd cmd_manifest_inspect = {
	.path = "manifest inspect",
	.args = "[MANIFEST_LIST] MANIFEST",
	.help = "Display an image manifest, or manifest list",
	.more = "A local list comes first, then what a registry has.",
	.opts = inspect_opts,
	.opts_size = sizeof(T),
	.min_args = 1,
	.max_args = 2,
	.flags = CMD_IMAGE,
	.fail_status = 1,
};

static const struct opt push_opts[] = {
	OPT_BOOL(0, "all", T, all, "Also push the images (always done)", .flags = OPT_HIDDEN),
	INSECURE,
	OPT_BOOL('p', "purge", T, purge, "Remove the local manifest list after push"),
	OPT_BOOL('q', "quiet", T, quiet, "Suppress progress"),
	REGISTRY_OPTS(T),
	OPT_END,
};

const struct cmd cmd_manifest_push = {
	.path = "manifest push",
	.args = "MANIFEST_LIST [DESTINATION]",
	.help = "Push a manifest list to a repository",
	.more = "The images of the list are pushed with it: from the store, or from the registry where they are.",
	.opts = push_opts,
	.opts_size = sizeof(T),
	.min_args = 1,
	.max_args = 2,
	.flags = CMD_IMAGE,
	.fail_status = 1,
};

static const struct opt rm_opts[] = {
	OPT_END,
};

const struct cmd cmd_manifest_rm = {
	.path = "manifest rm",
	.args = "MANIFEST_LIST [MANIFEST_LIST...]",
	.help = "Delete one or more manifest lists from local storage",
	.opts = rm_opts,
	.opts_size = sizeof(T),
	.min_args = 1,
	.max_args = CMD_ANY,
	.flags = CMD_IMAGE,
	.fail_status = 1,
};

static const struct opt remove_opts[] = {
	OPT_END,
};

const struct cmd cmd_manifest_remove = {
	.path = "manifest remove",
	.args = "MANIFEST_LIST MANIFEST",
	.help = "Remove an entry from a manifest list",
	.more = "MANIFEST is what was added, or its digest.",
	.opts = remove_opts,
	.opts_size = sizeof(T),
	.min_args = 2,
	.max_args = 2,
	.flags = CMD_IMAGE,
	.fail_status = 1,
};

static const struct opt exists_opts[] = {
	OPT_END,
};

const struct cmd cmd_manifest_exists = {
	.path = "manifest exists",
	.args = "MANIFEST_LIST",
	.help = "Check if a manifest list exists in local storage",
	.more = "Prints nothing; the exit status is 0 or 1.",
	.opts = exists_opts,
	.opts_size = sizeof(T),
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_IMAGE,
	.fail_status = 1,
};
