/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/client.h"

#include <errno.h>
#include <string.h>

#include "cmd/image/secret.h"
#include "cmd/image/stop.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/http/http.h"
#include "lib/oci/policy.h"
#include "lib/oci/registries.h"
#include "storage/store.h"

/**
 * client_take_creds() - Read --creds
 * @arg:	"user:password" or "user"; overwritten, so that no list of processes shows it. May be NULL
 * @ret:	Credentials; auth_done()
 */
void client_take_creds(const char *arg, struct auth *ret)
{
	char *text, *colon;

	*ret = (struct auth) { 0 };
	if (!arg)
		return;
	text = secret_take_arg(arg);
	colon = strchr(text, ':');
	ret->username = colon ? xstrndup(text, (size_t)(colon - text)) : xstrdup(text);
	ret->password = xstrdup(colon ? colon + 1 : "");
	secret_free(text);
}

/**
 * client_verify() - What --tls-verify or one of its kin says
 * @ctx:	Which options were given
 * @option:	Name of the option
 * @value:	Its value
 *
 * Return: as configured where it was not given
 */
enum registry_verify client_verify(const struct ctx *ctx, const char *option, bool value)
{
	if (!ctx_is_given(ctx, option))
		return REGISTRY_VERIFY_CONF;
	return value ? REGISTRY_VERIFY_ALWAYS : REGISTRY_VERIFY_NEVER;
}

static int open_all(struct client *c, const struct ctx *ctx, const char *platform, struct err *e)
{
	int r = stop_open(&c->stop, e);

	if (r == 0)
		r = platform ? oci_platform_parse(platform, &c->platform, e) : oci_platform_host(&c->platform, e);
	if (r == 0)
		r = conf_load(ctx->config_dir, &c->conf, e);
	if (r == 0)
		r = registries_load(&c->registries, e);
	if (r == 0)
		r = store_open(ctx->root, ctx->runroot, &c->store, e);
	return r < 0 ? r : http_new(&c->http, e);
}

/**
 * client_open() - Open what a verb needs
 * @c:		The surroundings; client_close()
 * @ctx:	Global options
 * @o:		--creds and the like
 * @platform:	--platform or NULL
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int client_open(struct client *c, const struct ctx *ctx, const struct registry_opts *o, const char *platform,
		struct err *e)
{
	int r;

	*c = (struct client) { .stop = -EBADF };
	client_take_creds(o->creds, &c->given);
	r = open_all(c, ctx, platform, e);
	if (r < 0) {
		client_close(c);
		return r;
	}
	trace_mark("store and network are open");
	c->remote = (struct remote) {
		.store = c->store,
		.http = c->http,
		.conf = &c->conf,
		.registries = c->registries,
		.auth = {
			.config_dir = ctx->config_dir,
			.file = o->authfile,
			.given = o->creds ? &c->given : NULL,
		},
		.cert_dir = o->cert_dir,
		.platform = &c->platform,
		.strict = platform != NULL,
		.verify = client_verify(ctx, "tls-verify", o->tls_verify),
		.stop = c->stop,
	};
	return 0;
}

/**
 * client_load_policy() - Read which images may come in
 * @c:		The surroundings
 * @file:	--signature-policy or NULL
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int client_load_policy(struct client *c, const char *file, struct err *e)
{
	int r = policy_load(file, &c->policy, e);

	c->remote.policy = c->policy;
	return r;
}

/**
 * client_close() - Release what client_open() opened
 * @c:	The surroundings
 */
void client_close(struct client *c)
{
	http_freep(&c->http);
	store_freep(&c->store);
	registries_freep(&c->registries);
	conf_done(&c->conf);
	policy_freep(&c->policy);
	auth_done(&c->given);
	oci_platform_done(&c->platform);
	fd_closep(&c->stop);
}
