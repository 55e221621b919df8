/* SPDX-License-Identifier: Apache-2.0 */
#include "netns/uplink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/oci/json.h"
#include "lib/oci/runspec.h"
#include "lib/runtime/walls.h"

/*
 * slirp4netns joins the namespaces by descriptor (--netns-type=path with /proc/self/fd/N: no pid to be reused),
 * sandboxed: its own empty mount namespace and its own seccomp filter, since it reads what a container sends
 * (CVE-2019-6778 class).
 */

#define API_ANSWER_MAX 65536
#define API_TIMEOUT_MS 5000

/**
 * uplink_check() - Are the parts of an uplink there?
 * @e:	What is missing and what to do
 *
 * Return: 0 or negative errno
 */
int uplink_check(struct err *e)
{
	auto_free char *path = NULL;
	struct stat st;

	if (proc_find("slirp4netns", &path) == 0 && access("/dev/net/tun", R_OK | W_OK) == 0 &&
	    stat("/dev/net/tun", &st) == 0 && S_ISCHR(st.st_mode))
		return 0;
	return walls_explain_tun("slirp4netns", e);
}

int uplink_start(const struct uplink_spec *s, struct uplink *ret, struct err *e)
{
	char user[40], net[40], ready[16], quit[16], mtu[24];
	const char *argv[20];
	int keep[4], n = 0, r;
	auto_close int ready_rd = -EBADF, ready_wr = -EBADF, exit_rd = -EBADF, exit_wr = -EBADF;
	int p[2];

	r = fd_pipe(p, e);
	if (r < 0)
		return r;
	ready_rd = p[0];
	ready_wr = p[1];
	r = fd_pipe(p, e);
	if (r < 0)
		return r;
	exit_rd = p[0];
	exit_wr = p[1];
	snprintf(user, sizeof(user), "--userns-path=/proc/self/fd/%d", s->userns_fd);
	snprintf(net, sizeof(net), "/proc/self/fd/%d", s->netns_fd);
	snprintf(ready, sizeof(ready), "%d", ready_wr);
	snprintf(quit, sizeof(quit), "%d", exit_rd);
	snprintf(mtu, sizeof(mtu), "--mtu=%u", s->mtu ? s->mtu : 65520);
	argv[n++] = "slirp4netns";
	argv[n++] = "--configure";
	argv[n++] = mtu;
	if (!s->host_loopback)
		argv[n++] = "--disable-host-loopback";
	if (s->ipv6)
		argv[n++] = "--enable-ipv6";
	argv[n++] = "--enable-sandbox";
	argv[n++] = "--enable-seccomp";
	if (s->api_socket) {
		argv[n++] = "--api-socket";
		argv[n++] = s->api_socket;
	}
	argv[n++] = "-r";
	argv[n++] = ready;
	argv[n++] = "-e";
	argv[n++] = quit;
	argv[n++] = "--netns-type=path";
	argv[n++] = user;
	argv[n++] = net;
	argv[n++] = "tap0";
	argv[n] = NULL;
	keep[0] = s->userns_fd;
	keep[1] = s->netns_fd;
	keep[2] = ready_wr;
	keep[3] = exit_rd;

	char *args[20];
	memcpy(args, argv, sizeof(args)); /* execve takes char *const, and does not write */
	struct proc_spec spec = {
		.file = "slirp4netns", .argv = args, .stdio = { -EBADF, -EBADF, -EBADF }, .keep = keep, .n_keep = 4
	};
	auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	spec.stdio[2] = null;
	r = proc_spawn(&spec, &ret->pid, e);
	if (r == -ENOENT)
		return uplink_check(e);
	if (r < 0)
		return r;
	ret->ready_fd = take_fd(&ready_rd);
	ret->exit_fd = take_fd(&exit_wr);
	return 0;
}

int uplink_wait_ready(struct uplink *u, struct err *e)
{
	char c;
	ssize_t n = fd_read(u->ready_fd, &c, 1);

	fd_closep(&u->ready_fd);
	if (n == 1)
		return 0;
	return err_say(e, EIO,
		       "slirp4netns ended before the network was up (is /dev/net/tun usable? try 'skiff doctor', or "
		       "--network host or none)");
}

/* One request and its answer over the control socket. */
static int api_call(const char *path, const char *request, char **ret_answer, struct err *e)
{
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	auto_sbuf struct sbuf b = { 0 };
	int r;

	if (fd < 0)
		return err_set(e, errno, "open a socket");
	if ((size_t)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path) >= sizeof(a.sun_path))
		return err_set(e, ENAMETOOLONG, "socket '%s'", path);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return err_set(e, errno, "connect to slirp4netns at '%s'", path);
	r = fd_write_full(fd, request, strlen(request));
	if (r < 0)
		return err_set(e, r, "ask slirp4netns");
	shutdown(fd, SHUT_WR);
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		char chunk[4096];
		ssize_t n;

		if (poll(&p, 1, API_TIMEOUT_MS) <= 0)
			return err_set(e, ETIMEDOUT, "wait for slirp4netns");
		n = fd_read(fd, chunk, sizeof(chunk));
		if (n < 0)
			return err_set(e, (int)n, "read from slirp4netns");
		if (n == 0)
			break;
		sbuf_add(&b, chunk, (size_t)n);
		if (b.len > API_ANSWER_MAX)
			return err_set(e, E2BIG, "answer of slirp4netns");
	}
	*ret_answer = sbuf_take(&b);
	return 0;
}

/* slirp4netns only says that it did not work: why the host would not let us have the port either. */
static int explain_refusal(const struct portspec *p, unsigned port, const char *desc, struct err *e)
{
	const char *ip = p->ip ? p->ip : "0.0.0.0";
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	auto_close int fd = socket(AF_INET, (p->proto == PORT_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (inet_pton(AF_INET, ip, &a.sin_addr) != 1)
		return err_say(e, EAFNOSUPPORT, "publish port %s:%u/%s: slirp4netns forwards from IPv4 addresses only",
			       ip, port, port_proto_name(p->proto));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return err_say(e, EIO, "publish port %s:%u/%s: refused by slirp4netns: %s", ip, port,
			       port_proto_name(p->proto), desc ? desc : "it does not say why");
	if (errno == EADDRINUSE)
		return err_say(e, EADDRINUSE, "publish port %s:%u/%s: Bind for %s:%u failed: port is already allocated",
			       ip, port, port_proto_name(p->proto), ip, port);
	if (errno == EACCES)
		return err_say(e, EACCES,
			       "publish port %s:%u/%s: Permission denied: an ordinary user cannot use ports this low "
			       "(sysctl net.ipv4.ip_unprivileged_port_start=%u as root allows it)",
			       ip, port, port_proto_name(p->proto), port);
	return err_set(e, errno, "publish port %s:%u/%s", ip, port, port_proto_name(p->proto));
}

static int publish_one(const char *api_socket, const struct portspec *p, unsigned port, struct err *e)
{
	auto_json struct json *j = json_new_object();
	auto_json struct json *answer = NULL;
	auto_free char *request = NULL, *text = NULL;
	const struct json *error;
	struct json *args;
	int r;

	json_set_str(j, "execute", "add_hostfwd");
	args = json_set_object(j, "arguments");
	json_set_str(args, "proto", port_proto_name(p->proto));
	json_set_str(args, "host_addr", p->ip ? p->ip : "0.0.0.0");
	json_set_i64(args, "host_port", port);
	json_set_i64(args, "guest_port", p->port);
	request = json_compact(j);
	r = api_call(api_socket, request, &text, e);
	if (r < 0)
		return r;
	r = json_parse(text, strlen(text), &answer, e);
	if (r < 0)
		return err_wrap(e, r, "answer of slirp4netns");
	error = json_get(answer, "error");
	if (!error)
		return 0;
	return explain_refusal(p, port, json_get_str(error, "desc"), e);
}

/* A port that is free right now, from the kernel. */
static unsigned free_port(int type)
{
	auto_close int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 || getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return 0;
	return ntohs(a.sin_port);
}

int uplink_publish(const char *api_socket, const struct portspec *p, unsigned *ret_port, struct err *e)
{
	int r = -EADDRINUSE;

	if (p->proto == PORT_SCTP)
		return err_say(e, EPROTONOSUPPORT, "publish port %u/sctp: no user-mode network stack forwards sctp",
			       p->port);
	if (p->host_first == 0) {
		for (int tries = 0; tries < 8 && r == -EADDRINUSE; tries++) {
			*ret_port = free_port(p->proto == PORT_UDP ? SOCK_DGRAM : SOCK_STREAM);
			r = publish_one(api_socket, p, *ret_port, e);
		}
		return r;
	}
	for (unsigned port = p->host_first; port <= p->host_last && r == -EADDRINUSE; port++) {
		*ret_port = port;
		r = publish_one(api_socket, p, port, e);
	}
	return r;
}

/**
 * uplink_stop() - End the stack and wait for it
 * @u:	The stack; pid 0 means none
 */
void uplink_stop(struct uplink *u)
{
	fd_closep(&u->ready_fd);
	fd_closep(&u->exit_fd);
	if (u->pid > 0) {
		kill(u->pid, SIGKILL);
		proc_wait(u->pid);
	}
	u->pid = 0;
}
