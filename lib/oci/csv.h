/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One line of comma-separated values, as options take them: "a=b,\"c=d,e\"". A field in double quotes may hold commas.
 */

#include "lib/base/err.h"

int csv_split(const char *text, char ***ret, struct err *e);
