/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* When to try again, and after how long. Pure functions. */

#include <stdbool.h>
#include <stdint.h>

#define HTTP_RETRIES_MAX 5

bool http_status_is_transient(long status);
bool http_curl_is_transient(int code);
int64_t http_retry_delay(unsigned attempt, int64_t base_ns, int64_t retry_after_s, uint32_t random);
