/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/runspec.h"
#include "tests/unit/tap.h"

struct row {
	const char *text, *want;
};

static char *ulimit(const char *text)
{
	struct ulimitspec u;
	struct err e = { 0 };

	if (ulimitspec_parse(text, &u, &e) < 0)
		return xstrdup(e.msg);
	return xasprintf("%s %lld %lld", u.name, (long long)u.soft, (long long)u.hard);
}

static char *device(const char *text)
{
	auto_devicespec struct devicespec d = { 0 };
	struct err e = { 0 };

	if (devicespec_parse(text, &d, &e) < 0)
		return xstrdup(e.msg);
	return xasprintf("%s %s %s", d.source, d.target, d.perms);
}

static char *show_ports(struct portspec *v, size_t n)
{
	auto_sbuf struct sbuf b = { 0 };

	for (size_t i = 0; i < n; i++) {
		sbuf_printf(&b, "%s%s %u", i ? "|" : "", v[i].ip ? v[i].ip : "*", v[i].host_first);
		if (v[i].host_last != v[i].host_first)
			sbuf_printf(&b, "-%u", v[i].host_last);
		sbuf_printf(&b, ">%u/%s", v[i].port, port_proto_name(v[i].proto));
	}
	portspec_free(v, n);
	return sbuf_take(&b);
}

static char *port(const char *text)
{
	struct portspec *v = NULL;
	struct err e = { 0 };
	size_t n = 0;

	if (portspec_parse(text, &v, &n, &e) < 0)
		return xstrdup(str_has_prefix(e.msg, "invalid port specification '") ? strrchr(e.msg, '\'') + 3
										     : e.msg);
	return show_ports(v, n);
}

static char *expose(const char *text)
{
	struct portspec *v = NULL;
	size_t n = 0;

	return portspec_parse_expose(text, &v, &n, NULL) < 0 ? xstrdup("bad") : show_ports(v, n);
}

static char *host(const char *text)
{
	auto_hostspec struct hostspec h = { 0 };
	struct err e = { 0 };

	if (hostspec_parse(text, &h, &e) < 0)
		return xstrdup(e.msg);
	return xasprintf("%s %s", h.name, h.ip ? h.ip : "gateway");
}

static char *sysctl_text(const char *text)
{
	auto_sysctlspec struct sysctlspec s = { 0 };
	struct err e = { 0 };

	if (sysctlspec_parse(text, &s, &e) < 0)
		return xstrdup(e.msg);
	return xasprintf("%s=%s %d", s.path, s.value, s.ns);
}

static const struct row ulimits[] = {
	{ "nofile=1024", "nofile 1024 1024" },
	{ "nofile=1024:2048", "nofile 1024 2048" },
	{ "core=-1", "core -1 -1" },
	{ "core=0:-1", "core 0 -1" },
	{ "nofile", "invalid ulimit argument: nofile" },
	{ "nofile=", "invalid ulimit argument: nofile=" },
	{ "nofile=a", "invalid ulimit argument: nofile=a" },
	{ "nofile=1:", "invalid ulimit argument: nofile=1:" },
	{ "nofile=-2", "invalid ulimit argument: nofile=-2" },
	{ "nofile=99999999999999999999", "invalid ulimit argument: nofile=99999999999999999999" },
	{ "foo=1", "invalid ulimit type: foo" },
	{ "nofile=1:2:3", "too many limit value arguments - 1:2:3, can only have up to two, `soft[:hard]`" },
	{ "nofile=3:2", "ulimit soft limit must be less than or equal to hard limit: 3 > 2" },
	{ "nofile=-1:2", "ulimit soft limit must be less than or equal to hard limit: -1 > 2" },
};

static const struct row devices[] = {
	{ "/dev/fuse", "/dev/fuse /dev/fuse rwm" },
	{ "/dev/fuse:/dev/x", "/dev/fuse /dev/x rwm" },
	{ "/dev/fuse:r", "/dev/fuse /dev/fuse r" },
	{ "/dev/fuse:/dev/x:rw", "/dev/fuse /dev/x rw" },
	{ "/dev/fuse::rw", "/dev/fuse /dev/fuse rw" },
	{ "/dev/../dev/fuse", "/dev/fuse /dev/fuse rwm" },
	{ "", "invalid device specification:  is not an absolute path" },
	{ "fuse", "invalid device specification: fuse is not an absolute path" },
	{ "/dev/fuse:x", "invalid device specification: /dev/fuse:x is not an absolute path" },
	{ "/dev/fuse:/dev/x:rwx", "bad mode specified: rwx" },
	{ "/dev/fuse:/dev/x:rr", "bad mode specified: rr" },
	{ "/a:/b:r:w", "invalid device specification: /a:/b:r:w" },
	{ "/dev/a\n", "invalid device specification: ? is not an absolute path" },
};

static const struct row ports[] = {
	{ "80", "* 0>80/tcp" },
	{ "8080:80", "* 8080>80/tcp" },
	{ "8080:80/udp", "* 8080>80/udp" },
	{ "8080:80/SCTP", "* 8080>80/sctp" },
	{ ":80", "* 0>80/tcp" },
	{ "0:80", "* 0>80/tcp" },
	{ "127.0.0.1:8080:80", "127.0.0.1 8080>80/tcp" },
	{ "127.0.0.1::80", "127.0.0.1 0>80/tcp" },
	{ "[::1]:80:80", "::1 80>80/tcp" },
	{ "::1:80:80", "::1 80>80/tcp" },
	{ "[fd00::1]::53/udp", "fd00::1 0>53/udp" },
	{ "8000-8002:90-92", "* 8000>90/tcp|* 8001>91/tcp|* 8002>92/tcp" },
	{ "90-91", "* 0>90/tcp|* 0>91/tcp" },
	{ "8000-8010:80", "* 8000-8010>80/tcp" },
	{ "published=8080,target=80", "* 8080>80/tcp" },
	{ "published=8080,target=80,protocol=udp,host_ip=127.0.0.1", "127.0.0.1 8080>80/udp" },
	{ "target=80", "* 0>80/tcp" },
	{ "", "no port specified" },
	{ "8080:", "no port specified" },
	{ "published=1", "no port specified" },
	{ "0", "invalid containerPort: 0" },
	{ "8080:65536", "invalid containerPort: 65536" },
	{ "8080:a", "invalid containerPort: a" },
	{ "8080:-1", "invalid containerPort: -1" },
	{ "8080:90-80", "invalid containerPort: 90-80" },
	{ "8080:80-", "invalid containerPort: 80-" },
	{ "a:80", "invalid hostPort: a" },
	{ "65536:80", "invalid hostPort: 65536" },
	{ "8080:80/icmp", "invalid proto: icmp" },
	{ "8080:80/", "invalid proto: " },
	{ "8000-8001:80-82", "invalid ranges specified for container and host Ports: 80-82 and 8000-8001" },
	{ "8000:80-82", "invalid ranges specified for container and host Ports: 80-82 and 8000" },
	{ "0-5:80", "invalid ranges specified for container and host Ports: 80 and 0-5" },
	{ "localhost:80:80", "invalid IP address: localhost" },
	{ "1.2.3:80:80", "invalid IP address: 1.2.3" },
	{ "[::1:80:80", "invalid IP address: [::1" },
	{ "target=80,mode=host", "invalid field key mode: it is for services only" },
	{ "target=80,x=y", "invalid field key x" },
	{ "target=80,x", "invalid field: x" },
	{ "80\n", "invalid port specification: control characters are not allowed" },
};

static const struct row exposes[] = {
	{ "80", "* 0>80/tcp" },
	{ "53/udp", "* 0>53/udp" },
	{ "80-81/tcp", "* 0>80/tcp|* 0>81/tcp" },
	{ "x", "bad" },
	{ "", "bad" },
	{ "80:80", "bad" },
	{ "80/x", "bad" },
	{ "0", "bad" },
};

static const struct row hosts[] = {
	{ "db:10.0.0.1", "db 10.0.0.1" },
	{ "db=10.0.0.1", "db 10.0.0.1" },
	{ "db:::1", "db ::1" },
	{ "db=[::1]", "db ::1" },
	{ "db:host-gateway", "db gateway" },
	{ "a.b-c_d:1.2.3.4", "a.b-c_d 1.2.3.4" },
	{ "db", "bad format for add-host: \"db\"" },
	{ "", "bad format for add-host: \"\"" },
	{ ":1.2.3.4", "bad format for add-host: \":1.2.3.4\"" },
	{ "a b:1.2.3.4", "bad format for add-host: \"a b:1.2.3.4\"" },
	{ "a#:1.2.3.4", "bad format for add-host: \"a#:1.2.3.4\"" },
	{ "a\n1.1.1.1 b:1.2.3.4", "bad format for add-host: \"?\"" },
	{ "db:x", "invalid IP address in add-host: \"x\"" },
	{ "db:", "invalid IP address in add-host: \"\"" },
	{ "db:1.2.3.4\n", "invalid IP address in add-host: \"?\"" },
};

static const struct row sysctls[] = {
	{ "net.ipv4.ip_forward=1", "net/ipv4/ip_forward=1 1" },
	{ "net/ipv4/conf/eth0.100/forwarding=1", "net/ipv4/conf/eth0.100/forwarding=1 1" },
	{ "net.ipv4.conf.eth0/100.forwarding=1", "net/ipv4/conf/eth0.100/forwarding=1 1" },
	{ "net.ipv4.ping_group_range=0 100", "net/ipv4/ping_group_range=0 100 1" },
	{ "kernel.msgmax=65536", "kernel/msgmax=65536 0" },
	{ "fs.mqueue.msg_max=10", "fs/mqueue/msg_max=10 0" },
	{ "kernel.domainname=x", "kernel/domainname=x 2" },
	{ "net.x=", "net/x= 1" },
	{ "kernel.core_pattern=x", "sysctl 'kernel.core_pattern=x' is not allowed" },
	{ "vm.swappiness=1", "sysctl 'vm.swappiness=1' is not allowed" },
	{ "net/../kernel/core_pattern=x", "sysctl 'net/../kernel/core_pattern=x' is not allowed" },
	{ "net.//.kernel.x=1", "sysctl 'net.//.kernel.x=1' is not allowed" },
	{ "net..x=1", "sysctl 'net..x=1' is not allowed" },
	{ "net.=1", "sysctl 'net.=1' is not allowed" },
	{ "net=1", "sysctl 'net=1' is not allowed" },
	{ "net.ipv4.ip_forward", "sysctl 'net.ipv4.ip_forward' is not allowed" },
	{ "=1", "sysctl '=1' is not allowed" },
	{ "", "sysctl '' is not allowed" },
	{ "net.a b=1", "sysctl 'net.a b=1' is not allowed" },
	{ "net.x=1\n", "invalid sysctl: control characters are not allowed" },
};

static void check(const char *option, char *(*parse)(const char *), const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		auto_free char *got = parse(rows[i].text);

		is_str(got, rows[i].want, "%s %s", option, str_has_control(rows[i].text) ? "(control)" : rows[i].text);
	}
}

#define ROWS(t) t, sizeof(t) / sizeof(*t)

int main(void)
{
	check("--ulimit", ulimit, ROWS(ulimits));
	check("--device", device, ROWS(devices));
	check("-p", port, ROWS(ports));
	check("--expose", expose, ROWS(exposes));
	check("--add-host", host, ROWS(hosts));
	check("--sysctl", sysctl_text, ROWS(sysctls));
	return done();
}
