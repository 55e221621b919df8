/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every flag that docker and podman know for run and create. What is not there is in the table too, with the sentence
 * that the user gets: an option must never be parsed in silence, and "unknown flag" would look like a typing error.
 */
#include "cmd/run_opts.h"

#include <errno.h>
#include <string.h>

#include "lib/base/str.h"

#define LATER(what) "is not there yet: " what
#define LIMITS	    LATER("containers run without resource limits for now")
#define BLKIO	    LATER("limits of block devices need the io controller")
#define NETWORKS    LATER("networks of your own come later; there are none, host and slirp4netns")
#define VOLUMES	    LATER("named volumes come later; use -v /HOST/PATH:/PATH")
#define HEALTH	    LATER("health checks come later")
#define IMAGES	    LATER("pull the image first with skiff pull, which takes it")
#define PODS	    LATER("pods come later")
#define MAPS	    LATER("choose the id map with --userns (keep-id, host, nomap)")
#define GONE	    "does nothing: cgroup v2 has no such control"
#define WINDOWS	    "is for Windows containers"

static int parse_pull(void *field, const char *value, struct err *e)
{
	static const struct {
		const char *name;
		enum pull_policy policy;
	} names[] = { { "missing", PULL_MISSING }, { "ifnotpresent", PULL_MISSING }, { "false", PULL_MISSING },
		      { "always", PULL_ALWAYS },   { "true", PULL_ALWAYS },	     { "never", PULL_NEVER },
		      { "newer", PULL_NEWER },	   { "ifnewer", PULL_NEWER } };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(value, names[i].name)) {
			*(enum pull_policy *)field = names[i].policy;
			return 0;
		}
	return err_say(e, EINVAL, "must be always, missing, never or newer");
}

/* "no" is what happens anyway. */
static int parse_restart(void *field, const char *value, struct err *e)
{
	*(const char **)field = value;
	if (!strcmp(value, "no") || !*value)
		return 0;
	return err_say(e, ENOTSUP, "restart policies are not there yet");
}

#define R			       struct run_opts
#define STR(letter, name, field, ...)  OPT_STR(letter, name, R, field, __VA_ARGS__)
#define STRV(letter, name, field, ...) OPT_STRV(letter, name, R, field, __VA_ARGS__)
#define BOOL(letter, name, field, ...) OPT_BOOL(letter, name, R, field, __VA_ARGS__)
#define NO(name, help, reason)	       OPT_REFUSE(OPT_KIND_STR, 0, name, help, reason)
#define NO_FLAG(name, help, reason)    OPT_REFUSE(OPT_KIND_BOOL, 0, name, help, reason)
#define IGNORE(name, help, reason)     OPT_IGNORE(OPT_KIND_STR, 0, name, help, reason)

/* Order: what only run has (RUN_ONLY), then by subject; help sorts by name. */
const struct opt run_opts_table[] = {
	BOOL('d', "detach", detach, "Run container in background and print container ID"),
	STR(0, "detach-keys", detach_keys, "Override the key sequence for detaching a container"),
	BOOL(0, "sig-proxy", sig_proxy, "Proxy received signals to the process", .dflt = "true"),

	/* terminal and life */
	BOOL('i', "interactive", interactive, "Keep STDIN open even if not attached"),
	BOOL('t', "tty", tty, "Allocate a pseudo-TTY"),
	BOOL(0, "rm", rm, "Automatically remove the container when it exits"),
	STR(0, "name", name, "Assign a name to the container"),
	BOOL(0, "replace", replace, "Remove a container of the same name first"),
	STR(0, "cidfile", cidfile, "Write the container ID to the file"),
	STR(0, "stop-signal", stop_signal, "Signal to stop the container"),
	OPT_I64(0, "stop-timeout", R, stop_timeout, "Timeout (in seconds) to stop a container", .dflt = "10"),
	BOOL(0, "init", init, "Run an init inside the container that forwards signals and reaps processes"),
	STR(0, "log-driver", log_driver, "Logging driver for the container (\"json-file\", \"none\")"),
	STRV(0, "log-opt", log_opt, "Log driver options"),
	OPT_CALL(0, "restart", R, restart, parse_restart, "Restart policy to apply when a container exits (\"no\")"),

	/* image */
	OPT_CALL(0, "pull", R, pull, parse_pull,
		 "Pull image before running (\"always\", \"missing\", \"never\", \"newer\")", .dflt = "missing"),
	BOOL('q', "quiet", quiet, "Suppress the pull output"),
	STR(0, "platform", platform, "Set platform if the image has several (\"linux/arm64\")"),
	BOOL(0, "tls-verify", tls_verify, "Require HTTPS and verify certificates when pulling", .dflt = "true"),
	BOOL(0, "rootfs", rootfs, "IMAGE is a folder to use as the root file system"),

	/* process */
	STR(0, "entrypoint", entrypoint, "Overwrite the default ENTRYPOINT of the image"),
	STR('w', "workdir", workdir, "Working directory inside the container"),
	STR('u', "user", user, "Username or UID (format: <name|uid>[:<group|gid>])"),
	STRV('e', "env", env, "Set environment variables"),
	STRV(0, "env-file", env_file, "Read in a file of environment variables"),
	BOOL(0, "env-host", env_host, "Pass the whole environment of the host"),
	STRV(0, "unsetenv", unsetenv, "Remove an environment variable that the image sets"),
	BOOL(0, "unsetenv-all", unsetenv_all, "Remove all environment variables that the image sets"),
	STR(0, "umask", umask, "Set the umask inside the container (\"0022\")"),
	STR(0, "tz", tz, "Set the time zone (\"local\" or a name such as \"Europe/Berlin\")"),
	STRV(0, "ulimit", ulimit, "Ulimit options", .arg = "ulimit"),
	OPT_I64(0, "oom-score-adj", R, oom_score_adj, "Tune the host's OOM preferences (-1000 to 1000)"),

	/* labels */
	STRV('l', "label", label, "Set meta data on a container"),
	STRV(0, "label-file", label_file, "Read in a line delimited file of labels"),
	STRV(0, "annotation", annotation, "Add an annotation to the container (passed through to the OCI runtime)",
	     .arg = "map"),

	/* files */
	STRV('v', "volume", volume, "Bind mount a volume"),
	STRV(0, "mount", mount, "Attach a filesystem mount to the container", .arg = "mount"),
	STRV(0, "tmpfs", tmpfs, "Mount a tmpfs directory"),
	BOOL(0, "read-only", read_only, "Mount the container's root filesystem as read only"),
	BOOL(0, "read-only-tmpfs", read_only_tmpfs, "With --read-only: writable /run, /tmp and /var/tmp"),
	OPT_SIZE(0, "shm-size", R, shm_size, "Size of /dev/shm"),
	STRV(0, "device", device, "Add a host device to the container"),

	/* privileges */
	STRV(0, "cap-add", cap_add, "Add Linux capabilities"),
	STRV(0, "cap-drop", cap_drop, "Drop Linux capabilities"),
	BOOL(0, "privileged", privileged, "Give extended privileges to this container (within the user namespace)"),
	STRV(0, "security-opt", security_opt, "Security Options"),
	STRV(0, "group-add", group_add, "Add additional groups to join"),
	STRV(0, "sysctl", sysctl, "Sysctl options", .arg = "map"),

	/* namespaces */
	STR('h', "hostname", hostname, "Container host name"),
	STR(0, "domainname", domainname, "Container NIS domain name"),
	STR(0, "ipc", ipc, "IPC mode to use"),
	STR(0, "pid", pid, "PID namespace to use"),
	STR(0, "uts", uts, "UTS namespace to use"),
	STR(0, "userns", userns, "User namespace to use (\"keep-id\", \"host\", \"nomap\")"),
	STR(0, "cgroupns", cgroupns, "Cgroup namespace to use (host|private)"),

	/* network */
	STRV(0, "network", network, "Connect a container to a network", .arg = "network"),
	STRV(0, "net", network, "Connect a container to a network", .arg = "network", .flags = OPT_HIDDEN),
	STRV('p', "publish", publish, "Publish a container's port(s) to the host"),
	STRV(0, "add-host", add_host, "Add a custom host-to-IP mapping (host:ip)"),
	BOOL(0, "no-hosts", no_hosts, "Leave the image's /etc/hosts as it is"),
	STRV(0, "dns", dns, "Set custom DNS servers"),
	STRV(0, "dns-search", dns_search, "Set custom DNS search domains"),
	STRV(0, "dns-option", dns_option, "Set DNS options"),
	STRV(0, "dns-opt", dns_option, "Set DNS options", .flags = OPT_HIDDEN),

	/* No check runs yet, so none is what this asks for and gets. */
	BOOL(0, "no-healthcheck", no_healthcheck, "Disable any container-specified HEALTHCHECK"),

	OPT_REFUSE(OPT_KIND_STR, 'a', "attach", "Attach to STDIN, STDOUT or STDERR",
		   LATER("run attaches stdout and stderr, and stdin with -i")),
	OPT_REFUSE(OPT_KIND_BOOL, 'P', "publish-all", "Publish all exposed ports to random ports",
		   LATER("name the ports with -p")),
	NO("expose", "Expose a port or a range of ports", LATER("publish ports with -p")),
	OPT_REFUSE(OPT_KIND_STR, 'm', "memory", "Memory limit", LIMITS),
	OPT_REFUSE(OPT_KIND_STR, 'c', "cpu-shares", "CPU shares (relative weight)", LIMITS),
	NO("cpus", "Number of CPUs", LIMITS),
	NO("pids-limit", "Tune container pids limit", LIMITS),
	NO("cpu-period", "Limit CPU CFS (Completely Fair Scheduler) period", LIMITS),
	NO("cpu-quota", "Limit CPU CFS (Completely Fair Scheduler) quota", LIMITS),
	NO("cpuset-cpus", "CPUs in which to allow execution (0-3, 0,1)", LIMITS),
	NO("cpuset-mems", "MEMs in which to allow execution (0-3, 0,1)", LIMITS),
	NO("memory-reservation", "Memory soft limit", LIMITS),
	NO("memory-swap", "Swap limit equal to memory plus swap: '-1' to enable unlimited swap", LIMITS),
	NO("blkio-weight", "Block IO (relative weight), between 10 and 1000", BLKIO),
	NO("blkio-weight-device", "Block IO weight (relative device weight)", BLKIO),
	NO("device-read-bps", "Limit read rate (bytes per second) from a device", BLKIO),
	NO("device-read-iops", "Limit read rate (IO per second) from a device", BLKIO),
	NO("device-write-bps", "Limit write rate (bytes per second) to a device", BLKIO),
	NO("device-write-iops", "Limit write rate (IO per second) to a device", BLKIO),
	NO("cgroup-parent", "Optional parent cgroup for the container", LIMITS),
	NO("cgroups", "How the container uses cgroups (podman)", LIMITS),
	NO("cgroup-conf", "Files of cgroup v2 to write (podman)", LIMITS),
	IGNORE("cpu-rt-period", "Limit CPU real-time period in microseconds", GONE),
	IGNORE("cpu-rt-runtime", "Limit CPU real-time runtime in microseconds", GONE),
	IGNORE("kernel-memory", "Kernel memory limit", GONE),
	IGNORE("memory-swappiness", "Tune container memory swappiness (0 to 100)", GONE),
	OPT_IGNORE(OPT_KIND_BOOL, 0, "oom-kill-disable", "Disable OOM Killer", GONE),
	NO("device-cgroup-rule", "Add a rule to the cgroup allowed devices list",
	   "cannot work without root: the kernel takes rules for devices from root only; --device NODE needs none"),
	NO("gpus", "GPU devices to add to the container", LATER("give the device nodes with --device")),

	NO("health-cmd", "Command to run to check health", HEALTH),
	NO("health-interval", "Time between running the check", HEALTH),
	NO("health-retries", "Consecutive failures needed to report unhealthy", HEALTH),
	NO("health-start-period",
	   "Start period for the container to initialize before starting health-retries countdown", HEALTH),
	NO("health-start-interval", "Time between running the check during the start period", HEALTH),
	NO("health-timeout", "Maximum time to allow one check to run", HEALTH),
	NO("health-on-failure", "What to do when the container becomes unhealthy (podman)", HEALTH),
	NO("health-log-destination", "Where the log of the health check goes (podman)", HEALTH),
	NO("health-max-log-count", "Entries in the log of the health check (podman)", HEALTH),
	NO("health-max-log-size", "Length of an entry in the log of the health check (podman)", HEALTH),
	NO("health-startup-cmd", "Command of the startup health check (podman)", HEALTH),
	NO("health-startup-interval", "Time between startup health checks (podman)", HEALTH),
	NO("health-startup-retries", "Failures before the container is restarted (podman)", HEALTH),
	NO("health-startup-success", "Successes before the health check starts (podman)", HEALTH),
	NO("health-startup-timeout", "Time for one startup health check (podman)", HEALTH),

	NO("network-alias", "Add network-scoped alias for the container", NETWORKS),
	OPT_OF(OPT_KIND_STR, 0, "net-alias", 0, "Add network-scoped alias for the container",
	       .flags = OPT_REFUSED | OPT_HIDDEN, .reason = NETWORKS),
	NO("ip", "IPv4 address (e.g., 172.30.100.104)", NETWORKS),
	NO("ip6", "IPv6 address (e.g., 2001:db8::33)", NETWORKS),
	NO("link", "Add link to another container", NETWORKS),
	NO("link-local-ip", "Container IPv4/IPv6 link-local addresses", NETWORKS),
	NO("mac-address", "Container MAC address (e.g., 92:d0:c6:0a:29:33)", NETWORKS),
	NO("volumes-from", "Mount volumes from the specified container(s)", VOLUMES),
	NO("volume-driver", "Optional volume driver for the container", VOLUMES),
	NO("image-volume", "What to do with the image's volumes (podman)", VOLUMES),
	NO("storage-opt", "Storage driver options for the container",
	   "cannot work without root: a limit on the container's files is a project quota, which only root can set"),
	NO("runtime", "Runtime to use for this container", "cannot be chosen: skiff runs containers itself"),
	NO_FLAG("use-api-socket", "Bind mount the API socket and required auth", LATER("skiff has no API socket")),
	OPT_OF(OPT_KIND_STR, 0, "disable-content-trust", 0, "Skip image verification", .implied = "true",
	       .flags = OPT_IGNORED, .reason = "does nothing: docker's content trust is gone"),
	NO("isolation", "Container isolation technology", WINDOWS),
	NO("cpu-count", "CPU count", WINDOWS),
	NO("cpu-percent", "CPU percent", WINDOWS),
	NO("io-maxbandwidth", "Maximum IO bandwidth limit for the system drive", WINDOWS),
	NO("io-maxiops", "Maximum IOps limit for the system drive", WINDOWS),

	NO("pod", "Run in a pod (podman)", PODS),
	NO("pod-id-file", "Read the pod's ID from a file (podman)", PODS),
	NO("init-ctr", "Run as an init container of a pod (podman)", PODS),
	NO("requires", "Containers that must be started first (podman)", LATER("start them first")),
	NO("secret", "Give a secret to the container (podman)",
	   LATER("secrets come later; bind mount a file with -v FILE:/run/secrets/NAME:ro")),
	NO("uidmap", "Map of user ids (podman)", MAPS),
	NO("gidmap", "Map of group ids (podman)", MAPS),
	NO("subuidname", "Name whose ranges of subordinate user ids are used (podman)", MAPS),
	NO("subgidname", "Name whose ranges of subordinate group ids are used (podman)", MAPS),
	NO("authfile", "File of registry credentials (podman)", IMAGES),
	NO("creds", "Registry credentials (podman)", IMAGES),
	NO("cert-dir", "Folder of certificates for the registry (podman)", IMAGES),
	NO("decryption-key", "Key to decrypt the image with (podman)", IMAGES),
	NO("retry", "How often to try again when a pull fails (podman)", IMAGES),
	NO("retry-delay", "How long to wait between tries (podman)", IMAGES),
	NO("arch", "Architecture of the image (podman)", LATER("use --platform OS/ARCH")),
	NO("os", "Operating system of the image (podman)", LATER("use --platform OS/ARCH")),
	NO("variant", "Variant of the architecture (podman)", LATER("use --platform OS/ARCH/VARIANT")),
	NO_FLAG("rmi", "Remove the image when the container exits (podman)", LATER("remove it with skiff rmi")),
	NO("timeout", "Seconds that the container may run (podman)", LATER("use timeout(1) in the container")),
	NO("systemd", "Prepare the container for systemd (podman)", LATER("containers are not prepared for systemd")),
	NO("sdnotify", "How to tell systemd that the container is ready (podman)", LATER("no readiness is passed on")),
	NO("preserve-fds", "How many more descriptors to pass (podman)",
	   LATER("only stdin, stdout and stderr are passed")),
	NO("preserve-fd", "Which more descriptors to pass (podman)", LATER("only stdin, stdout and stderr are passed")),
	NO("init-path", "Path of the init program (podman)", LATER("--init runs the init that comes with skiff")),
	NO("chrootdirs", "Folders that are handled as a chroot (podman)",
	   LATER("nothing of the host is put into other folders")),
	NO("hosts-file", "File to take /etc/hosts from (podman)", LATER("add hosts with --add-host")),
	NO("hostuser", "Users of the host to add to /etc/passwd (podman)", LATER("use --userns=keep-id")),
	NO("passwd-entry", "Entry to write to /etc/passwd (podman)", LATER("use --userns=keep-id")),
	NO("group-entry", "Entry to write to /etc/group (podman)", LATER("use --userns=keep-id")),
	NO("env-merge", "Set variables from the image's variables (podman)", LATER("set them with -e")),
	NO("pidfile", "File to write the pid to (podman)", LATER("skiff inspect --format '{{.State.Pid}}' shows it")),
	NO("conmon-pidfile", "File to write the monitor's pid to (podman)", LATER("skiff inspect shows it")),
	NO("personality", "Execution domain (podman)", LATER("use setarch(8) in the container")),
	NO("rdt-class", "Class of Intel RDT (podman)", "cannot work without root: resctrl belongs to root"),
	NO("shm-size-systemd", "Size of systemd's tmpfs folders (podman)",
	   LATER("containers are not prepared for systemd")),
	NO("seccomp-policy", "Where the seccomp rules come from (podman)", LATER("use --security-opt seccomp=FILE")),
	NO_FLAG("no-hostname", "Leave the image's /etc/hostname as it is (podman)",
		LATER("skiff writes /etc/hostname")),
	/* Default true there; skiff takes the proxies from the client's configuration, as docker. */
	NO_FLAG("http-proxy", "Pass the proxy variables of the host (podman)",
		LATER("pass them with -e http_proxy, -e https_proxy, -e no_proxy")),
	NO_FLAG("passwd", "Add an entry to /etc/passwd (podman)", LATER("the entry for keep-id is always made")),
	OPT_END,
};
