/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/base/time.h"
#include "lib/oci/image.h"
#include "lib/oci/kv.h"
#include "tests/unit/tap.h"

#define HEX  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define D(x) "sha256:" x "23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

#define CONFIG	    "\"config\":{\"mediaType\":\"" OCI_MT_CONFIG "\",\"digest\":\"" D("0c") "\",\"size\":7023}"
#define LAYER(t, d) "{\"mediaType\":\"" t "\",\"digest\":\"" d "\",\"size\":32654}"
#define HEAD	    "{\"schemaVersion\":2,"
#define MANIFEST                                                                                                       \
	HEAD "\"mediaType\":\"" OCI_MT_MANIFEST "\"," CONFIG ",\"layers\":[" LAYER(OCI_MT_LAYER_GZIP, D("0a")) "]}"
#define INDEX HEAD "\"mediaType\":\"" OCI_MT_INDEX "\",\"manifests\":[]}"
#define BARE  HEAD CONFIG ",\"layers\":[]}"

static int parse(const char *text, const char *type, struct oci_doc *d, struct err *e)
{
	return oci_doc_parse(text, strlen(text), type, d, e);
}

static void test_manifest(void)
{
	auto_oci_doc struct oci_doc d = { 0 }, bare = { 0 }, docker = { 0 }, again = { 0 };
	auto_free char *text = NULL;
	struct err e = { 0 };

	is_int(parse(MANIFEST, OCI_MT_MANIFEST "; charset=utf-8", &d, &e), 0, "manifest %s", e.msg);
	is_int(d.kind, OCI_DOC_MANIFEST, "is one");
	is_str(d.manifest.config.digest, D("0c"), "config");
	is_int(d.manifest.n_layers, 1, "layers");
	is_int(d.manifest.layers[0].size, 32654, "size");
	text = oci_manifest_text(&d.manifest);
	is_str(text, MANIFEST, "written again it is the same");
	is_int(parse(text, NULL, &again, &e), 0, "and parses without a content type");
	is_int(parse(BARE, "application/json", &bare, &e), 0, "manifest without a media type %s", e.msg);
	is_str(bare.manifest.media_type, OCI_MT_MANIFEST, "is OCI's");
	is_int(parse(HEAD "\"mediaType\":\"" DOCKER_MT_MANIFEST "\",\"config\":{\"mediaType\":\"" DOCKER_MT_CONFIG
			  "\",\"digest\":\"" D("0c") "\",\"size\":1},\"layers\":[" LAYER(
				  DOCKER_MT_LAYER_GZIP, D("0a")) "," LAYER(DOCKER_MT_LAYER, D("0b")) "]}",
		     DOCKER_MT_MANIFEST, &docker, &e),
	       0, "docker's manifest %s", e.msg);
	is_int(docker.manifest.n_layers, 2, "layers");
}

/* RG-02 and RG-03: each of these has been an attack on some reader. */
static void test_refused(void)
{
	static const struct {
		const char *text, *type;
		int code;
	} cases[] = {
		{ "[]", NULL, EINVAL },
		{ "{}", NULL, EINVAL },
		{ "x", NULL, EINVAL },
		{ HEAD "\"a\":1}", NULL, ENOTSUP },
		{ HEAD CONFIG ",\"layers\":[],\"manifests\":[]}", NULL, EINVAL },
		{ HEAD CONFIG ",\"layers\":[],\"manifests\":[]}", OCI_MT_MANIFEST, EINVAL },
		{ HEAD CONFIG ",\"layers\":[],\"manifests\":[]}", OCI_MT_INDEX, EINVAL },
		{ HEAD CONFIG ",\"layers\":[],\"Manifests\":[]}", OCI_MT_MANIFEST, EINVAL },
		{ HEAD "\"LAYERS\":[],\"manifests\":[]}", OCI_MT_INDEX, EINVAL },
		{ HEAD CONFIG ",\"layers\":[],\"layers\":[]}", OCI_MT_MANIFEST, EINVAL },
		{ MANIFEST, OCI_MT_INDEX, EINVAL },
		{ MANIFEST, DOCKER_MT_MANIFEST, EINVAL },
		{ INDEX, OCI_MT_MANIFEST, EINVAL },
		{ HEAD "\"mediaType\":\"" OCI_MT_INDEX "\"," CONFIG ",\"layers\":[]}", OCI_MT_INDEX, EINVAL },
		{ HEAD "\"mediaType\":\"" OCI_MT_MANIFEST "\",\"manifests\":[]}", OCI_MT_MANIFEST, EINVAL },
		{ HEAD "\"manifests\":[]}", OCI_MT_MANIFEST, EINVAL },
		{ BARE, OCI_MT_INDEX, EINVAL },
		{ BARE, "application/vnd.docker.distribution.manifest.v1+prettyjws", ENOTSUP },
		{ BARE, "text/html", ENOTSUP },
		{ "{\"schemaVersion\":1,\"fsLayers\":[]}", NULL, ENOTSUP },
		{ "{\"schemaVersion\":2,\"fsLayers\":[]}", NULL, ENOTSUP },
		{ "{\"schemaVersion\":\"2\"," CONFIG ",\"layers\":[]}", NULL, EINVAL },
		{ HEAD "\"layers\":[]}", OCI_MT_MANIFEST, EINVAL },
		{ HEAD "\"mediaType\":1," CONFIG ",\"layers\":[]}", NULL, EINVAL },
		{ HEAD CONFIG ",\"layers\":{}}", NULL, EINVAL },
		{ HEAD CONFIG ",\"layers\":[1]}", NULL, EINVAL },
		{ HEAD CONFIG ",\"layers\":[null]}", NULL, EINVAL },
		{ HEAD CONFIG ",\"layers\":[" LAYER(OCI_MT_LAYER, "sha256:../../x") "]}", NULL, EINVAL },
		{ HEAD CONFIG ",\"layers\":[" LAYER(OCI_MT_LAYER, "sha256:0A23") "]}", NULL, EINVAL },
		{ HEAD CONFIG ",\"layers\":[" LAYER("a/b", D("0a")) "]}", NULL, ENOTSUP },
		{ HEAD CONFIG
		  ",\"layers\":[" LAYER("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", D("0a")) "]}",
		  NULL, ENOTSUP },
		{ HEAD CONFIG ",\"layers\":[" LAYER(OCI_MT_LAYER_GZIP "+encrypted", D("0a")) "]}", NULL, ENOTSUP },
		{ HEAD CONFIG ",\"layers\":[{\"mediaType\":\"" OCI_MT_LAYER
			      "\",\"digest\":\"" D("0a") "\",\"size\":-1}]}",
		  NULL, EINVAL },
		{ HEAD CONFIG ",\"layers\":[{\"mediaType\":\"" OCI_MT_LAYER "\",\"digest\":\"" D("0a") "\"}]}", NULL,
		  EINVAL },
		{ HEAD CONFIG ",\"layers\":[{\"mediaType\":\"" OCI_MT_LAYER
			      "\",\"digest\":\"" D("0a") "\",\"size\":9223372036854775807}]}",
		  NULL, EINVAL },
		{ HEAD CONFIG ",\"layers\":[{\"mediaType\":\"" OCI_MT_LAYER
			      "\",\"digest\":\"" D("0a") "\",\"size\":1.5}]}",
		  NULL, EINVAL },
		{ HEAD CONFIG ",\"layers\":[{\"digest\":\"" D("0a") "\",\"size\":1}]}", NULL, EINVAL },
		{ HEAD "\"config\":{\"mediaType\":\"application/vnd.cncf.helm.config.v1+json\",\"digest\":\"" D(
			  "0c") "\",\"size\":1},\"layers\":[]}",
		  NULL, ENOTSUP },
		{ HEAD "\"config\":{\"mediaType\":\"" OCI_MT_CONFIG
		       "\",\"digest\":\"" D("0c") "\",\"size\":8388609},\"layers\":[]}",
		  NULL, E2BIG },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_oci_doc struct oci_doc d = { 0 };
		struct err e = { 0 };

		is_int(parse(cases[i].text, cases[i].type, &d, &e), -cases[i].code, "refuse %zu: %s", i, e.msg);
	}
}

static void test_limits(void)
{
	auto_sbuf struct sbuf b = { 0 };
	auto_oci_doc struct oci_doc d = { 0 };
	auto_free char *big = xcalloc(1, OCI_MAX_MANIFEST + 1);
	struct err e = { 0 };

	sbuf_adds(&b, HEAD CONFIG ",\"layers\":[");
	for (int i = 0; i <= OCI_MAX_LAYERS; i++)
		sbuf_printf(&b, "%s%s", i ? "," : "", LAYER(OCI_MT_LAYER, D("0a")));
	sbuf_adds(&b, "]}");
	is_int(parse(sbuf_str(&b), NULL, &d, &e), -E2BIG, "RG-07: %s", e.msg);
	is_int(oci_doc_parse(big, OCI_MAX_MANIFEST + 1, NULL, &d, &e), -E2BIG, "RG-07: %s", e.msg);
}

#define ENTRY(d, p) "{\"mediaType\":\"" OCI_MT_MANIFEST "\",\"digest\":\"" D(d) "\",\"size\":1,\"platform\":{" p "}}"
#define P(os, arch) "\"os\":\"" os "\",\"architecture\":\"" arch "\""
#define V(v)	    ",\"variant\":\"" v "\""

/* clang-format off */
static const char index_text[] =
	HEAD "\"mediaType\":\"" OCI_MT_INDEX "\",\"manifests\":["
	ENTRY("00", P("unknown", "unknown")) ","
	ENTRY("01", P("linux", "arm") V("v5")) ","
	ENTRY("02", P("linux", "arm") V("v6")) ","
	ENTRY("03", P("linux", "arm64") V("v8")) ","
	ENTRY("04", P("linux", "amd64")) ","
	ENTRY("05", P("linux", "amd64")) ","
	ENTRY("06", P("windows", "amd64")) ","
	ENTRY("07", P("linux", "386")) ","
	ENTRY("08", P("linux", "amd64") V("v3")) ","
	"{\"mediaType\":\"text/x\",\"digest\":\"" D("09") "\",\"size\":1,\"platform\":{" P("linux", "s390x") "}}]}";
/* clang-format on */

static void test_select(void)
{
	static const struct {
		const char *want, *digest;
	} cases[] = {
		{ "linux/amd64", D("04") },    { "amd64", D("04") },	      { "linux/x86_64", D("04") },
		{ "linux/amd64/v1", D("04") }, { "linux/amd64/v3", D("08") }, { "linux/amd64/v2", D("04") },
		{ "linux/amd64/v4", D("08") }, { "linux/arm64", D("03") },    { "linux/arm64/v8", D("03") },
		{ "aarch64", D("03") },	       { "linux/arm64/8", D("03") },  { "linux/arm/v7", D("02") },
		{ "linux/arm", D("02") },      { "linux/arm/v5", D("01") },   { "linux/arm/v6", D("02") },
		{ "windows/amd64", D("06") },  { "linux/386", D("07") },      { "linux/i686", D("07") },
		{ "LINUX/AMD64", D("04") },    { "linux/riscv64", NULL },     { "linux/s390x", NULL },
		{ "freebsd/amd64", NULL },     { "linux/arm/v4", NULL },
	};
	auto_oci_doc struct oci_doc d = { 0 };
	struct err e = { 0 };

	is_int(parse(index_text, OCI_MT_INDEX, &d, &e), 0, "index %s", e.msg);
	is_int(d.index.n_manifests, 10, "manifests");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_oci_platform struct oci_platform p = { 0 };
		const struct oci_descriptor *got = NULL;

		is_int(oci_platform_parse(cases[i].want, &p, &e), 0, "platform %s", cases[i].want);
		is_int(oci_index_select(&d.index, &p, &got, &e), cases[i].digest ? 0 : -ENOENT, "RG-12: select %s",
		       cases[i].want);
		is_str(got ? got->digest : NULL, cases[i].digest, "gives the first one that fits best");
	}
	ok(strstr(e.msg, "no image found in manifest list") && strstr(e.msg, "linux/arm/v6") &&
		   !strstr(e.msg, "unknown"),
	   "what there is: %s", e.msg);
}

static void test_platform(void)
{
	static const struct {
		const char *text, *want;
	} good[] = { { "linux/amd64", "linux/amd64" },
		     { "linux/arm64", "linux/arm64/v8" },
		     { "armhf", "linux/arm/v7" },
		     { "linux/armv6l", "linux/arm/v6" },
		     { "linux/loongarch64", "linux/loong64" },
		     { "wasi/wasm", "wasi/wasm" },
		     { "macos/arm64", "darwin/arm64/v8" },
		     { "linux/mips64el", "linux/mips64le" },
		     { "linux/amd64/v1", "linux/amd64" } };
	static const char *const bad[] = { "",		"/",	  "linux/", "/amd64", "linux/arm/v7/x",
					   "linux//v7", "lin ux", "a\nb",   "*",      "foo" };
	auto_oci_platform struct oci_platform host = { 0 }, linux_only = { 0 };
	auto_free char *a = NULL, *b = NULL;
	struct oci_platform none = { 0 };
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		auto_oci_platform struct oci_platform p = { 0 };
		auto_free char *text = NULL;

		is_int(oci_platform_parse(good[i].text, &p, &e), 0, "platform %s", good[i].text);
		text = oci_platform_text(&p);
		is_str(text, good[i].want, "normalised");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		auto_oci_platform struct oci_platform p = { 0 };

		is_int(oci_platform_parse(bad[i], &p, &e), -EINVAL, "bad platform %zu", i);
	}
	ok(oci_platform_host(&host, &e) == 0 && oci_platform_parse("linux", &linux_only, &e) == 0, "host");
	a = oci_platform_text(&host);
	b = oci_platform_text(&linux_only);
	is_str(b, a, "linux alone is this machine");
	ok(oci_platform_is_match(&none, &host) && oci_platform_is_match(&host, &host), "no platform fits all");
}

static const char config_text[] =
	"{\"created\":\"2024-01-02T03:04:05Z\",\"architecture\":\"arm64\",\"variant\":\"v8\",\"os\":\"linux\","
	"\"author\":\"me\","
	"\"config\":{\"User\":\"1000:0\",\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}},\"Env\":[\"PATH=/"
	"bin\",\"PATH\",\"*\","
	"\"HOME\",\"=x\",\"A=1\",\"A=2\",\"1B=x\"],\"Entrypoint\":[\"/e\",\"-x\"],\"Cmd\":\"sh\",\"Volumes\":{\"/../../"
	"tmp/x\":{}},"
	"\"WorkingDir\":\"/"
	"w\",\"Labels\":{\"k\":\"v\"},\"StopSignal\":\"SIGINT\",\"ArgsEscaped\":true,\"Healthcheck\":{\"Test\":"
	"[\"CMD-SHELL\",\"true\"],\"Interval\":30000000000,\"Retries\":3},\"Shell\":[\"/bin/"
	"bash\",\"-c\"],\"OnBuild\":[\"RUN x\"],"
	"\"Unknown\":1},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" D("0a") "\",\"" D(
		"0b") "\"]},\"history\":[{\"created\":"
		      "\"2024-01-02T03:04:05Z\",\"created_by\":\"ADD "
		      "x\"},{\"empty_layer\":true,\"comment\":\"c\"}],\"container_config\":null}";

static void test_config(void)
{
	auto_oci_image_config struct oci_image_config *c = NULL, *empty = NULL;
	auto_free char *env = NULL, *platform = NULL;
	struct err e = { 0 };
	int64_t t;

	is_int(oci_image_config_parse(config_text, sizeof(config_text) - 1, &c, &e), 0, "config %s", e.msg);
	if (!c)
		return;
	env = strv_join(c->env, "|");
	platform = oci_platform_text(&c->platform);
	is_str(env, "PATH=/bin|A=2", "RT-18: malformed Env entries are dropped");
	is_str(platform, "linux/arm64/v8", "platform");
	is_str(c->user, "1000:0", "user");
	is_str(c->working_dir, "/w", "working dir");
	is_str(c->stop_signal, "SIGINT", "stop signal");
	ok(c->args_escaped, "args escaped");
	ok(strv_len(c->entrypoint) == 2 && str_is_eq(c->entrypoint[1], "-x"), "entrypoint");
	ok(strv_len(c->cmd) == 1 && str_is_eq(c->cmd[0], "sh"), "cmd as a string");
	ok(strv_len(c->exposed_ports) == 2 && strv_has(c->exposed_ports, "53/udp"), "ports");
	ok(strv_len(c->volumes) == 1 && strv_len(c->shell) == 2 && strv_len(c->on_build) == 1,
	   "volumes, shell, onbuild");
	is_str(kv_get(c->labels, "k"), "v", "labels");
	is_int(c->healthcheck.interval_ns, 30000000000, "health interval");
	is_int(c->healthcheck.retries, 3, "health retries");
	is_str(c->healthcheck.test[0], "CMD-SHELL", "health test");
	is_int(strv_len(c->diff_ids), 2, "diff ids");
	ok(c->n_history == 2 && str_is_eq(c->history[0].created_by, "ADD x") && c->history[1].empty_layer, "history");
	is_int(oci_image_config_parse("{\"config\":null,\"rootfs\":null}", 29, &empty, &e), 0,
	       "an empty config is fine");
	t = time_mono();
	for (int i = 0; i < 100; i++) {
		auto_oci_image_config struct oci_image_config *again = NULL;

		oci_image_config_parse(config_text, sizeof(config_text) - 1, &again, NULL);
	}
	t = (time_mono() - t) / 100;
	printf("# %lld ns for one config\n", (long long)t);
	ok(t < 1000000, "a config is read in less than a millisecond, even with sanitizers");
}

static void test_bad_config(void)
{
	static const char *const bad[] = {
		"[]",
		"null",
		"1",
		"{\"config\":[]}",
		"{\"config\":{\"Env\":{}}}",
		"{\"config\":{\"Env\":[1]}}",
		"{\"config\":{\"User\":0}}",
		"{\"config\":{\"Cmd\":[1]}}",
		"{\"config\":{\"Cmd\":{}}}",
		"{\"config\":{\"Labels\":{\"a\":1}}}",
		"{\"config\":{\"Volumes\":[\"/x\"]}}",
		"{\"config\":{\"Entrypoint\":true}}",
		"{\"rootfs\":{\"diff_ids\":[\"sha256:..\"]}}",
		"{\"rootfs\":{\"type\":\"base\"}}",
		"{\"rootfs\":{\"diff_ids\":[null]}}",
		"{\"history\":{}}",
		"{\"history\":[{\"created\":1}]}",
		"{\"os\":[]}",
		"{\"os\":\"a\",\"os\":\"b\"}",
		"{\"config\":{\"User\":\"a\\u0000b\"}}",
		"{\"config\":{\"Healthcheck\":{\"Interval\":\"1s\"}}}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		auto_oci_image_config struct oci_image_config *c = NULL;
		struct err e = { 0 };
		int r = oci_image_config_parse(bad[i], strlen(bad[i]), &c, &e);

		ok(r < 0 && str_has_prefix(e.msg, "image config: "), "bad config %zu: %s", i, e.msg);
	}
}

int main(void)
{
	test_manifest();
	test_refused();
	test_limits();
	test_select();
	test_platform();
	test_config();
	test_bad_config();
	return done();
}
