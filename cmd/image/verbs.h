/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What skiff-image runs for each record of cmd/spec.h. */

#include "cmd/cmd.h"

int pull_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int manifest_create_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int manifest_add_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int manifest_annotate_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int manifest_inspect_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int manifest_push_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int manifest_rm_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int manifest_remove_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int manifest_exists_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int copy_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int registry_inspect_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int registry_list_tags_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int registry_delete_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int push_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int load_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int save_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int login_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int logout_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int export_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int import_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int image_trust_set_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int image_trust_show_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int search_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
int system_check_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
