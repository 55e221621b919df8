/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spec.h"

static const struct opt opts[] = {
	OPT_BOOL('a', "all", struct copy_opts, all, "Copy the images for all platforms"),
	OPT_STR(0, "authfile", struct copy_opts, authfile, "File of registry credentials", .arg = "FILE"),
	OPT_STR(0, "dest-cert-dir", struct copy_opts, dest_cert_dir, "Folder of certificates for the destination",
		.arg = "DIR"),
	OPT_STR(0, "dest-creds", struct copy_opts, dest_creds, "Credentials for the destination",
		.arg = "USERNAME[:PASSWORD]"),
	OPT_BOOL(0, "dest-tls-verify", struct copy_opts, dest_tls_verify,
		 "Require HTTPS and verify certificates at the destination", .dflt = "true"),
	OPT_STR(0, "digestfile", struct copy_opts, digestfile, "Write the digest of the copied image to a file",
		.arg = "FILE"),
	OPT_STR('f', "format", struct copy_opts, format,
		"Manifest type: \"oci\" or \"v2s2\" (default: the image's own)"),
	OPT_STR(0, "platform", struct copy_opts, platform, "Copy the image for this platform"),
	OPT_BOOL('q', "quiet", struct copy_opts, quiet, "Suppress verbose output"),
	OPT_STR(0, "src-cert-dir", struct copy_opts, src_cert_dir, "Folder of certificates for the source",
		.arg = "DIR"),
	OPT_STR(0, "src-creds", struct copy_opts, src_creds, "Credentials for the source",
		.arg = "USERNAME[:PASSWORD]"),
	OPT_BOOL(0, "src-tls-verify", struct copy_opts, src_tls_verify,
		 "Require HTTPS and verify certificates at the source", .dflt = "true"),
	OPT_END,
};

const struct cmd cmd_copy = {
	.path = "copy",
	.args = "SOURCE DESTINATION",
	.help = "Copy an image from one place to another",
	.more = "Places: docker://REFERENCE, oci:FOLDER[:TAG], oci-archive:FILE[:TAG], "
		"docker-archive:FILE[:REFERENCE], "
		"dir:FOLDER, and store:NAME or store:[/FOLDER]NAME for images of skiff.\n"
		"From registry to registry the layers pass through memory, not through the store.",
	.opts = opts,
	.opts_size = sizeof(struct copy_opts),
	.min_args = 2,
	.max_args = 2,
	.flags = CMD_IMAGE,
	.fail_status = 1,
};

static const struct opt inspect_opts[] = {
	OPT_BOOL(0, "config", struct registry_inspect_opts, config, "Print the image's config, not the manifest"),
	OPT_STR(0, "platform", struct registry_inspect_opts, platform, "Choose the image for this platform"),
	OPT_BOOL(0, "raw", struct registry_inspect_opts, raw, "Print the document's own bytes"),
	REGISTRY_OPTS(struct registry_inspect_opts),
	OPT_END,
};

const struct cmd cmd_registry_inspect = {
	.path = "registry inspect",
	.args = "NAME[:TAG|@DIGEST]",
	.help = "Show what a registry has under a name, without pulling it",
	.more = "With --raw it is the manifest or index as it is, with --config --raw the config.",
	.opts = inspect_opts,
	.opts_size = sizeof(struct registry_inspect_opts),
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_IMAGE,
	.fail_status = 1,
};

static const struct opt verb_opts[] = {
	REGISTRY_OPTS(struct registry_verb_opts),
	OPT_END,
};

const struct cmd cmd_registry_list_tags = {
	.path = "registry list-tags",
	.args = "NAME",
	.help = "List the tags of a repository in a registry",
	.opts = verb_opts,
	.opts_size = sizeof(struct registry_verb_opts),
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_IMAGE,
	.fail_status = 1,
};

const struct cmd cmd_registry_delete = {
	.path = "registry delete",
	.args = "NAME[:TAG|@DIGEST]",
	.help = "Delete an image from a registry",
	.more = "The manifest goes, and with it every tag that has it; the registry frees the layers when it cleans "
		"up.",
	.opts = verb_opts,
	.opts_size = sizeof(struct registry_verb_opts),
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_IMAGE,
	.fail_status = 1,
};
