/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/mountspec.h"
#include "lib/oci/runspec.h"

static bool is_clean(const char *path)
{
	size_t n = strlen(path);

	return *path == '/' && !strstr(path, "//") && !strstr(path, "/../") && !strstr(path, "/./") &&
	       !str_has_suffix(path, "/..") && !str_has_suffix(path, "/.") && !(n > 1 && path[n - 1] == '/') &&
	       !str_has_control(path);
}

static void check_mount(int (*parse)(const char *, struct mountspec *, struct err *), const char *text)
{
	auto_mountspec struct mountspec m = { 0 };

	if (parse(text, &m, NULL) < 0)
		return;
	if (!is_clean(m.target) || !strcmp(m.target, "/") || m.propagation >= PROPAGATION__N || m.mode > 07777)
		abort();
	if (m.source && str_has_control(m.source))
		abort();
	if (m.type == MOUNTSPEC_VOLUME && m.source && !name_is_valid(m.source))
		abort();
	if (m.type == MOUNTSPEC_BIND && (!m.source || *m.source != (m.source_is_relative ? '.' : '/')))
		abort();
}

static void check_ports(int (*parse)(const char *, struct portspec **, size_t *, struct err *), const char *text)
{
	struct portspec *v = NULL;
	size_t n = 0;

	if (parse(text, &v, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (!v[i].port || v[i].host_first > v[i].host_last)
			abort();
	portspec_free(v, n);
}

static void check_others(const char *text)
{
	auto_devicespec struct devicespec d = { 0 };
	auto_hostspec struct hostspec h = { 0 };
	auto_sysctlspec struct sysctlspec s = { 0 };
	struct ulimitspec u;

	if (ulimitspec_parse(text, &u, NULL) == 0 && u.soft > u.hard)
		abort();
	if (devicespec_parse(text, &d, NULL) == 0 && (!is_clean(d.source) || !is_clean(d.target)))
		abort();
	if (hostspec_parse(text, &h, NULL) == 0 && (str_has_control(h.name) || strchr(h.name, ' ')))
		abort();
	if (sysctlspec_parse(text, &s, NULL) == 0 && (strstr(s.path, "/../") || str_has_control(s.value)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size);

	check_mount(mountspec_parse_volume, text);
	check_mount(mountspec_parse_mount, text);
	check_mount(mountspec_parse_tmpfs, text);
	check_ports(portspec_parse, text);
	check_ports(portspec_parse_expose, text);
	check_others(text);
	return 0;
}
