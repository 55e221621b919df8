/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Instructions that change an image's config without running anything: --change of `import` and `commit`. */

#include "lib/base/err.h"

struct json;

/*
 * One line in the Dockerfile's language ("CMD [\"sh\"]", "ENV a=b c=d"; podman's "CMD=sh" as well) changes @config,
 * the "config" object of an image's config. CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL,
 * USER, VOLUME, WORKDIR. Return: 0, -EINVAL.
 */
int change_apply(struct json *config, const char *line, struct err *e);
