/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/image.h"

/* What people and kernels call an architecture, and what images call it. */
static const struct {
	const char *name, *arch, *variant;
} arch_names[] = {
	{ "amd64", "amd64", NULL },	  { "x86_64", "amd64", NULL },	    { "x86-64", "amd64", NULL },
	{ "arm64", "arm64", "v8" },	  { "aarch64", "arm64", "v8" },	    { "386", "386", NULL },
	{ "i386", "386", NULL },	  { "i486", "386", NULL },	    { "i586", "386", NULL },
	{ "i686", "386", NULL },	  { "x86", "386", NULL },	    { "arm", "arm", "v7" },
	{ "armhf", "arm", "v7" },	  { "armv8l", "arm", "v7" },	    { "armv7l", "arm", "v7" },
	{ "armv6l", "arm", "v6" },	  { "armel", "arm", "v6" },	    { "armv5tel", "arm", "v5" },
	{ "riscv64", "riscv64", NULL },	  { "ppc64le", "ppc64le", NULL },   { "powerpc64le", "ppc64le", NULL },
	{ "s390x", "s390x", NULL },	  { "loong64", "loong64", NULL },   { "loongarch64", "loong64", NULL },
	{ "mips64le", "mips64le", NULL }, { "mips64el", "mips64le", NULL }, { "mips", "mips", NULL },
	{ "mipsle", "mipsle", NULL },	  { "mips64", "mips64", NULL },	    { "ppc64", "ppc64", NULL },
	{ "wasm", "wasm", NULL },
};

static const char *const os_names[] = { "linux",   "windows", "darwin", "freebsd", "netbsd", "openbsd",
					"solaris", "android", "aix",	"plan9",   "wasi",   "macos" };

/* The one spelling of a platform; the pointers are static or into the argument. */
struct canonical {
	const char *os, *arch, *variant;
};

/* "8" is "v8"; what is the default of its architecture is not a variant at all. */
static const char *canonical_variant(const char *arch, const char *variant, const char *dflt)
{
	static const char *const plain[] = { "v5", "v6", "v7", "v8", "v9" };

	if (str_is_empty(variant))
		return dflt;
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		if (!strcmp(variant, plain[i] + 1))
			return plain[i];
	if (!strcmp(arch, "amd64") && !strcmp(variant, "v1"))
		return NULL;
	return variant;
}

static struct canonical canonical(const struct oci_platform *p)
{
	struct canonical c = { .os = p->os, .arch = p->arch, .variant = p->variant };
	const char *dflt = NULL;

	if (str_is_empty(c.os))
		c.os = NULL;
	else if (!strcmp(c.os, "macos"))
		c.os = "darwin";
	if (str_is_empty(c.arch)) {
		c.arch = NULL;
		return c;
	}
	for (size_t i = 0; i < sizeof(arch_names) / sizeof(*arch_names); i++) {
		if (strcasecmp(arch_names[i].name, c.arch) != 0)
			continue;
		c.arch = arch_names[i].arch;
		dflt = arch_names[i].variant;
		break;
	}
	c.variant = canonical_variant(c.arch, c.variant, dflt);
	return c;
}

/*
 * How well an image for @have serves @want: 0 not at all, else the larger the better. A processor of a higher variant
 * runs the lower ones of its architecture.
 */
static unsigned rank(const struct canonical *have, const struct canonical *want)
{
	const char *h = have->variant ? have->variant : "v1", *w = want->variant ? want->variant : "v1";

	if (want->os && have->os && strcmp(want->os, have->os) != 0)
		return 0;
	if (!want->arch || !have->arch)
		return 1;
	if (strcmp(want->arch, have->arch) != 0)
		return 0;
	if (!strcmp(h, w))
		return 1000;
	if (h[0] != 'v' || w[0] != 'v' || !isdigit((unsigned char)h[1]) || h[2] || !isdigit((unsigned char)w[1]) ||
	    w[2])
		return 0;
	return h[1] < w[1] ? 100 + (unsigned)(h[1] - '0') : 0;
}

/**
 * oci_platform_done() - Release a platform
 * @p:	Platform; empty afterwards
 */
void oci_platform_done(struct oci_platform *p)
{
	free(p->os);
	free(p->arch);
	free(p->variant);
	*p = (struct oci_platform) { 0 };
}

static struct oci_platform copy(const struct canonical *c)
{
	return (struct oci_platform) { .os = xstrdup(c->os ? c->os : "linux"),
				       .arch = xstrdup(c->arch),
				       .variant = xstrdup(c->variant) };
}

/**
 * oci_platform_host() - What this machine runs
 * @ret:	linux, its architecture and variant
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int oci_platform_host(struct oci_platform *ret, struct err *e)
{
	struct oci_platform machine = { 0 };
	struct canonical c;
	struct utsname u;

	if (uname(&u) < 0)
		return err_set(e, errno, "uname");
	machine.arch = u.machine;
	c = canonical(&machine);
	/* A 32-bit program on a 64-bit kernel, as in a 32-bit container: images for the kernel's architecture need
	 * more. */
	if (sizeof(void *) == 4 && str_is_eq(c.arch, "amd64"))
		c.arch = "386";
	*ret = copy(&c);
	return 0;
}

static bool is_os(const char *s)
{
	for (size_t i = 0; i < sizeof(os_names) / sizeof(*os_names); i++)
		if (!strcmp(os_names[i], s))
			return true;
	return false;
}

static bool is_arch(const char *s)
{
	for (size_t i = 0; i < sizeof(arch_names) / sizeof(*arch_names); i++)
		if (!strcmp(arch_names[i].name, s))
			return true;
	return false;
}

static bool is_part(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!(isalnum((unsigned char)*s) && (unsigned char)*s < 0x80) && !strchr("_.-", *s))
			return false;
	return true;
}

/**
 * oci_platform_parse() - Read the value of --platform
 * @text:	os[/arch[/variant]], or an architecture alone
 * @ret:	Normalised platform; the architecture of this machine where none was given
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int oci_platform_parse(const char *text, struct oci_platform *ret, struct err *e)
{
	auto_free char *lower = xstrndup(text, 128);
	auto_strv char **parts = NULL;
	auto_oci_platform struct oci_platform host = { 0 };
	struct oci_platform p = { 0 };
	struct canonical c;
	size_t n;
	int r;

	for (char *s = lower; *s; s++)
		*s = (char)tolower((unsigned char)*s);
	parts = strv_split(lower, '/');
	n = strv_len(parts);
	for (size_t i = 0; i < n; i++)
		if (n > 3 || !is_part(parts[i]))
			return err_say(e, EINVAL, "invalid platform \"%s\": it must be os[/arch[/variant]]",
				       str_has_control(lower) ? "?" : lower);
	if (n == 1 && is_os(parts[0])) {
		r = oci_platform_host(&host, e);
		if (r < 0)
			return r;
		p = (struct oci_platform) { parts[0], host.arch, host.variant };
	} else if (n == 1) {
		if (!is_arch(parts[0]))
			return err_say(e, EINVAL, "invalid platform \"%s\": unknown operating system or architecture",
				       parts[0]);
		p.arch = parts[0];
	} else {
		p = (struct oci_platform) { parts[0], parts[1], n > 2 ? parts[2] : NULL };
	}
	c = canonical(&p);
	*ret = copy(&c);
	return 0;
}

/**
 * oci_platform_text() - Write a platform
 * @p:	Platform
 *
 * Return: owned, such as linux/arm64/v8
 */
char *oci_platform_text(const struct oci_platform *p)
{
	return xasprintf("%s/%s%s%s", str_is_empty(p->os) ? "unknown" : p->os,
			 str_is_empty(p->arch) ? "unknown" : p->arch, str_is_empty(p->variant) ? "" : "/",
			 str_is_empty(p->variant) ? "" : p->variant);
}

/**
 * oci_platform_is_match() - Can an image be used where a platform is asked for?
 * @have:	What the image was made for
 * @want:	What is asked for
 *
 * Return: whether it can
 */
bool oci_platform_is_match(const struct oci_platform *have, const struct oci_platform *want)
{
	struct canonical h = canonical(have), w = canonical(want);

	return rank(&h, &w) > 0;
}

static int nothing_fits(const struct oci_index *index, const struct oci_platform *want, struct err *e)
{
	auto_sbuf struct sbuf there = { 0 };

	for (size_t i = 0; i < index->n_manifests && there.len < 160; i++) {
		auto_free char *text = oci_platform_text(&index->manifests[i].platform);

		if (!index->manifests[i].is_attestation && !str_has_control(text))
			sbuf_printf(&there, "%s%.40s", there.len ? ", " : "", text);
	}
	return err_say(e, ENOENT,
		       "no image found in manifest list for architecture \"%s\", variant \"%s\", OS \"%s\" (it has %s)",
		       want->arch ? want->arch : "", want->variant ? want->variant : "", want->os ? want->os : "",
		       there.len ? sbuf_str(&there) : "none");
}

/**
 * oci_index_select() - Choose the image for a platform
 * @index:	Index
 * @want:	Platform
 * @ret:	Its descriptor (borrowed): the first of those that fit best, so that an index which lists a platform
 *twice always gives the same image
 * @e:		Failure
 *
 * Return: 0 or -ENOENT
 */
int oci_index_select(const struct oci_index *index, const struct oci_platform *want, const struct oci_descriptor **ret,
		     struct err *e)
{
	const struct oci_descriptor *best = NULL;
	struct canonical w = canonical(want);
	unsigned best_rank = 0;

	for (size_t i = 0; i < index->n_manifests; i++) {
		const struct oci_descriptor *d = &index->manifests[i];
		struct canonical h = canonical(&d->platform);
		unsigned fit = rank(&h, &w);

		if (d->is_attestation || fit <= best_rank)
			continue;
		if (!oci_is_index_type(d->media_type) && strcmp(d->media_type, OCI_MT_MANIFEST) != 0 &&
		    strcmp(d->media_type, DOCKER_MT_MANIFEST) != 0)
			continue;
		best = d;
		best_rank = fit;
	}
	if (!best)
		return nothing_fits(index, want, e);
	*ret = best;
	return 0;
}
