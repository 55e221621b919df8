/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by those that read credentials (auth.c), write them (auth_store.c) and ask helpers (auth_helper.c). */

#include <stdbool.h>
#include <stddef.h>

#include "lib/oci/auth.h"

/* Under which docker keeps the credentials of docker.io. */
#define AUTH_DOCKER_SERVER "https://index.docker.io/v1/"
#define AUTH_HELPER_MAX	   65536U

bool auth_is_docker_hub(const char *host);
/* The files that may have credentials, first one first; owned. */
char **auth_files(const struct auth_source *src);

/*
 * docker-credential-NAME VERB with @input on stdin. @answer has room for AUTH_HELPER_MAX bytes; *ret_len of them are
 * used. Return: its exit status or negative errno.
 */
int auth_helper_run(const char *name, const char *verb, const char *input, char *answer, size_t *ret_len,
		    struct err *e);
