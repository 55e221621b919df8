/* SPDX-License-Identifier: Apache-2.0 */
/* Every verb of skiff, in the order of its own help page. A record stands at the end of its verb's file. */
#include "cmd/cmd.h"

#include <stddef.h>

extern const struct cmd cmd_run, cmd_create, cmd_start, cmd_exec, cmd_ps, cmd_logs, cmd_stop, cmd_kill, cmd_rm,
	cmd_wait, cmd_attach, cmd_pull, cmd_push, cmd_copy, cmd_registry_inspect, cmd_registry_list_tags,
	cmd_registry_delete, cmd_inspect, cmd_container_inspect, cmd_unshare, cmd_doctor, cmd_info, cmd_version,
	cmd_load, cmd_save, cmd_login, cmd_logout, cmd_images, cmd_tag, cmd_rmi, cmd_image_inspect, cmd_system_check,
	cmd_system_reset, cmd_completion;
extern const struct cmd cmd_history, cmd_untag, cmd_image_exists, cmd_image_tree, cmd_image_diff, cmd_image_mount,
	cmd_image_unmount, cmd_image_prune, cmd_container_prune, cmd_system_prune, cmd_system_df, cmd_export,
	cmd_import, cmd_image_trust_set, cmd_image_trust_show, cmd_search;

extern const struct cmd cmd_manifest_create, cmd_manifest_add, cmd_manifest_annotate, cmd_manifest_inspect,
	cmd_manifest_push, cmd_manifest_rm, cmd_manifest_remove, cmd_manifest_exists;

const struct cmd *const cmd_table[] = {
	&cmd_run,
	&cmd_exec,
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
	&cmd_images,
	&cmd_image_trust_set,
	&cmd_image_trust_show,
	&cmd_search,
	&cmd_login,
	&cmd_logout,
	&cmd_load,
	&cmd_save,
	&cmd_import,
	&cmd_export,
	&cmd_ps,
	&cmd_create,
	&cmd_start,
	&cmd_stop,
	&cmd_kill,
	&cmd_rm,
	&cmd_logs,
	&cmd_attach,
	&cmd_wait,
	&cmd_inspect,
	&cmd_container_inspect,
	&cmd_image_inspect,
	&cmd_rmi,
	&cmd_tag,
	&cmd_untag,
	&cmd_history,
	&cmd_image_exists,
	&cmd_image_tree,
	&cmd_image_diff,
	&cmd_image_mount,
	&cmd_image_unmount,
	&cmd_image_prune,
	&cmd_container_prune,
	&cmd_system_df,
	&cmd_system_prune,
	&cmd_unshare,
	&cmd_version,
	&cmd_info,
	&cmd_doctor,
	&cmd_system_check,
	&cmd_system_reset,
	&cmd_completion,
	NULL,
};

const struct cmd_topic cmd_topics[] = {
	{ "container", "Manage containers" }, { "image", "Manage images" }, { "manifest", "Manage manifest lists" },
	{ "registry", "Ask registries" },     { "system", "Manage skiff" }, { NULL, NULL },
};
