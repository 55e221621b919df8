/* SPDX-License-Identifier: Apache-2.0 */
/* skiff-image: the verbs that need libcurl, libarchive and OpenSSL. skiff becomes this program when it is asked for
 * one. */
#include <stddef.h>
#include <sys/resource.h>

#include "cmd/image/verbs.h"
#include "cmd/spec.h"

static const struct cmd *const verbs[] = {
	&cmd_pull,
	&cmd_push,
	&cmd_copy,
	&cmd_manifest_create,
	&cmd_manifest_add,
	&cmd_manifest_annotate,
	&cmd_manifest_inspect,
	&cmd_manifest_push,
	&cmd_manifest_rm,
	&cmd_manifest_remove,
	&cmd_manifest_exists,
	&cmd_registry_inspect,
	&cmd_registry_list_tags,
	&cmd_registry_delete,
	&cmd_load,
	&cmd_save,
	&cmd_image_trust_set,
	&cmd_image_trust_show,
	&cmd_export,
	&cmd_import,
	&cmd_search,
	&cmd_login,
	&cmd_logout,
	&cmd_system_check,
	NULL,
};

static const struct cmd_topic topics[] = {
	{ "container", "Manage containers" },
	{ "image", "Manage images" },
	{ "manifest", "Manage manifest lists" },
	{ "registry", "Ask registries" },
	{ "system", "Manage skiff" },
	{ NULL, NULL },
};

static const struct cmd_impl impls[] = {
	{ &cmd_pull, pull_run },
	{ &cmd_push, push_run },
	{ &cmd_copy, copy_run },
	{ &cmd_manifest_create, manifest_create_run },
	{ &cmd_manifest_add, manifest_add_run },
	{ &cmd_manifest_annotate, manifest_annotate_run },
	{ &cmd_manifest_inspect, manifest_inspect_run },
	{ &cmd_manifest_push, manifest_push_run },
	{ &cmd_manifest_rm, manifest_rm_run },
	{ &cmd_manifest_remove, manifest_remove_run },
	{ &cmd_manifest_exists, manifest_exists_run },
	{ &cmd_registry_inspect, registry_inspect_run },
	{ &cmd_registry_list_tags, registry_list_tags_run },
	{ &cmd_registry_delete, registry_delete_run },
	{ &cmd_load, load_run },
	{ &cmd_save, save_run },
	{ &cmd_image_trust_set, image_trust_set_run },
	{ &cmd_image_trust_show, image_trust_show_run },
	{ &cmd_export, export_run },
	{ &cmd_import, import_run },
	{ &cmd_search, search_run },
	{ &cmd_login, login_run },
	{ &cmd_logout, logout_run },
	{ &cmd_system_check, system_check_run },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	static const struct app app = { .cmds = verbs, .topics = topics, .impls = impls };
	const struct rlimit none = { 0, 0 };

	/* Passwords and tokens are in memory here: they must not end in a core file. */
	setrlimit(RLIMIT_CORE, &none);
	return app_main(&app, argc, argv);
}
