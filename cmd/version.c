/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/format/list.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"

/* The engine API whose objects our JSON follows. Nothing listens for it. */
#define API_VERSION "1.48"

struct version_opts {
	const char *format;
};

static const struct opt opts[] = {
	OPT_STR('f', "format", struct version_opts, format, "Format output using a custom template"),
	OPT_END,
};

/* Client and server are one program; scripts ask for both. */
static struct json *side(const char *arch, const char *kernel, const char *name)
{
	struct json *o = json_new_object();

	json_set_str(json_set_object(o, "Platform"), "Name", name);
	json_set_str(o, "Version", SKIFF_VERSION);
	json_set_str(o, "ApiVersion", API_VERSION);
	json_set_str(o, "APIVersion", API_VERSION);
	json_set_str(o, "DefaultAPIVersion", API_VERSION);
	json_set_str(o, "MinAPIVersion", API_VERSION);
	json_set_str(o, "Os", "linux");
	json_set_str(o, "Arch", arch);
	json_set_str(o, "KernelVersion", kernel);
	json_set_str(o, "Context", "default");
	return o;
}

static void print_text(const char *arch, const char *kernel)
{
	printf("Client: skiff\n Version:           %s\n OS/Arch:           linux/%s\n\n", SKIFF_VERSION, arch);
	printf("Server: none, each command works by itself\n Version:           %s\n OS/Arch:           linux/%s\n"
	       " Kernel Version:    %s\n",
	       SKIFF_VERSION, arch, kernel);
}

static int version_run(struct ctx *ctx, void *o, int argc, char **argv, struct err *e)
{
	const struct version_opts *opt = o;
	auto_json struct json *j = NULL;
	auto_oci_platform struct oci_platform host = { 0 };
	struct utsname u;
	int r = oci_platform_host(&host, e);

	(void)ctx;
	(void)argc;
	(void)argv;
	if (r < 0)
		return r;
	if (uname(&u) < 0)
		return err_set(e, errno, "ask the kernel for its version");
	if (!opt->format) {
		print_text(host.arch, u.release);
		return 0;
	}
	j = json_new_object();
	json_set(j, "Client", side(host.arch, u.release, "skiff"));
	json_set(j, "Server", side(host.arch, u.release, "skiff"));
	return format_object(opt->format, j, stdout, e);
}

const struct cmd cmd_version = {
	.path = "version",
	.help = "Show the skiff version information",
	.group = CMD_GROUP_COMMON,
	.opts = opts,
	.opts_size = sizeof(struct version_opts),
	.run = version_run,
};
