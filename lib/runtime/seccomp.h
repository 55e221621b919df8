/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * System call filters: a profile (our table or a file in docker's format), evaluated for the capabilities and the
 * kernel at hand, as the BPF program that the kernel takes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct sock_filter;

enum seccomp_kind {
	SECCOMP_DEFAULT,    /* docker's rules and the extra denials of SECURITY.md 2.2 */
	SECCOMP_NESTED,	    /* the same with what container engines need inside: mounts, namespaces, keyrings */
	SECCOMP_UNCONFINED, /* no filter */
	SECCOMP_JSON,	    /* a profile in docker's format */
	SECCOMP_KIND__N,
};

/**
 * struct seccomp_spec - which filter
 * @kind:	SECCOMP_DEFAULT, ...
 * @json:	text of the profile for SECCOMP_JSON
 * @json_len:	its length
 * @caps:	the container's final bounding set
 * @x86:	the image's platform is linux/386: i386's socketcall(2) stays usable
 * @host_pid:	the container sees the host's processes: calls into their memory are refused here, too
 */
struct seccomp_spec {
	enum seccomp_kind kind;
	const char *json;
	size_t json_len;
	uint64_t caps;
	bool x86;
	bool host_pid;
};

/**
 * struct seccomp_prog - a filter as seccomp(2) takes it
 * @insns:	owned instructions; NULL where there is no filter
 * @n:		how many
 */
struct seccomp_prog {
	struct sock_filter *insns;
	uint16_t n;
};

#define SECCOMP_JSON_MAX (4U << 20)

/*
 * The value of --security-opt seccomp=VALUE: unconfined, nested, builtin, default, or a file, whose text is read.
 * @ret_json is owned, NULL where there is no file.
 */
int seccomp_from_option(const char *value, enum seccomp_kind *ret_kind, char **ret_json, struct err *e);

int seccomp_program(const struct seccomp_spec *s, int cache_dirfd, struct seccomp_prog *ret, struct err *e);
/* Without the cache: parse, evaluate and compile. */
int seccomp_compile(const struct seccomp_spec *s, struct seccomp_prog *ret, struct err *e);
void seccomp_prog_done(struct seccomp_prog *p);
#define auto_seccomp_prog __attribute__((cleanup(seccomp_prog_done)))
