/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/engine/attach.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/engine/proto.h"

/* Our terminal, as it was; restored on every way out, also at exit(). */
static struct termios saved_tty;
static bool tty_is_raw;

static void restore_tty(void)
{
	if (tty_is_raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_tty);
	tty_is_raw = false;
}

static void make_tty_raw(void)
{
	static bool registered;
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &saved_tty) < 0)
		return;
	if (!registered)
		atexit(restore_tty);
	registered = true;
	t = saved_tty;
	cfmakeraw(&t);
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &t) == 0)
		tty_is_raw = true;
}

/**
 * attach_window_size() - Size of our terminal
 * @rows:	0 when there is none
 * @cols:	0 when there is none
 */
void attach_window_size(uint16_t *rows, uint16_t *cols)
{
	struct winsize ws = { 0 };

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) < 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) < 0)
		ws = (struct winsize) { 0 };
	*rows = ws.ws_row;
	*cols = ws.ws_col;
}

int attach_parse_keys(const char *text, unsigned char keys[16], struct err *e)
{
	auto_strv char **parts = str_is_empty(text) ? NULL : strv_split(text, ',');
	int n = 0;

	for (char **p = parts; p && *p; p++) {
		const char *c = str_after(*p, "ctrl-");
		int k;

		if (c && strlen(c) == 1 && strchr("@[\\]^_", *c))
			k = *c - '@';
		else if (c && strlen(c) == 1 && isalpha((unsigned char)*c))
			k = toupper((unsigned char)*c) - '@';
		else if (!c && strlen(*p) == 1)
			k = **p;
		else
			return err_say(e, EINVAL, "invalid detach keys (%s) provided: Unknown character: '%s'", text,
				       *p);
		if (n == 16)
			return err_say(e, EINVAL, "invalid detach keys (%s): more than 16", text);
		keys[n++] = (unsigned char)k;
	}
	return n;
}

/* How much of the detach sequence has been typed. */
struct keys {
	unsigned char v[16];
	int n, at;
};

/*
 * Pass typed bytes through the detach keys: what is no part of the sequence goes to @out.
 * Return: whether the sequence is complete.
 */
static bool filter_keys(struct keys *k, const char *in, size_t len, struct sbuf *out)
{
	for (size_t i = 0; i < len; i++) {
		if (k->n && (unsigned char)in[i] == k->v[k->at]) {
			if (++k->at == k->n)
				return true;
			continue;
		}
		if (k->at) {
			sbuf_add(out, k->v, (size_t)k->at);
			k->at = 0;
			i--; /* it may begin the sequence anew */
			continue;
		}
		sbuf_addc(out, in[i]);
	}
	return false;
}

static void signal_set(const struct attach_opts *o, sigset_t *set)
{
	static const int never[] = { SIGCHLD, SIGKILL, SIGSTOP, SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
				     SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGURG };

	sigemptyset(set);
	if (o->sig_proxy && !o->tty) {
		for (int s = 1; s < NSIG; s++)
			sigaddset(set, s);
		for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
			sigdelset(set, never[i]);
	} else if (o->sig_proxy) { /* the terminal's keys reach the container as characters */
		sigaddset(set, SIGTERM);
		sigaddset(set, SIGHUP);
		sigaddset(set, SIGINT);
	}
	if (o->tty)
		sigaddset(set, SIGWINCH);
}

void attach_block_signals(const struct attach_opts *o)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal_set(o, &set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void send_size(int sock)
{
	uint16_t rows, cols;

	attach_window_size(&rows, &cols);
	if (rows && cols)
		proto_send(sock, PROTO_RESIZE, (uint32_t)rows << 16 | cols, NULL, 0, NULL, 0);
}

static void on_signal(int sigfd, int sock)
{
	struct signalfd_siginfo si;

	if (read(sigfd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo == SIGWINCH)
		send_size(sock);
	else
		proto_send(sock, PROTO_SIGNAL, si.ssi_signo, NULL, 0, NULL, 0);
}

/* Return: 1 go on, 0 end of input, ATTACH_DETACHED. */
static int on_stdin(int sock, struct keys *k)
{
	auto_sbuf struct sbuf out = { 0 };
	char buf[PROTO_DATA_MAX / 2];
	ssize_t n = fd_read(STDIN_FILENO, buf, sizeof(buf));

	if (n <= 0) {
		proto_send(sock, PROTO_STDIN_EOF, 0, NULL, 0, NULL, 0);
		return 0;
	}
	if (filter_keys(k, buf, (size_t)n, &out))
		return ATTACH_DETACHED;
	if (out.len && proto_send(sock, PROTO_STDIN, 0, out.p, out.len, NULL, 0) < 0)
		return 0;
	return 1;
}

/* Return: 1 go on, 0 ended, negative errno. */
static int on_packet(int sock, int *ret_code, struct err *e)
{
	static char buf[PROTO_DATA_MAX + 1];
	struct proto_head h;
	long n = proto_recv(sock, &h, buf, NULL, 0, NULL, 0);

	if (n < 0)
		return err_say(e, EPIPE, "the container's monitor has ended; its container with it");
	switch (h.type) {
	case PROTO_STDOUT:
	case PROTO_STDERR:
		if (fd_write_full(h.type == PROTO_STDOUT ? STDOUT_FILENO : STDERR_FILENO, buf, (size_t)n) < 0)
			return -EPIPE; /* nobody reads us: go, as a pipe's writer does */
		return 1;
	case PROTO_EXIT:
		*ret_code = (int)h.arg;
		return 0;
	default:
		return 1;
	}
}

static int loop(int sock, const struct attach_opts *o, int sigfd, struct keys *k, int *ret_code, struct err *e)
{
	struct pollfd p[] = { { .fd = sock, .events = POLLIN },
			      { .fd = sigfd, .events = POLLIN },
			      { .fd = o->stdin_on ? STDIN_FILENO : -1, .events = POLLIN } };
	int r;

	for (;;) {
		if (poll(p, 3, -1) < 0) {
			if (errno == EINTR)
				continue;
			return err_set(e, errno, "poll");
		}
		if (p[0].revents) {
			r = on_packet(sock, ret_code, e);
			if (r <= 0)
				return r;
		}
		if (p[1].revents)
			on_signal(sigfd, sock);
		if (p[2].revents) {
			r = on_stdin(sock, k);
			if (r == ATTACH_DETACHED)
				return r;
			if (r == 0)
				p[2].fd = -1;
		}
	}
}

int attach_run(int sock, const struct attach_opts *o, int *ret_code, struct err *e)
{
	struct keys k = { 0 };
	sigset_t set;
	auto_close int sigfd = -EBADF;
	int r = attach_parse_keys(o->keys, k.v, e);

	if (r < 0)
		return r;
	k.n = o->stdin_on && isatty(STDIN_FILENO) ? r : 0;
	signal_set(o, &set);
	sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (o->tty && o->stdin_on && isatty(STDIN_FILENO))
		make_tty_raw();
	if (o->tty)
		send_size(sock);
	r = loop(sock, o, sigfd, &k, ret_code, e);
	restore_tty();
	return r;
}

int attach_wait(int sock, int *ret_code, struct err *e)
{
	int r;

	do
		r = on_packet(sock, ret_code, e);
	while (r > 0);
	return r;
}

int attach_signal(int sock, int sig, struct err *e)
{
	static char buf[PROTO_DATA_MAX + 1];
	struct proto_head h;
	int r = proto_send(sock, PROTO_SIGNAL, (uint32_t)sig, NULL, 0, NULL, 0);

	while (r == 0) {
		long n = proto_recv(sock, &h, buf, NULL, 0, NULL, 0);

		if (n < 0)
			return err_say(e, ESRCH, "the container has ended");
		if (h.type == PROTO_OK)
			return 0;
		buf[n] = '\0';
		if (h.type == PROTO_ERROR)
			return err_say(e, ESRCH, "%s", buf);
	}
	return err_say(e, ESRCH, "the container has ended");
}

/* ---- exec ---- */

/*
 * A terminal of ours is never given to the container's process (it could read what we type and push characters back):
 * pipes stand between. Anything else is passed as it is, so that data does not go through us.
 */
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

static int open_stdio(const struct exec_request *q, struct stdio_pipes *s, struct err *e)
{
	for (int i = 0; i < 3; i++) {
		int p[2], r;

		if ((i == 0 && !q->interactive) || q->detach) {
			s->theirs[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
		} else if (isatty(i)) {
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
	r = proto_send(sock, PROTO_EXEC, 0, b.p, b.len, fds, n_fds);
	if (r == -E2BIG)
		return err_say(e, E2BIG, "the command and its environment exceed %d bytes", PROTO_DATA_MAX);
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

/* Copy what there is. Return: false at the end. */
static bool copy(int from, int to)
{
	char buf[32768];
	ssize_t n = fd_read(from, buf, sizeof(buf));

	return n > 0 && fd_write_full(to, buf, (size_t)n) == 0;
}

/*
 * Between our terminal and the process: its pty, or the pipes that stand in for our terminal; until both the exit code
 * is known and its output is read.
 */
static int exec_loop(int sock, int pty, struct stdio_pipes *s, const struct exec_request *q, struct keys *k,
		     int *ret_code, struct err *e)
{
	struct attach_opts o = { .tty = pty >= 0 };
	auto_close int sigfd = -EBADF;
	bool ended = false;
	sigset_t set;

	signal_set(&o, &set);
	sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	struct pollfd p[] = { { .fd = sock, .events = POLLIN },
			      { .fd = pty >= 0 ? sigfd : -1, .events = POLLIN },
			      { .fd = q->interactive && (pty >= 0 || s->ours[0] >= 0) ? STDIN_FILENO : -1,
				.events = POLLIN },
			      { .fd = pty >= 0 ? pty : s->ours[1], .events = POLLIN },
			      { .fd = pty >= 0 ? -1 : s->ours[2], .events = POLLIN } };

	while (!ended || p[3].fd >= 0 || p[4].fd >= 0) {
		if (poll(p, 5, -1) < 0 && errno != EINTR)
			return err_set(e, errno, "poll");
		if (p[0].revents) {
			int r = on_packet(sock, ret_code, e);

			if (r < 0)
				return r;
			if (r == 0) {
				ended = true;
				p[0].fd = p[2].fd = -1;
			}
		}
		if (p[1].revents) {
			struct signalfd_siginfo si;
			struct winsize ws;

			if (read(sigfd, &si, sizeof(si)) > 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) == 0)
				ioctl(pty, TIOCSWINSZ, &ws);
		}
		if (p[2].revents) {
			auto_sbuf struct sbuf out = { 0 };
			char buf[4096];
			ssize_t n = fd_read(STDIN_FILENO, buf, sizeof(buf));

			if (n > 0 && filter_keys(k, buf, (size_t)n, &out))
				return ATTACH_DETACHED;
			if (n <= 0 || fd_write_full(pty >= 0 ? pty : s->ours[0], out.p, out.len) < 0) {
				p[2].fd = -1;
				if (pty >= 0)
					(void)!write(pty, "\4", 1);
				fd_closep(&s->ours[0]);
			}
		}
		if (p[3].revents && !copy(p[3].fd, STDOUT_FILENO))
			p[3].fd = -1;
		if (p[4].revents && !copy(p[4].fd, STDERR_FILENO))
			p[4].fd = -1;
	}
	return 0;
}

int attach_exec(int sock, const struct exec_request *q, int *ret_code, struct err *e)
{
	struct stdio_pipes s = { { -1, -1, -1 }, { -1, -1, -1 } };
	struct attach_opts o = { .tty = q->tty };
	auto_close int pty = -EBADF;
	struct keys k = { 0 };
	int r = attach_parse_keys(q->keys, k.v, e);

	*ret_code = 125;
	if (r < 0)
		return r;
	k.n = isatty(STDIN_FILENO) && q->interactive ? r : 0;
	r = 0;
	if (!q->tty)
		r = open_stdio(q, &s, e);
	if (r == 0) {
		attach_block_signals(&o);
		r = send_request(sock, q, s.theirs, q->tty ? 0 : 3, e);
	}
	for (int i = 0; i < 3; i++)
		fd_closep(&s.theirs[i]);
	if (r == 0)
		r = wait_started(sock, &pty, ret_code, e);
	if (r == 0 && q->detach)
		*ret_code = 0;
	else if (r == 0) {
		if (q->tty && q->interactive && isatty(STDIN_FILENO))
			make_tty_raw();
		r = exec_loop(sock, pty, &s, q, &k, ret_code, e);
		restore_tty();
	}
	close_pipes(&s);
	return r;
}
