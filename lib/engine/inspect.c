/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of docker's inspect: scripts and libraries read it, so members that mean nothing here are there too, empty.
 */
#include "lib/engine/inspect.h"

#include <limits.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/base/time.h"
#include "lib/engine/spec.h"
#include "lib/oci/json.h"
#include "lib/oci/kv.h"
#include "lib/oci/runspec.h"
#include "netns/uplink.h"
#include "storage/store.h"

static void set_time(struct json *j, const char *key, int64_t ns)
{
	char text[TIME_RFC3339_LEN];

	time_format_rfc3339(ns, text);
	json_set_str(j, key, ns ? text : "0001-01-01T00:00:00Z");
}

static void state_json(struct json *to, const struct ctr_state *s)
{
	struct json *j = json_set_object(to, "State");

	json_set_str(j, "Status", ctr_status_name((enum ctr_status)s->status));
	json_set_bool(j, "Running", s->status == CTR_RUNNING || s->status == CTR_PAUSED);
	json_set_bool(j, "Paused", s->status == CTR_PAUSED);
	json_set_bool(j, "Restarting", false);
	json_set_bool(j, "OOMKilled", s->oom_killed);
	json_set_bool(j, "Dead", s->status == CTR_DEAD);
	json_set_i64(j, "Pid", s->status == CTR_RUNNING ? s->pid : 0);
	json_set_i64(j, "ExitCode", s->exit_code);
	json_set_str(j, "Error", s->error ? s->error : "");
	set_time(j, "StartedAt", s->started_ns);
	set_time(j, "FinishedAt", s->status == CTR_RUNNING ? 0 : s->finished_ns);
}

static char **argv_of(const struct ctr_config *c)
{
	char **v = strv_dup(c->entrypoint);

	for (char **a = c->cmd; a && *a; a++)
		strv_add(&v, *a);
	return v;
}

static void port_bindings(struct json *to, const char *key, char *const *ports)
{
	struct json *j = json_set_object(to, key);

	for (char *const *t = ports; t && *t; t++) {
		struct portspec *p = NULL;
		size_t n = 0;

		if (portspec_parse(*t, &p, &n, NULL) < 0)
			continue;
		for (size_t i = 0; i < n; i++) {
			auto_free char *name = xasprintf("%u/%s", p[i].port, port_proto_name(p[i].proto));
			auto_free char *host = p[i].host_first ? xasprintf("%u", p[i].host_first) : xstrdup("");
			struct json *b = json_add_object(json_set_array(j, name));

			json_set_str(b, "HostIp", p[i].ip ? p[i].ip : "");
			json_set_str(b, "HostPort", host);
		}
		portspec_free(p, n);
	}
}

static void host_config(struct json *to, const struct ctr_config *c)
{
	struct json *j = json_set_object(to, "HostConfig"), *o;
	auto_strv char **binds = NULL;

	for (char **v = c->volumes; v && *v; v++)
		strv_add_take(&binds,
			      **v == '.' ? xasprintf("%s/%s", c->base_dir ? c->base_dir : "", *v) : xstrdup(*v));

	json_set_strv_or_null(j, "Binds", binds);
	json_set_str(j, "ContainerIDFile", c->cidfile ? c->cidfile : "");
	o = json_set_object(j, "LogConfig");
	json_set_str(o, "Type", c->log_driver ? c->log_driver : "json-file");
	json_set_map(o, "Config", c->log_opts);
	json_set_str(j, "NetworkMode", c->network ? c->network : "");
	port_bindings(j, "PortBindings", c->ports);
	o = json_set_object(j, "RestartPolicy");
	json_set_str(o, "Name", "no");
	json_set_i64(o, "MaximumRetryCount", 0);
	json_set_bool(j, "AutoRemove", c->auto_remove);
	json_set_map(j, "Annotations", c->annotations);
	json_set_strv_or_null(j, "CapAdd", c->cap_add);
	json_set_strv_or_null(j, "CapDrop", c->cap_drop);
	json_set_str(j, "CgroupnsMode", c->cgroupns ? c->cgroupns : "private");
	json_set_strv(j, "Dns", c->dns);
	json_set_strv(j, "DnsOptions", c->dns_opts);
	json_set_strv(j, "DnsSearch", c->dns_search);
	json_set_strv_or_null(j, "ExtraHosts", c->extra_hosts);
	json_set_strv_or_null(j, "GroupAdd", c->groups);
	json_set_str(j, "IpcMode", c->ipc ? c->ipc : "private");
	json_set_i64(j, "OomScoreAdj", c->oom_score_adj);
	json_set_str(j, "PidMode", c->pid ? c->pid : "");
	json_set_bool(j, "Privileged", c->privileged);
	json_set_bool(j, "ReadonlyRootfs", c->read_only);
	json_set_strv_or_null(j, "SecurityOpt", c->security_opt);
	json_set_str(j, "UTSMode", c->uts ? c->uts : "");
	json_set_str(j, "UsernsMode", c->userns ? c->userns : "");
	json_set_i64(j, "ShmSize", c->shm_size ? (int64_t)c->shm_size : 64 << 20);
	json_set_bool(j, "Init", c->init);
}

static void config_json(struct json *to, const struct ctr_config *c)
{
	struct json *j = json_set_object(to, "Config");

	json_set_str(j, "Hostname", c->hostname ? c->hostname : "");
	json_set_str(j, "Domainname", c->domainname ? c->domainname : "");
	json_set_str(j, "User", c->user ? c->user : "");
	json_set_bool(j, "AttachStdin", c->open_stdin);
	json_set_bool(j, "AttachStdout", true);
	json_set_bool(j, "AttachStderr", true);
	json_set_bool(j, "Tty", c->tty);
	json_set_bool(j, "OpenStdin", c->open_stdin);
	json_set_bool(j, "StdinOnce", c->stdin_once);
	json_set_strv(j, "Env", c->env);
	json_set_strv_or_null(j, "Cmd", c->cmd);
	json_set_str(j, "Image", c->image);
	json_set_str(j, "WorkingDir", c->cwd ? c->cwd : "");
	json_set_strv_or_null(j, "Entrypoint", c->entrypoint);
	json_set_map(j, "Labels", c->labels);
	json_set_str(j, "StopSignal", c->stop_signal ? c->stop_signal : "SIGTERM");
	json_set_i64(j, "StopTimeout", c->stop_timeout);
}

static void mounts_json(struct json *to, const struct ctr_config *c)
{
	auto_spec struct spec s = { 0 };
	struct json *a = json_set_array(to, "Mounts");

	if (spec_parse(c, &s, NULL) < 0)
		return;
	for (size_t i = 0; i < s.n_mounts; i++) {
		const struct mountspec *m = &s.mounts[i];
		struct json *j = json_add_object(a);

		json_set_str(j, "Type", mountspec_type_name(m->type));
		json_set_str(j, "Source", m->source ? m->source : "");
		json_set_str(j, "Destination", m->target);
		json_set_str(j, "Mode", m->read_only ? "ro" : "");
		json_set_bool(j, "RW", !m->read_only);
		json_set_str(j, "Propagation", m->type == MOUNTSPEC_BIND ? propagation_name(m->propagation) : "");
	}
}

static void network_json(struct json *to, const struct ctr_config *c, const struct ctr_state *s)
{
	struct json *j = json_set_object(to, "NetworkSettings"), *n;
	bool up = s->status == CTR_RUNNING && c->network && str_has_prefix(c->network, "slirp4netns");

	json_set_str(j, "SandboxID", "");
	port_bindings(j, "Ports", up ? s->ports : NULL);
	json_set_str(j, "IPAddress", up ? UPLINK_ADDRESS : "");
	json_set_str(j, "Gateway", up ? UPLINK_GATEWAY : "");
	n = json_set_object(json_set_object(j, "Networks"), c->network ? c->network : "none");
	json_set_str(n, "IPAddress", up ? UPLINK_ADDRESS : "");
	json_set_str(n, "Gateway", up ? UPLINK_GATEWAY : "");
	json_set_i64(n, "IPPrefixLen", up ? 24 : 0);
}

struct json *ctr_inspect(const struct ctr *c)
{
	const struct ctr_config *f = &c->config;
	struct json *j = json_new_object();
	auto_strv char **argv = argv_of(f);
	auto_free char *name = xasprintf("/%s", f->name),
		       *dir = xasprintf("%s/containers/%s", store_root(c->store), f->id);
	auto_free char *log = xasprintf("%s/log.json", dir), *hosts = xasprintf("%s/hosts", dir);
	auto_free char *resolv = xasprintf("%s/resolv.conf", dir), *hostname = xasprintf("%s/hostname", dir);
	struct ctr_state s;

	ctr_read_state(c, &s);
	json_set_str(j, "Id", f->id);
	set_time(j, "Created", f->created_ns);
	json_set_str(j, "Path", argv ? argv[0] : "");
	json_set_strv(j, "Args", argv ? argv + 1 : NULL);
	state_json(j, &s);
	json_set_str(j, "Image", f->image_config ? f->image_config : "");
	json_set_str(j, "ResolvConfPath", resolv);
	json_set_str(j, "HostnamePath", hostname);
	json_set_str(j, "HostsPath", hosts);
	json_set_str(j, "LogPath", str_is_eq(f->log_driver, "none") ? "" : log);
	json_set_str(j, "Name", name);
	json_set_i64(j, "RestartCount", 0);
	json_set_str(j, "Driver", f->storage_driver ? f->storage_driver : "overlay");
	json_set_str(j, "Platform", f->platform ? f->platform : "linux");
	json_set_str(j, "MountLabel", "");
	json_set_str(j, "ProcessLabel", "");
	json_set_str(j, "AppArmorProfile", "");
	json_set_null(j, "ExecIDs");
	host_config(j, f);
	mounts_json(j, f);
	config_json(j, f);
	network_json(j, f, &s);
	ctr_state_done(&s);
	return j;
}
