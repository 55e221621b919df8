/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/format/template.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/json.h"
#include "tests/unit/tap.h"

/* What inspect shows, shortened. */
static const char doc[] =
	"{\"Id\":\"4ae1\",\"Created\":\"2024-01-31T10:00:00Z\",\"Name\":\"/"
	"web\",\"RestartCount\":0,\"Image\":\"sha256:77af\","
	"\"State\":{\"Status\":\"running\",\"Running\":true,\"Paused\":false,\"Pid\":4711,\"ExitCode\":0,"
	"\"Health\":{\"Status\":\"healthy\",\"FailingStreak\":0,\"Log\":[]}},"
	"\"HostConfig\":{\"NetworkMode\":\"bridge\",\"RestartPolicy\":{\"Name\":\"on-failure\",\"MaximumRetryCount\":3}"
	","
	"\"Binds\":null,\"PidsLimit\":null,\"Memory\":0},"
	"\"Config\":{\"Image\":\"busybox\",\"Env\":[\"A=1\",\"B=two words\"],\"Cmd\":[\"sh\",\"-c\",\"true\"],"
	"\"Labels\":{\"com.example.a\":\"x\",\"b\":\"<y>\"},\"Entrypoint\":null},"
	"\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/"
	"src\",\"RW\":true},{\"Type\":\"tmpfs\",\"Source\":\"\",\"RW\":false}],"
	"\"RepoDigests\":[\"busybox@sha256:1\"],\"RootFS\":{\"Layers\":[\"sha256:a\",\"sha256:b\"]},\"Size\":1234567,"
	"\"IPAM\":{\"Config\":[{\"Subnet\":\"10.88.0.0/16\"}]},\"Ratio\":0.25,\"Big\":12345678901234567890.0,"
	"\"NetworkSettings\":{\"Ports\":{\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"}],\"81/tcp\":null},"
	"\"Networks\":{\"bridge\":{\"IPAddress\":\"172.17.0.2\"},\"app\":{\"IPAddress\":\"10.0.0.2\"}}}}";

static const struct {
	const char *text, *want;
} good[] = {
	/* the snippets that scripts use */
	{ "{{.State.Running}}", "true" },
	{ "{{.State.Status}}", "running" },
	{ "{{.State.ExitCode}}", "0" },
	{ "{{.State.Pid}}", "4711" },
	{ "{{.State.Health.Status}}", "healthy" },
	{ "{{json .State.Health}}", "{\"Status\":\"healthy\",\"FailingStreak\":0,\"Log\":[]}" },
	{ "{{.Config.Image}}", "busybox" },
	{ "{{.Image}}", "sha256:77af" },
	{ "{{.Name}}", "/web" },
	{ "{{.Id}} {{.Created}} {{.RestartCount}}", "4ae1 2024-01-31T10:00:00Z 0" },
	{ "{{.HostConfig.RestartPolicy.Name}}", "on-failure" },
	{ "{{.HostConfig.NetworkMode}}", "bridge" },
	{ "{{range .Mounts}}{{.Source}};{{end}}", "/src;;" },
	{ "{{range .Config.Env}}{{println .}}{{end}}", "A=1\nB=two words\n" },
	{ "{{json .Config.Labels}}", "{\"com.example.a\":\"x\",\"b\":\"<y>\"}" },
	{ "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", "10.0.0.2 172.17.0.2 " },
	{ "{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}", "8080" },
	{ "{{.NetworkSettings.Networks.bridge.IPAddress}}", "172.17.0.2" },
	{ "{{.RepoDigests}}", "[busybox@sha256:1]" },
	{ "{{index .RepoDigests 0}}", "busybox@sha256:1" },
	{ "{{.RootFS.Layers}}", "[sha256:a sha256:b]" },
	{ "{{.Size}}", "1234567" },
	{ "{{(index .IPAM.Config 0).Subnet}}", "10.88.0.0/16" },
	{ "{{index .Config.Labels \"com.example.a\"}}", "x" },
	{ "{{index .Config.Labels \"absent\"}}", "" },
	{ "{{with index .Config.Labels \"absent\"}}{{.}}{{else}}none{{end}}", "none" },
	{ "{{range $p, $conf := .NetworkSettings.Ports}}{{$p}} -> {{(index $conf 0).HostPort}}{{break}}{{end}}",
	  "80/tcp -> 8080" },
	{ "{{range $p, $c := .NetworkSettings.Ports}}{{if $c}}{{$p}}{{end}}{{end}}", "80/tcp" },
	{ "{{range $k, $v := .NetworkSettings.Networks}}{{$k}}={{$v.IPAddress}} {{end}}",
	  "app=10.0.0.2 bridge=172.17.0.2 " },
	{ "{{if .State.Running}}up{{else}}down{{end}}", "up" },
	{ "{{if eq .State.Status \"exited\"}}a{{else if eq .State.Status \"running\"}}b{{else}}c{{end}}", "b" },
	{ "{{.State.Status | upper}}", "RUNNING" },
	{ "{{printf \"%.4s %d %q\" .Name .State.Pid .Id}}", "/web 4711 \"4ae1\"" },
	{ "{{join .Config.Cmd \" \"}}", "sh -c true" },
	{ "{{.State.Pid | printf \"%05d\"}}", "04711" },
	{ "{{range $i, $e := .Config.Env}}{{if $i}}, {{end}}{{$e}}{{end}}", "A=1, B=two words" },
	{ "{{index (split (index .Config.Env 0) \"=\") 1}}", "1" },
	{ "{{.Config.Labels}}", "map[b:<y> com.example.a:x]" },
	{ "{{.HostConfig.Binds}} {{.Config.Entrypoint}} {{.HostConfig.PidsLimit}}", "[] [] <nil>" },
	{ "{{json .HostConfig.Binds}}", "null" },
	/* what is not there */
	{ "{{.Nope}}|{{.Nope.More}}|{{.State.Nope}}", "<no value>|<no value>|<no value>" },
	{ "{{if .Nope}}a{{else}}b{{end}}", "b" },
	{ "{{range .Nope}}a{{else}}none{{end}}", "none" },
	/* text, blanks, comments */
	{ "", "" },
	{ "plain } text {", "plain } text {" },
	{ "a {{- /* trims */ -}} b", "ab" },
	{ "a{{/* one */}}b{{- /* two */}} c", "ab c" },
	{ "x  {{- 1 -}}  y", "x1y" },
	{ "x {{-1}} y", "x -1 y" },
	{ "{{ .Id }}\n  {{- .Id }}", "4ae14ae1" },
	{ "{{\"a\\tb\\u00e9\\x21\\n\"}}", "a\tb\u00e9!\n" },
	{ "{{`raw\\n`}}", "raw\\n" },
	{ "{{'\\u20ac'}} {{'\xc3\xa9'}}", "8364 233" },
	{ "{{'a'}} {{'\\n'}} {{0x1f}} {{1_000}} {{1e3}} {{-7}} {{.5}}", "97 10 31 1000 1000 -7 0.5" },
	/* variables and scopes */
	{ "{{$x := 1}}{{$x}}{{$x = 2}}{{$x}}", "12" },
	{ "{{$x := 1}}{{if true}}{{$x = 5}}{{$y := 3}}{{end}}{{$x}}", "5" },
	{ "{{with $h := .State.Health}}{{$h.Status}} {{.Status}} {{$.Id}}{{end}}", "healthy healthy 4ae1" },
	{ "{{with .Nope}}a{{else with .Id}}{{.}}{{end}}", "4ae1" },
	{ "{{range $i := 3}}{{$i}}{{end}}", "012" },
	{ "{{range .Config.Cmd}}{{if eq . \"-c\"}}{{continue}}{{end}}{{.}},{{end}}", "sh,true," },
	{ "{{range $i, $c := .Config.Cmd}}{{range $.Config.Env}}{{break}}{{end}}{{$i}}{{end}}", "012" },
	/* templates in templates */
	{ "{{define \"x\"}}[{{.}}]{{end}}{{template \"x\" .Id}}{{range .Config.Cmd}}{{template \"x\" .}}{{end}}",
	  "[4ae1][sh][-c][true]" },
	{ "{{define \"a\"}}{{template \"b\" .}}!{{end}}{{define \"b\"}}({{$}}){{end}}{{template \"a\" .Id}}",
	  "(4ae1)!" },
	{ "{{block \"y\" .State}}{{.Status}}{{end}}{{template \"y\" .State.Health}}", "runninghealthy" },
	{ "{{$x := 1}}{{define \"x\"}}{{$x := 2}}{{$x}}{{end}}{{template \"x\"}}{{$x}}", "21" },
	{ "{{define \"z\"}}{{range .}}{{.}}{{break}}{{end}}{{end}}{{template \"z\" .Config.Cmd}}", "sh" },
	{ "{{template \"x\"}}{{define \"x\"}}later{{end}}", "later" },
	/* functions */
	{ "{{printf \"%[2]s %[1]s|%[3]*.[2]*[1]f|\" \"a\" \"b\"}}", "b a|%!(BADWIDTH)%!(BADPREC)%!f(BADINDEX)|" },
	{ "{{printf \"%*d|%-*d|%.*f|%[9]d|% x\" 5 1 5 1 2 3.14159 \"hi\"}}", "    1|1    |3.14|%!d(BADINDEX)|68 69" },
	{ "{{js \"a=b & 'c'<\"}}", "a\\u003Db \\u0026 \\'c\\'\\u003C" },
	{ "{{.Config.Labels.absent}} {{.Config.Labels.b}}", "<no value> <y>" },
	{ "{{len .Config.Env}} {{len .Name}} {{len .Config.Labels}} {{len .HostConfig.Binds}}", "2 4 2 0" },
	{ "{{and true .Id}} {{and 0 .Id}} {{or \"\" .Id}} {{or 1 (index .RepoDigests 99)}} {{not .Id}}",
	  "4ae1 0 4ae1 1 false" },
	{ "{{eq 1 2 3 1}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt \"b\" \"a\"}} {{ge 1.5 2.5}}",
	  "true true true true true false" },
	{ "{{eq .Nope nil}} {{eq .Id nil}}", "true false" },
	{ "{{slice .Id 1 3}} {{slice .Config.Cmd 1}} {{slice .Id 2}}", "ae [-c true] e1" },
	{ "{{print 1 2 \"a\" 3 true}}|{{print \"a\" \"b\"}}|{{println 1 \"a\"}}", "1 2a3 true|ab|1 a\n" },
	{ "{{lower \"ABC\"}} {{title \"hello big world\"}} {{truncate \"abcdef\" 3}} [{{pad \"x\" 2 1}}]",
	  "abc Hello Big World abc [  x ]" },
	{ "{{json \"a<b\\\"\"}} {{json 1}} {{json .Ratio}} {{json true}}", "\"a<b\\\"\" 1 0.25 true" },
	{ "{{html \"<a & 'b'>\"}} {{urlquery \"a b/c\"}}", "&lt;a &amp; &#39;b&#39;&gt; a+b%2Fc" },
	{ "{{split \"a,b,c\" \",\"}} {{len (split \"\" \",\")}} {{split \"ab\" \"\"}}", "[a b c] 1 [a b]" },
	{ "{{index \"abc\" 1}}", "98" },
	/* printf */
	{ "{{printf \"%s|%5s|%-5s|%.2s\" \"abc\" \"abc\" \"abc\" \"abc\"}}", "abc|  abc|abc  |ab" },
	{ "{{printf \"%d|%5d|%-5d|%05d|%+d|% d\" 42 42 42 -42 42 42}}", "42|   42|42   |-0042|+42| 42" },
	{ "{{printf \"%x %X %o %b %c %U %#x %q\" 255 255 8 5 65 65 255 65}}", "ff FF 10 101 A U+0041 0xff 'A'" },
	{ "{{printf \"%f %.2f %e %g %6.1f\" 1.5 1.255 1500.0 0.1 2.25}}", "1.500000 1.25 1.500000e+03 0.1    2.2" },
	{ "{{printf \"%t %v %v %T %T\" true false .Ratio 1 \"a\"}}", "true false 0.25 int string" },
	{ "{{printf \"%d %s %z\" \"a\" 1 2}}", "%!d(string=a) %!s(int=1) %!z(int=2)" },
	{ "{{printf \"%d\"}} {{printf \"%\"}} {{printf \"%%\"}} {{printf \"x\" 1}}",
	  "%!d(MISSING) %!(NOVERB) % x%!(EXTRA int=1)" },
	{ "{{printf \"%s %q\" .Config.Cmd .Config.Cmd}}", "[sh -c true] [\"sh\" \"-c\" \"true\"]" },
	{ "{{printf \"%v\" .State.Health}}", "map[FailingStreak:0 Log:[] Status:healthy]" },
	{ "{{printf \"%x\" \"az\"}} {{printf \"%v\" .HostConfig.PidsLimit}}", "617a <nil>" },
	{ "{{.Big}} {{1e21}} {{1e20}} {{0.000001}} {{1e-7}} {{100000.0}} {{1234567.5}}",
	  "1.2345678901234567e+19 1e+21 1e+20 1e-06 1e-07 100000 1.2345675e+06" },
};

static const struct {
	const char *text, *want;
} bad[] = {
	{ "{{.Id", "template: :1: unclosed action" },
	{ "{{", "template: :1: unclosed action" },
	{ "{{}}", "template: :1: missing value for command" },
	{ "\n{{if}}{{end}}", "template: :2: missing value for if" },
	{ "{{foo}}", "template: :1: function \"foo\" not defined" },
	{ "{{$x}}", "template: :1: undefined variable \"$x\"" },
	{ "{{$x = 1}}", "template: :1: undefined variable \"$x\"" },
	{ "{{if .Id}}", "template: :1: unexpected EOF" },
	{ "{{end}}", "template: :1: unexpected {{end}}" },
	{ "{{else}}", "template: :1: unexpected {{else}}" },
	{ "{{if 1}}{{else}}{{else}}{{end}}", "template: :1: expected end; found {{else}}" },
	{ "{{\"abc}}", "template: :1: unterminated quoted string" },
	{ "{{`abc}}", "template: :1: unterminated raw quoted string" },
	{ "{{(.Id}}", "template: :1: unclosed left paren" },
	{ "{{.Id)}}", "template: :1: unexpected right paren U+0029 ')'" },
	{ "{{.Id | 1}}", "template: :1: non executable command in pipeline stage 2" },
	{ "{{.Id | }}", "template: :1: missing value for command" },
	{ "{{.a}b}}", "template: :1: bad character U+007D '}'" },
	{ "{{1a}}", "template: :1: bad number syntax: \"1a\"" },
	{ "{{'ab'}}", "template: :1: malformed character constant: 'ab'" },
	{ "{{''}}", "template: :1: malformed character constant: ''" },
	{ "{{break}}", "template: :1: {{break}} outside {{range}}" },
	{ "{{/* a", "template: :1: unclosed comment" },
	{ "{{/* a */ b}}", "template: :1: comment ends before closing delimiter" },
	{ "{{if true}}{{define \"x\"}}{{end}}{{end}}", "template: :1: unexpected <define> in input" },
	{ "{{define \"x\"}}{{end}}{{define \"x\"}}{{end}}", "template: :1: multiple definition of template \"x\"" },
	{ "{{define \"x\"}}a", "template: :1: unexpected EOF" },
	{ "{{define \"x\"}}{{$y}}{{end}}", "template: :1: undefined variable \"$y\"" },
	{ "{{range .X}}{{block \"x\" .}}{{break}}{{end}}{{end}}", "template: :1: {{break}} outside {{range}}" },
	{ "{{block \"x\"}}{{end}}", "template: :1: missing value for block clause" },
	{ "{{1.Id}}", NULL },
	{ "{{\"a\".Id}}", "template: :1: unexpected . after term \"\"a\"\"" },
	{ "{{with $a, $b := 1}}{{end}}", "template: :1: too many declarations in with" },
	{ "{{.Id.Foo}}", "template: :1:5: executing \"\" at <.Id.Foo>: can't evaluate field Foo in type string" },
	{ "{{.Id 1}}", "template: :1:2: executing \"\" at <.Id>: Id is not a method but has arguments" },
	{ "ab{{index .RepoDigests 5}}",
	  "template: :1:4: executing \"\" at <index .RepoDigests 5>: error calling index: index out of range: 5" },
	{ "{{index .Id \"x\"}}", "template: :1:2: executing \"\" at <index .Id \"x\">: error calling index: cannot "
				 "index slice/array with type string" },
	{ "{{len 3}}", "template: :1:2: executing \"\" at <len 3>: error calling len: len of type int" },
	{ "{{eq 1 \"a\"}}",
	  "template: :1:2: executing \"\" at <eq 1 \"a\">: error calling eq: incompatible types for comparison" },
	{ "{{eq .State .State}}", "template: :1:2: executing \"\" at <eq .State .State>: error calling eq: "
				  "non-comparable type map[string]interface {}" },
	{ "{{lt true false}}",
	  "template: :1:2: executing \"\" at <lt true false>: error calling lt: invalid type for comparison" },
	{ "{{split \"a\"}}",
	  "template: :1:2: executing \"\" at <split \"a\">: wrong number of args for split: want 2 got 1" },
	{ "{{nil}}", "template: :1:2: executing \"\" at <nil>: nil is not a command" },
	{ "{{1 2}}", "template: :1:2: executing \"\" at <1>: can't give argument to non-function 1" },
	{ "{{range .Id}}{{end}}", "template: :1:8: executing \"\" at <.Id>: range can't iterate over 4ae1" },
	{ "{{.HostConfig.PidsLimit.X}}",
	  "template: :1:13: executing \"\" at <.HostConfig.PidsLimi...>: nil pointer evaluating interface {}.X" },
	{ "{{call .Id}}",
	  "template: :1:2: executing \"\" at <call .Id>: error calling call: non-function of type string" },
};

static int run(const char *text, const struct json *j, const struct template_opts *o, struct sbuf *out, struct err *e)
{
	auto_template struct template *t = NULL;
	int r = template_parse(text, &t, e);

	return r < 0 ? r : template_exec(t, j, o, out, e);
}

static char *label(void *data, const char *name, const char *argument)
{
	(void)data;
	return strcmp(name, "Label") ? NULL : xasprintf("<%s>", argument);
}

static void test_limits(const struct json *j)
{
	auto_sbuf struct sbuf deep = { 0 }, out = { 0 };
	struct err e = { 0 };

	is_int(run("{{range 100000000}}{{end}}", j, NULL, &out, &e), -E2BIG, "endless loops end");
	is_int(run("{{define \"r\"}}{{template \"r\" .}}{{end}}{{template \"r\" .}}", j, NULL, &out, &e), -E2BIG,
	       "endless recursion ends");
	is_int(run("{{range 900000}}{{.}}{{range 900000}}x{{end}}{{end}}", j, NULL, &out, &e), -E2BIG,
	       "nested ones too");
	sbuf_reset(&out);
	is_int(run("{{printf \"%999999999d\" 1}}", j, NULL, &out, &e), 0, "a huge width");
	is_str(sbuf_str(&out), "%!(BADWIDTH)1", "is refused in the output");
	is_int(run("{{printf \"%.999999999f\" 1.5}}", j, NULL, &out, &e), 0, "a huge precision");
	sbuf_reset(&out);
	is_int(run("{{$x := \"aaaaaaaaaaaaaaaa\"}}{{range 100}}{{$x = print $x $x}}{{end}}", j, NULL, &out, &e), -E2BIG,
	       "memory is bounded");
	for (int i = 0; i < 5000; i++)
		sbuf_addc(&deep, '(');
	auto_free char *text = xasprintf("{{%s", sbuf_str(&deep));
	is_int(run(text, j, NULL, &out, &e), -EINVAL, "nesting is bounded");
	sbuf_reset(&deep);
	for (int i = 0; i < 2000; i++)
		sbuf_adds(&deep, "{{if 1}}");
	is_int(run(sbuf_str(&deep), j, NULL, &out, &e), -EINVAL, "of blocks too");
	for (int i = 0; i < 10000; i++)
		sbuf_adds(&deep, "too long ");
	is_int(run(sbuf_str(&deep), j, NULL, &out, &e), -E2BIG, "a text that is too long");
}

int main(void)
{
	auto_json struct json *j = NULL;
	struct err e = { 0 };
	struct template_opts strict = { .missing_is_error = true }, method = { .method = label },
			     heading = { .is_heading = true };
	struct template *t = NULL;
	auto_sbuf struct sbuf out = { 0 };

	is_int(json_parse(doc, strlen(doc), &j, &e), 0, "document %s", e.msg);
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		auto_sbuf struct sbuf b = { 0 };

		e.msg[0] = '\0';
		is_int(run(good[i].text, j, NULL, &b, &e), 0, "runs: %.*s %s", (int)strcspn(good[i].text, "\n"),
		       good[i].text, e.msg);
		is_str(sbuf_str(&b), good[i].want, "gives");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		auto_sbuf struct sbuf b = { 0 };

		is_int(run(bad[i].text, j, NULL, &b, &e), -EINVAL, "fails: %.*s", (int)strcspn(bad[i].text, "\n"),
		       bad[i].text);
		if (bad[i].want)
			is_str(e.msg, bad[i].want, "says");
	}
	is_int(run("{{.State.Nope}}", j, &strict, &out, &e), -EINVAL, "strict");
	is_str(e.msg, "template: :1:8: executing \"\" at <.State.Nope>: map has no entry for key \"Nope\"", "says");
	is_int(run("{{.Label \"a.b\"}}", j, &method, &out, &e), 0, "method");
	is_str(sbuf_str(&out), "<a.b>", "gives");
	is_int(run("{{.Other \"a.b\"}}", j, &method, &out, &e), -EINVAL, "no such method");
	sbuf_reset(&out);
	is_int(run("{{upper .Name}} {{json .Id}} {{truncate .Id 2}}", j, &heading, &out, &e), 0, "heading");
	is_str(sbuf_str(&out), "/web 4ae1 4ae1", "is left alone");
	is_int(run("{{json .}}", NULL, NULL, &out, NULL), 0, "no data, no error struct");
	is_int(run("{{foo}}", NULL, NULL, &out, NULL), -EINVAL, "failure without error struct");

	is_int(template_parse("{{if .A}}{{range .B}}{{printf \"%s\" (upper .C.D)}}{{end}}{{end}}", &t, &e), 0, "uses");
	ok(template_uses(t, "A") && template_uses(t, "B") && template_uses(t, "C") && !template_uses(t, "D"),
	   "members");
	template_freep(&t);
	is_int(template_parse("{{json .}}", &t, &e), 0, "whole");
	ok(template_uses(t, "Anything"), "uses everything");
	template_freep(&t);
	test_limits(j);
	return done();
}
