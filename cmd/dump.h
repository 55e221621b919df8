/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

struct app;

/* --dump-cli: all commands and options as one JSON document. */
void dump_cli(const struct app *app, FILE *f);
