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
#include <termios.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/engine/attach_int.h"
#include "lib/engine/proto.h"

/* Our terminal, as it was; restored on every way out, also at exit(). */
static struct termios saved_tty;
static bool tty_is_raw;

void attach_restore_tty(void)
{
	if (tty_is_raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_tty);
	tty_is_raw = false;
}

/* Whoever ends us must not leave a terminal behind that echoes nothing. */
static void on_deadly(int sig)
{
	attach_restore_tty();
	signal(sig, SIG_DFL);
	raise(sig);
}

void attach_make_tty_raw(void)
{
	static const int deadly[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT };
	static bool registered;
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &saved_tty) < 0)
		return;
	if (!registered)
		atexit(attach_restore_tty);
	registered = true;
	t = saved_tty;
	cfmakeraw(&t);
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &t) == 0)
		tty_is_raw = true;
	for (size_t i = 0; i < sizeof(deadly) / sizeof(*deadly); i++)
		signal(deadly[i], on_deadly); /* attach_run() replaces those that it passes on */
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
			k = (unsigned char)**p;
		else
			return err_say(e, EINVAL, "invalid detach keys (%s) provided: Unknown character: '%s'", text,
				       *p);
		if (n == 16)
			return err_say(e, EINVAL, "invalid detach keys (%s): more than 16", text);
		keys[n++] = (unsigned char)k;
	}
	return n;
}

bool attach_filter_keys(struct keys *k, const char *in, size_t len, struct sbuf *out)
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

void attach_signal_set(const struct attach_opts *o, sigset_t *set)
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
	attach_signal_set(o, &set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void send_size(int sock)
{
	uint16_t rows, cols;

	attach_window_size(&rows, &cols);
	if (rows && cols)
		proto_send(sock, PROTO_RESIZE, (uint32_t)rows << 16 | cols, NULL, 0, NULL, 0);
}

/**
 * attach_redraw() - Have the program on a terminal that we join draw itself anew
 * @sock:	Monitor
 *
 * A size that differs from the real one, which follows: a size that stays the same is no news to anybody.
 */
void attach_redraw(int sock)
{
	uint16_t rows, cols;

	attach_window_size(&rows, &cols);
	if (rows && cols)
		proto_send(sock, PROTO_RESIZE, (uint32_t)(rows + 1) << 16 | (cols + 1), NULL, 0, NULL, 0);
}

/*
 * Signals are passed on by their handlers, which run only where nothing else is under way: in ppoll(), and while we
 * wait for our reader to take output (`skiff run IMAGE yes | less` must end on ctrl-c).
 */
static int signal_sock = -EBADF;
static sigset_t waiting_mask;

static void on_signal(int sig)
{
	int saved = errno;

	if (sig == SIGWINCH)
		send_size(signal_sock);
	else
		proto_send(signal_sock, PROTO_SIGNAL, (uint32_t)sig, NULL, 0, NULL, 0);
	errno = saved;
}

static void handle_signals(const struct attach_opts *o, int sock)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	signal_sock = sock;
	attach_signal_set(o, &sa.sa_mask);
	sigprocmask(SIG_BLOCK, &sa.sa_mask, &waiting_mask);
	for (int s = 1; s < NSIG; s++) {
		if (sigismember(&sa.sa_mask, s) != 1)
			continue;
		sigdelset(&waiting_mask, s);
		sigaction(s, &sa, NULL);
	}
}

static int write_out(int fd, const void *data, size_t len)
{
	sigset_t mask;
	int r;

	if (signal_sock < 0)
		return fd_write_full(fd, data, len);
	sigprocmask(SIG_SETMASK, &waiting_mask, &mask);
	r = fd_write_full(fd, data, len);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return r;
}

int attach_on_packet(int sock, size_t *unacked, int *ret_code, struct err *e)
{
	static char buf[PROTO_DATA_MAX + 1];
	struct proto_head h;
	long n = proto_recv(sock, &h, buf, NULL, 0, NULL, 0);

	if (n < 0) {
		*ret_code = 128 + SIGKILL; /* nothing else ends it without a word */
		return err_say(e, EPIPE, "the container's monitor has ended; its container with it");
	}
	switch (h.type) {
	case PROTO_STDOUT:
	case PROTO_STDERR:
		if (write_out(h.type == PROTO_STDOUT ? STDOUT_FILENO : STDERR_FILENO, buf, (size_t)n) < 0)
			return ATTACH_NO_READER; /* go, as a pipe's writer does */
		return 1;
	case PROTO_STDIN_ACK:
		if (unacked)
			*unacked -= h.arg < *unacked ? h.arg : *unacked;
		return 1;
	case PROTO_EXIT:
		*ret_code = (int)h.arg;
		return 0;
	default:
		return 1;
	}
}

/* Return: 1 go on, 0 end of input, ATTACH_DETACHED. */
static int on_stdin(int sock, struct keys *k, size_t *unacked)
{
	auto_sbuf struct sbuf out = { 0 };
	char buf[PROTO_DATA_MAX / 2];
	ssize_t n = fd_read(STDIN_FILENO, buf, sizeof(buf));

	if (n <= 0) {
		proto_send(sock, PROTO_STDIN_EOF, 0, NULL, 0, NULL, 0);
		return 0;
	}
	if (attach_filter_keys(k, buf, (size_t)n, &out))
		return ATTACH_DETACHED;
	if (out.len && proto_send(sock, PROTO_STDIN, 0, out.p, out.len, NULL, 0) < 0)
		return 0;
	*unacked += out.len;
	return 1;
}

static int loop(int sock, const struct attach_opts *o, struct keys *k, int *ret_code, struct err *e)
{
	struct pollfd p[] = { { .fd = sock, .events = POLLIN }, { .events = POLLIN } };
	bool stdin_on = o->stdin_on;
	size_t unacked = 0;
	int r;

	for (;;) {
		p[1].fd = stdin_on && unacked < PROTO_STDIN_WINDOW ? STDIN_FILENO : -1;
		p[1].revents = 0;
		if (ppoll(p, 2, NULL, &waiting_mask) < 0) {
			if (errno == EINTR)
				continue;
			return err_set(e, errno, "poll");
		}
		if (p[0].revents) {
			r = attach_on_packet(sock, &unacked, ret_code, e);
			if (r <= 0)
				return r;
		}
		if (p[1].revents) {
			r = on_stdin(sock, k, &unacked);
			if (r == ATTACH_DETACHED)
				return r;
			stdin_on = r > 0;
		}
	}
}

int attach_run(int sock, const struct attach_opts *o, int *ret_code, struct err *e)
{
	struct keys k = { 0 };
	int r = attach_parse_keys(o->keys, k.v, e);

	if (r < 0)
		return r;
	k.n = o->stdin_on && isatty(STDIN_FILENO) ? r : 0;
	if (o->tty && o->stdin_on && isatty(STDIN_FILENO))
		attach_make_tty_raw();
	handle_signals(o, sock);
	if (o->tty)
		send_size(sock);
	r = loop(sock, o, &k, ret_code, e);
	attach_restore_tty();
	if (r == ATTACH_NO_READER) {
		*ret_code = 128 + SIGPIPE;
		return 0;
	}
	return r;
}

int attach_wait(int sock, int *ret_code, struct err *e)
{
	int r;

	do
		r = attach_on_packet(sock, NULL, ret_code, e);
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
