/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define NSEC_PER_SEC	 1000000000LL
#define NSEC_PER_MSEC	 1000000LL
#define TIME_RFC3339_LEN 96

int64_t time_now(void);						  /* wall clock, ns since 1970 */
int64_t time_mono(void);					  /* monotonic, ns */
void time_format_rfc3339(int64_t ns, char buf[TIME_RFC3339_LEN]); /* UTC, nine digits, Z: as docker writes */
int time_parse_rfc3339(const char *s, int64_t *ret_ns);
