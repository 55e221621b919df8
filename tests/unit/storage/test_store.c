/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/crypto/sha256.h"
#include "storage/store_int.h"
#include "tests/unit/tap.h"

static char top[] = "/tmp/skiff-test-store-XXXXXX", root[64], run[64];

static struct store *open_store(void)
{
	struct store *s = NULL;
	struct err e = { 0 };

	ok(store_open(root, run, &s, &e) == 0, "open the store %s", e.msg);
	return s;
}

/* ---- names as files ---- */

static void test_encode(void)
{
	static const struct {
		const char *name, *file;
	} t[] = {
		{ "docker.io/library/busybox:latest", "docker.io,library,busybox=latest" },
		{ "host:5000/a/b@sha256:00", "host=5000,a,b+sha256=00" },
		{ "@sha256:00", "+sha256=00" },
		{ ".hidden", "%2Ehidden" },
		{ "a,b=c+d%e", "a%2Cb%3Dc%2Bd%25e" },
		{ "[::1]:5000/x", "%5B==1%5D=5000,x" },
	};
	char a[256], b[256], name[600];

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		tag_encode(t[i].name, a);
		is_str(a, t[i].file, "file of '%s'", t[i].name);
	}
	memset(name, 'x', sizeof(name));
	name[400] = '\0';
	tag_encode(name, a);
	ok(strlen(a) <= 230, "a long name fits (%zu)", strlen(a));
	name[399] = 'y';
	tag_encode(name, b);
	ok(strcmp(a, b) != 0, "long names that differ at their end have different files");
}

/* ---- transactions ---- */

static char manifest_digest[SHA256_DIGEST_SIZE], config_digest[SHA256_DIGEST_SIZE], layer_id[SHA256_DIGEST_SIZE];

/* Stage an image of one layer; @n makes it different from others. Layers of an odd and the next even one are shared. */
static int stage(struct store *s, struct store_txn **ret, int n, const char *name, struct err *e)
{
	auto_free char *config = NULL, *manifest = NULL, *seed = xasprintf("layer %d", n / 2);
	struct store_txn *t = NULL;
	struct image_rec rec = { 0 };
	unsigned slot;
	int fd, r = store_txn_begin(s, &t, e);

	if (r < 0)
		return r;
	*ret = t;
	sha256_of(seed, strlen(seed), layer_id);
	config = xasprintf(
		"{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"2024-01-0%dT00:00:00Z\",\"config\":{},"
		"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
		n % 9 + 1, layer_id);
	sha256_of(config, strlen(config), config_digest);
	manifest = xasprintf(
		"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":{"
		"\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"%s\",\"size\":%zu},"
		"\"layers\":[]}",
		config_digest, strlen(config));
	sha256_of(manifest, strlen(manifest), manifest_digest);
	r = store_txn_need_layer(t, layer_id, e);
	if (r == 0) {
		r = store_txn_layer_open(t, &slot, &fd, e);
		if (r == 0) {
			mkdirat(fd, "diff", 0755);
			close(fd);
			r = store_txn_layer_done(t, slot, layer_id, "{\"size\":7}", e);
		}
	}
	if (r >= 0)
		r = store_txn_blob_write(t, config_digest, config, strlen(config), e);
	if (r == 0)
		r = store_txn_blob_write(t, manifest_digest, manifest, strlen(manifest), e);
	rec.name = xstrdup(name);
	rec.manifest_digest = manifest_digest;
	rec.config_digest = config_digest;
	if (r == 0)
		r = store_txn_tag(t, &rec, e);
	free(rec.name);
	return r;
}

static void add_image(struct store *s, int n, const char *name)
{
	auto_store_txn struct store_txn *t = NULL;
	struct err e = { 0 };
	int r = stage(s, &t, n, name, &e);

	if (r == 0)
		r = store_txn_commit(t, &e);
	ok(r == 0, "image %d is %s %s", n, name, e.msg);
}

static size_t count(struct store *s, const char *folder)
{
	auto_strv char **names = NULL;
	size_t n = 0;

	fs_list_dir(s->fd, folder, &names, NULL);
	for (char **p = names; p && *p; p++)
		n += !str_is_eq(*p, "guard") && !str_is_eq(*p, "blobs");
	return n;
}

static bool finds(struct store *s, const char *text)
{
	auto_image_rec struct image_rec rec = { 0 };

	return store_image_find(s, text, &rec, NULL) == 0;
}

static void test_images(void)
{
	auto_store struct store *s = open_store();
	auto_image_rec struct image_rec rec = { 0 };
	auto_strv char **lines = NULL;
	auto_free char *prefix = NULL;
	struct err e = { 0 };

	add_image(s, 2, "docker.io/library/a:latest");
	ok(finds(s, "a") && finds(s, "a:latest") && finds(s, "docker.io/library/a") && finds(s, "library/a"),
	   "by name");
	ok(!finds(s, "a:2") && !finds(s, "b") && !finds(s, "quay.io/a"), "other names are not found");
	ok(finds(s, config_digest) && finds(s, config_digest + 7) && finds(s, manifest_digest), "by digest");
	prefix = xstrndup(config_digest + 7, 5);
	ok(finds(s, prefix), "by the beginning of its id");
	ok(store_image_find(s, "a", &rec, NULL) == 0 && rec.size == 7 && rec.created_ns == 1704240000000000000LL,
	   "size and time are found at the commit");
	is_int(store_image_find(s, "nothing", &rec, &e), -ENOENT, "what is not there");
	is_str(e.msg, "No such image: nothing:latest", "in docker's words");
	ok(store_image_find(s, "../../etc/passwd", &rec, NULL) < 0, "RT-26 no path is a name");
	ok(store_image_find(s, "A B\n", &rec, NULL) < 0, "nor is nonsense");
	ok(store_image_remove(s, "a", 0, &lines, NULL, &e) == 0, "remove it %s", e.msg);
	is_int(strv_len(lines), 3, "three lines");
	is_int(count(s, "layers") + count(s, "oci/blobs/sha256") + count(s, "tags") + count(s, "trash") +
		       count(s, "tmp"),
	       0, "nothing is left");
}

static void test_shared_layers(void)
{
	auto_store struct store *s = open_store();
	auto_strv char **lines = NULL, **more = NULL;

	add_image(s, 4, "docker.io/library/a:1");
	add_image(s, 5, "docker.io/library/b:1");
	is_int(count(s, "layers"), 1, "two images share a layer");
	store_image_remove(s, "a:1", 0, &lines, NULL, NULL);
	is_int(count(s, "layers"), 1, "it stays for the second");
	store_image_remove(s, "b:1", 0, &more, NULL, NULL);
	is_int(count(s, "layers"), 0, "and goes with it");
}

static void test_abort(void)
{
	auto_store struct store *s = open_store();
	auto_store_txn struct store_txn *t = NULL;

	ok(stage(s, &t, 6, "docker.io/library/a:1", NULL) == 0, "stage an image");
	ok(!finds(s, "a:1"), "before the commit nobody sees it");
	store_txn_free(take_ptr(&t));
	is_int(count(s, "tmp") + count(s, "layers") + count(s, "oci/blobs/sha256") + count(s, "tags"), 0,
	       "given up, nothing is left");
}

/* A writer that dies anywhere: its folder is reclaimed by the next one, its partial blob is resumed. */
static void test_dead_writer(void)
{
	auto_store struct store *s = open_store();
	auto_store_txn struct store_txn *t = NULL;
	char digest[SHA256_DIGEST_SIZE], byte;
	struct err e = { 0 };
	uint64_t have = 0;
	int fd, p[2], r = pipe(p);
	pid_t pid = fork();

	sha256_of("x", 1, digest);
	if (pid == 0) {
		stage(s, &t, 8, "docker.io/library/a:1", NULL);
		r = store_txn_blob_open(t, digest, &fd, &have, NULL);
		r = (int)write(fd, "half", 4);
		r = (int)write(p[1], "r", 1);
		pause();
	}
	close(p[1]);
	ok(r == 0 && read(p[0], &byte, 1) == 1, "a writer is at work");
	is_int(count(s, "tmp"), 1, "in a folder of its own");
	ok(store_txn_begin(s, &t, &e) == 0, "another one begins %s", e.msg);
	is_int(count(s, "tmp"), 2, "and leaves the first alone");
	is_int(store_txn_blob_open(t, digest, &fd, &have, NULL), -EAGAIN, "its blob is taken");
	store_txn_free(take_ptr(&t));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(store_txn_begin(s, &t, &e) == 0, "the first one is dead, a third begins");
	is_int(count(s, "tmp"), 1, "what the dead one left is gone");
	ok(store_txn_blob_open(t, digest, &fd, &have, &e) == 0 && have == 4, "but for the part of the blob");
	close(fd);
	store_txn_blob_drop(t, digest, false);
	is_int(count(s, "tmp/blobs"), 0, "which can be dropped");
	close(p[0]);
}

/* Moved to the trash and then its owner dies: referred to, it comes back; else it goes. */
static void test_dead_remover(void)
{
	auto_store struct store *s = open_store();
	char path[STORE_LAYER_PATH_SIZE];
	auto_free char *to = NULL;
	auto_strv char **lines = NULL;
	char *ids[] = { layer_id, NULL };
	struct err e = { 0 };

	add_image(s, 10, "docker.io/library/a:1");
	store_layer_path(layer_id, path);
	*strrchr(path, '/') = '\0';
	to = xasprintf("trash/0123456789abcdef/layer-%s", layer_id + 7);
	mkdirat(s->fd, "trash/0123456789abcdef", 0700);
	ok(renameat(s->fd, path, s->fd, to) == 0, "a layer in the trash of a dead process");
	ok(store_layers_check(s, ids, &e) == 0, "whoever needs it gets it back %s", e.msg);
	is_int(count(s, "trash"), 0, "and the trash is gone");
	mkdirat(s->fd, "trash/0123456789abcdef", 0700);
	mkdirat(s->fd, "trash/0123456789abcdef/layer-0000000000000000000000000000000000000000000000000000000000000000",
		0700);
	ok(store_reclaim(s, &e) == 0 && count(s, "trash") == 0, "what nobody refers to is deleted %s", e.msg);
	store_image_remove(s, "a:1", 0, &lines, NULL, NULL);
}

/* Bar 15: writers and removers at the same time; the store is whole at every moment. */
static void test_race(void)
{
	auto_store struct store *s = open_store();
	pid_t pids[4];
	int bad = 0;

	for (int k = 0; k < 4; k++) {
		pids[k] = fork();
		if (pids[k])
			continue;
		for (int i = 0; i < 25; i++) {
			auto_store_txn struct store_txn *t = NULL;
			auto_strv char **lines = NULL;
			auto_free char *name = xasprintf("docker.io/library/r%d:1", k);
			char *ids[] = { layer_id, NULL };
			struct err e = { 0 };
			int r = stage(s, &t, 20 + k % 2, name, &e);

			if (r == 0)
				r = store_txn_commit(t, &e);
			store_txn_free(take_ptr(&t));
			if (r == 0)
				r = store_layers_check(s, ids, &e);
			if (r == 0)
				r = store_image_remove(s, name, 0, &lines, NULL, &e);
			if (r < 0) {
				fprintf(stderr, "# %s\n", e.msg);
				_exit(1);
			}
		}
		_exit(0);
	}
	for (int k = 0; k < 4; k++) {
		int status;

		waitpid(pids[k], &status, 0);
		bad += status != 0;
	}
	is_int(bad, 0, "four processes that add and remove images of one layer");
	is_int(count(s, "layers") + count(s, "tags") + count(s, "trash") + count(s, "tmp"), 0, "leave nothing");
}

static void test_damage(void)
{
	auto_store struct store *s = open_store();
	struct image_rec *recs = NULL;
	auto_strv char **lines = NULL;
	size_t n = 0;

	log_set_level(LOG_ERROR);
	add_image(s, 12, "docker.io/library/a:1");
	fs_write_file(s->fd, "tags/bad", "\xff\xfe nonsense\n\n", 12, 0600, NULL);
	fs_write_file(s->fd, "tags/empty", "", 0, 0600, NULL);
	ok(store_image_list(s, &recs, &n, NULL) == 0 && n == 1, "damaged names do not hide the others");
	image_recs_free(recs, n);
	unlinkat(s->fd, "tags/bad", 0);
	unlinkat(s->fd, "tags/empty", 0);
	store_image_remove(s, "a:1", 0, &lines, NULL, NULL);
}

int main(void)
{
	auto_store struct store *s = NULL;
	struct err e = { 0 };

	umask(0);
	if (!mkdtemp(top))
		return 1;
	snprintf(root, sizeof(root), "%s/store", top);
	snprintf(run, sizeof(run), "%s/run", top);
	test_encode();
	test_images();
	test_shared_layers();
	test_abort();
	test_dead_writer();
	test_dead_remover();
	test_race();
	test_damage();
	s = open_store();
	ok(store_reset(s, &e) == 0 && access(root, F_OK) < 0, "reset removes everything %s", e.msg);
	fs_remove_tree(AT_FDCWD, top, NULL);
	return done();
}
