/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/kv.h"
#include "lib/oci/mountspec.h"
#include "tests/unit/tap.h"

/* A mount as one line: what is not the default is in it. */
static char *show(const struct mountspec *m)
{
	auto_sbuf struct sbuf b = { 0 };

	sbuf_printf(&b, "%s %s>%s", mountspec_type_name(m->type), m->source ? m->source : "", m->target);
	sbuf_printf(&b, "%s%s%s", m->source_is_relative ? " relative" : "", m->make_source ? " make" : "",
		    m->read_only ? " ro" : "");
	sbuf_printf(&b, "%s%s", m->exec == TRI_YES ? " exec" : "", m->exec == TRI_NO ? " noexec" : "");
	sbuf_printf(&b, "%s%s", m->suid == TRI_YES ? " suid" : "", m->suid == TRI_NO ? " nosuid" : "");
	sbuf_printf(&b, "%s%s", m->dev == TRI_YES ? " dev" : "", m->dev == TRI_NO ? " nodev" : "");
	if (m->propagation)
		sbuf_printf(&b, " %s", propagation_name(m->propagation));
	if (m->recursive)
		sbuf_printf(&b, " recursive=%d", m->recursive);
	if (m->relabel)
		sbuf_printf(&b, " %c", m->relabel);
	sbuf_printf(&b, "%s%s%s%s", m->nocopy ? " nocopy" : "", m->chown ? " U" : "", m->overlay ? " O" : "",
		    m->idmap ? " idmap" : "");
	if (m->subpath)
		sbuf_printf(&b, " subpath=%s", m->subpath);
	if (m->volume_driver)
		sbuf_printf(&b, " driver=%s", m->volume_driver);
	KV_EACH(m->volume_opts, i)
	sbuf_printf(&b, " opt:%s=%s", m->volume_opts[i], m->volume_opts[i + 1]);
	KV_EACH(m->volume_labels, i)
	sbuf_printf(&b, " label:%s=%s", m->volume_labels[i], m->volume_labels[i + 1]);
	if (m->size || m->size_percent)
		sbuf_printf(&b, " size=%llu%s", (unsigned long long)(m->size + m->size_percent),
			    m->size_percent ? "%" : "");
	if (m->mode != 01777)
		sbuf_printf(&b, " mode=%o", m->mode);
	if (m->inodes)
		sbuf_printf(&b, " inodes=%llu", (unsigned long long)m->inodes);
	if (m->uid >= 0 || m->gid >= 0)
		sbuf_printf(&b, " owner=%lld:%lld", (long long)m->uid, (long long)m->gid);
	return sbuf_take(&b);
}

struct row {
	const char *text, *want;
};

static void check(const char *option, int (*parse)(const char *, struct mountspec *, struct err *),
		  const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		auto_mountspec struct mountspec m = { 0 };
		auto_free char *got = NULL;
		struct err e = { 0 };
		int r = parse(rows[i].text, &m, &e);

		got = r < 0 ? xstrdup(e.msg) : show(&m);
		is_str(got, rows[i].want, "%s %s", option, str_has_control(rows[i].text) ? "(control)" : rows[i].text);
		ok(r < 0 ? !m.target && !str_has_control(e.msg) : 1, "nothing is left of a bad one");
	}
}

#define BAD_NAME                                                                                                       \
	" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If "    \
	"you "                                                                                                         \
	"intended to pass a host directory, use absolute path"

static const struct row volumes[] = {
	{ "/a:/b", "bind /a>/b make" },
	{ "/a:/b:ro", "bind /a>/b make ro" },
	{ "/a:/b:rw", "bind /a>/b make" },
	{ "/a:/b:ro,Z", "bind /a>/b make ro Z" },
	{ "/a:/b:z,rslave", "bind /a>/b make rslave z" },
	{ "/a:/b:shared", "bind /a>/b make shared" },
	{ "/a:/b:cached", "bind /a>/b make" },
	{ "/a:/b:noexec,nosuid,nodev", "bind /a>/b make noexec nosuid nodev" },
	{ "/a:/b:exec,suid,dev,U", "bind /a>/b make exec suid dev U" },
	{ "/a:/b:O", "bind /a>/b make O" },
	{ "/a:/b:idmap", "bind /a>/b make idmap" },
	{ "/a:/b:bind", "bind /a>/b make recursive=1" },
	{ "./a:/b", "bind ./a>/b relative make" },
	{ ".:/b", "bind .>/b relative make" },
	{ "../a:/b", "bind ../a>/b relative make" },
	{ "/a/../x//y/.:/b/../c/./d//", "bind /a/../x//y/.>/c/d make" },
	{ "/a b:/c d", "bind /a b>/c d make" },
	{ "/a,b:/c", "bind /a,b>/c make" },
	{ "/data", "volume >/data" },
	{ "vol:/data", "volume vol>/data" },
	{ "my_vol.1-x:/data:nocopy,ro", "volume my_vol.1-x>/data ro nocopy" },
	{ "", "invalid volume specification: ''" },
	{ ":", "invalid volume specification: ':'" },
	{ "/a:", "invalid volume specification: '/a:'" },
	{ ":/b", "invalid volume specification: ':/b'" },
	{ "/a:ro", "invalid volume specification: '/a:ro'" },
	{ "/a:/b:/c:ro", "invalid volume specification: '/a:/b:/c:ro'" },
	{ "/a:b", "invalid mount path: 'b' mount path must be absolute" },
	{ "data", "invalid mount path: 'data' mount path must be absolute" },
	{ "/a:/", "invalid specification: destination can't be '/'" },
	{ "/a:/b/..", "invalid specification: destination can't be '/'" },
	{ "/a:/..", "invalid specification: destination can't be '/'" },
	{ "/", "invalid specification: destination can't be '/'" },
	{ "/a:/b:x", "invalid mode: x" },
	{ "/a:/b:", "invalid mode: " },
	{ "/a:/b:ro,rw", "invalid mode: ro,rw" },
	{ "/a:/b:z,Z", "invalid mode: z,Z" },
	{ "/a:/b:shared,slave", "invalid mode: shared,slave" },
	{ "/a:/b:ro,", "invalid mode: ro," },
	{ "/a:/b:ro,lowerdir=/x", "invalid mode: ro,lowerdir=/x" },
	{ "vol:/b:rshared", "invalid mode: rshared" },
	{ "a/b:/c", "\"a/b\"" BAD_NAME },
	{ "-x:/c", "\"-x\"" BAD_NAME },
	{ "~/x:/c", "\"~/x\"" BAD_NAME },
	{ "/a\n:/b", "invalid volume specification: control characters are not allowed" },
	{ "/a:/b\x7f", "invalid volume specification: control characters are not allowed" },
};

static const struct row mounts[] = {
	{ "type=bind,source=/a,target=/b", "bind /a>/b" },
	{ "type=bind,src=/a,dst=/b,readonly", "bind /a>/b ro" },
	{ "type=bind,src=/a,destination=/b,ro=true", "bind /a>/b ro" },
	{ "type=bind,src=/a,dst=/b,ro=0", "bind /a>/b" },
	{ "type=bind,src=/a,dst=/b,rw=false", "bind /a>/b ro" },
	{ "TYPE=BIND,Source=/A,Target=/B", "bind /A>/B" },
	{ "type=bind,src=./a,dst=/b", "bind ./a>/b relative" },
	{ "type=bind,src=/a,dst=/b,bind-propagation=rshared", "bind /a>/b rshared" },
	{ "type=bind,src=/a,dst=/b,bind-recursive=disabled", "bind /a>/b recursive=1" },
	{ "type=bind,src=/a,dst=/b,bind-nonrecursive", "bind /a>/b recursive=1" },
	{ "type=bind,src=/a,dst=/b,ro,bind-recursive=writable", "bind /a>/b ro recursive=2" },
	{ "type=bind,src=/a,dst=/b,ro,bind-recursive=readonly,bind-propagation=rprivate",
	  "bind /a>/b ro rprivate recursive=3" },
	{ "type=bind,src=/a,dst=/b,consistency=cached", "bind /a>/b" },
	{ "type=bind,src=/a,dst=/b,relabel=shared,U=true,idmap,noexec", "bind /a>/b noexec z U idmap" },
	{ "type=bind,\"src=/a,b\",dst=/c", "bind /a,b>/c" },
	{ "type=bind,\"src=/a\"\"b\",dst=/c", "bind /a\"b>/c" },
	{ "type=bind,src=/a=b:c,dst=/d", "bind /a=b:c>/d" },
	{ "target=/b", "volume >/b" },
	{ "type=volume,dst=/b,src=", "volume >/b" },
	{ "type=volume,src=v,dst=/"
	  "b,volume-nocopy,volume-driver=local,volume-opt=type=tmpfs,volume-opt=o=size=1,volume-label=k=v,"
	  "volume-subpath=x",
	  "volume v>/b nocopy subpath=x driver=local opt:type=tmpfs opt:o=size=1 label:k=v" },
	{ "type=tmpfs,dst=/t", "tmpfs >/t" },
	{ "type=tmpfs,dst=/t,tmpfs-size=64m,tmpfs-mode=0700", "tmpfs >/t size=67108864 mode=700" },
	{ "type=tmpfs,dst=/t,tmpfs-mode=1770,ro,exec", "tmpfs >/t ro exec mode=1770" },
	{ "type=image,src=busybox,dst=/i,image-subpath=bin", "image busybox>/i subpath=bin" },
	{ "", "invalid field '' must be a key=value pair" },
	{ "type=bind,src=/a,dst=/b,", "invalid field '' must be a key=value pair" },
	{ "type=bind,src=/a,dst=/b,foo=1", "unexpected key 'foo' in 'foo=1'" },
	{ "type=bind,src=/a,dst=/b,foo", "invalid field 'foo' must be a key=value pair" },
	{ "type=bind,src=/a,dst=/b,Readonly=yes", "invalid value for readonly: yes" },
	{ "type=bind,src=/a,dst=/b,exec=1", "unexpected key 'exec' in 'exec=1'" },
	{ "type=bind,src=/a,dst", "invalid field 'dst' must be a key=value pair" },
	{ "type=bind,src=/a", "target is required" },
	{ "type=bind,dst=/b", "invalid mount config for type \"bind\": field Source must not be empty" },
	{ "type=bind,src=a,dst=/b", "invalid mount path: 'a' mount path must be absolute" },
	{ "type=bind,src=/a,dst=b", "invalid mount path: 'b' mount path must be absolute" },
	{ "type=bind,src=/a,dst=/", "invalid specification: destination can't be '/'" },
	{ "type=foo,src=/a,dst=/b", "invalid mount config for type \"foo\": mount type unknown" },
	{ "type=npipe,src=/a,dst=/b", "invalid mount config for type \"npipe\": mount type unknown" },
	{ "type=bind,src=/a,dst=/b,bind-propagation=foo", "invalid value for bind-propagation: foo" },
	{ "type=bind,src=/a,dst=/b,bind-propagation=", "invalid value for bind-propagation: " },
	{ "type=bind,src=/a,dst=/b,bind-recursive=foo",
	  "invalid value for bind-recursive: foo (must be \"enabled\", \"disabled\", \"writable\", or \"readonly\")" },
	{ "type=bind,src=/a,dst=/b,bind-recursive=writable",
	  "option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction" },
	{ "type=bind,src=/a,dst=/b,ro,bind-recursive=readonly",
	  "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction" },
	{ "type=bind,src=/a,dst=/b,volume-nocopy", "cannot mix 'volume-*' options with mount type 'bind'" },
	{ "type=bind,src=/a,dst=/b,tmpfs-size=1m", "cannot mix 'tmpfs-*' options with mount type 'bind'" },
	{ "dst=/b,bind-propagation=shared", "cannot mix 'bind-*' options with mount type 'volume'" },
	{ "type=tmpfs,src=/a,dst=/b", "invalid mount config for type \"tmpfs\": field Source must not be specified" },
	{ "type=tmpfs,dst=/b,tmpfs-size=x", "invalid value for tmpfs-size: x" },
	{ "type=tmpfs,dst=/b,tmpfs-mode=9", "invalid value for tmpfs-mode: 9" },
	{ "type=tmpfs,dst=/b,tmpfs-mode=77777", "invalid value for tmpfs-mode: 77777" },
	{ "type=volume,src=../x,dst=/b", "\"../x\"" BAD_NAME },
	{ "type=image,dst=/b", "invalid mount config for type \"image\": field Source must not be empty" },
	{ "type=bind,src=\"/a\",dst=/b", "parse error in 'type=bind,src=\"/a\",dst=/b': bare \" in non-quoted field" },
	{ "type=bind,\"src=/a", "parse error in 'type=bind,\"src=/a': a quote is not closed" },
	{ "type=bind,\"src=/a\"x,dst=/b", "parse error in 'type=bind,\"src=/a\"x,dst=/b': text behind a quoted field" },
	{ "type=bind,src=/a\n,dst=/b", "control characters are not allowed in options" },
};

static const struct row tmpfs[] = {
	{ "/run", "tmpfs >/run" },
	{ "/run:", "tmpfs >/run" },
	{ "/run:rw,size=64m,mode=1777", "tmpfs >/run size=67108864" },
	{ "/run:exec,suid,dev,uid=1,gid=2,nr_inodes=1k,mode=0755",
	  "tmpfs >/run exec suid dev mode=755 inodes=1024 owner=1:2" },
	{ "/run:ro,noexec", "tmpfs >/run ro noexec" },
	{ "/run:size=50%", "tmpfs >/run size=50%" },
	{ "run", "invalid mount path: 'run' mount path must be absolute" },
	{ "/", "invalid specification: destination can't be '/'" },
	{ "/run:size=", "invalid value for size: " },
	{ "/run:size=0%", "invalid value for size: 0%" },
	{ "/run:size=101%", "invalid value for size: 101%" },
	{ "/run:mode=rwx", "invalid value for mode: rwx" },
	{ "/run:uid=4294967295", "invalid value for uid: 4294967295" },
	{ "/run:foo", "invalid tmpfs option \"foo\"" },
	{ "/run:foo=1", "invalid tmpfs option \"foo\"" },
	{ "/run:tmpcopyup", "invalid tmpfs option \"tmpcopyup\"" },
	{ "/run:ro\n", "invalid tmpfs option: control characters are not allowed" },
};

#define ROWS(t) t, sizeof(t) / sizeof(*t)

int main(void)
{
	check("-v", mountspec_parse_volume, ROWS(volumes));
	check("--mount", mountspec_parse_mount, ROWS(mounts));
	check("--tmpfs", mountspec_parse_tmpfs, ROWS(tmpfs));
	ok(name_is_valid("a") && name_is_valid("A9_.-"), "names");
	ok(!name_is_valid("") && !name_is_valid(".") && !name_is_valid("..") && !name_is_valid("a/b") &&
		   !name_is_valid("-rf") && !name_is_valid("a\n") && !name_is_valid("\xc3\xa9") &&
		   !name_is_valid("a b"),
	   "RT-26: no names");
	return done();
}
