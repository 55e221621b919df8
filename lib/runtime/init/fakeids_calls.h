/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The system calls that the id emulation looks at, by number: what the filter reports, and what the server takes a
 * report for. Both include this list, so they cannot disagree.
 */

#include <linux/audit.h>
#include <stdint.h>

enum fakeids_call {
	FI_GETUID,
	FI_GETEUID,
	FI_GETGID,
	FI_GETEGID,
	FI_GETRESUID,
	FI_GETRESGID,
	FI_GETGROUPS,
	FI_SETUID,
	FI_SETGID,
	FI_SETREUID,
	FI_SETREGID,
	FI_SETRESUID,
	FI_SETRESGID,
	FI_SETFSUID,
	FI_SETFSGID,
	FI_SETGROUPS,
	FI_CAPSET,
	FI_GETRLIMIT, /* these three: only of RLIMIT_RTTIME, where the server keeps its state */
	FI_SETRLIMIT,
	FI_PRLIMIT,
	FI_PRCTL, /* only PR_GET_KEEPCAPS and PR_SET_KEEPCAPS */
	FI_CHOWN, /* from here on the filter decides alone */
	FI_FCHOWNAT,
	FI_MKNOD,
	FI_MKNODAT,
	FI_CALL__N,
	FI_16 = 64, /* flag: ids of 16 bits */
};

/**
 * struct fakeids_nr - one system call of one architecture
 * @nr:		its number
 * @call:	enum fakeids_call, perhaps with FI_16
 */
struct fakeids_nr {
	uint16_t nr;
	uint8_t call;
};

/* Sorted by number. */
#if defined(__x86_64__)
#define FAKEIDS_NATIVE_ARCH	   AUDIT_ARCH_X86_64
#define FAKEIDS_COMPAT_ARCH	   AUDIT_ARCH_I386
#define FAKEIDS_NR_MKNODAT_COMPAT  297
#define FAKEIDS_NR_FCHOWNAT_COMPAT 298
#define FAKEIDS_NR_PRLIMIT_COMPAT  340
static const struct fakeids_nr fakeids_native[] = {
	{ 92, FI_CHOWN },      { 93, FI_CHOWN },      { 94, FI_CHOWN },	     { 97, FI_GETRLIMIT },
	{ 102, FI_GETUID },    { 104, FI_GETGID },    { 105, FI_SETUID },    { 106, FI_SETGID },
	{ 107, FI_GETEUID },   { 108, FI_GETEGID },   { 113, FI_SETREUID },  { 114, FI_SETREGID },
	{ 115, FI_GETGROUPS }, { 116, FI_SETGROUPS }, { 117, FI_SETRESUID }, { 118, FI_GETRESUID },
	{ 119, FI_SETRESGID }, { 120, FI_GETRESGID }, { 122, FI_SETFSUID },  { 123, FI_SETFSGID },
	{ 126, FI_CAPSET },    { 133, FI_MKNOD },     { 157, FI_PRCTL },     { 160, FI_SETRLIMIT },
	{ 259, FI_MKNODAT },   { 260, FI_FCHOWNAT },  { 302, FI_PRLIMIT },
};
#elif defined(__aarch64__) || defined(__riscv)
#ifdef __aarch64__
#define FAKEIDS_NATIVE_ARCH	   AUDIT_ARCH_AARCH64
#define FAKEIDS_COMPAT_ARCH	   AUDIT_ARCH_ARM
#define FAKEIDS_NR_MKNODAT_COMPAT  324
#define FAKEIDS_NR_FCHOWNAT_COMPAT 325
#define FAKEIDS_NR_PRLIMIT_COMPAT  369
#else
#define FAKEIDS_NATIVE_ARCH AUDIT_ARCH_RISCV64
#endif
static const struct fakeids_nr fakeids_native[] = {
	{ 33, FI_MKNODAT },    { 54, FI_FCHOWNAT },   { 55, FI_CHOWN },	     { 91, FI_CAPSET },
	{ 143, FI_SETREGID },  { 144, FI_SETGID },    { 145, FI_SETREUID },  { 146, FI_SETUID },
	{ 147, FI_SETRESUID }, { 148, FI_GETRESUID }, { 149, FI_SETRESGID }, { 150, FI_GETRESGID },
	{ 151, FI_SETFSUID },  { 152, FI_SETFSGID },  { 158, FI_GETGROUPS }, { 159, FI_SETGROUPS },
	{ 163, FI_GETRLIMIT }, { 164, FI_SETRLIMIT }, { 167, FI_PRCTL },     { 174, FI_GETUID },
	{ 175, FI_GETEUID },   { 176, FI_GETGID },    { 177, FI_GETEGID },   { 261, FI_PRLIMIT },
};
#endif

#ifdef FAKEIDS_COMPAT_ARCH
static const struct fakeids_nr fakeids_compat[] = {
	{ 14, FI_MKNOD },
	{ 16, FI_CHOWN | FI_16 },
	{ 23, FI_SETUID | FI_16 },
	{ 24, FI_GETUID | FI_16 },
	{ 46, FI_SETGID | FI_16 },
	{ 47, FI_GETGID | FI_16 },
	{ 49, FI_GETEUID | FI_16 },
	{ 50, FI_GETEGID | FI_16 },
	{ 70, FI_SETREUID | FI_16 },
	{ 71, FI_SETREGID | FI_16 },
	{ 75, FI_SETRLIMIT },
	{ 76, FI_GETRLIMIT },
	{ 80, FI_GETGROUPS | FI_16 },
	{ 81, FI_SETGROUPS | FI_16 },
	{ 95, FI_CHOWN | FI_16 },
	{ 138, FI_SETFSUID | FI_16 },
	{ 139, FI_SETFSGID | FI_16 },
	{ 164, FI_SETRESUID | FI_16 },
	{ 165, FI_GETRESUID | FI_16 },
	{ 170, FI_SETRESGID | FI_16 },
	{ 171, FI_GETRESGID | FI_16 },
	{ 172, FI_PRCTL },
	{ 182, FI_CHOWN | FI_16 },
	{ 185, FI_CAPSET },
	{ 191, FI_GETRLIMIT },
	{ 198, FI_CHOWN },
	{ 199, FI_GETUID },
	{ 200, FI_GETGID },
	{ 201, FI_GETEUID },
	{ 202, FI_GETEGID },
	{ 203, FI_SETREUID },
	{ 204, FI_SETREGID },
	{ 205, FI_GETGROUPS },
	{ 206, FI_SETGROUPS },
	{ 207, FI_CHOWN },
	{ 208, FI_SETRESUID },
	{ 209, FI_GETRESUID },
	{ 210, FI_SETRESGID },
	{ 211, FI_GETRESGID },
	{ 212, FI_CHOWN },
	{ 213, FI_SETUID },
	{ 214, FI_SETGID },
	{ 215, FI_SETFSUID },
	{ 216, FI_SETFSGID },
	{ FAKEIDS_NR_MKNODAT_COMPAT, FI_MKNODAT },
	{ FAKEIDS_NR_FCHOWNAT_COMPAT, FI_FCHOWNAT },
	{ FAKEIDS_NR_PRLIMIT_COMPAT, FI_PRLIMIT },
};
#endif
