/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/image/secret.h"
#include "cmd/image/stop.h"
#include "cmd/image/verbs.h"
#include "cmd/spec.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/http/http.h"
#include "lib/http/registry.h"
#include "lib/oci/auth.h"
#include "lib/oci/conf.h"
#include "lib/oci/ref.h"
#include "lib/oci/registries.h"

/**
 * struct login - one `skiff login`
 * @o:		options
 * @key:	"host", or "host/repository"
 * @host:	of it
 * @path:	of it, or NULL
 * @source:	where credentials are kept
 * @cred:	what the user gives
 * @stop:	readable when the command is to end
 */
struct login {
	const struct login_opts *o;
	const char *config_dir;
	bool verify_given;
	char *key;
	char *host;
	char *path;
	struct auth_source source;
	struct auth cred;
	int stop;
};

static int set_key(struct login *l, const char *text, struct err *e)
{
	const char *slash;

	l->key = auth_key(text);
	if (!l->key)
		return err_say(e, EINVAL, "'%s' is not the name of a registry", text);
	slash = strchr(l->key, '/');
	l->host = xstrndup(l->key, strcspn(l->key, "/"));
	l->path = slash ? xstrdup(slash + 1) : NULL;
	return 0;
}

/* Does the registry take them? */
static int verify_at(struct login *l, const struct auth *a, struct http *http, const struct registry_endpoint *ep,
		     struct err *e)
{
	const struct registry_endpoint whole = {
		.host = ep->host,
		.insecure = ep->insecure,
		.is_http = ep->is_http,
	};
	struct registry_spec spec = {
		.http = http,
		.endpoint = &whole,
		.domain = l->host,
		.auth = { .given = a },
		.cert_dir = l->o->cert_dir,
		.stop = l->stop,
	};
	auto_registry struct registry *registry = NULL;
	int r;

	if (l->verify_given)
		spec.verify = l->o->tls_verify ? REGISTRY_VERIFY_ALWAYS : REGISTRY_VERIFY_NEVER;
	r = registry_open(&spec, &registry, e);
	if (r == 0)
		r = registry_ping(registry, e);
	if (r == -EACCES)
		return err_say(e, EACCES, "logging into \"%s\": invalid username/password", l->host);
	return r < 0 && r != -EINTR ? err_wrap(e, r, "logging into \"%s\"", l->host) : r;
}

static int verify(struct login *l, const struct auth *a, struct err *e)
{
	auto_conf struct conf conf = { 0 };
	auto_registries struct registries *registries = NULL;
	auto_http struct http *http = NULL;
	struct registry_endpoint *eps = NULL;
	struct ref ref = { .domain = l->host, .path = l->path };
	auto_free char *any = xstrdup("any");
	size_t n = 0;
	int r = conf_load(l->config_dir, &conf, e);

	if (!ref.path)
		ref.path = any;
	if (r == 0)
		r = registries_load(&registries, e);
	if (r == 0)
		r = registries_endpoints(registries, &conf, &ref, &eps, &n, e);
	if (r == 0)
		r = http_new(&http, e);
	if (r == 0)
		r = n ? verify_at(l, a, http, &eps[n - 1], e)
		      : err_say(e, ENOENT, "no registry is configured for %s", l->host);
	registry_endpoints_free(eps, n);
	return r;
}

/* Is there something already that works? Return: 1, 0 ask the user, negative errno. */
static int try_stored(struct login *l, struct err *e)
{
	auto_auth struct auth a = { 0 };
	int r = auth_find(&l->source, l->host, l->path, &a, e);

	if (r < 0 || auth_is_empty(&a))
		return r;
	fprintf(stderr, "Authenticating with existing credentials...\n");
	r = verify(l, &a, e);
	if (r == -EACCES && isatty(STDIN_FILENO)) {
		fprintf(stderr, "The existing credentials were refused.\n");
		l->cred.username = xstrdup(a.username);
		return 0;
	}
	return r < 0 ? r : 1;
}

static int ask_user(struct login *l, struct err *e)
{
	auto_free char *prompt = NULL;
	char *name = NULL;
	int r;

	if (l->o->username)
		return 0;
	if (l->cred.username)
		prompt = xasprintf("Username (%s): ", l->cred.username);
	r = secret_prompt(prompt ? prompt : "Username: ", false, l->stop, &name, e);
	if (r < 0)
		return r;
	if (!*name) {
		free(name);
		return l->cred.username ? 0 : err_say(e, EINVAL, "the username is empty");
	}
	free(l->cred.username);
	l->cred.username = name;
	return 0;
}

static int ask(struct login *l, struct err *e)
{
	int r = 0;

	if (l->o->username)
		l->cred.username = xstrdup(l->o->username);
	if (l->o->password_stdin)
		return secret_read_stdin(&l->cred.password, e);
	if (l->cred.password && l->cred.username)
		return 0;
	if (!isatty(STDIN_FILENO))
		return err_hint(e, err_say(e, EINVAL, "Cannot perform an interactive login from a non TTY device"),
				"use --username with --password-stdin");
	if (!l->cred.username || !l->o->username)
		r = ask_user(l, e);
	if (r == 0 && !l->cred.password)
		r = secret_prompt("Password: ", true, l->stop, &l->cred.password, e);
	if (r == 0 && str_is_empty(l->cred.password))
		r = err_say(e, EINVAL, "the password is empty");
	return r;
}

static int keep(struct login *l, struct err *e)
{
	auto_free char *where = NULL;
	bool plain;
	int r = auth_store(&l->source, l->key, &l->cred, &where, &plain, e);

	if (r < 0)
		return r;
	if (l->o->verbose)
		printf("Used: %s\n", where);
	else if (plain)
		log_warn("the password is kept unencrypted in '%s'; a credential helper (credsStore) avoids that",
			 where);
	return 0;
}

static int print_login(struct login *l, struct err *e)
{
	auto_auth struct auth a = { 0 };
	int r = auth_find(&l->source, l->host, l->path, &a, e);

	if (r < 0)
		return r;
	if (!a.username && !a.identity_token)
		return err_say(e, ENOENT, "not logged into %s", l->key);
	puts(a.username ? a.username : "<token>");
	return 0;
}

static int check_options(const struct login *l, struct err *e)
{
	const struct login_opts *o = l->o;

	if (l->cred.password && o->password_stdin)
		return err_say(e, EINVAL, "--password and --password-stdin are mutually exclusive");
	if (o->password_stdin && !o->username)
		return err_say(e, EINVAL, "Must provide --username with --password-stdin");
	if (o->username && (!*o->username || strchr(o->username, ':') || str_has_control(o->username)))
		return err_say(e, EINVAL, "a username is not empty and has no colon in it");
	return 0;
}

static int login(struct login *l, const char *text, struct err *e)
{
	int r = check_options(l, e);

	if (r == 0)
		r = set_key(l, text, e);
	if (r < 0)
		return r;
	if (l->o->get_login)
		return print_login(l, e);
	if (!l->o->username && !l->cred.password)
		r = try_stored(l, e);
	if (r > 0) {
		puts("Login Succeeded");
		return 0;
	}
	if (r == 0)
		r = ask(l, e);
	if (r == 0)
		r = verify(l, &l->cred, e);
	if (r == 0)
		r = keep(l, e);
	if (r == 0)
		puts("Login Succeeded");
	return r;
}

/**
 * login_run() - skiff login
 * @ctx:	Global options
 * @opts:	struct login_opts
 * @argc:	0 or 1
 * @argv:	The registry
 * @e:		Failure; never has a secret in it
 *
 * Return: 0, 128 + signal, or negative errno
 */
int login_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct login_opts *o = opts;
	auto_close int stop = -EBADF;
	struct login l = {
		.o = o,
		.config_dir = ctx->config_dir,
		.verify_given = ctx_is_given(ctx, "tls-verify"),
		.source = { .config_dir = ctx->config_dir, .file = o->authfile },
	};
	int r;

	l.cred.password = secret_take_arg(o->password);
	if (l.cred.password)
		fputs("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n", stderr);
	r = stop_open(&stop, e);
	l.stop = stop;
	if (r == 0)
		r = login(&l, argc ? argv[0] : "docker.io", e);
	auth_done(&l.cred);
	free(l.key);
	free(l.host);
	free(l.path);
	return r == -EINTR && stop_signal(stop) ? 128 + stop_signal(stop) : r;
}

/**
 * logout_run() - skiff logout
 * @ctx:	Global options
 * @opts:	struct logout_opts
 * @argc:	0 or 1
 * @argv:	The registry
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int logout_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct logout_opts *o = opts;
	const struct auth_source source = { .config_dir = ctx->config_dir, .file = o->authfile };
	auto_free char *key = auth_key(argc ? argv[0] : "docker.io");
	int r;

	if (o->all && argc)
		return err_say(e, EINVAL, "--all takes no registry");
	if (!key)
		return err_say(e, EINVAL, "'%s' is not the name of a registry", argv[0]);
	if (o->all) {
		r = auth_erase_all(&source, e);
		if (r >= 0)
			puts("Removed login credentials for all registries");
		return r < 0 ? r : 0;
	}
	r = auth_erase(&source, key, e);
	if (r >= 0)
		printf(r ? "Removing login credentials for %s\n" : "Not logged in to %s\n", key);
	return r < 0 ? r : 0;
}
