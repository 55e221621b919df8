/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Private to lib/runtime/seccomp*.c: the form between the front ends (our table, docker's JSON) and the code generator.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/runtime/seccomp.h"

struct json;

#define SC_MAX_ARCHS 16
#define SC_MAX_CONDS 6
#define SC_MAX_RULES 20000

enum sc_op { SC_EQ, SC_NE, SC_LT, SC_LE, SC_GT, SC_GE, SC_MASKED_EQ, SC_OP__N };

/**
 * struct sc_cond - a test of one argument
 * @arg:	0 to 5
 * @op:		enum sc_op; unsigned comparison
 * @low:	only the low 32 bits count, as in the kernel where the parameter is an int: else a caller could hide a
 *		value from us behind high bits that the kernel drops (CVE-2019-10063)
 * @mask:	for SC_MASKED_EQ: (argument & @mask) == @value
 * @value:	what the argument is compared with
 */
struct sc_cond {
	uint8_t arg;
	uint8_t op;
	bool low;
	uint64_t mask;
	uint64_t value;
};

/**
 * struct sc_rule - what happens to one system call
 * @name:	its name; borrowed. Names that an architecture does not have are left out there
 * @action:	SECCOMP_RET_* with its data
 * @n_conds:	how many conditions must hold, all of them; without any the rule is the call's last resort
 * @conds:	the conditions
 * @order:	scratch of the JSON front end
 */
struct sc_rule {
	const char *name;
	uint32_t action;
	unsigned n_conds;
	struct sc_cond conds[SC_MAX_CONDS];
	uint32_t order;
};

/**
 * struct sc_filter - a profile, evaluated
 * @dflt:	action for calls without a rule
 * @enosys:	calls newer than every rule's do not exist, as with an older kernel (else programs that probe for new
 *calls take EPERM for a refusal)
 * @archs:	libseccomp's tokens of the architectures; the native one first
 * @n_archs:	how many
 * @rules:	for one call: the first rule whose conditions hold counts, then the first one without conditions
 * @n_rules:	how many
 * @cap:	allocated rules
 * @text:	owned strings, and
 * @doc:	an owned document, that names of @rules point into
 */
struct sc_filter {
	uint32_t dflt;
	bool enosys;
	uint32_t archs[SC_MAX_ARCHS];
	unsigned n_archs;
	struct sc_rule *rules;
	size_t n_rules;
	size_t cap;
	char **text;
	struct json *doc;
};

/**
 * struct sc_env - where a profile is evaluated
 * @caps:	final bounding set
 * @native:	libseccomp's token of the machine
 * @major:	kernel version, for minKernel
 * @minor:	kernel version
 * @x86:	the image is for linux/386
 * @host_pid:	the container sees the host's processes
 */
struct sc_env {
	uint64_t caps;
	uint32_t native;
	unsigned major;
	unsigned minor;
	bool x86;
	bool host_pid;
};

void sc_filter_done(struct sc_filter *f);
#define auto_sc_filter __attribute__((cleanup(sc_filter_done)))
void sc_add_rule(struct sc_filter *f, const struct sc_rule *rule);
/* Our name of an architecture in includes and excludes: Go's, as docker's files have them ("amd64", "x86", "arm64"). */
const char *sc_arch_name(uint32_t token);
/* Number of a call, -1 where @arch does not have it. */
int sc_resolve(uint32_t arch, const char *name);
void sc_env_of_host(struct sc_env *env);

int sc_from_table(enum seccomp_kind kind, const struct sc_env *env, struct sc_filter *f, struct err *e);
/* Something that changes with the table's text. */
uint64_t sc_table_hash(uint64_t seed);
uint64_t sc_hash(uint64_t seed, const void *data, size_t len);
int sc_from_json(const char *text, size_t len, const struct sc_env *env, struct sc_filter *f, struct err *e);

int sc_generate(const struct sc_filter *f, struct seccomp_prog *ret, struct err *e);
