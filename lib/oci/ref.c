/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/oci/ref.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/digest.h"

#define DEFAULT_DOMAIN	"docker.io"
#define EMBEDDED_DOMAIN "embedded"
#define PATH_MAX_LEN	255
#define DOMAIN_MAX_LEN	261 /* 255 for the name, ":65535" */
#define TAG_MAX_LEN	128
#define TEXT_MAX_LEN	1024

/* ctype without the locale, and safe for bytes above 127. */
static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

static bool is_word(char c)
{
	return is_alnum(c) || c == '_';
}

/* Names of a domain: letters, digits and inner dashes, joined by dots. */
static bool is_host(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool at_edge = i == 0 || i + 1 == n || s[i - 1] == '.' || s[i + 1] == '.';

		if (is_alnum(s[i]))
			continue;
		if (at_edge || (s[i] != '-' && s[i] != '.'))
			return false;
	}
	return n > 0;
}

static bool is_ipv6(const char *s, size_t n)
{
	if (n < 3 || s[0] != '[' || s[n - 1] != ']')
		return false;
	for (size_t i = 1; i < n - 1; i++)
		if (!isxdigit((unsigned char)s[i]) && s[i] != ':')
			return false;
	return true;
}

static bool is_domain(const char *s)
{
	const char *host_end = *s == '[' ? strchr(s, ']') : strchr(s, ':');
	size_t n;
	uint64_t port;

	if (*s == '[')
		n = host_end ? (size_t)(host_end - s) + 1 : 0;
	else
		n = host_end ? (size_t)(host_end - s) : strlen(s);
	if (strlen(s) > DOMAIN_MAX_LEN || !(is_host(s, n) || is_ipv6(s, n)))
		return false;
	if (!s[n])
		return true;
	return s[n] == ':' && str_to_u64(s + n + 1, 65535, &port) == 0;
}

/* How long the separator at @s is: one of . _ __ or any number of dashes; 0 for none. */
static size_t separator(const char *s)
{
	if (*s == '-')
		return strspn(s, "-");
	if (*s == '_')
		return s[1] == '_' ? 2 : 1;
	return *s == '.';
}

static bool is_path(const char *s)
{
	for (;;) {
		size_t n = 0;

		while (is_lower_alnum(s[n]))
			n++;
		if (!n)
			return false;
		s += n;
		if (!*s)
			return true;
		n = *s == '/' ? 1 : separator(s);
		if (!n)
			return false;
		s += n;
	}
}

static bool is_tag(const char *s)
{
	size_t n;

	if (!is_word(*s))
		return false;
	for (n = 1; is_word(s[n]) || s[n] == '.' || s[n] == '-'; n++)
		;
	return !s[n] && n <= TAG_MAX_LEN;
}

/*
 * Where the domain at the start of a reference ends (its slash), or NULL. A first component is a domain only when it
 * cannot be a repository of docker.io: it has a dot, a colon or a capital, or is a name with a meaning of its own.
 */
static const char *domain_end(const char *s)
{
	const char *slash = strchr(s, '/');
	size_t n;

	if (!slash)
		return NULL;
	n = (size_t)(slash - s);
	for (size_t i = 0; i < n; i++)
		if (s[i] == '.' || s[i] == ':' || (s[i] >= 'A' && s[i] <= 'Z'))
			return slash;
	if ((n == 9 && !strncmp(s, "localhost", n)) || (n == 8 && !strncmp(s, EMBEDDED_DOMAIN, n)))
		return slash;
	return NULL;
}

/**
 * ref_has_domain() - Does the text name its registry?
 * @text:	What the user wrote
 *
 * Return: whether it does; without, short-name settings apply and docker.io is the default
 */
bool ref_has_domain(const char *text)
{
	return domain_end(text) != NULL;
}

static bool has_upper(const char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			return true;
	return false;
}

/* Cut the digest and the tag off @name. Return: NULL, or what is wrong. */
static const char *cut_suffixes(char *name, const char **ret_tag, const char **ret_digest)
{
	char *at = strchr(name, '@'), *colon;

	*ret_digest = *ret_tag = NULL;
	if (at) {
		*at = '\0';
		*ret_digest = at + 1;
		if (!digest_is_valid(at + 1))
			return "the digest is not sha256: and 64 or sha512: and 128 lower-case hexadecimal digits";
	}
	colon = strrchr(name, ':');
	if (colon && !strchr(colon, '/')) {
		*colon = '\0';
		*ret_tag = colon + 1;
		if (!is_tag(colon + 1))
			return "the tag is not valid";
	}
	return NULL;
}

static const char *split_name(char *name, struct ref *r)
{
	char *slash = name + (domain_end(name) ? domain_end(name) - name : 0);
	char *path = name;

	if (slash != name) {
		*slash = '\0';
		path = slash + 1;
		if (!is_domain(name))
			return "the registry's name is not valid";
	}
	r->domain = xstrdup(slash == name || !strcmp(name, "index.docker.io") ? DEFAULT_DOMAIN : name);
	r->path = str_is_eq(r->domain, DEFAULT_DOMAIN) && !strchr(path, '/') ? xasprintf("library/%s", path)
									     : xstrdup(path);
	if (has_upper(r->path))
		return "repository name must be lowercase";
	if (!is_path(r->path))
		return "the repository's name is not valid";
	if (strlen(r->path) > PATH_MAX_LEN)
		return "repository name must not be more than 255 characters";
	return NULL;
}

static int refuse(const char *text, const char *why, struct err *e)
{
	char shown[128];
	size_t n = strnlen(text, sizeof(shown) - 1);

	for (size_t i = 0; i < n; i++)
		shown[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
	shown[n] = '\0';
	return err_say(e, EINVAL, "parsing reference \"%s\": invalid reference format: %s", shown, why);
}

/**
 * ref_parse() - Read and normalise an image reference
 * @text:	[domain/]path[:tag][@digest]
 * @ret:	The parts; tag and digest only where they were written
 * @e:		Failure
 *
 * Return: 0 or -EINVAL
 */
int ref_parse(const char *text, struct ref *ret, struct err *e)
{
	auto_ref struct ref r = { 0 };
	auto_free char *name = NULL;
	const char *tag, *digest, *why;

	if (!*text)
		return refuse(text, "it is empty", e);
	if (strlen(text) > TEXT_MAX_LEN)
		return refuse(text, "it is too long", e);
	if (strlen(text) == 64 && digest_is_hex(text, 64))
		return refuse(text, "cannot specify 64-byte hexadecimal strings as a name", e);
	name = xstrdup(text);
	why = cut_suffixes(name, &tag, &digest);
	if (!why)
		why = split_name(name, &r);
	if (why)
		return refuse(text, why, e);
	r.tag = xstrdup(tag);
	r.digest = xstrdup(digest);
	*ret = r;
	r = (struct ref) { 0 };
	return 0;
}

/**
 * ref_done() - Release the parts
 * @r:	Reference; empty afterwards
 */
void ref_done(struct ref *r)
{
	free(r->domain);
	free(r->path);
	free(r->tag);
	free(r->digest);
	*r = (struct ref) { 0 };
}

/**
 * ref_prefer_digest() - Forget the tag of a reference that has a digest, which decides, as for docker
 * @r:	Reference
 */
void ref_prefer_digest(struct ref *r)
{
	if (!r->digest)
		return;
	free(r->tag);
	r->tag = NULL;
}

/**
 * ref_add_default_tag() - Give a reference without tag and digest the tag "latest"
 * @r:	Reference
 *
 * Return: whether the tag was added
 */
bool ref_add_default_tag(struct ref *r)
{
	if (r->tag || r->digest)
		return false;
	r->tag = xstrdup("latest");
	return true;
}

static char *with_suffixes(char *name, const struct ref *r)
{
	struct sbuf b = { 0 };

	sbuf_adds(&b, name);
	free(name);
	if (r->tag)
		sbuf_printf(&b, ":%s", r->tag);
	if (r->digest)
		sbuf_printf(&b, "@%s", r->digest);
	return sbuf_take(&b);
}

/**
 * ref_name() - Domain and path
 * @r:	Reference
 *
 * Return: owned, such as docker.io/library/busybox
 */
char *ref_name(const struct ref *r)
{
	return xasprintf("%s/%s", r->domain, r->path);
}

/**
 * ref_familiar_name() - The shortest name that means the same
 * @r:	Reference
 *
 * Return: owned, such as busybox
 */
char *ref_familiar_name(const struct ref *r)
{
	const char *rest;

	if (!str_is_eq(r->domain, DEFAULT_DOMAIN))
		return ref_name(r);
	rest = str_after(r->path, "library/");
	/* 64 hexadecimal digits alone would be an image's id. */
	if (rest && !strchr(rest, '/') && !(strlen(rest) == 64 && digest_is_hex(rest, 64)))
		return xstrdup(rest);
	/* docker.io/localhost/x, docker.io/embedded/x and library/a/b would mean something else when shortened. */
	return ref_has_domain(r->path) ? ref_name(r) : xstrdup(r->path);
}

/**
 * ref_full() - The text that names the image everywhere in the store
 * @r:	Reference
 *
 * Return: owned, such as docker.io/library/busybox:latest
 */
char *ref_full(const struct ref *r)
{
	return with_suffixes(ref_name(r), r);
}

/**
 * ref_familiar() - The text that users see
 * @r:	Reference
 *
 * Return: owned, such as busybox:latest
 */
char *ref_familiar(const struct ref *r)
{
	return with_suffixes(ref_familiar_name(r), r);
}

/**
 * ref_shorten() - From ref_full()'s text to what users see
 * @full:	Text
 *
 * Return: owned; a copy of @full when it is no reference
 */
char *ref_shorten(const char *full)
{
	auto_ref struct ref r = { 0 };

	return ref_parse(full, &r, NULL) < 0 || !r.path ? xstrdup(full) : ref_familiar(&r);
}

/**
 * ref_is_embedded() - Does the image come with the program?
 * @r:	Reference
 *
 * Return: whether it does; such an image is neither pulled nor pushed
 */
bool ref_is_embedded(const struct ref *r)
{
	return str_is_eq(r->domain, EMBEDDED_DOMAIN);
}
