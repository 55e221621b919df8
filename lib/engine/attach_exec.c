/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec, seen from the command. A terminal of ours is never given to the container's process (it could read what we type
 * and push characters back), nor is a file or folder: pipes stand between, or, with -t, a pty of the container. A
 * pipe is passed as it is, so that data does not go through us.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/engine/attach.h"
#include "lib/engine/attach_int.h"
#include "lib/engine/proto.h"

#define TYPED_MAX 65536 /* more unread input than this, and we read no more */

struct stdio_pipes {
	int theirs[3]; /* to pass */
	int ours[3];   /* our ends, negative where the descriptor itself is passed */
};

static void close_pipes(struct stdio_pipes *s)
{
	for (int i = 0; i < 3; i++) {
		fd_closep(&s->theirs[i]);
		fd_closep(&s->ours[i]);
	}
}

/*
 * A pipe or a socket is all that the other end wants it to be. A file or, worse, a folder of the host is a way to
 * more than its own bytes: /proc/self/fd/0/.. is the host (CVE-2024-21626).
 */
static bool is_stream(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

static int open_stdio(const struct exec_request *q, struct stdio_pipes *s, struct err *e)
{
	for (int i = 0; i < 3; i++) {
		int p[2], r;

		if ((i == 0 && !q->interactive) || q->detach) {
			s->theirs[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
		} else if (!is_stream(i)) {
			r = fd_pipe(p, e);
			if (r < 0)
				return r;
			s->theirs[i] = p[i != 0];
			s->ours[i] = p[i == 0];
		} else {
			s->theirs[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
		}
		if (s->theirs[i] < 0)
			return err_set(e, errno, "open descriptor %d for the process", i);
	}
	return 0;
}

static int send_request(int sock, const struct exec_request *q, const int *fds, size_t n_fds, struct err *e)
{
	struct proto_exec x = { .n_argv = (uint32_t)strv_len(q->argv), .n_env = (uint32_t)strv_len(q->env) };
	auto_sbuf struct sbuf b = { 0 };
	int r;

	x.flags = (q->tty ? PROTO_X_TTY : 0) | (q->privileged ? PROTO_X_PRIVILEGED : 0) |
		  (q->detach ? PROTO_X_DETACH : 0);
	attach_window_size(&x.rows, &x.cols);
	sbuf_add(&b, &x, sizeof(x));
	sbuf_add(&b, q->user ? q->user : "", q->user ? strlen(q->user) + 1 : 1);
	sbuf_add(&b, q->cwd ? q->cwd : "", q->cwd ? strlen(q->cwd) + 1 : 1);
	for (char *const *a = q->argv; *a; a++)
		sbuf_add(&b, *a, strlen(*a) + 1);
	for (char *const *v = q->env; v && *v; v++)
		sbuf_add(&b, *v, strlen(*v) + 1);
	if (b.len <= PROTO_DATA_MAX) {
		r = proto_send(sock, PROTO_EXEC, 0, b.p, b.len, fds, n_fds);
	} else {
		auto_close int file = -EBADF;
		int all[4];

		r = fd_memfd_sealed("skiff-exec", b.p, b.len, false, &file, e);
		if (r < 0)
			return r;
		memcpy(all, fds, n_fds * sizeof(*fds));
		all[n_fds] = file;
		r = proto_send(sock, PROTO_EXEC_FILE, 0, NULL, 0, all, n_fds + 1);
	}
	return r < 0 ? err_set(e, r, "ask the container's monitor") : 0;
}

/* Until it runs. @ret_pty: its terminal's master. */
static int wait_started(int sock, int *ret_pty, int *ret_code, struct err *e)
{
	static char buf[PROTO_DATA_MAX + 1];
	struct proto_head h;
	size_t n_fds = 0;

	for (;;) {
		long n = proto_recv(sock, &h, buf, ret_pty, 1, &n_fds, 0);

		*ret_code = 125;
		if (n < 0)
			return err_say(e, EPIPE, "the container has ended");
		buf[n] = '\0';
		if (h.type == PROTO_ERROR) {
			*ret_code = (int)h.arg;
			return err_say(e, ECANCELED, "%s", buf);
		}
		if (h.type == PROTO_EXEC_STARTED)
			return 0;
	}
}

/* Copy what there is. Return: 1, 0 at the end, ATTACH_NO_READER. */
static int copy(int from, int to)
{
	char buf[32768];
	ssize_t n = fd_read(from, buf, sizeof(buf));

	if (n <= 0)
		return n == -EAGAIN;
	return fd_write_full(to, buf, (size_t)n) < 0 ? ATTACH_NO_READER : 1;
}

/* Everything between our terminal and the process: its pty, or the pipes that stand in for our terminal. */
struct session {
	int sock, pty, sigfd;
	struct stdio_pipes *s;
	struct keys keys;
	struct sbuf typed; /* not taken by the process yet */
	bool stdin_on, ended;
};

static int input_fd(const struct session *x)
{
	return x->pty >= 0 ? x->pty : x->s->ours[0];
}

static void end_input(struct session *x)
{
	x->stdin_on = false;
	if (x->pty >= 0)
		sbuf_addc(&x->typed, 4); /* what a user would type */
}

static int read_stdin(struct session *x)
{
	char buf[4096];
	ssize_t n = fd_read(STDIN_FILENO, buf, sizeof(buf));

	if (n > 0 && attach_filter_keys(&x->keys, buf, (size_t)n, &x->typed))
		return ATTACH_DETACHED;
	if (n <= 0)
		end_input(x);
	return 0;
}

static void write_typed(struct session *x)
{
	ssize_t n = write(input_fd(x), x->typed.p, x->typed.len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) { /* nobody reads it */
		x->stdin_on = false;
		n = (ssize_t)x->typed.len;
	}
	memmove(x->typed.p, x->typed.p + n, x->typed.len - (size_t)n);
	x->typed.len -= (size_t)n;
}

static void resize(const struct session *x)
{
	struct signalfd_siginfo si;
	struct winsize ws;

	if (read(x->sigfd, &si, sizeof(si)) > 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) == 0)
		ioctl(x->pty, TIOCSWINSZ, &ws);
}

enum { P_SOCK, P_SIGNAL, P_STDIN, P_INPUT, P_OUT, P_ERR, P__N };

static void ask(const struct session *x, struct pollfd p[P__N])
{
	bool more = x->stdin_on && x->typed.len < TYPED_MAX && !x->ended;

	p[P_SOCK] = (struct pollfd) { .fd = x->ended ? -1 : x->sock, .events = POLLIN };
	p[P_SIGNAL] = (struct pollfd) { .fd = x->pty >= 0 ? x->sigfd : -1, .events = POLLIN };
	p[P_STDIN] = (struct pollfd) { .fd = more ? STDIN_FILENO : -1, .events = POLLIN };
	p[P_INPUT] = (struct pollfd) { .fd = x->typed.len && !x->ended ? input_fd(x) : -1, .events = POLLOUT };
	p[P_OUT] = (struct pollfd) { .fd = x->pty >= 0 ? x->pty : x->s->ours[1], .events = POLLIN };
	p[P_ERR] = (struct pollfd) { .fd = x->pty >= 0 ? -1 : x->s->ours[2], .events = POLLIN };
}

/*
 * Until its exit code is known, and then what output there is: a process that it has left in the background, with the
 * same descriptors, is not waited for.
 */
static int exec_loop(struct session *x, int *ret_code, struct err *e)
{
	int out = 1, err = 1;

	for (;;) {
		struct pollfd p[P__N];
		int n, r;

		ask(x, p);
		p[P_OUT].fd = out ? p[P_OUT].fd : -1;
		p[P_ERR].fd = err ? p[P_ERR].fd : -1;
		n = poll(p, P__N, x->ended ? 0 : -1);
		if (n < 0 && errno != EINTR)
			return err_set(e, errno, "poll");
		if (n <= 0 && x->ended)
			return 0;
		if (p[P_SOCK].revents) {
			r = attach_on_packet(x->sock, NULL, ret_code, e);
			if (r < 0)
				return r;
			x->ended = r == 0;
		}
		if (p[P_SIGNAL].revents)
			resize(x);
		if (p[P_STDIN].revents && read_stdin(x) == ATTACH_DETACHED)
			return ATTACH_DETACHED;
		if (p[P_INPUT].revents)
			write_typed(x);
		if (!x->stdin_on && !x->typed.len)
			fd_closep(&x->s->ours[0]);
		if (p[P_OUT].revents)
			out = copy(p[P_OUT].fd, STDOUT_FILENO);
		if (p[P_ERR].revents)
			err = copy(p[P_ERR].fd, STDERR_FILENO);
		if (out < 0 || err < 0) {
			*ret_code = 128 + SIGPIPE;
			return 0;
		}
	}
}

static int run_session(struct session *x, const struct exec_request *q, int *ret_code, struct err *e)
{
	struct attach_opts o = { .tty = q->tty };
	auto_close int sigfd = -EBADF;
	sigset_t set;
	int r;

	attach_signal_set(&o, &set);
	sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	x->sigfd = sigfd;
	x->stdin_on = q->interactive && input_fd(x) >= 0;
	if (x->stdin_on)
		fd_set_nonblock(input_fd(x), true); /* who does not read must not keep us from its output */
	if (q->tty && q->interactive && isatty(STDIN_FILENO))
		attach_make_tty_raw();
	r = exec_loop(x, ret_code, e);
	attach_restore_tty();
	sbuf_done(&x->typed);
	return r;
}

int attach_exec(int sock, const struct exec_request *q, int *ret_code, struct err *e)
{
	struct stdio_pipes s = { { -EBADF, -EBADF, -EBADF }, { -EBADF, -EBADF, -EBADF } };
	struct session x = { .sock = sock, .s = &s };
	struct attach_opts o = { .tty = q->tty };
	auto_close int pty = -EBADF;
	int r = attach_parse_keys(q->keys, x.keys.v, e);

	*ret_code = 125;
	if (r < 0)
		return r;
	x.keys.n = isatty(STDIN_FILENO) && q->interactive ? r : 0;
	r = q->tty ? 0 : open_stdio(q, &s, e);
	if (r == 0) {
		attach_block_signals(&o);
		r = send_request(sock, q, s.theirs, q->tty ? 0 : 3, e);
	}
	for (int i = 0; i < 3; i++)
		fd_closep(&s.theirs[i]);
	if (r == 0)
		r = wait_started(sock, &pty, ret_code, e);
	x.pty = pty;
	if (r == 0 && q->detach)
		*ret_code = 0;
	else if (r == 0)
		r = run_session(&x, q, ret_code, e);
	close_pipes(&s);
	return r;
}
