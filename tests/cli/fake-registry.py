#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A registry that misbehaves on demand: python3's standard library only, one thread per connection.

	fake-registry.py --ports FILE [--tls CERT KEY [--bad DIR]]

It listens on two ports of 127.0.0.1 (two origins with the same content, for redirects) and, with --tls, on two more with TLS;
FILE is written when all listen: "PORT PORT2 [TLSPORT TLSPORT2]". With --bad there are four more with TLS: with the
certificates DIR/unknown.pem, expired.pem and other.pem (key and certificate in one file), and one that speaks HTTP/2 only
(python3-h2); there a rule can have "status", "rst" and "goaway".

Control, over any of the ports:
	POST /_script	JSON list of rules; replaces the rules and clears the log
	GET /_log	one line a request: LISTENER METHOD PATH range=... proxied=... auth=... status=...
	GET /_sent	bytes of blobs that were sent since the start
	GET /_digests	"IMAGE KIND DIGEST SIZE" lines: config, layer (in order), manifest

A rule: {"match": regex on "METHOD PATH", "port": only on listener 0..3, "skip": let so many matches pass, "times": how often
(default: always), and what to do:
	"status": 503, "headers": {..}, "body": "text"	answer this instead
	"redirect": "http://..."	307 there ("{port2}" and the like are replaced; "{path}" is the request's path)
	"delay": seconds	before the answer
	"stall": n	send n bytes of the body, then nothing for 60 s
	"reset": n	send n bytes, then a TCP reset
	"truncate": n	announce everything, send n bytes, close
	"rate": n	n bytes a second
	"length": n	announce n bytes more (or fewer) than are sent, then close
	"bad_chunk": true	a chunk whose size is no number
	"rst": n, "goaway": true	HTTP/2: RST_STREAM behind n bytes; GOAWAY instead of an answer
	"corrupt": n	flip byte n of the body
	"longer": n	n bytes more than there are, announced
	"chunked": true	no Content-Length; with "longer" or "truncate" the chunks lie
	"no_range": true	ignore Range: 200 and everything
	"wrong_range": true	206 for another part
	"type": "..."	Content-Type
	"encoding": "gzip"	Content-Encoding, body really compressed
	"drop_digest"/"digest": "..."	Docker-Content-Digest
	"auth": "bearer" | "basic"	401 unless authorised; bearer: "realm" (default http://127.0.0.1:PORT/token), "uses": a token
		is good for so many requests (default: for ever)
	"token_status": 401	what the token server answers
	"location": "http://..."	where an upload goes on ("{path}" is the path that it would have)
	With uploads "reset" and "stall" count the bytes of the request that are read first.
Repositories whose name begins with up/ are empty until something is pushed. A repository cN/NAME is NAME: rules can tell many pulls of one image apart. mut/N is mutant N of an image: its manifest, its
index, its config or its layer is damaged, and the digests above it are right. Users: alice/s3cret. Images are made when the program starts: see images() below.
"""
import argparse
import base64
import gzip
import hashlib
import io
import json
import random
import re
import socket
import ssl
import struct
import subprocess
import sys
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OCI = "application/vnd.oci.image."
MANIFEST, INDEX, CONFIG, LAYER = OCI + "manifest.v1+json", OCI + "index.v1+json", OCI + "config.v1+json", OCI + "layer.v1.tar+gzip"

lock = threading.Lock()
rules, log, ports = [], [], []
sent = [0]
blobs = {}  # digest -> bytes
manifests = {}  # (name, tag or digest) -> (bytes, type)
listing = []
tokens = {}  # token -> uses left, or None
uploads = {}  # path -> the bytes so far
pushed = set()  # (repository, digest)


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tar_of(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        for name, data in files:
            i = tarfile.TarInfo(name)
            i.mtime = 1600000000
            if data is None:
                i.type, i.mode = tarfile.DIRTYPE, 0o755
                t.addfile(i)
            else:
                i.size, i.mode = len(data), 0o755
                t.addfile(i, io.BytesIO(data))
    return out.getvalue()


def layer(files):
    tar = tar_of(files)
    blob = gzip.compress(tar, 6, mtime=0)
    return blob, sha(tar)


def host_arch():
    import platform

    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def put(name, tag, doc, mtype=None):
    data = doc if isinstance(doc, bytes) else json.dumps(doc).encode()
    mtype = mtype or (doc.get("mediaType") if isinstance(doc, dict) else None) or MANIFEST
    manifests[(name, tag)] = manifests[(name, sha(data))] = (data, mtype)
    return data


def descriptor(data, mtype, **more):
    blobs[sha(data)] = data
    return dict({"mediaType": mtype, "digest": sha(data), "size": len(data)}, **more)


def image(name, layers, tag="latest", arch=None, change=None, quiet=False):
    """layers: list of (blob, diff id). change(manifest, config) may spoil it."""
    config = {"architecture": arch or host_arch(), "os": "linux", "config": {"Cmd": ["sh"]},
              "rootfs": {"type": "layers", "diff_ids": [d for _, d in layers]}}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": [descriptor(b, LAYER) for b, _ in layers]}
    if change:
        change(manifest, config)
    text = json.dumps(config).encode()
    manifest.setdefault("config", descriptor(text, CONFIG))
    data = put(name, tag, manifest)
    if not quiet:
        listing.append(f"{name} config {sha(text)} {len(text)}")
        listing.extend(f"{name} layer {d['digest']} {d['size']}" for d in manifest["layers"])
        listing.append(f"{name} manifest {sha(data)} {len(data)}")
    return data


def images():
    rnd = random.Random(1)
    big = layer([("bin", None), ("bin/big", rnd.randbytes(3 << 20))])
    mid = layer([("data", None)] + [(f"data/{i}", rnd.randbytes(2000)) for i in range(100)])
    tiny = layer([("etc", None), ("etc/motd", b"hello\n")])
    image("img", [big, mid, tiny])
    image("small", [tiny])
    image("shared", [mid, tiny, big])
    image("slow", [layer([("f", random.Random(i).randbytes(1 << 20))]) for i in range(2, 7)])

    # An index; the same platform twice (the first one counts), one entry that is no image, another platform.
    first = image("multi", [tiny, mid], tag="first")
    other = image("multi", [mid], tag="other", arch="s390x", quiet=True)
    second = image("multi", [big], tag="second", quiet=True)
    here = {"os": "linux", "architecture": host_arch()}

    def entry(data, platform, **more):
        return dict({"mediaType": MANIFEST, "digest": sha(data), "size": len(data), "platform": platform}, **more)

    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        entry(other, {"os": "unknown", "architecture": "unknown"}, annotations={"vnd.docker.reference.type": "attestation-manifest"}),
        entry(other, {"os": "linux", "architecture": "s390x"}), entry(first, here), entry(second, here)]}
    listing.append(f"multi index {sha(put('multi', 'latest', index))} 0")
    put("foreign", "latest", {"schemaVersion": 2, "mediaType": INDEX,
                              "manifests": [entry(other, {"os": "linux", "architecture": "s390x"})]})
    manifests[("foreign", sha(other))] = (other, MANIFEST)
    put("nested", "latest", {"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        dict(entry(put("nested", "inner", index), here), mediaType=INDEX)]})
    for m in (first, second, other):
        manifests[("nested", sha(m))] = (m, MANIFEST)
    hostile(tiny, mid)
    formats(tiny, mid)


def hostile(tiny, mid):
    def bad(kind, change, layers=None):
        image("bad/" + kind, layers or [tiny], change=change, quiet=True)

    def both(m, c):
        m["manifests"] = []

    def digest(text):
        def change(m, c):
            m["layers"][0]["digest"] = text
        return change

    bad("both", both)
    bad("digest-path", digest("sha256:../../../../etc/passwd"))
    bad("digest-upper", digest("sha256:" + "A" * 64))
    bad("digest-short", digest("sha256:abc"))
    bad("digest-huge", digest("sha256:" + "a" * (1 << 20)))
    bad("digest-algo", digest("md5:" + "a" * 32))
    bad("layer-type", lambda m, c: m["layers"][0].update(mediaType="application/x-shellscript"))
    bad("negative", lambda m, c: m["layers"][0].update(size=-1))
    bad("size-less", lambda m, c: m["layers"][0].update(size=m["layers"][0]["size"] - 1))
    bad("size-more", lambda m, c: m["layers"][0].update(size=m["layers"][0]["size"] + 1))
    bad("diffid", lambda m, c: c["rootfs"].update(diff_ids=["sha256:" + "0" * 64]))
    bad("diffid-count", lambda m, c: c["rootfs"].update(diff_ids=[]))
    bad("diffid-path", lambda m, c: c["rootfs"].update(diff_ids=["sha256:../../x"]))
    bad("twin", lambda m, c: c["rootfs"].update(diff_ids=[tiny[1], mid[1]]), [tiny, tiny])
    bad("config-size", lambda m, c: m.update(config=dict(descriptor(json.dumps(c).encode(), CONFIG), size=7)))
    bad("artifact", lambda m, c: m.update(config=dict(descriptor(b"{}", "application/vnd.oci.empty.v1+json"))))
    bad("missing", lambda m, c: m["layers"][0].update(digest="sha256:" + "1" * 64))
    bad("urls", lambda m, c: m["layers"][0].update(digest="sha256:" + "2" * 64, urls=["http://127.0.0.1:{port2}/v2/evil"]))
    bad("foreign", lambda m, c: m["layers"][0].update(
        mediaType="application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", urls=["http://127.0.0.1:{port2}/v2/evil"]))
    bad("layers-513", lambda m, c: m.update(layers=m["layers"] * 513))
    bad("not-gzip", None, [(b"this is no archive at all" * 100, sha(b"x"))])
    cut = tiny[0][: len(tiny[0]) // 2]
    bad("gzip-cut", None, [(cut, tiny[1])])
    bad("gzip-tail", None, [(tiny[0] + b"garbage behind the end", tiny[1])])
    deep = b'{"schemaVersion":2,"mediaType":"' + MANIFEST.encode() + b'","x":' + b"[" * 100000 + b"]" * 100000 + b"}"
    put("bad/deep", "latest", deep, MANIFEST)
    put("bad/huge", "latest", b'{"schemaVersion":2,"x":"' + b"a" * (5 << 20) + b'"}', MANIFEST)
    put("bad/json", "latest", b'{"schemaVersion":2,', MANIFEST)
    put("bad/empty", "latest", b"", MANIFEST)
    put("bad/html", "latest", b"<html>log in to this hotel's network</html>", "text/html")
    put("bad/schema1", "latest", {"schemaVersion": 1, "fsLayers": []}, "application/vnd.docker.distribution.manifest.v1+prettyjws")
    good = manifests[("small", "latest")][0]
    put("bad/type", "latest", good, INDEX)
    put("bad/unknown-type", "latest", good, "application/vnd.example.unknown+json")
    big_config = b'{"architecture":"amd64","os":"linux","x":"' + b"a" * (9 << 20) + b'"}'
    bad("config-huge", lambda m, c: m.update(config=descriptor(big_config, CONFIG)))


def formats(tiny, mid):
    """What OCI 1.1 and lazy pullers add: to be pulled as any image, or refused with a reason."""
    empty = descriptor(b"{}", "application/vnd.oci.empty.v1+json")
    tar = gzip.decompress(mid[0])

    def fmt(kind, layers, change=None):
        return image("fmt/" + kind, layers, change=change)

    def about(manifest):
        return {"mediaType": MANIFEST, "digest": sha(manifest), "size": len(manifest)}

    def noted(m, c):
        m["annotations"] = {"org.opencontainers.image.title": "x", "empty": ""}
        m["layers"][0]["annotations"] = {"org.opencontainers.image.created": "2020-01-01T00:00:00Z"}

    plain = fmt("annotations", [tiny], noted)
    fmt("subject", [tiny], lambda m, c: m.update(subject=about(plain)))
    put("fmt/artifact", "latest", {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.example.sbom+json",
                                   "config": empty, "layers": [empty]})
    put("fmt/helm", "latest", {"schemaVersion": 2, "mediaType": MANIFEST, "layers": [
        descriptor(b"chart", "application/vnd.cncf.helm.chart.content.v1.tar+gzip")],
        "config": descriptor(b'{"name":"x"}', "application/vnd.cncf.helm.config.v1+json")})
    fmt("layer-empty", [tiny], lambda m, c: m.update(layers=[empty]))
    fmt("nondistributable", [tiny], lambda m, c: m["layers"][0].update(mediaType=OCI + "layer.nondistributable.v1.tar+gzip"))
    fmt("encrypted", [tiny], lambda m, c: m["layers"][0].update(mediaType=LAYER + "+encrypted"))
    sbom = manifests[("fmt/artifact", "latest")][0]
    put("fmt/index", "latest", {"schemaVersion": 2, "mediaType": INDEX, "artifactType": "application/vnd.example", "subject": about(plain),
                                "manifests": [dict(about(sbom), artifactType="application/vnd.example.sbom+json"),
                                              dict(about(plain), platform={"os": "linux", "architecture": host_arch()})]})
    manifests[("fmt/index", sha(plain))] = (plain, MANIFEST)

    # estargz: each file a gzip member of its own, and an empty member with a pointer at the end.
    parts = b"".join(gzip.compress(tar[i:i + 4096], mtime=0) for i in range(0, len(tar), 4096))
    footer = b"\x1f\x8b\x08\x04" + b"\0" * 5 + b"\xff" + struct.pack("<H", 26) + b"SG" + struct.pack("<H", 22) + \
        b"%016xSTARGZ" % len(parts) + b"\x01\0\0\xff\xff" + b"\0" * 8
    fmt("estargz", [(parts + footer, sha(tar))], lambda m, c: m["layers"][0].update(
        annotations={"containerd.io/snapshot/stargz/toc.digest": sha(b"toc")}))

    def pack(data):
        return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout

    # zstd:chunked: several frames, and the table of contents in skippable ones.
    frames = b"".join(pack(tar[i:i + 30000]) for i in range(0, len(tar), 30000))
    skipped = b"".join(b"\x50\x2a\x4d\x18" + struct.pack("<I", len(x)) + x for x in (pack(b'{"version":1}'), b"GnUlInUx" * 8))
    for kind, blob in (("zstd", pack(tar)), ("zstd-chunked", frames + skipped)):
        fmt(kind, [(blob, sha(tar))], lambda m, c: m["layers"][0].update(
            mediaType=OCI + "layer.v1.tar+zstd", annotations={"io.github.containers.zstd-chunked.manifest-checksum": sha(b"toc")}))


def fill(text, path):
    for i, name in enumerate(("port", "port2", "tlsport", "tlsport2", "unknown", "expired", "other", "h2")):
        if i < len(ports):
            text = text.replace("{" + name + "}", str(ports[i]))
    return text.replace("{path}", path)


def find_rule(command, path, index):
    with lock:
        for r in rules:
            if not re.search(r["match"], f"{command} {path}") or r.get("port", index) != index:
                continue
            if r.get("skip", 0) > 0:
                r["skip"] -= 1
                continue
            if r.get("times", 1) <= 0:
                continue
            if "times" in r:
                r["times"] -= 1
            return dict(r)
    return {}


def lookup(path):
    """What a path names: (status, bytes, type)."""
    m = re.fullmatch(r"/v2/(?:c\d+/)?(.+)/(manifests|blobs)/([^/?]+)(\?.*)?", path)
    if m and m.group(1).startswith("up/"):
        m = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/?]+)(\?.*)?", path)
        if m.group(2) == "blobs" and (m.group(1), m.group(3)) not in pushed:
            m = None
    if path in ("/v2/", "/v2"):
        return 200, b"{}", "application/json"
    if m and m.group(1).startswith("mut/") and m.group(3) == "latest":
        mutant(int(m.group(1)[4:]))
    if m and m.group(2) == "manifests" and (m.group(1), m.group(3)) in manifests:
        return 200, *manifests[(m.group(1), m.group(3))]
    if m and m.group(2) == "blobs" and m.group(3) in blobs:
        return 200, blobs[m.group(3)], "application/octet-stream"
    kind = "MANIFEST" if m and m.group(2) == "manifests" else "BLOB"
    error = {"errors": [{"code": kind + "_UNKNOWN", "message": kind.lower() + " unknown"}]}
    return 404, json.dumps(error).encode(), "application/json"


def new_token(rule):
    with lock:
        token = f"tok{len(tokens)}"
        tokens[token] = rule.get("uses")
    return json.dumps({"token": token, "expires_in": 60}).encode()


def damage(rnd, data):
    """Some bytes of data changed, cut off, moved or repeated; in documents also values."""
    data = bytearray(data)
    for _ in range(rnd.randrange(1, 4)):
        at, n = rnd.randrange(len(data) + 1), rnd.randrange(1, 40)
        way = rnd.randrange(8)
        if way < 2 and at < len(data):
            data[at] ^= 1 << rnd.randrange(8)
        elif way == 2:
            del data[at:at + n]
        elif way == 3:
            data[at:at] = data[at:at + n] * rnd.randrange(1, 5)
        elif way == 4 and rnd.randrange(3) == 0:
            del data[at:]
        elif way == 5:
            data[at:at + n] = rnd.choice((b"-1", b"null", b'"', b"[", b"{}", b"\\u0000", b"18446744073709551616", b"\0" * 8, b"../../x"))
        else:  # a number, a text or a word becomes another
            found = list(re.finditer(rb'\d+|"[^"]*"|true|false', bytes(data)))
            if found:
                m = rnd.choice(found)
                data[m.start():m.end()] = rnd.choice((b"-1", b"0", b"[]", b"{}", b"null", b'""', b'"' + b"a" * 5000 + b'"', b"9" * 30,
                                                      rnd.choice(found).group()))
    return bytes(data)


def mutant(n):
    """Register image mut/N; the same N is the same image everywhere."""
    rnd, kind = random.Random(n), ("manifest", "config", "index", "layer")[n % 4]
    tar = tar_of([("etc", None), ("etc/motd", b"hello\n"), ("bin/sh", rnd.randbytes(700))])
    if kind == "layer" and rnd.randrange(2):  # behind the compression
        tar = damage(rnd, tar)
    blob = gzip.compress(tar, 6, mtime=0)
    if kind == "layer" and rnd.randrange(2):
        blob = damage(rnd, blob)
    config = json.dumps({"architecture": host_arch(), "os": "linux", "created": "2024-01-02T03:04:05Z", "author": "me",
                         "config": {"Cmd": ["sh"], "Env": ["A=b"], "User": "1:2", "ExposedPorts": {"80/tcp": {}},
                                    "Labels": {"a": "b"}, "Volumes": {"/v": {}}, "StopSignal": "SIGTERM"},
                         "rootfs": {"type": "layers", "diff_ids": [sha(tar)]},
                         "history": [{"created_by": "x"}, {"created_by": "y", "empty_layer": True}]}).encode()
    if kind == "config":
        config = damage(rnd, config)
    with lock:
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(config, CONFIG),
                               "layers": [descriptor(blob, LAYER)], "annotations": {"a": "b"}}).encode()
        if kind == "manifest":
            manifest = damage(rnd, manifest)
        name = f"mut/{n}"
        manifests[(name, "latest")] = manifests[(name, sha(manifest))] = manifest, MANIFEST
        if kind == "index":
            entry = {"mediaType": MANIFEST, "digest": sha(manifest), "size": len(manifest),
                     "platform": {"os": "linux", "architecture": host_arch()}}
            index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [dict(entry, platform={"os": "aix", "architecture": "ppc"}), entry]}
            manifests[(name, "latest")] = damage(rnd, json.dumps(index).encode()), INDEX


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/_script":
            with lock:
                rules[:] = json.loads(body or b"[]")
                log.clear()
                tokens.clear()
            self.plain(200, b"ok")
        elif self.path.startswith("/token"):
            self.token(body.decode())
        else:
            self.upload(body)

    def do_PATCH(self):
        rule = find_rule(self.command, self.path, self.server.index) if self.path.startswith("/v2/") else {}
        self.upload(None, rule)

    do_PUT = do_PATCH

    def break_off(self, rule, n):
        """No answer at all, behind so many of the n bytes of the request."""
        self.rfile.read(min(n, rule.get("reset", rule.get("stall"))))
        self.written(0)
        self.close_connection = True
        if "stall" in rule:
            return time.sleep(60)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return self.connection.close()

    def upload(self, body, rule=None):
        """A step of a push."""
        rule = find_rule(self.command, self.path, self.server.index) if rule is None else rule
        self.note_request()
        n = int(self.headers.get("Content-Length", 0))
        if "reset" in rule or "stall" in rule:
            return self.break_off(rule, n if body is None else 0)
        body = self.rfile.read(n) if body is None else body
        if "auth" in rule and not self.authorised(rule):
            return None
        if "status" in rule:
            return self.answer(rule["status"], self.fill(rule.get("body", "")).encode(), rule.get("headers", {}))
        path, _, query = self.path.partition("?")
        m = re.fullmatch(r"/v2/(.+)/(blobs/uploads|manifests)/([^/]*)", path)
        if not m:
            return self.answer(404, b"{}", {})
        if m.group(2) == "manifests":
            put(m.group(1), m.group(3), body, self.headers.get("Content-Type"))
            return self.answer(201, b"", {"Location": path})
        with lock:
            if self.command == "POST":
                path += f"u{len(uploads)}"
                uploads[path] = b""
            known = path in uploads
            if known:
                uploads[path] += body
        if not known:
            return self.answer(404, b"{}", {})
        if self.command != "PUT":
            where = fill(rule["location"], path) if "location" in rule else path
            return self.answer(202, b"", {"Location": where, "Range": f"0-{max(len(uploads[path]) - 1, 0)}"})
        data, digest = uploads[path], query.split("digest=")[-1].replace("%3A", ":")
        if sha(data) != digest:
            return self.answer(400, b'{"errors":[{"code":"DIGEST_INVALID","message":"another digest"}]}', {})
        with lock:
            blobs[digest] = data
            pushed.add((m.group(1), digest))
        return self.answer(201, b"", {"Location": f"/v2/{m.group(1)}/blobs/{digest}"})

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        if self.path == "/_log":
            with lock:
                text = "".join(l + "\n" for l in log)
            return self.plain(200, text.encode())
        if self.path == "/_sent":
            return self.plain(200, b"%d\n" % sent[0])
        if self.path == "/_digests":
            return self.plain(200, "".join(l + "\n" for l in listing).encode())
        via = re.match(r"http://[^/]+", self.path)  # we are asked as a proxy
        if via:
            self.path = self.path[via.end():]
        rule = find_rule(self.command, self.path, self.server.index)
        self.note_request(via)
        if "delay" in rule:
            time.sleep(rule["delay"])
        if self.path.startswith("/token") and "status" not in rule and "redirect" not in rule:
            return self.token("", rule)
        if "auth" in rule and not self.authorised(rule):
            return None
        if "redirect" in rule:
            return self.answer(307, b"moved", {"Location": self.fill(rule["redirect"]), **rule.get("headers", {})})
        if "status" in rule:
            return self.answer(rule["status"], self.fill(rule.get("body", "")).encode(), rule.get("headers", {}))
        if self.path in uploads:
            return self.answer(204, b"", {"Location": self.path, "Range": f"0-{max(len(uploads[self.path]) - 1, 0)}"})
        return self.content(rule)

    def note_request(self, via=None):
        self.note = f"{self.server.index} {self.command} {self.path} range={self.headers.get('Range', '-')} " \
                    f"proxied={via.group() if via else '-'} auth={self.headers.get('Authorization', '-').split(' ')[0]}"

    def fill(self, text):
        return fill(text, self.path)

    def written(self, status):
        with lock:
            log.append(f"{self.note} status={status}")

    def plain(self, status, body):
        self.note = None
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, status, body, headers):
        self.written(status)
        self.send_response(status)
        for k, v in headers.items():
            self.send_header(k, self.fill(v))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def basic(self):
        return self.headers.get("Authorization") == "Basic " + base64.b64encode(b"alice:s3cret").decode()

    def authorised(self, rule):
        if rule["auth"] == "basic":
            if self.basic():
                return True
            challenge = 'Basic realm="tests"'
        else:
            kind, _, token = self.headers.get("Authorization", "").partition(" ")
            with lock:
                left = tokens.get(token, 0) if kind == "Bearer" else 0
                if left is not None and left > 0:
                    tokens[token] = left = left - 1
                    return True
            if left is None:
                return True
            name = re.match(r"/v2/(.+)/(manifests|blobs)/", self.path)
            realm = self.fill(rule.get("realm", "http://127.0.0.1:%d/token" % self.server.server_port))
            challenge = f'Bearer realm="{realm}",service="fake",scope="repository:{name.group(1) if name else ""}:pull"'
        body = b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'
        self.answer(401, body, {"WWW-Authenticate": rule.get("challenge", challenge), "Content-Type": "application/json"})
        return False

    def token(self, form, rule=None):
        rule = rule or find_rule(self.command, self.path, self.server.index)
        self.note = f"{self.server.index} {self.command} {self.path} range=- auth={self.headers.get('Authorization', '-').split(' ')[0]}"
        if form:
            self.note += " form=" + form
        if "redirect" in rule:
            return self.answer(307, b"", {"Location": self.fill(rule["redirect"])})
        if "token_status" in rule or ("Authorization" in self.headers and not self.basic()) or \
                (form and "refresh_token=r3fresh" not in form):
            return self.answer(rule.get("token_status", 401), b"{}", {})
        if "token_body" in rule:
            return self.answer(200, rule["token_body"].encode(), {})
        return self.send_content(new_token(rule), "application/json", rule)

    def content(self, rule):
        status, data, mtype = lookup(self.path)
        if self.command == "HEAD" and ("reset" in rule or "stall" in rule):
            return self.break_off(rule, 0)
        if status != 200 or self.path.rstrip("/") == "/v2":
            return self.answer(status, data, {"Content-Type": mtype})
        return self.send_content(data, mtype, rule)

    def send_content(self, data, mtype, rule):
        headers = {"Content-Type": rule.get("type", mtype), "Docker-Content-Digest": rule.get("digest", sha(data))}
        if rule.get("drop_digest"):
            del headers["Docker-Content-Digest"]
        if "corrupt" in rule:
            n = rule["corrupt"] % max(len(data), 1)
            data = data[:n] + bytes([data[n] ^ 1]) + data[n + 1:]
        status, total, start = 200, len(data), 0
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted and not rule.get("no_range"):
            start = int(wanted.group(1))
            if start >= total:
                return self.answer(416, b"", {"Content-Range": f"bytes */{total}"})
            if rule.get("wrong_range"):
                start = start // 2
            status, data = 206, data[start:]
            headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
        if "encoding" in rule:
            data, headers["Content-Encoding"] = gzip.compress(data), rule["encoding"]
        data += b"x" * rule.get("longer", 0)
        headers.update(rule.get("headers", {}))
        return self.send_body(status, headers, data, rule)

    def send_body(self, status, headers, data, rule):
        self.written(status)
        self.send_response(status)
        for k, v in headers.items():
            self.send_header(k, v)
        chunked = rule.get("chunked") or rule.get("bad_chunk")
        announced = str(len(data) + rule.get("length", 0))
        self.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", announced)))
        self.end_headers()
        if "length" in rule or "bad_chunk" in rule:
            self.close_connection = True
        if "bad_chunk" in rule:
            self.wfile.write(b"no number\r\n")
            return
        if self.command == "HEAD":
            return
        stop = next((rule[k] for k in ("stall", "reset", "truncate") if k in rule), None)
        part = data if stop is None else data[:stop]
        step = max(1, min(rule["rate"] // 10, 16384)) if "rate" in rule else 65536
        for i in range(0, len(part), step):
            piece = part[i:i + step]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            self.wfile.flush()
            if "/blobs/" in self.path:
                with lock:
                    sent[0] += len(piece)
            if "rate" in rule:
                time.sleep(len(piece) / rule["rate"])
        if "stall" in rule:
            time.sleep(60)
        if "reset" in rule:
            time.sleep(0.05)  # a reset throws away what the other end has not read yet
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        if stop is not None:
            self.close_connection = True
        elif chunked:
            self.wfile.write(b"0\r\n\r\n")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # clients are killed in the middle of answers; that is what the tests are for


class Http2(threading.Thread):
    """One connection that speaks HTTP/2. Bodies are small: they fit into the first window."""

    def __init__(self, sock, index):
        super().__init__(daemon=True)
        self.sock, self.index = sock, index

    def run(self):
        import h2.config
        import h2.connection
        import h2.events

        try:
            self.sock.do_handshake()
            c = h2.connection.H2Connection(config=h2.config.H2Configuration(client_side=False))
            c.initiate_connection()
            self.sock.sendall(c.data_to_send())
            while data := self.sock.recv(65536):
                for event in c.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived) and not self.respond(c, event):
                        self.sock.sendall(c.data_to_send())
                        return self.sock.close()
                self.sock.sendall(c.data_to_send())
        except OSError:
            pass  # the client is gone
        return None

    def respond(self, c, event):
        headers = {k.decode() if isinstance(k, bytes) else k: v.decode() if isinstance(v, bytes) else v for k, v in event.headers}
        command, path, stream = headers[":method"], headers[":path"], event.stream_id
        rule = find_rule(command, path, self.index)
        status, data, mtype = (200, new_token(rule), "application/json") if path.startswith("/token") else lookup(path)
        status = rule.get("status", status)
        with lock:
            log.append(f"{self.index} {command} {path} range={headers.get('range', '-')} proxied=- "
                       f"auth={headers.get('authorization', '-').split(' ')[0]} status={status}")
        if "goaway" in rule:
            c.close_connection(last_stream_id=0)
            return False
        start = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        extra = []
        if start and status == 200:
            extra = [("content-range", f"bytes {start.group(1)}-{len(data) - 1}/{len(data)}")]
            status, data = 206, data[int(start.group(1)):]
        c.send_headers(stream, [(":status", str(status)), ("content-type", mtype), ("content-length", str(len(data)))] + extra)
        if "rst" in rule:
            c.send_data(stream, data[:rule["rst"]])
            c.reset_stream(stream, 2)
            return True
        for i in range(0, len(data), 16384):
            c.send_data(stream, data[i:i + 16384])
        c.end_stream(stream)
        return True


class Http2Server(threading.Thread):
    def __init__(self, context, index):
        super().__init__(daemon=True)
        self.listener, self.context, self.index = socket.create_server(("127.0.0.1", 0), backlog=64), context, index
        self.server_port = self.listener.getsockname()[1]

    def run(self):
        while True:
            s, _ = self.listener.accept()
            Http2(self.context.wrap_socket(s, server_side=True, do_handshake_on_connect=False), self.index).start()


def tls(*files):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--ports", required=True)
    p.add_argument("--tls", nargs=2)
    p.add_argument("--bad")
    args = p.parse_args()
    images()
    contexts = [None, None]
    if args.tls:
        contexts += [tls(*args.tls)] * 2
    if args.bad:
        contexts += [tls(f"{args.bad}/{name}.pem") for name in ("unknown", "expired", "other")]
    servers = [Server(("127.0.0.1", 0), Handler) for _ in contexts]
    for s, context in zip(servers, contexts):
        if context:
            s.socket = context.wrap_socket(s.socket, server_side=True, do_handshake_on_connect=False)
    http2 = None
    if args.bad:
        context = tls(*args.tls)
        context.set_alpn_protocols(["h2"])
        http2 = Http2Server(context, len(servers))
        http2.start()
    ports.extend(s.server_port for s in servers + ([http2] if http2 else []))
    for key, (data, mtype) in list(manifests.items()):
        if b"{port2}" in data:
            manifests[key] = (data.replace(b"{port2}", str(ports[1]).encode()), mtype)
    for i, s in enumerate(servers):
        s.index = i
        threading.Thread(target=s.serve_forever, daemon=True).start()
    with open(args.ports + ".new", "w") as f:
        f.write(" ".join(map(str, ports)) + "\n")
    import os

    os.rename(args.ports + ".new", args.ports)
    threading.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
