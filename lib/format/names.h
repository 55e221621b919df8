/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#define NAMES_MAX 64

/* A random "adjective_noun". */
void names_random(char buf[NAMES_MAX]);
