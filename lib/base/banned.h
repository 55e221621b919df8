/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Functions that have no place here, with what to use instead. Forced into every file of ours by the Makefile
 * (-include), after the system headers that declare them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#pragma GCC poison strcpy strcat       /* sbuf_*, snprintf */
#pragma GCC poison sprintf vsprintf    /* snprintf, sbuf_printf */
#pragma GCC poison strtol strtoul atoi /* str_to_u32(), str_to_u64(), str_to_i64(): whole string, checked range */
#pragma GCC poison dup		       /* fcntl(F_DUPFD_CLOEXEC) */
#pragma GCC poison system popen	       /* proc_spawn(): no shell */
#pragma GCC poison strtok gets	       /* strsep-like helpers in lib/base/str.h */
#pragma GCC poison strerror	       /* strerrordesc_np(): strerror may allocate */
