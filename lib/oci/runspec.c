/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/oci/runspec.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/csv.h"
#include "lib/oci/mountspec.h"

static const struct {
	const char *name;
	int resource;
} ulimits[] = {
	{ "core", RLIMIT_CORE },	 { "cpu", RLIMIT_CPU },
	{ "data", RLIMIT_DATA },	 { "fsize", RLIMIT_FSIZE },
	{ "locks", RLIMIT_LOCKS },	 { "memlock", RLIMIT_MEMLOCK },
	{ "msgqueue", RLIMIT_MSGQUEUE }, { "nice", RLIMIT_NICE },
	{ "nofile", RLIMIT_NOFILE },	 { "nproc", RLIMIT_NPROC },
	{ "rss", RLIMIT_RSS },		 { "rtprio", RLIMIT_RTPRIO },
	{ "rttime", RLIMIT_RTTIME },	 { "sigpending", RLIMIT_SIGPENDING },
	{ "stack", RLIMIT_STACK },
};

/**
 * ulimitspec_find() - A limit by its name
 * @name:	"nofile"
 * @ret:	Name and resource are filled in
 *
 * Return: 0 or -ENOENT
 */
int ulimitspec_find(const char *name, struct ulimitspec *ret)
{
	for (size_t i = 0; i < sizeof(ulimits) / sizeof(*ulimits); i++) {
		if (strcmp(ulimits[i].name, name) != 0)
			continue;
		ret->name = ulimits[i].name;
		ret->resource = ulimits[i].resource;
		return 0;
	}
	return -ENOENT;
}

static bool to_limit(const char *s, uint64_t *ret)
{
	if (!strcmp(s, "-1")) {
		*ret = ULIMIT_UNLIMITED;
		return true;
	}
	return str_to_u64(s, INT64_MAX, ret) == 0;
}

/**
 * ulimitspec_parse() - Read the value of --ulimit
 * @text:	name=soft[:hard]; -1 is unlimited
 * @ret:	The limit
 * @e:		Failure, in docker's words
 *
 * Return: 0 or -EINVAL
 */
int ulimitspec_parse(const char *text, struct ulimitspec *ret, struct err *e)
{
	auto_free char *name = xstrndup(text, strcspn(text, "="));
	const char *eq = strchr(text, '=');
	auto_strv char **v = NULL;
	struct ulimitspec u = { 0 };

	if (!eq || str_has_control(text))
		return err_say(e, EINVAL, "invalid ulimit argument: %.100s", str_has_control(text) ? "?" : text);
	if (ulimitspec_find(name, &u) < 0)
		return err_say(e, EINVAL, "invalid ulimit type: %.60s", name);
	v = strv_split(eq + 1, ':');
	if (strv_len(v) > 2)
		return err_say(e, EINVAL,
			       "too many limit value arguments - %.100s, can only have up to two, `soft[:hard]`",
			       eq + 1);
	if (!to_limit(v[0], &u.soft) || !to_limit(v[1] ? v[1] : v[0], &u.hard))
		return err_say(e, EINVAL, "invalid ulimit argument: %.100s", text);
	if (u.soft > u.hard)
		return err_say(e, EINVAL, "ulimit soft limit must be less than or equal to hard limit: %s > %s", v[0],
			       v[1]);
	*ret = u;
	return 0;
}

static bool is_perms(const char *s)
{
	size_t n = strspn(s, "rwm");

	if (!n || n > 3 || s[n])
		return false;
	for (size_t i = 0; i < n; i++)
		if (strchr(s + i + 1, s[i]))
			return false;
	return true;
}

/**
 * devicespec_done() - Release a device
 * @d:	Device; empty afterwards
 */
void devicespec_done(struct devicespec *d)
{
	free(d->source);
	free(d->target);
	*d = (struct devicespec) { 0 };
}

/**
 * devicespec_parse() - Read the value of --device
 * @text:	source[:target[:permissions]] or source:permissions
 * @ret:	The device
 * @e:		Failure
 *
 * Return: 0 or -EINVAL
 */
int devicespec_parse(const char *text, struct devicespec *ret, struct err *e)
{
	auto_devicespec struct devicespec d = { .perms = "rwm" };
	auto_strv char **v = strv_split(text, ':');
	const char *target = v[0], *perms = "rwm";
	size_t n = strv_len(v);
	int r;

	if (n > 3)
		return err_say(e, EINVAL, "invalid device specification: %.200s", text);
	if (n == 2 && is_perms(v[1]))
		perms = v[1];
	else if (n >= 2)
		target = *v[1] ? v[1] : v[0];
	if (n == 3)
		perms = v[2];
	if (!is_perms(perms))
		return err_say(e, EINVAL, "bad mode specified: %.40s", perms);
	r = mountspec_clean_path(v[0], &d.source, e);
	if (r == 0)
		r = mountspec_clean_path(target, &d.target, e);
	if (r < 0)
		return err_say(e, EINVAL, "invalid device specification: %.200s is not an absolute path",
			       str_has_control(text) ? "?" : text);
	memcpy(d.perms, perms, strlen(perms) + 1);
	*ret = d;
	d = (struct devicespec) { 0 };
	return 0;
}

static const char *const proto_names[] = { "tcp", "udp", "sctp" };
static_assert(sizeof(proto_names) / sizeof(*proto_names) == PORT_PROTO__N, "one name for each");

/**
 * port_proto_name() - The word for a protocol
 * @p:	Protocol
 *
 * Return: static text
 */
const char *port_proto_name(enum port_proto p)
{
	return proto_names[p];
}

static int to_proto(const char *s, enum port_proto *ret, struct err *e)
{
	for (unsigned i = 0; i < PORT_PROTO__N; i++) {
		if (strcasecmp(proto_names[i], s) != 0)
			continue;
		*ret = (enum port_proto)i;
		return 0;
	}
	return err_say(e, EINVAL, "invalid proto: %.40s", s);
}

struct range {
	uint16_t first, last;
};

/* "80" or "80-90". */
static bool to_range(const char *s, uint64_t min, struct range *ret)
{
	auto_free char *first = xstrndup(s, strcspn(s, "-"));
	const char *dash = strchr(s, '-');
	uint64_t a, b;

	if (str_to_u64(first, 65535, &a) < 0 || str_to_u64(dash ? dash + 1 : first, 65535, &b) < 0)
		return false;
	if (a > b || a < min)
		return false;
	*ret = (struct range) { (uint16_t)a, (uint16_t)b };
	return true;
}

/* An address of either family, without brackets. */
static bool is_ip(const char *s)
{
	unsigned char buf[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, s, buf) == 1 || inet_pton(AF_INET6, s, buf) == 1;
}

/* The parts of a published port before they are understood; all borrowed. */
struct port_text {
	const char *ip, *host, *port, *proto;
};

static int expand_ports(const struct port_text *t, struct portspec **ret, size_t *ret_n, struct err *e)
{
	struct range host = { 0 }, port = { 0 };
	enum port_proto proto = PORT_TCP;
	struct portspec *v;
	size_t n, n_host;
	bool picks;

	if (str_is_empty(t->port))
		return err_say(e, EINVAL, "no port specified");
	if (t->proto && to_proto(t->proto, &proto, e) < 0)
		return -EINVAL;
	if (!to_range(t->port, 1, &port))
		return err_say(e, EINVAL, "invalid containerPort: %.40s", t->port);
	if (!str_is_empty(t->host) && !to_range(t->host, 0, &host))
		return err_say(e, EINVAL, "invalid hostPort: %.40s", t->host);
	if (!str_is_empty(t->ip) && !is_ip(t->ip))
		return err_say(e, EINVAL, "invalid IP address: %.60s", t->ip);
	n = port.last - port.first + 1U;
	n_host = host.last - host.first + 1U;
	picks = n == 1 && n_host > 1;
	if ((host.last && n != n_host && !picks) || (n_host > 1 && host.first == 0))
		return err_say(e, EINVAL, "invalid ranges specified for container and host Ports: %.40s and %.40s",
			       t->port, t->host);
	v = xcalloc(n, sizeof(*v));
	for (size_t i = 0; i < n; i++) {
		v[i].ip = xstrdup(str_is_empty(t->ip) ? NULL : t->ip);
		v[i].port = (uint16_t)(port.first + i);
		v[i].proto = proto;
		if (!host.last)
			continue;
		v[i].host_first = (uint16_t)(host.first + i);
		v[i].host_last = picks ? host.last : v[i].host_first;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

/* published=8080,target=80,protocol=tcp */
static int parse_long_port(const char *text, struct portspec **ret, size_t *ret_n, struct err *e)
{
	auto_strv char **fields = NULL;
	struct port_text t = { 0 };
	int r = csv_split(text, &fields, e);

	for (char **f = fields; r == 0 && *f; f++) {
		char *eq = strchr(*f, '=');

		if (!eq)
			return err_say(e, EINVAL, "invalid field: %.100s", *f);
		*eq++ = '\0';
		if (!strcmp(*f, "target"))
			t.port = eq;
		else if (!strcmp(*f, "published"))
			t.host = eq;
		else if (!strcmp(*f, "protocol"))
			t.proto = eq;
		else if (!strcmp(*f, "host_ip"))
			t.ip = eq;
		else if (!strcmp(*f, "mode"))
			return err_say(e, EINVAL, "invalid field key mode: it is for services only");
		else
			return err_say(e, EINVAL, "invalid field key %.60s", *f);
	}
	return r < 0 ? r : expand_ports(&t, ret, ret_n, e);
}

/* Cut "/proto" off the end. */
static const char *cut_proto(char *text)
{
	char *slash = strchr(text, '/');

	if (!slash)
		return NULL;
	*slash = '\0';
	return slash + 1;
}

/**
 * portspec_parse() - Read the value of -p
 * @text:	[ip:][hostPort[-end]:]port[-end][/protocol], or published=,target=,protocol=,host_ip=
 * @ret:	One entry for each port, owned
 * @ret_n:	How many
 * @e:		Failure
 *
 * Return: 0 or -EINVAL
 */
int portspec_parse(const char *text, struct portspec **ret, size_t *ret_n, struct err *e)
{
	auto_free char *copy = xstrdup(text);
	struct port_text t = { 0 };
	char *colon;
	int r;

	if (str_has_control(text))
		return err_say(e, EINVAL, "invalid port specification: control characters are not allowed");
	if (strchr(text, '=')) {
		r = parse_long_port(text, ret, ret_n, e);
		return r < 0 ? err_wrap(e, r, "invalid port specification '%.100s'", text) : 0;
	}
	t.proto = cut_proto(copy);
	t.port = copy;
	colon = strrchr(copy, ':');
	if (colon) {
		*colon = '\0';
		t.port = colon + 1;
		t.host = copy;
		colon = strrchr(copy, ':');
		if (colon) {
			*colon = '\0';
			t.host = colon + 1;
			t.ip = copy;
			if (*copy == '[' && colon > copy && colon[-1] == ']') {
				colon[-1] = '\0';
				t.ip = copy + 1;
			}
		}
	}
	r = expand_ports(&t, ret, ret_n, e);
	return r < 0 ? err_wrap(e, r, "invalid port specification '%.100s'", text) : 0;
}

/**
 * portspec_parse_expose() - Read the value of --expose, or a key of ExposedPorts
 * @text:	port[-end][/protocol]
 * @ret:	One entry for each port, owned
 * @ret_n:	How many
 * @e:		Failure
 *
 * Return: 0 or -EINVAL
 */
int portspec_parse_expose(const char *text, struct portspec **ret, size_t *ret_n, struct err *e)
{
	auto_free char *copy = xstrdup(text);
	struct port_text t = { .proto = cut_proto(copy), .port = copy };
	int r = str_has_control(text) ? err_say(e, EINVAL, "control characters are not allowed")
				      : expand_ports(&t, ret, ret_n, e);

	return r < 0 ? err_wrap(e, r, "invalid port format for --expose: '%.100s'", str_has_control(text) ? "?" : text)
		     : 0;
}

/**
 * portspec_free() - Release published ports
 * @p:	Ports or NULL
 * @n:	How many
 */
void portspec_free(struct portspec *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(p[i].ip);
	free(p);
}

/**
 * hostspec_done() - Release a host
 * @h:	Host; empty afterwards
 */
void hostspec_done(struct hostspec *h)
{
	free(h->name);
	free(h->ip);
	*h = (struct hostspec) { 0 };
}

/* What would end the name or the line in /etc/hosts. */
static bool is_host_name(const char *s)
{
	if (!*s || strlen(s) > 255)
		return false;
	for (; *s; s++)
		if ((unsigned char)*s <= 0x20 || *s == 0x7f || *s == '#')
			return false;
	return true;
}

/**
 * hostspec_parse() - Read the value of --add-host
 * @text:	name:ip or name=ip; the ip may be host-gateway
 * @ret:	The host
 * @e:		Failure, in docker's words
 *
 * Return: 0 or -EINVAL
 */
int hostspec_parse(const char *text, struct hostspec *ret, struct err *e)
{
	size_t n = strchr(text, '=') ? strcspn(text, "=") : strcspn(text, ":");
	auto_free char *name = xstrndup(text, n), *ip = xstrdup(text[n] ? text + n + 1 : "");
	size_t len = strlen(ip);
	const char *bare = ip;

	if (!text[n] || !is_host_name(name))
		return err_say(e, EINVAL, "bad format for add-host: \"%.100s\"", str_has_control(text) ? "?" : text);
	if (len > 2 && ip[0] == '[' && ip[len - 1] == ']') {
		ip[len - 1] = '\0';
		bare = ip + 1;
	}
	if (strcmp(bare, "host-gateway") != 0 && !is_ip(bare))
		return err_say(e, EINVAL, "invalid IP address in add-host: \"%.60s\"",
			       str_has_control(bare) ? "?" : bare);
	ret->ip = strcmp(bare, "host-gateway") ? xstrdup(bare) : NULL;
	ret->name = take_ptr(&name);
	return 0;
}

int hostname_check(const char *text, struct err *e)
{
	if (is_host_name(text))
		return 0;
	return err_say(e, EINVAL, "invalid hostname: \"%.100s\"", str_has_control(text) ? "?" : text);
}

/* Labels of letters, digits, underscores and, within, hyphens; and "." for none at all. */
static bool is_domain(const char *s)
{
	if (!strcmp(s, "."))
		return true;
	if (strlen(s) > 255)
		return false;
	for (;;) {
		size_t n = strcspn(s, ".");

		if (n == 0 || n > 63 || s[0] == '-' || s[n - 1] == '-')
			return false;
		for (size_t i = 0; i < n; i++)
			if (!isalnum((unsigned char)s[i]) && s[i] != '-' && s[i] != '_')
				return false;
		if (!s[n])
			return true;
		s += n + 1;
	}
}

int dns_check(enum dns_kind kind, const char *text, struct err *e)
{
	const char *shown = str_has_control(text) ? "?" : text;

	if (kind == DNS_SERVER && !is_ip(text))
		return err_say(e, EINVAL, "%.100s is not an ip address", shown);
	if (kind == DNS_SEARCH && !is_domain(text))
		return err_say(e, EINVAL, "%.100s is not a valid domain", shown);
	if (kind == DNS_OPTION && !is_host_name(text))
		return err_say(e, EINVAL, "%.100s is not a valid DNS option", shown);
	return 0;
}

/**
 * sysctlspec_done() - Release a sysctl
 * @s:	Sysctl; empty afterwards
 */
void sysctlspec_done(struct sysctlspec *s)
{
	free(s->name);
	free(s->value);
	free(s->path);
	*s = (struct sysctlspec) { 0 };
}

/* Everything else belongs to the whole machine. */
static bool find_sysctl_ns(const char *path, enum sysctl_ns *ret)
{
	static const char *const ipc[] = {
		"kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/sem",
		"kernel/shmall", "kernel/shmmax", "kernel/shmmni", "kernel/shm_rmid_forced"
	};

	*ret = SYSCTL_IPC;
	for (size_t i = 0; i < sizeof(ipc) / sizeof(*ipc); i++)
		if (!strcmp(ipc[i], path))
			return true;
	if (str_has_prefix(path, "fs/mqueue/"))
		return true;
	*ret = str_has_prefix(path, "net/") ? SYSCTL_NET : SYSCTL_UTS;
	return *ret == SYSCTL_NET || !strcmp(path, "kernel/domainname");
}

/* sysctl(8)'s two spellings: a.b.c, or a/b/c where a component may hold dots. Return: owned path, NULL for a bad one.
 */
static char *sysctl_path(const char *name)
{
	bool is_dotted = name[strcspn(name, "./")] != '/';
	auto_free char *path = xstrdup(name);
	auto_strv char **parts = NULL;

	for (char *s = path; *s; s++) {
		if (!isalnum((unsigned char)*s) && !strchr("._-/:@", *s))
			return NULL;
		if (is_dotted && (*s == '.' || *s == '/'))
			*s = *s == '.' ? '/' : '.';
	}
	parts = strv_split(path, '/');
	for (char **p = parts; *p; p++)
		if (!**p || !strcmp(*p, ".") || !strcmp(*p, ".."))
			return NULL;
	return take_ptr(&path);
}

/**
 * sysctlspec_parse() - Read the value of --sysctl
 * @text:	name=value; only what belongs to a namespace is allowed
 * @ret:	The sysctl
 * @e:		Failure, in docker's words
 *
 * Return: 0 or -EINVAL
 */
int sysctlspec_parse(const char *text, struct sysctlspec *ret, struct err *e)
{
	auto_free char *name = xstrndup(text, strcspn(text, "=")), *path = NULL;
	const char *eq = strchr(text, '=');
	enum sysctl_ns ns;

	if (str_has_control(text))
		return err_say(e, EINVAL, "invalid sysctl: control characters are not allowed");
	path = eq ? sysctl_path(name) : NULL;
	if (!path || !find_sysctl_ns(path, &ns))
		return err_say(e, EINVAL, "sysctl '%.100s' is not allowed", text);
	*ret = (struct sysctlspec) {
		.name = take_ptr(&name), .value = xstrdup(eq + 1), .path = take_ptr(&path), .ns = ns
	};
	return 0;
}
