/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/new_container.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"
#include "lib/engine/attach.h"
#include "lib/engine/life.h"
#include "lib/engine/spec.h"
#include "lib/oci/envfile.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"
#include "lib/oci/kv.h"
#include "lib/oci/ref.h"
#include "lib/oci/registries.h"
#include "lib/oci/runspec.h"
#include "storage/store.h"

#define ZONES "/usr/share/zoneinfo"

int run_image_program(const struct ctx *ctx, const char *const *args, int stdout_fd, struct err *e)
{
	const struct {
		const char *option, *value;
	} globals[] = { { "--root", ctx->root },
			{ "--runroot", ctx->runroot },
			{ "--config", ctx->config_dir },
			{ "--log-level", ctx->log_level },
			{ "--trace", ctx->trace } };
	auto_free char *path = NULL;
	auto_strv char **argv = NULL;
	struct proc_spec s = { .stdio = { STDIN_FILENO, stdout_fd, STDERR_FILENO } };
	int r = proc_libexec("skiff-image", &path, e);

	if (r < 0)
		return r;
	strv_add(&argv, path);
	for (size_t i = 0; i < sizeof(globals) / sizeof(*globals); i++)
		if (globals[i].value)
			strv_add_take(&argv, xasprintf("%s=%s", globals[i].option, globals[i].value));
	for (; *args; args++)
		strv_add(&argv, *args);
	s.file = path;
	s.argv = argv;
	return proc_run(&s, e);
}

static int load_embedded(const struct ctx *ctx, const char *image, struct err *e)
{
	auto_free char *bare = xstrndup(image, strcspn(image, ":@"));
	const char *args[] = { "load", "--embedded", bare, NULL };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), r;

	r = run_image_program(ctx, args, null, e);
	close(null);
	if (r > 0)
		return err_say(e, EREMOTEIO, "%s", ""); /* it has said why */
	return r;
}

static int pull(const struct ctx *ctx, const struct run_opts *o, const char *image, struct err *e)
{
	const char *args[8];
	int n = 0, r;
	auto_free char *platform = o->platform ? xasprintf("--platform=%s", o->platform) : NULL;

	args[n++] = "pull";
	if (o->quiet)
		args[n++] = "--quiet";
	if (!o->tls_verify)
		args[n++] = "--tls-verify=false";
	if (platform)
		args[n++] = platform;
	args[n++] = "--";
	args[n++] = image;
	args[n] = NULL;
	/* stdout belongs to the container's output: progress goes to stderr, as with docker. */
	r = run_image_program(ctx, args, STDERR_FILENO, e);
	if (r > 0)
		return err_say(e, EREMOTEIO, "%s", ""); /* it has said why */
	return r;
}

/*
 * In the store, by the name as it is; then, for a name without a registry, by those that registries.conf makes of it
 * (an image that was pulled through an alias has the alias's name).
 */
static int find_local(struct store *store, const char *image, struct image_rec *ret, struct err *e)
{
	auto_registries struct registries *reg = NULL;
	auto_strv char **names = NULL;
	int r = store_image_find(store, image, ret, e);

	if (r != -ENOENT || ref_has_domain(image) || registries_load(&reg, NULL) < 0)
		return r;
	names = registries_candidates(reg, image);
	for (char **n = names; *n; n++)
		if (store_image_find(store, *n, ret, NULL) == 0)
			return 0;
	return r;
}

static int find_image(const struct ctx *ctx, struct store *store, const struct run_opts *o, const char *image,
		      struct image_rec *ret, struct err *e)
{
	auto_ref struct ref ref = { 0 };
	auto_free char *shown = NULL;
	int r = -ENOENT;

	if (o->pull != PULL_ALWAYS && o->pull != PULL_NEWER) {
		r = find_local(store, image, ret, e);
		if (r != -ENOENT)
			return r;
	}
	if (store_image_is_embedded(image)) {
		r = load_embedded(ctx, image, e);
		return r < 0 ? r : store_image_find(store, image, ret, e);
	}
	if (o->pull == PULL_NEVER)
		return err_say(e, ENOENT, "No such image: %s (and --pull=never)", image);
	r = ref_parse(image, &ref, e);
	if (r < 0)
		return r;
	ref_add_default_tag(&ref);
	shown = ref_familiar(&ref);
	if (o->pull == PULL_MISSING && !o->quiet)
		fprintf(stderr, "Unable to find image '%s' locally\n", shown);
	r = pull(ctx, o, image, e);
	return r < 0 ? r : find_local(store, image, ret, e);
}

static void take_str(char **to, const char *first, const char *second)
{
	const char *s = first ? first : second;

	if (!str_is_empty(s))
		*to = xstrdup(s);
}

/* podman: '["program", "argument"]' */
static char **json_entrypoint(const char *text)
{
	auto_json struct json *doc = NULL;
	char **v = NULL;

	if (*text != '[' || json_parse(text, strlen(text), &doc, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < json_len(doc); i++) {
		if (!json_as_str(json_item(doc, i))) {
			strv_freep(&v);
			break;
		}
		strv_add(&v, json_as_str(json_item(doc, i)));
	}
	return v;
}

static void set_command(struct ctr_config *c, const struct run_opts *o, const struct oci_image_config *img, char **args)
{
	if (o->entrypoint) {
		c->entrypoint = json_entrypoint(o->entrypoint);
		if (*o->entrypoint && !c->entrypoint)
			strv_add(&c->entrypoint, o->entrypoint);
	} else if (img) {
		c->entrypoint = strv_dup(img->entrypoint);
	}
	if (*args)
		c->cmd = strv_dup(args);
	else if (img && !o->entrypoint)
		c->cmd = strv_dup(img->cmd);
}

static int set_env(struct ctr_config *c, const struct run_opts *o, const struct oci_image_config *img,
		   const struct conf *conf, struct err *e)
{
	int r = 0;

	if (o->env_host)
		for (char **v = environ; *v; v++)
			if (env_is_entry(*v))
				env_set(&c->env, *v);
	for (char **v = img && !o->unsetenv_all ? img->env : NULL; v && *v; v++)
		env_set(&c->env, *v);
	for (char **v = conf->proxy_env; v && *v; v++) /* docker: the user's proxies win over the image's */
		env_set(&c->env, *v);
	for (char **v = o->unsetenv; v && *v; v++)
		env_unset(c->env, *v);
	for (char **f = o->env_file; r == 0 && f && *f; f++)
		r = envfile_load(*f, environ, &c->env, e);
	for (char **v = o->env; r == 0 && v && *v; v++)
		r = env_set_option(&c->env, *v, environ, e);
	return r;
}

static int set_labels(struct ctr_config *c, const struct run_opts *o, const struct oci_image_config *img, struct err *e)
{
	int r = 0;

	KV_EACH(img ? img->labels : NULL, i)
	kv_set(&c->labels, img->labels[i], img->labels[i + 1]);
	for (char **f = o->label_file; r == 0 && f && *f; f++)
		r = labelfile_load(*f, &c->labels, e);
	for (char **l = o->label; l && *l; l++)
		kv_set_text(&c->labels, *l);
	for (char **a = o->annotation; a && *a; a++)
		kv_set_text(&c->annotations, *a);
	for (char **l = o->log_opt; l && *l; l++)
		kv_set_text(&c->log_opts, *l);
	return r;
}

/*
 * slirp4netns answers for the host's loopback only when the container may reach it, so that datagrams from there are
 * lost. (TCP is accepted on the host's side, and comes from the gateway.)
 */
static int check_udp(const struct ctr_config *c, const char *text, const struct portspec *p, size_t n, struct err *e)
{
	if (!n || p[0].proto != PORT_UDP || !str_has_prefix(c->network, "slirp4netns") ||
	    strstr(c->network, "allow_host_loopback=true"))
		return 0;
	if (p[0].ip && str_has_prefix(p[0].ip, "127."))
		return err_say(e, EINVAL,
			       "publish %s: udp from the loopback needs --network slirp4netns:allow_host_loopback=true",
			       text);
	log_warn("publish %s: clients on this machine must use its own address, not 127.0.0.1 (which udp needs "
		 "--network "
		 "slirp4netns:allow_host_loopback=true for)",
		 text);
	return 0;
}

static int set_network(struct ctr_config *c, const struct run_opts *o, struct err *e)
{
	if (strv_len(o->network) > 1)
		return err_say(e, ENOTSUP, "several --network options are not there yet");
	c->network = xstrdup(o->network ? o->network[0] : "slirp4netns");
	c->ports = strv_dup(o->publish);
	for (char **p = c->ports; p && *p; p++) {
		struct portspec *v = NULL;
		size_t n;
		int r = portspec_parse(*p, &v, &n, e);

		if (r < 0)
			return r;
		r = check_udp(c, *p, v, n, e);
		portspec_free(v, n);
		if (r < 0)
			return r;
	}
	if (c->ports && (!strcmp(c->network, "host") || !strcmp(c->network, "none"))) {
		log_warn("published ports are discarded when using %s network mode", c->network);
		strv_freep(&c->ports);
	}
	return 0;
}

static int set_log(struct ctr_config *c, const struct run_opts *o, const struct conf *conf, struct err *e)
{
	const char *driver = o->log_driver ? o->log_driver : conf->log_driver ? conf->log_driver : "json-file";

	if (strcmp(driver, "json-file") && strcmp(driver, "none"))
		return err_say(e, ENOTSUP, "--log-driver %s is not there yet: json-file and none are", driver);
	if (c->log_opts)
		return err_say(e, ENOTSUP, "--log-opt %s is not there yet: the log grows without rotation for now",
			       c->log_opts[0]);
	c->log_driver = xstrdup(driver);
	return 0;
}

/* docker: an unknown host of one's own gets its id's first digits as its name; with the host's UTS or network, the
 * host's. */
static int set_hostname(struct ctr_config *c, const struct run_opts *o, struct err *e)
{
	char own[256] = "";

	if ((o->hostname || o->domainname) && str_is_eq(c->uts, "host"))
		return err_say(e, EINVAL, "conflicting options: hostname and the UTS mode");
	if (o->hostname)
		c->hostname = xstrdup(o->hostname);
	else if ((str_is_eq(c->uts, "host") || str_is_eq(c->network, "host")) && gethostname(own, sizeof(own) - 1) == 0)
		c->hostname = xstrdup(own);
	else
		c->hostname = xstrndup(c->id, 12);
	return 0;
}

static void set_mounts(struct ctr_config *c, const struct run_opts *o)
{
	c->base_dir = getcwd(NULL, 0);
	c->volumes = strv_dup(o->volume);
	c->mounts = strv_dup(o->mount);
	c->tmpfs = strv_dup(o->tmpfs);
}

/* As podman: the host's data, so that images without time zones have the right time too. */
static int set_time_zone(struct ctr_config *c, struct err *e)
{
	bool is_local = str_is_eq(c->tz, "local");
	auto_free char *file = is_local ? xstrdup("/etc/localtime") : xasprintf(ZONES "/%s", c->tz ? c->tz : "");
	struct stat st;

	if (!c->tz)
		return 0;
	if (stat(file, &st) < 0 && is_local && errno == ENOENT) /* then the host's time is UTC, as the container's */
		return 0;
	if (strchr(c->tz, ':') || strstr(c->tz, "..") || stat(file, &st) < 0 || !S_ISREG(st.st_mode))
		return err_say(e, EINVAL, "invalid --tz '%s': no such time zone in " ZONES, c->tz);
	strv_add_take(&c->volumes, xasprintf("%s:/etc/localtime:ro", file));
	return 0;
}

/* RT-28 */
static void warn_of_sharing(const struct ctr_config *c)
{
	if (str_is_eq(c->pid, "host"))
		log_warn("--pid=host: the container sees every process of this machine, and its root can signal yours");
}

static void check_oom_score(const struct ctr_config *c)
{
	auto_free char *text = NULL;
	int64_t own;

	if (c->has_oom_score_adj && fs_read_file(AT_FDCWD, "/proc/self/oom_score_adj", 32, &text, NULL, NULL) == 0 &&
	    str_to_i64(str_trim(text), &own) == 0 && c->oom_score_adj < own)
		log_warn("--oom-score-adj %lld: an ordinary user cannot lower it; %lld is used",
			 (long long)c->oom_score_adj, (long long)own);
}

/* Without root there is no device cgroup: what the host lets the caller do with a device the container can do. */
static void warn_of_devices(const struct ctr_config *c)
{
	for (char **t = c->devices; t && *t; t++) {
		auto_devicespec struct devicespec d = { 0 };

		if (devicespec_parse(*t, &d, NULL) == 0 && (!strchr(d.perms, 'r') || !strchr(d.perms, 'w')))
			log_warn("--device %s: an ordinary user cannot narrow the access; the container has yours", *t);
	}
}

static int check_limits(const struct ctr_config *c, struct err *e)
{
	if (c->oom_score_adj < -1000 || c->oom_score_adj > 1000)
		return err_say(e, EINVAL, "invalid --oom-score-adj %lld: -1000 to 1000", (long long)c->oom_score_adj);
	check_oom_score(c);
	warn_of_devices(c);
	for (char **t = c->ulimits; t && *t; t++) {
		struct ulimitspec u;
		struct rlimit own;
		int r = ulimitspec_parse(*t, &u, e);

		if (r < 0)
			return r;
		if (getrlimit((__rlimit_resource_t)u.resource, &own) == 0 && u.hard > own.rlim_max)
			log_warn("--ulimit %s: an ordinary user cannot raise its hard limit; %llu is used", *t,
				 (unsigned long long)own.rlim_max);
	}
	return 0;
}

static int add_default_ulimits(struct ctr_config *c, const struct run_opts *o, const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_default_ulimits; i++) {
		const struct ulimitspec *u = &conf->default_ulimits[i];

		strv_add_take(&c->ulimits, xasprintf("%s=%lld:%lld", u->name, (long long)u->soft, (long long)u->hard));
	}
	for (char **u = o->ulimit; u && *u; u++)
		strv_add(&c->ulimits, *u);
	return 0;
}

static char **either(char *const *given, char *const *dflt)
{
	return strv_dup(given ? given : dflt);
}

static void set_plain(struct ctr_config *c, const struct ctx *ctx, const struct run_opts *o, const struct conf *conf)
{
	const struct {
		char **to;
		const char *from;
	} strs[] = { { &c->name, o->name },
		     { &c->domainname, o->domainname },
		     { &c->ipc, o->ipc ? o->ipc : conf->ipc_mode },
		     { &c->pid, o->pid },
		     { &c->uts, o->uts },
		     { &c->userns, o->userns ? o->userns : conf->userns_mode },
		     { &c->cgroupns, o->cgroupns ? o->cgroupns : conf->cgroupns_mode },
		     { &c->umask, o->umask },
		     { &c->tz, o->tz },
		     { &c->cidfile, o->cidfile },
		     { &c->storage_driver, ctx->storage_driver ? ctx->storage_driver : conf->storage_driver } };

	for (size_t i = 0; i < sizeof(strs) / sizeof(*strs); i++)
		*strs[i].to = str_is_empty(strs[i].from) ? NULL : xstrdup(strs[i].from);
	c->tty = o->tty;
	c->open_stdin = o->interactive;
	c->stdin_once = o->interactive && !o->detach;
	c->is_run = o->is_run;
	c->auto_remove = o->rm;
	c->init = o->init || conf->init;
	c->privileged = o->privileged;
	c->read_only = o->read_only;
	c->read_only_tmpfs = o->read_only_tmpfs;
	c->no_hosts = o->no_hosts;
	c->no_new_privs = conf->no_new_privileges;
	c->stop_timeout = o->stop_timeout;
	c->shm_size = o->shm_size ? o->shm_size : conf->shm_size;
	c->oom_score_adj = o->oom_score_adj;
	c->has_oom_score_adj = ctx_is_given(ctx, "oom-score-adj");
	c->cap_add = strv_dup(o->cap_add);
	c->cap_drop = strv_dup(o->cap_drop);
	c->security_opt = strv_dup(o->security_opt);
	if (conf->seccomp_profile && !o->privileged)
		strv_add_take(&c->security_opt, xasprintf("seccomp=%s", conf->seccomp_profile));
	c->devices = strv_dup(o->device);
	c->groups = strv_dup(o->group_add);
	c->extra_hosts = strv_dup(o->add_host);
	c->sysctls = strv_dup(o->sysctl);
	c->dns = either(o->dns, conf->dns);
	c->dns_search = either(o->dns_search, conf->dns_search);
	c->dns_opts = either(o->dns_option, conf->dns_opts);
}

static int build_config(struct ctr_config *c, const struct ctx *ctx, const struct run_opts *o, const struct conf *conf,
			const struct oci_image_config *img, char **args, struct err *e)
{
	auto_spec struct spec checked = { 0 };
	int r;

	set_plain(c, ctx, o, conf);
	take_str(&c->user, o->user, img ? img->user : NULL);
	take_str(&c->cwd, o->workdir, img ? img->working_dir : NULL);
	take_str(&c->stop_signal, o->stop_signal, img ? img->stop_signal : NULL);
	set_command(c, o, img, args);
	if (!c->entrypoint && !c->cmd)
		return err_say(e, EINVAL, "no command specified");
	if (c->cwd && c->cwd[0] != '/')
		return err_say(e, EINVAL, "the working directory '%s' is invalid, it needs to be an absolute path",
			       c->cwd);
	add_default_ulimits(c, o, conf);
	r = set_network(c, o, e);
	if (r == 0)
		r = set_hostname(c, o, e);
	set_mounts(c, o);
	if (r == 0)
		r = set_time_zone(c, e);
	if (r == 0)
		r = set_env(c, o, img, conf, e);
	if (r == 0)
		r = set_labels(c, o, img, e);
	if (r == 0)
		r = set_log(c, o, conf, e);
	if (r == 0)
		r = check_limits(c, e);
	if (r == 0 && c->stop_signal && signal_parse(c->stop_signal, e) < 0)
		r = -EINVAL;
	if (r == 0 && o->no_hosts && o->add_host)
		r = err_say(e, EINVAL, "--no-hosts and --add-host cannot be set together");
	if (r == 0)
		r = spec_parse(c, &checked, e);
	if (r == 0)
		warn_of_sharing(c);
	return r;
}

/* The config, when all that the image consists of is there. */
static int load_image(struct store *store, const struct image_rec *rec, struct oci_image_config **ret, struct err *e)
{
	auto_oci_image_config struct oci_image_config *img = NULL;
	int r = store_image_config(store, rec->config_digest, &img, e);

	if (r == 0)
		r = store_layers_check(store, img->diff_ids, e);
	if (r == 0)
		*ret = take_ptr(&img);
	return r;
}

/* A part of it is gone (`system check --repair` has moved it away): what a registry or the program has comes again. */
static int mend_image(const struct ctx *ctx, struct store *store, const struct run_opts *o, const char *image,
		      struct image_rec *rec, struct oci_image_config **ret_img, struct err *e)
{
	struct err why = *e;
	int r;

	if (rec->read_only || o->pull == PULL_NEVER || (!rec->repo_digest && !store_image_is_embedded(image)))
		return err_hint(e, err_say(e, why.code, "image '%s' is damaged: %s", image, why.msg),
				"skiff system check tells more; pull, load or build it again");
	if (!o->quiet)
		fprintf(stderr, "Image '%s' is damaged (%s): it is fetched again\n", image, why.msg);
	r = store_image_is_embedded(image) ? load_embedded(ctx, image, e) : pull(ctx, o, image, e);
	image_rec_done(rec);
	if (r == 0)
		r = find_local(store, image, rec, e);
	return r < 0 ? r : load_image(store, rec, ret_img, e);
}

static int set_image(struct ctr_config *c, const struct ctx *ctx, struct store *store, const struct run_opts *o,
		     const char *image, struct oci_image_config **ret_img, struct err *e)
{
	auto_image_rec struct image_rec rec = { 0 };
	auto_oci_platform struct oci_platform want = { 0 }, host = { 0 };
	int r = find_image(ctx, store, o, image, &rec, e);

	if (r == 0) {
		r = load_image(store, &rec, ret_img, e);
		if (r == -ENOENT)
			r = mend_image(ctx, store, o, image, &rec, ret_img, e);
	}
	if (r == 0)
		r = o->platform ? oci_platform_parse(o->platform, &want, e) : oci_platform_host(&want, e);
	if (r == 0)
		r = oci_platform_host(&host, e);
	if (r < 0)
		return r;
	assert(*ret_img);
	c->platform = oci_platform_text(&(*ret_img)->platform);
	if (!oci_platform_is_match(&(*ret_img)->platform, &want)) {
		auto_free char *text = oci_platform_text(&want);

		if (o->platform)
			return err_say(e, ENOENT,
				       "image with reference %s was found but its platform (%s) does not match the "
				       "specified platform (%s)",
				       image, c->platform, text);
		log_warn("The requested image's platform (%s) does not match the detected host platform (%s) and no "
			 "specific "
			 "platform was requested",
			 c->platform, text);
	}
	c->image = xstrdup(image);
	c->image_config = xstrdup(rec.config_digest);
	c->layers = strv_dup((*ret_img)->diff_ids);
	return 0;
}

static int set_rootfs(struct ctr_config *c, const char *path, struct err *e)
{
	struct stat st;

	c->rootfs = realpath(path, NULL);
	if (!c->rootfs)
		return err_set(e, errno, "root file system '%s'", path);
	if (stat(c->rootfs, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_say(e, ENOTDIR, "root file system '%s' is not a folder", path);
	c->image = xstrdup(c->rootfs);
	return 0;
}

static int replace_old(struct store *store, const char *name, struct err *e)
{
	auto_ctr struct ctr old = { 0 };
	int r = ctr_find(store, name, &old, NULL);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = ctr_remove_forced(&old, e);
	return r;
}

static int claim_cidfile(const char *path, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno == EEXIST)
		return err_say(e, EEXIST,
			       "container ID file found, make sure the other container isn't running or delete %s",
			       path);
	return err_set(e, errno, "failed to create the container ID file '%s'", path);
}

int new_container(struct ctx *ctx, struct store *store, const struct run_opts *o, int argc, char **argv,
		  struct ctr *ret, char **ret_keys, struct err *e)
{
	auto_conf struct conf conf = { 0 };
	auto_oci_image_config struct oci_image_config *img = NULL;
	struct ctr_config c = { 0 };
	unsigned char parsed[16];
	const char *keys;
	char id[CTR_ID_LEN + 1];
	int r = conf_load(ctx->config_dir, &conf, e);

	(void)argc;
	keys = o->detach_keys ? o->detach_keys : conf.detach_keys ? conf.detach_keys : "ctrl-p,ctrl-q";
	if (r == 0)
		r = attach_parse_keys(keys, parsed, e);
	if (r >= 0)
		r = rand_hex(id, CTR_ID_LEN, e);
	if (r < 0)
		return r;
	c.id = xstrdup(id);
	r = o->rootfs ? set_rootfs(&c, argv[0], e) : set_image(&c, ctx, store, o, argv[0], &img, e);
	if (r == 0)
		r = build_config(&c, ctx, o, &conf, img, argv + 1, e);
	if (r == 0 && o->replace && o->name)
		r = replace_old(store, o->name, e);
	if (r == 0 && o->cidfile)
		r = claim_cidfile(o->cidfile, e);
	if (r == 0) {
		r = ctr_create(store, &c, ret, e);
		if (r < 0 && o->cidfile)
			unlink(o->cidfile);
	}
	if (r == 0 && o->cidfile)
		r = fs_write_file(AT_FDCWD, o->cidfile, ret->config.id, CTR_ID_LEN, 0644, e);
	if (r == 0 && ret_keys)
		*ret_keys = xstrdup(keys);
	ctr_config_done(&c);
	return r;
}
