/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdio.h>

/*
 * Lines of cells that end with a tab, aligned as Go's tabwriter does it for docker: three blanks between columns, a
 * column is at least ten wide, and reaches as far as the lines that have it follow each other. What would harm a
 * terminal becomes "?".
 */
void table_print(const char *text, size_t len, FILE *f);
