/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The plan is everything that skiff-init needs to know to become the container's process, as one flat block in a sealed
 * memory file: the monitor builds it (plan_build.h), skiff-init maps it read-only. Both come from the same build:
 * @magic carries the version, and another version is refused. Nothing in it is trusted to be inside the block without
 * plan_check().
 *
 * Strings and arrays are offsets from the start of the block (0: none), descriptors are numbers that skiff-init
 * inherits.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

#define PLAN_MAGIC    0x736b6603u /* "skf" and the format's number */
#define PLAN_FD	      3		  /* the plan itself */
#define PLAN_SOCK_FD  4		  /* SOCK_SEQPACKET to the monitor */
#define PLAN_MAX_SIZE (16U << 20)

typedef uint32_t pstr; /* offset of a NUL-terminated string */

struct plan_array {
	uint32_t off;
	uint32_t n;
};

enum plan_role {
	PLAN_RUN,  /* set the container up, become its first process */
	PLAN_EXEC, /* join a running container's namespaces, run one more process */
	PLAN_ROLE__N,
};

enum plan_mount_kind {
	PLAN_MOUNT_BIND,   /* move the detached mount @fd to @target */
	PLAN_MOUNT_TMPFS,  /* new tmpfs, options in @data */
	PLAN_MOUNT_PROC,   /* new proc of this pid namespace */
	PLAN_MOUNT_SYSFS,  /* new sysfs of this network namespace */
	PLAN_MOUNT_MQUEUE, /* new mqueue of this ipc namespace */
	PLAN_MOUNT_DEV,	   /* tmpfs with the device nodes, pts, links; @fd: detached mounts follow in plan.devices */
	PLAN_MOUNT__N,
};

enum {
	PLAN_M_FILE = 1,      /* the target is a file: made as one when missing */
	PLAN_M_OPTIONAL = 2,  /* going on without it is fine where the kernel refuses it */
	PLAN_M_RO_TOP = 4,    /* read-only is the mount alone: those below stay as they are */
};

/**
 * struct plan_mount - one mount, in order
 * @kind:		enum plan_mount_kind
 * @flags:		PLAN_M_*
 * @target:		path inside the container
 * @fd:			detached mount for PLAN_MOUNT_BIND
 * @attr_set:		MOUNT_ATTR_* to set, on the mounts below as well
 * @propagation:	MS_PRIVATE, MS_SHARED, ... or 0
 * @data:		file system options "a=b,c"
 */
struct plan_mount {
	uint32_t kind;
	uint32_t flags;
	pstr target;
	int32_t fd;
	uint64_t attr_set;
	uint64_t propagation;
	pstr data;
	uint32_t pad;
};

/**
 * struct plan_device - a device node of the host that appears in the container
 * @fd:		detached mount of the node, opened and checked by the monitor
 * @target:	path inside, below /dev or not
 * @rdev:	device number
 */
struct plan_device {
	int32_t fd;
	pstr target;
	uint64_t rdev;
};

struct plan_pair {
	pstr key;
	pstr value;
};

struct plan_rlimit {
	uint32_t resource;
	uint32_t pad;
	uint64_t soft;
	uint64_t hard;
};

enum {
	PLAN_F_TTY = 1 << 0,		/* allocate a pty, send its master to the monitor */
	PLAN_F_NNP = 1 << 1,		/* no_new_privs; seccomp is then loaded last */
	PLAN_F_REAPER = 1 << 2,		/* --init: stay as pid 1, reap, forward signals */
	PLAN_F_ROOT_RO = 1 << 3,	/* read-only root file system */
	PLAN_F_NEW_NET = 1 << 4,	/* own network namespace: bring the loopback up */
	PLAN_F_SINGLE = 1 << 5,		/* one id: setgroups is denied, ids are emulated (fakeids) */
	PLAN_F_KEYRING = 1 << 6,	/* new session keyring */
	PLAN_F_WAIT_GO = 1 << 7,	/* wait for the monitor before the exec (network) */
	PLAN_F_HOST_PID = 1 << 8,	/* not pid 1 of a namespace of its own */
	PLAN_F_JOIN_CGROUPNS = 1 << 9,	/* unshare the cgroup namespace now that we are in our cgroup */
	PLAN_F_CREATE_CWD = 1 << 10,	/* the working folder is made when missing */
	PLAN_F_CONSOLE = 1 << 11,	/* the pty is bound to /dev/console too */
};

/**
 * struct plan - the head of the block
 */
struct plan {
	uint32_t magic;
	uint32_t size;
	uint32_t role;
	uint32_t flags;
	int32_t root_fd;	    /* PLAN_RUN: detached mount of the root file system */
	int32_t trace_fd;	    /* or negative */
	int32_t join_pidfd;	    /* PLAN_EXEC: the container's first process */
	uint32_t join_flags;	    /* CLONE_NEW*: its namespaces that are its own */
	struct plan_array argv;	    /* pstr */
	struct plan_array env;	    /* pstr */
	struct plan_array mounts;   /* struct plan_mount */
	struct plan_array devices;  /* struct plan_device */
	struct plan_array sysctls;  /* struct plan_pair */
	struct plan_array masked;   /* pstr */
	struct plan_array readonly; /* pstr */
	struct plan_array rlimits;  /* struct plan_rlimit */
	struct plan_array groups;   /* uint32_t: supplementary groups */
	struct plan_array seccomp;  /* struct sock_filter, loaded as it is */
	pstr cwd;
	pstr hostname;
	pstr domainname;
	pstr exec_path; /* searched in this PATH; 0: argv[0] has a slash or the default PATH serves */
	uint32_t uid;
	uint32_t gid;
	uint32_t umask;
	uint32_t tty_gid;
	uint16_t tty_rows;
	uint16_t tty_cols;
	uint32_t pad;
	uint64_t cap_bounding;
	uint64_t cap_permitted; /* and effective */
	uint64_t cap_ambient;
	uint32_t root_uid; /* id inside that sets up (0 where it is mapped) */
	uint32_t root_gid;
	int32_t stdio[3]; /* become 0, 1, 2 (without a tty) */
	int32_t pad2;
};

/* Messages from skiff-init to the monitor. */
enum plan_msg_type {
	PLAN_MSG_ERROR,	   /* struct plan_msg_error; the process ends */
	PLAN_MSG_PTY,	   /* carries the pty's master */
	PLAN_MSG_LISTENER, /* carries the seccomp listener of the id emulation */
	PLAN_MSG_READY,	   /* everything but the exec is done; waits for PLAN_MSG_GO */
	PLAN_MSG_GO,	   /* monitor to init */
	PLAN_MSG__N,
};

struct plan_msg_error {
	uint32_t type;
	int32_t exit_code; /* 125, 126 or 127 */
	int32_t code;	   /* errno */
	char msg[ERR_SIZE];
};
