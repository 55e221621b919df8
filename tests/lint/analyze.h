/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Forced into every file for static analysis only: what analyzers cannot see across files. A recorded failure is a
 * negative number, so nobody goes on after `return err_set(...)` with what was not made.
 */
#include "lib/base/err.h"

static inline int analyze_negative(int r)
{
	if (r >= 0)
		__builtin_unreachable();
	return r;
}

#define err_set(...)  analyze_negative(err_set(__VA_ARGS__))
#define err_say(...)  analyze_negative(err_say(__VA_ARGS__))
#define err_hint(...) analyze_negative(err_hint(__VA_ARGS__))
