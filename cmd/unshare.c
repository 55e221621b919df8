/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "lib/runtime/userns.h"

/*
 * Host root has an id in root's map, so its set-id programs, mount(8) one of them, would become that id and lose the
 * namespace's capabilities. For an ordinary user it has none, and the kernel ignores their bits.
 */
static void disarm_set_id(void)
{
	int r = sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, MOUNT_ATTR_NOSUID, 0, 0);

	if (r < 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) /* Linux 5.11 */
		log_warn("ignored, going on: set-id programs of the host's root keep their bits: %s",
			 strerrordesc_np(-r));
}

/* In the namespace: the command, or the user's shell. */
static void become(int argc, char **argv)
{
	char *shell = getenv("SHELL"), *own[] = { shell ? shell : xstrdup("/bin/sh"), NULL }, **v = argc ? argv : own;

	execvp(v[0], v);
	log_err("%s: %s", v[0], strerrordesc_np(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static int unshare_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	struct idmap map;
	pid_t pid;
	int r = idmap_for_caller(&map, e);

	(void)ctx;
	(void)opts;
	if (r < 0)
		return r;
	idmap_tell_single(&map);
	pid = userns_fork(&map, CLONE_NEWNS, NULL, e);
	if (pid < 0)
		return pid;
	if (pid == 0) {
		if (map.host_root)
			disarm_set_id();
		become(argc, argv);
	}
	/* The terminal's signals reach the command as well: it decides. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	r = proc_wait(pid);
	return r < 0 ? err_set(e, r, "wait for '%s'", argc ? argv[0] : "the shell") : r;
}

const struct cmd cmd_unshare = {
	.path = "unshare",
	.args = "[COMMAND] [ARG...]",
	.help = "Run a command in the user namespace that owns your containers' files",
	.more = "Your user is root there, and subordinate ids are ordinary ones: files that containers made can be "
		"read, changed "
		"and removed.",
	.max_args = CMD_ANY,
	.flags = CMD_STOP_AT_OPERAND,
	.fail_status = 125,
	.run = unshare_run,
};
