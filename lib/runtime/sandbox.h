/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The cage of our own helper processes that parse foreign input: no_new_privs, Landlock, a list of denied system calls
 * and resource limits. Entered once, by a single-threaded process, after it has opened what it needs.
 */

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/* What a path may be used for; everything below it is meant. */
enum {
	SANDBOX_READ = 1,  /* read files, list folders */
	SANDBOX_WRITE = 2, /* create, write, rename, link, remove; device nodes excepted */
	SANDBOX_EXEC = 4,  /* execute files (needs SANDBOX_ALLOW_EXEC as well) */
	SANDBOX_NODES = 8, /* create device nodes */
};

/* What the system call list leaves open; nothing of it by default. */
enum {
	SANDBOX_ALLOW_SOCKET = 1, /* inet and unix sockets; all other families stay closed */
	SANDBOX_ALLOW_EXEC = 2,	  /* execve, and signals to other processes of ours */
	SANDBOX_ALLOW_FORK = 4,	  /* new processes; threads are always possible */
	SANDBOX_ALLOW_IDS = 8,	  /* set*id, setgroups, capset */
	SANDBOX_ALLOW_CHROOT = 16,
};

/**
 * struct sandbox_path - one exception from "no file system"
 * @fd:		Folder or file (O_PATH will do); may be closed afterwards
 * @rights:	SANDBOX_READ, SANDBOX_WRITE, ...
 */
struct sandbox_path {
	int fd;
	unsigned rights;
};

/**
 * struct sandbox_spec - a cage
 * @paths:	What of the file system can still be opened by path; descriptors open already are not affected
 * @n_paths:	How many; 0 closes the file system altogether
 * @ports:	TCP ports that may be connected to (Linux 6.7); only together with SANDBOX_ALLOW_SOCKET
 * @n_ports:	How many; 0 with SANDBOX_ALLOW_SOCKET leaves all ports open
 * @allow:	SANDBOX_ALLOW_* flags
 * @max_memory:	RLIMIT_AS in bytes, 0 for no limit
 * @max_file:	RLIMIT_FSIZE in bytes, 0 for no limit
 * @max_files:	RLIMIT_NOFILE, 0 for no limit
 */
struct sandbox_spec {
	const struct sandbox_path *paths;
	size_t n_paths;
	const uint16_t *ports;
	size_t n_ports;
	unsigned allow;
	uint64_t max_memory;
	uint64_t max_file;
	uint64_t max_files;
};

/*
 * Return: the Landlock ABI in use (0: the kernel has none that can express @s, the other parts hold all the same), or
 * negative errno, with the process perhaps half caged: it must end then.
 */
int sandbox_enter(const struct sandbox_spec *s, struct err *e);
