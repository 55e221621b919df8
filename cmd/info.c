/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/engine/ctr.h"
#include "lib/format/list.h"
#include "lib/format/text.h"
#include "lib/oci/conf.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"
#include "lib/runtime/userns.h"
#include "lib/runtime/walls.h"
#include "storage/driver.h"
#include "storage/store.h"

struct info_opts {
	const char *format;
};

static const struct opt opts[] = {
	OPT_STR('f', "format", struct info_opts, format, "Format output using a custom template"),
	OPT_END,
};

static int add_containers(struct store *s, struct json *o, struct err *e)
{
	int64_t counts[CTR_STATUS__N] = { 0 };
	struct ctr *list = NULL;
	size_t n = 0, gone = 0;
	int r = ctr_list(s, &list, &n, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct ctr_state st = { 0 };

		ctr_read_state(&list[i], &st);
		if (st.monitor_died && ctr_settle(&list[i]))
			gone++;
		else if (st.status >= 0 && st.status < CTR_STATUS__N)
			counts[st.status]++;
		ctr_state_done(&st);
	}
	ctr_list_free(list, n);
	n -= gone;
	json_set_i64(o, "Containers", (int64_t)n);
	json_set_i64(o, "ContainersRunning", counts[CTR_RUNNING]);
	json_set_i64(o, "ContainersPaused", counts[CTR_PAUSED]);
	json_set_i64(o, "ContainersStopped", (int64_t)n - counts[CTR_RUNNING] - counts[CTR_PAUSED]);
	return 0;
}

/* Images, not names: one image may have several. */
static int add_images(struct store *s, struct json *o, struct err *e)
{
	auto_strv char **ids = NULL;
	struct image_rec *list = NULL;
	size_t n = 0;
	int r = store_image_list(s, &list, &n, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (!strv_has(ids, list[i].config_digest))
			strv_add(&ids, list[i].config_digest);
	image_recs_free(list, n);
	json_set_i64(o, "Images", (int64_t)strv_len(ids));
	return 0;
}

/* Layers and blobs, each counted once. */
static int add_store(struct store *s, struct json *o, struct err *e)
{
	auto_strv char **additional = store_additional(s);
	auto_store_usage struct store_usage u = { 0 };
	struct json *j = json_set_object(o, "Store");
	int r = store_usage(s, &u, e);

	if (r < 0)
		return r;
	json_set_i64(j, "Layers", (int64_t)u.layers);
	json_set_i64(j, "LayersSize", (int64_t)u.layers_size);
	json_set_i64(j, "Blobs", (int64_t)u.blobs);
	json_set_i64(j, "BlobsSize", (int64_t)u.blobs_size);
	json_set_i64(j, "Reclaimable", (int64_t)u.reclaimable);
	json_set_strv(j, "AdditionalStores", additional);
	return 0;
}

static void add_pair(struct json *arr, const char *key, const char *value)
{
	struct json *pair = json_new_array();

	json_add_str(pair, key);
	json_add_str(pair, value);
	json_add(arr, pair);
}

static int add_driver(const char *forced, struct store *s, struct json *o, struct err *e)
{
	const struct driver *d = NULL;
	auto_free char *reason = NULL;
	int r = driver_choose(s, forced, &d, e);

	if (r < 0)
		return r;
	json_set_str(o, "Driver", driver_name(d));
	if (driver_reason(s, d, &reason, NULL) == 0)
		add_pair(json_set_array(o, "DriverStatus"), "Chosen because", reason);
	return 0;
}

/* "PRETTY_NAME=..." of os-release, without its quotes. */
static char *os_name(void)
{
	auto_free char *text = NULL;

	if (fs_read_file(AT_FDCWD, "/etc/os-release", 65536, &text, NULL, NULL) < 0 &&
	    fs_read_file(AT_FDCWD, "/usr/lib/os-release", 65536, &text, NULL, NULL) < 0)
		return xstrdup("Linux");
	for (char *line, *rest = text; (line = strsep(&rest, "\n"));) {
		const char *v = str_after(line, "PRETTY_NAME=");

		if (!v)
			continue;
		v += *v == '"';
		return xstrndup(v, strcspn(v, "\""));
	}
	return xstrdup("Linux");
}

static void add_host(struct json *o, const struct oci_platform *platform, const struct utsname *u)
{
	auto_free char *os = os_name();

	json_set_str(o, "Name", u->nodename);
	json_set_str(o, "KernelVersion", u->release);
	json_set_str(o, "OperatingSystem", os);
	json_set_str(o, "OSType", "linux");
	json_set_str(o, "Architecture", u->machine);
	json_set_str(o, "Arch", platform->arch);
	json_set_i64(o, "NCPU", sysconf(_SC_NPROCESSORS_ONLN));
	json_set_i64(o, "MemTotal", (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
}

static void add_security(struct json *o, const struct walls_probe *p)
{
	struct json *arr = json_set_array(o, "SecurityOptions");

	json_add_str(arr, "name=seccomp,profile=builtin");
	json_add_str(arr, "name=rootless");
	if (p->cgroup2)
		json_add_str(arr, "name=cgroupns");
	if (p->no_new_privs)
		json_add_str(arr, "name=no-new-privileges");
}

static int add_ids(struct json *o, struct err *e)
{
	struct json *ids = json_set_object(o, "IDMap");
	struct idmap m = { 0 };
	int r = idmap_for_caller(&m, e);

	if (r < 0)
		return r;
	json_set_str(ids, "Mode", m.single ? "single-id" : m.host_root ? "root" : "subordinate");
	json_set_str(ids, "Why", m.single ? m.why_single : NULL);
	json_set_i64(ids, "Users", (int64_t)idmap_count(m.uid, m.n_uid));
	json_set_i64(ids, "Groups", (int64_t)idmap_count(m.gid, m.n_gid));
	return 0;
}

static void add_walls(struct json *o, const struct walls_probe *p)
{
	struct walls_finding found[WALL__N];
	struct json *arr = json_set_array(o, "Warnings");

	walls_check(p, found);
	for (int i = 0; i < WALL__N; i++)
		if (found[i].level != WALLS_OK) {
			auto_free char *text = xasprintf("%s (%s)", found[i].state, found[i].mend);

			json_add_str(arr, text);
		}
}

static void add_settings(struct json *o, const struct conf *c)
{
	struct json *registry = json_set_object(o, "RegistryConfig");

	json_set_str(o, "LoggingDriver", c->log_driver ? c->log_driver : "json-file");
	json_set_strv(o, "Labels", c->labels);
	json_set_strv(registry, "InsecureRegistries", c->insecure_registries);
	json_set_strv(registry, "Mirrors", c->registry_mirrors);
	json_set_str(o, "DefaultRuntime", "skiff");
}

/* There is no swarm yet: what scripts ask before they use one. */
static void add_swarm(struct json *o)
{
	struct json *swarm = json_set_object(o, "Swarm");

	json_set_str(swarm, "NodeID", "");
	json_set_str(swarm, "NodeAddr", "");
	json_set_str(swarm, "LocalNodeState", "inactive");
	json_set_bool(swarm, "ControlAvailable", false);
	json_set_str(swarm, "Error", "");
	json_set_strv_or_null(swarm, "RemoteManagers", NULL);
}

static int collect(const struct ctx *ctx, struct json *o, struct err *e)
{
	auto_oci_platform struct oci_platform platform = { 0 };
	auto_store struct store *s = NULL;
	auto_conf struct conf conf = { 0 };
	struct walls_probe p;
	const char *run_dir = NULL;
	struct utsname u;
	int r = store_open(ctx->root, ctx->runroot, &s, e);

	if (r == 0)
		r = conf_load(ctx->config_dir, &conf, e);
	if (r == 0)
		r = oci_platform_host(&platform, e);
	if (r == 0 && uname(&u) < 0)
		r = err_set(e, errno, "ask the kernel for its version");
	if (r < 0)
		return r;
	json_set_str(o, "ServerVersion", SKIFF_VERSION);
	walls_look(store_root(s), 0, &p);
	r = add_containers(s, o, e);
	if (r == 0)
		r = add_images(s, o, e);
	if (r == 0)
		r = add_store(s, o, e);
	if (r == 0)
		r = add_driver(ctx->storage_driver ? ctx->storage_driver : conf.storage_driver, s, o, e);
	if (r == 0)
		r = add_ids(o, e);
	if (r < 0)
		return r;
	add_host(o, &platform, &u);
	add_security(o, &p);
	add_settings(o, &conf);
	add_swarm(o);
	add_walls(o, &p);
	json_set_str(o, "DockerRootDir", store_root(s));
	store_run_dir(s, &run_dir, NULL, NULL);
	json_set_str(o, "RunDir", run_dir);
	json_set_str(o, "CgroupVersion", p.cgroup2 ? "2" : "1");
	json_set_str(o, "CgroupDriver", p.cgroup_delegated ? "cgroupfs" : p.systemd_user ? "systemd" : "none");
	return 0;
}

static void print_list(const char *title, const struct json *arr)
{
	if (json_len(arr) == 0)
		return;
	printf(" %s:\n", title);
	for (size_t i = 0; i < json_len(arr); i++)
		printf("  %s\n", json_as_str(json_item(arr, i)));
}

static void print_store(const struct json *j)
{
	char size[FORMAT_LEN];

	printf(" Layers: %" PRId64 " (%s)\n", json_get_i64(j, "Layers", 0),
	       format_size((uint64_t)json_get_i64(j, "LayersSize", 0), 4, size));
	printf(" Blobs: %" PRId64 " (%s)\n", json_get_i64(j, "Blobs", 0),
	       format_size((uint64_t)json_get_i64(j, "BlobsSize", 0), 4, size));
	print_list("Additional Stores", json_get_array(j, "AdditionalStores"));
}

static void print_text(const struct json *o)
{
	const struct json *status = json_item(json_get_array(o, "DriverStatus"), 0);
	const struct json *ids = json_get_object(o, "IDMap");
	const char *why = json_get_str(ids, "Why");

	printf("Client:\n Version:    %s\n Context:    default\n\nServer:\n", SKIFF_VERSION);
	printf(" Containers: %" PRId64 "\n  Running: %" PRId64 "\n  Paused: %" PRId64 "\n  Stopped: %" PRId64 "\n",
	       json_get_i64(o, "Containers", 0), json_get_i64(o, "ContainersRunning", 0),
	       json_get_i64(o, "ContainersPaused", 0), json_get_i64(o, "ContainersStopped", 0));
	printf(" Images: %" PRId64 "\n Server Version: %s\n", json_get_i64(o, "Images", 0), SKIFF_VERSION);
	print_store(json_get_object(o, "Store"));
	printf(" Storage Driver: %s\n", json_get_str(o, "Driver"));
	if (status)
		printf("  %s: %s\n", json_as_str(json_item(status, 0)), json_as_str(json_item(status, 1)));
	printf(" Logging Driver: %s\n Cgroup Driver: %s\n Cgroup Version: %s\n", json_get_str(o, "LoggingDriver"),
	       json_get_str(o, "CgroupDriver"), json_get_str(o, "CgroupVersion"));
	printf(" Swarm: %s\n", json_get_str(json_get_object(o, "Swarm"), "LocalNodeState"));
	print_list("Security Options", json_get_array(o, "SecurityOptions"));
	printf(" Id Map: %s, %" PRId64 " user ids, %" PRId64 " group ids\n", json_get_str(ids, "Mode"),
	       json_get_i64(ids, "Users", 0), json_get_i64(ids, "Groups", 0));
	if (why)
		printf("  because %s\n", why);
	printf(" Kernel Version: %s\n Operating System: %s\n OSType: linux\n Architecture: %s\n",
	       json_get_str(o, "KernelVersion"), json_get_str(o, "OperatingSystem"), json_get_str(o, "Architecture"));
	printf(" CPUs: %" PRId64 "\n Total Memory: %.4gGiB\n Name: %s\n", json_get_i64(o, "NCPU", 0),
	       (double)json_get_i64(o, "MemTotal", 0) / (1 << 30), json_get_str(o, "Name"));
	printf(" Docker Root Dir: %s\n", json_get_str(o, "DockerRootDir"));
	if (json_get_str(o, "RunDir"))
		printf(" Run Dir: %s\n", json_get_str(o, "RunDir"));
	print_list("Labels", json_get_array(o, "Labels"));
	print_list("Insecure Registries", json_get_array(json_get_object(o, "RegistryConfig"), "InsecureRegistries"));
	fflush(stdout);
	for (size_t i = 0; i < json_len(json_get_array(o, "Warnings")); i++)
		fprintf(stderr, "WARNING: %s\n", json_as_str(json_item(json_get_array(o, "Warnings"), i)));
}

static int info_run(struct ctx *ctx, void *opt_ptr, int argc, char **argv, struct err *e)
{
	const struct info_opts *opt = opt_ptr;
	auto_json struct json *o = json_new_object();
	int r = collect(ctx, o, e);

	(void)argc;
	(void)argv;
	if (r < 0)
		return r;
	if (opt->format)
		return format_object(opt->format, o, stdout, e);
	print_text(o);
	return 0;
}

const struct cmd cmd_info = {
	.path = "system info",
	.alias = "info",
	.help = "Display system-wide information",
	.group = CMD_GROUP_COMMON,
	.opts = opts,
	.opts_size = sizeof(struct info_opts),
	.run = info_run,
};
