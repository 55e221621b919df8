/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http/certs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/oci/conf.h"

#define CA_MAX (4U << 20)

/* Where certs.d may be; the first one that has a folder for the host counts, as for containers/image. */
static char **roots(void)
{
	auto_free char *xdg = conf_xdg_dir(), *docker = conf_docker_dir(NULL);
	char **v = NULL;

	if (xdg) {
		strv_add_take(&v, xasprintf("%s/skiff/certs.d", xdg));
		strv_add_take(&v, xasprintf("%s/containers/certs.d", xdg));
	}
	if (docker)
		strv_add_take(&v, xasprintf("%s/certs.d", docker));
	strv_add(&v, "/etc/skiff/certs.d");
	strv_add(&v, "/etc/containers/certs.d");
	strv_add(&v, "/etc/docker/certs.d");
	return v;
}

/* libcurl replaces its file of authorities by the given ones, so the system's come along. */
static void add_system_ca(struct sbuf *b)
{
	const char *file = getenv("SSL_CERT_FILE");
	auto_free char *text = NULL;
	char *dflt = NULL;
	CURL *c = NULL;
	size_t len;

	if (str_is_empty(file)) {
		c = curl_easy_init();
		if (c && curl_easy_getinfo(c, CURLINFO_CAINFO, &dflt) == CURLE_OK)
			file = dflt;
	}
	if (!str_is_empty(file) && fs_read_file(AT_FDCWD, file, CA_MAX, &text, &len, NULL) == 0)
		sbuf_add(b, text, len);
	curl_easy_cleanup(c);
}

static int add_ca(const char *path, struct sbuf *b, struct err *e)
{
	auto_free char *text = NULL;
	size_t len;
	int r = fs_read_file(AT_FDCWD, path, CA_MAX, &text, &len, e);

	if (r < 0)
		return r;
	if (b->len + len > 2 * (size_t)CA_MAX)
		return err_say(e, E2BIG, "'%s': too many certificates", path);
	sbuf_add(b, text, len);
	sbuf_addc(b, '\n');
	return 0;
}

static int load_dir(const char *dir, char *const *names, struct http_peer *p, struct err *e)
{
	auto_sbuf struct sbuf ca = { 0 };

	for (; names && *names; names++) {
		auto_free char *path = xasprintf("%s/%s", dir, *names);
		size_t n = strlen(path);
		int r = 0;

		if (str_has_suffix(path, ".crt")) {
			r = add_ca(path, &ca, e);
		} else if (str_has_suffix(path, ".cert")) {
			auto_free char *key = xasprintf("%.*s.key", (int)(n - 5), path);

			if (!fs_has(AT_FDCWD, key))
				return err_say(e, ENOENT, "missing key '%s' for the certificate '%s'", key, path);
			if (p->cert)
				continue;
			p->cert = take_ptr(&path);
			p->key = take_ptr(&key);
		}
		if (r < 0)
			return r;
	}
	if (ca.len) {
		add_system_ca(&ca);
		p->ca_len = ca.len;
		p->ca = sbuf_take(&ca);
	}
	return 0;
}

/* The one that was named must be there. */
static int load_given(const char *dir, struct http_peer *ret, struct err *e)
{
	auto_strv char **names = NULL;
	int r = fs_list_dir(AT_FDCWD, dir, &names, e);

	if (r == 0)
		r = load_dir(dir, names, ret, e);
	if (r == 0)
		return 0;
	http_peer_done(ret);
	return err_wrap(e, r, "certificates in '%s'", dir);
}

/**
 * http_peer_load() - Find a registry's certificates
 * @host:	"host[:port]"
 * @dir:	The folder; NULL: that of the host below certs.d
 * @ret:	What was found; release with http_peer_done(). Nothing is fine
 * @e:		Failure
 *
 * Return: 0; negative errno when a folder is there and cannot be used
 */
int http_peer_load(const char *host, const char *dir, struct http_peer *ret, struct err *e)
{
	auto_strv char **dirs = roots();

	*ret = (struct http_peer) { 0 };
	if (dir)
		return load_given(dir, ret, e);
	if (strchr(host, '/') || *host == '.')
		return err_say(e, EINVAL, "invalid registry host '%s'", host);
	for (char **d = dirs; *d; d++) {
		auto_free char *own = xasprintf("%s/%s", *d, host);
		auto_strv char **names = NULL;
		struct err why;
		int r = fs_list_dir(AT_FDCWD, own, &names, &why);

		if (r == -ENOENT || r == -ENOTDIR || r == -EACCES)
			continue;
		if (r == 0)
			r = load_dir(own, names, ret, &why);
		if (r < 0) {
			http_peer_done(ret);
			if (e)
				*e = why;
			return err_wrap(e, r, "certificates of %s", host);
		}
		return 0;
	}
	return 0;
}

/**
 * http_peer_done() - Release what http_peer_load() found
 * @p:	The peer; empty afterwards
 */
void http_peer_done(struct http_peer *p)
{
	free(p->ca);
	free(p->cert);
	free(p->key);
	*p = (struct http_peer) { 0 };
}
