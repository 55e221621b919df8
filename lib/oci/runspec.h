/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The values of --ulimit, --device, -p, --add-host and --sysctl. Pure: nothing is looked up on the host. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

#define ULIMIT_UNLIMITED UINT64_MAX /* RLIM_INFINITY */

/**
 * struct ulimitspec - one resource limit
 * @name:	"nofile", static
 * @resource:	RLIMIT_NOFILE
 * @soft:	soft limit
 * @hard:	hard limit; the soft one where only one number was given
 */
struct ulimitspec {
	const char *name;
	int resource;
	uint64_t soft, hard;
};
int ulimitspec_parse(const char *text, struct ulimitspec *ret, struct err *e);
int ulimitspec_find(const char *name, struct ulimitspec *ret);

/**
 * struct devicespec - one device
 * @source:	path on the host
 * @target:	path in the container
 * @perms:	subset of "rwm"
 */
struct devicespec {
	char *source;
	char *target;
	char perms[4];
};
int devicespec_parse(const char *text, struct devicespec *ret, struct err *e);
void devicespec_done(struct devicespec *d);
#define auto_devicespec __attribute__((cleanup(devicespec_done)))

enum port_proto { PORT_TCP, PORT_UDP, PORT_SCTP, PORT_PROTO__N };

/**
 * struct portspec - one published port
 * @ip:			host address without brackets; NULL: all
 * @host_first:		host port; 0: any free one
 * @host_last:		@host_first, or the end of a range from which a free one is taken
 * @port:		port in the container
 * @proto:		protocol
 */
struct portspec {
	char *ip;
	uint16_t host_first, host_last;
	uint16_t port;
	enum port_proto proto;
};
/* Ranges are expanded: one text may give many. */
int portspec_parse(const char *text, struct portspec **ret, size_t *ret_n, struct err *e);
void portspec_free(struct portspec *p, size_t n);
/* --expose and ExposedPorts: "80", "80/udp", "8000-8010/tcp"; host ports are 0. */
int portspec_parse_expose(const char *text, struct portspec **ret, size_t *ret_n, struct err *e);
const char *port_proto_name(enum port_proto p);

/**
 * struct hostspec - one line for /etc/hosts
 * @name:	host name
 * @ip:		address; NULL: "host-gateway"
 */
struct hostspec {
	char *name;
	char *ip;
};
int hostspec_parse(const char *text, struct hostspec *ret, struct err *e);
void hostspec_done(struct hostspec *h);
#define auto_hostspec __attribute__((cleanup(hostspec_done)))

/* --hostname, --domainname: no line and no second name may come in with it. Return: 0 or -EINVAL. */
int hostname_check(const char *text, struct err *e);
/* --dns, --dns-search, --dns-option. Return: 0 or -EINVAL. */
enum dns_kind { DNS_SERVER, DNS_SEARCH, DNS_OPTION };
int dns_check(enum dns_kind kind, const char *text, struct err *e);

/* The namespace that a sysctl belongs to: it can be set only where the container has its own. */
enum sysctl_ns { SYSCTL_IPC, SYSCTL_NET, SYSCTL_UTS, SYSCTL_NS__N };

/**
 * struct sysctlspec - one sysctl
 * @name:	"net.ipv4.ip_forward"
 * @value:	its value
 * @path:	"net/ipv4/ip_forward", below /proc/sys; no "." or ".." components
 * @ns:		namespace
 */
struct sysctlspec {
	char *name;
	char *value;
	char *path;
	enum sysctl_ns ns;
};
int sysctlspec_parse(const char *text, struct sysctlspec *ret, struct err *e);
void sysctlspec_done(struct sysctlspec *s);
#define auto_sysctlspec __attribute__((cleanup(sysctlspec_done)))
