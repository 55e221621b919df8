#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# tl.py CASE OUT: a docker-archive OUT whose one layer (or several) is what CASE says: hostile layers for the TL tests.
import gzip
import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import tarfile


class Layer:
    """A tar that is written entry by entry; names are taken as they are."""

    def __init__(self, fmt=tarfile.PAX_FORMAT):
        self.buf = io.BytesIO()
        self.fmt = fmt

    def add(self, name, type=tarfile.REGTYPE, data=b"", link="", mode=None, uid=0, gid=0, mtime=1600000000, pax=None,
            dev=(0, 0), fmt=None):
        t = tarfile.TarInfo(name)
        t.type, t.linkname, t.uid, t.gid, t.mtime = type, link, uid, gid, mtime
        t.mode = mode if mode is not None else (0o755 if type == tarfile.DIRTYPE else 0o644)
        t.size = len(data)
        t.devmajor, t.devminor = dev
        t.pax_headers = pax or {}
        self.buf.write(t.tobuf(self.fmt if fmt is None else fmt, "utf-8", "surrogateescape"))
        self.buf.write(data + b"\0" * (-len(data) % 512))
        return self

    def file(self, name, data=b"evil\n", **kw):
        return self.add(name, data=data, **kw)

    def dir(self, name, **kw):
        return self.add(name, tarfile.DIRTYPE, **kw)

    def sym(self, name, link, **kw):
        return self.add(name, tarfile.SYMTYPE, link=link, mode=0o777, **kw)

    def hard(self, name, link, **kw):
        return self.add(name, tarfile.LNKTYPE, link=link, **kw)

    def raw(self, data):
        self.buf.write(data)
        return self

    def bytes(self):
        return self.buf.getvalue() + b"\0" * 1024


def header(name, size, type=b"0", magic=b"ustar\x0000", size_field=None, link=b""):
    h = bytearray(512)
    h[0:len(name)] = name
    h[157:157 + len(link)] = link
    h[100:108] = b"0000644\0"
    h[108:116] = h[116:124] = b"0000000\0"
    h[124:136] = size_field if size_field is not None else b"%011o\0" % size
    h[136:148] = b"13727266000\0"
    h[156:157] = type
    h[257:265] = magic
    h[148:156] = b" " * 8
    h[148:156] = b"%06o\0 " % sum(h)
    return bytes(h)


def pax(records, data_name=b"f", size=0, data=b""):
    body = b"".join(records)
    return (header(b"x", len(body), b"x") + body + b"\0" * (-len(body) % 512) + header(data_name, size) + data +
            b"\0" * (-len(data) % 512))


def record(key, value):
    rest = b" " + key + b"=" + value + b"\n"
    n = len(rest) + 1
    while len(str(n)) + len(rest) != n:
        n += 1
    return str(n).encode() + rest


CASES = {}


def case(f):
    CASES[f.__name__.replace("_", "-")] = f
    return f


def many(prefix, table):
    for k, v in table.items():
        CASES[prefix + "-" + k] = v


T = os.environ.get("CANARY", "/tmp/canary")
UP = "../" * 12 + T[1:]

# TL-01: names
many("name", {
    "dotdot": lambda: Layer().file("../x"),
    "inner": lambda: Layer().file("a/../../x"),
    "absolute": lambda: Layer().file(T + "/x"),
    "up": lambda: Layer().file(UP + "/x"),
    "empty": lambda: Layer().raw(header(b"", 0)),
    "long": lambda: Layer().file("/".join(["a" * 200] * 25)),
    "component": lambda: Layer().file("a" * 256),
    "depth": lambda: Layer().file("/".join(["a"] * 1100)),
    "deep": lambda: Layer().file("/".join(["a"] * 1020)),
    "nul": lambda: Layer().raw(pax([record(b"path", b"a\0b")])),
    "latin1": lambda: Layer().raw(pax([record(b"path", b"caf\xe9")], size=2, data=b"hi")),
    "utf8": lambda: Layer().file("caf\u00e9/\u20ac"),
})


# TL-02, TL-03: links, after the cases of containerd's TestBreakouts
def breakout(*steps):
    def make():
        layer = Layer()
        for s in steps:
            getattr(layer, s[0])(*s[1:])
        return layer
    return make


many("link", {
    "abs-file": breakout(("sym", "l", T), ("file", "l/x")),
    "rel-file": breakout(("sym", "l", UP), ("file", "l/x")),
    "dot-file": breakout(("sym", "l", "../../../../../.."), ("file", "l" + T + "/x")),
    "chain": breakout(("sym", "a", "b"), ("sym", "b", "/c"), ("sym", "c", T), ("file", "a/x")),
    "chain-up": breakout(("dir", "d"), ("sym", "d/a", ".."), ("sym", "d/b", "a/.."), ("file", "d/b/" + T[1:] + "/x")),
    "loop": breakout(("sym", "a", "b"), ("sym", "b", "a"), ("file", "a/x")),
    "self": breakout(("sym", "a", "a"), ("file", "a/x")),
    "dir-over": breakout(("sym", "l", T), ("dir", "l"), ("file", "l/x")),
    "file-over": breakout(("sym", "l", T + "/x"), ("file", "l")),
    "sym-over": breakout(("sym", "l", T), ("sym", "l", "here"), ("file", "here"), ),
    "hard-over": breakout(("file", "f"), ("sym", "l", T + "/x"), ("hard", "l", "f")),
    "to-dir": breakout(("dir", "real"), ("sym", "l", "real"), ("file", "l/x")),
    "to-dir-abs": breakout(("dir", "real"), ("sym", "l", "/real"), ("file", "l/x")),
    "to-nothing": breakout(("sym", "l", "not/there"), ("file", "l/x")),
    "to-file": breakout(("file", "f"), ("file", "f/x")),
    "proc": breakout(("sym", "l", "/proc/self/root"), ("file", "l" + T + "/x")),
    "hard-abs": breakout(("hard", "h", T + "/secret")),
    "hard-up": breakout(("hard", "h", UP + "/secret")),
    "hard-sym": breakout(("sym", "s", T + "/secret"), ("hard", "h", "s"), ("file", "h")),
    "hard-through": breakout(("sym", "d", T), ("hard", "h", "d/secret")),
    "hard-sym-chmod": breakout(("sym", "s", T + "/secret"), ("hard", "h", "s")),
    "hard-dir": breakout(("dir", "d"), ("hard", "h", "d")),
    "hard-missing": breakout(("hard", "h", "nothing")),
    "hard-self": breakout(("file", "f"), ("hard", "f", "f")),
    "hard-twice": breakout(("file", "f", b"one\n"), ("hard", "g", "f"), ("hard", "g", "f")),
})


@case
def hard_mode():
    return Layer().sym("s", T + "/secret").hard("h", "s", mode=0o4777)


@case
def sym_mode():
    return Layer().sym("s", T + "/secret").add("s2", tarfile.SYMTYPE, link=T + "/secret", mode=0o6777, uid=1, gid=1)


# TL-05: the root
many("root", {
    "sym": lambda: Layer().sym("./", T),
    "sym2": lambda: Layer().sym("/", T).file("x"),
    "file": lambda: Layer().file("."),
    "hard": lambda: Layer().file("f").hard("./", "f"),
    "fifo": lambda: Layer().add("/", tarfile.FIFOTYPE),
    "dir": lambda: Layer().dir("./", mode=0o711, uid=3).file("f"),
})


def lower():
    return (Layer().dir("d").file("d/one", b"1\n").file("d/two", b"2\n").file("f", b"f\n").dir("e").file("e/x", b"x\n")
            .file("g", b"g\n"))


# TL-06: whiteouts
many("wh", {
    "file": lambda: [lower(), Layer().file(".wh.f", b"").file("d/.wh.one", b"")],
    "dir": lambda: [lower(), Layer().file(".wh.d", b"")],
    "opaque": lambda: [lower(), Layer().dir("d").file("d/.wh..wh..opq", b"").file("d/three", b"3\n")],
    "opaque-late": lambda: [lower(), Layer().dir("d").file("d/three", b"3\n").file("d/.wh..wh..opq", b"")],
    "opaque-root": lambda: [lower(), Layer().file(".wh..wh..opq", b"").file("new", b"n\n")],
    "same-after": lambda: [lower(), Layer().file("f", b"new\n").file(".wh.f", b"")],
    "same-before": lambda: [lower(), Layer().file(".wh.f", b"").file("f", b"new\n")],
    "dir-again": lambda: [lower(), Layer().file(".wh.d", b"").dir("d").file("d/three", b"3\n")],
    "dir-again-after": lambda: [lower(), Layer().dir("d").file("d/three", b"3\n").file(".wh.d", b"")],
    "dir-implied": lambda: [lower(), Layer().file(".wh.d", b"").file("d/three", b"3\n")],
    "aufs": lambda: [lower(), Layer().file(".wh..wh.aufs", b"").dir(".wh..wh.plnk").dir(".wh..wh.orph")],
    "none": lambda: [lower(), Layer().file(".wh.", b"")],
    "dot": lambda: [lower(), Layer().file(".wh..", b"")],
    "dotdot": lambda: [lower(), Layer().file(".wh...", b"")],
    "up": lambda: [lower(), Layer().file(".wh.../x", b"")],
    "sym": lambda: [lower(), Layer().sym("s", T).file("s/.wh.secret", b"")],
    "missing": lambda: [lower(), Layer().file("not/there/.wh.x", b"")],
    "hard": lambda: [lower(), Layer().file(".wh.f", b"").hard("h", "f")],
})

# TL-07: overlay's metadata
X = "SCHILY.xattr."


@case
def overlay_xattrs():
    names = ["user.overlay.opaque", "user.overlay.redirect", "user.overlay.metacopy", "user.overlay.origin",
             "trusted.overlay.opaque", "user.fuseoverlayfs.opaque", "user.containers.override_stat"]
    px = {X + n: "y" for n in names}
    px[X + "user.kept"] = "yes"
    return [lower(), Layer().dir("d", pax=px).file("h", b"h\n", pax=px)]


@case
def overlay_redirect():
    return [lower(), Layer().dir("d", pax={X + "user.overlay.redirect": "/e"})]


@case
def overlay_chr00():
    return [lower(), Layer().add("f", tarfile.CHRTYPE, dev=(0, 0))]


# TL-08: devices, fifos
@case
def devices():
    return (Layer().dir("dev").add("dev/sda", tarfile.BLKTYPE, dev=(8, 0)).add("dev/mem", tarfile.CHRTYPE, dev=(1, 1))
            .dir("etc").add("etc/passwd", tarfile.FIFOTYPE, mode=0o600).file("ok", b"ok\n"))


# TL-09: set-id bits, capabilities
@case
def caps():
    cap = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
    t = cap.decode("latin-1").encode("latin-1")
    rec = record(b"SCHILY.xattr.security.capability", t)
    return (Layer().raw(pax([rec], b"ping", 2, b"hi")).file("su", b"su\n", mode=0o4755).file("sg", b"sg\n", mode=0o2755,
            gid=7).file("other", b"o\n", mode=0o6711, uid=5, gid=6).dir("sticky", mode=0o1777).dir("sgd", mode=0o2775,
            gid=8).file("sgd/f", b"f\n").dir("sgd/sub"))


# TL-10: bombs
@case
def bomb_sparse():
    return Layer().raw(header(b"f", 0, size_field=b"\x80" + b"\0" * 3 + b"\x7f" + b"\xff" * 7))


@case
def bomb_pax_size():
    return Layer().raw(pax([record(b"size", b"9223372036854775807")]))


@case
def bomb_sparse_pax():
    recs = [record(b"GNU.sparse.major", b"1"), record(b"GNU.sparse.minor", b"0"), record(b"GNU.sparse.name", b"f"),
            record(b"GNU.sparse.realsize", b"9223372036854775807")]
    sparse_map = b"1\n9223372036854775807\n0\n"
    data = sparse_map + b"\0" * (-len(sparse_map) % 512)
    return Layer().raw(pax(recs, b"f", len(data), data))


@case
def bomb_pax_header():
    return Layer().raw(header(b"x", 1 << 30, b"x") + b"\0" * (1 << 20))


@case
def bomb_xattr():
    return Layer().file("f", b"", pax={X + "user.a%d" % i: "x" * 900 for i in range(400)})


@case
def sparse_good():
    recs = [record(b"GNU.sparse.major", b"1"), record(b"GNU.sparse.minor", b"0"), record(b"GNU.sparse.name", b"f"),
            record(b"GNU.sparse.realsize", str(100 << 30).encode())]
    sparse_map = b"2\n0\n512\n%d\n512\n" % ((100 << 30) - 512)
    data = sparse_map + b"\0" * (-len(sparse_map) % 512) + b"a" * 512 + b"z" * 512
    return Layer().raw(pax(recs, b"f", len(data), data)).file("after", b"after\n")


# TL-12: desynchronisation
many("desync", {
    "two-paths": lambda: Layer().raw(pax([record(b"path", b"a"), record(b"path", b"b")])),
    "two-sizes": lambda: Layer().raw(pax([record(b"size", b"0"), record(b"size", b"512")], size=512, data=b"x" * 512)),
    "negative": lambda: Layer().raw(pax([record(b"size", b"-1")])),
    "two-pax": lambda: Layer().raw(header(b"x", 10, b"x") + b"10 path=a\n".ljust(512, b"\0") + pax([record(b"path", b"b")])),
    "global": lambda: Layer().raw(header(b"g", 10, b"g") + b"10 path=a\n".ljust(512, b"\0")).file("f"),
    # The old header says 0, PAX says 1024: PAX wins, and the entry inside is content.
    "pax-wins": lambda: Layer().raw(pax([record(b"size", b"1024")], b"outer", 0,
                                        header(b"inner", 0) + b"\0" * 512)).file("last", b"l\n"),
    "link-data": lambda: Layer().file("f", b"f\n").raw(header(b"h", 0, b"1")[:157] + b"f" + b"\0" * 99 + header(b"h", 0,
                                                       b"1")[257:]),
})

# TL-13: ids and times
many("ids", {
    "big-uid": lambda: Layer().file("f", uid=70000),
    "huge-gid": lambda: Layer().file("f", gid=4294967294),
    "over": lambda: Layer().file("f", uid=1 << 33),
})


@case
def times():
    return (Layer().file("old", b"", mtime=-1).file("older", b"", mtime=-(1 << 40)).file("late", b"", mtime=1 << 45)
            .file("nano", b"", pax={"mtime": "1600000000.123456789"}).dir("d", mtime=1500000000).file("d/f", b""))


@case
def good():
    return (Layer().dir("./").dir("etc", mtime=1500000000).file("etc/motd", b"hello\n", uid=1, gid=2, mode=0o640)
            .sym("link", "etc/motd").hard("hard", "etc/motd").dir("a/b/c/").file("big", b"0123456789abcdef" * 100000))


@case
def implied():
    return [Layer().dir("tmp", mode=0o1777).dir("home", mode=0o711).dir("home/u", mode=0o700, uid=5, gid=6).dir("opt"),
            Layer().file("tmp/x", b"x\n").file("home/u/app/bin", b"x\n").file("new/y", b"y\n")]


@case
def replaced():
    return Layer().file("f", b"first\n").file("f", b"second\n").dir("d").file("d/x", b"x\n").file("d", b"now a file\n")


def write(out, layers, config_patch=None, manifest_patch=None, tags=("tl:1",), damage=None, extra=()):
    blobs = [bytes(l if isinstance(l, (bytes, bytearray)) else l.bytes()) for l in layers]
    diffs = ["sha256:" + hashlib.sha256(b).hexdigest() for b in blobs]
    config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"]},
              "rootfs": {"type": "layers", "diff_ids": diffs}}
    if config_patch:
        config_patch(config)
    ctext = json.dumps(config).encode()
    cname = hashlib.sha256(ctext).hexdigest() + ".json"
    manifest = [{"Config": cname, "RepoTags": list(tags), "Layers": ["%d/layer.tar" % i for i in range(len(blobs))]}]
    if manifest_patch:
        manifest_patch(manifest)
    a = Layer()
    for i, b in enumerate(blobs):
        a.file("%d/layer.tar" % i, damage(b) if damage else b)
    a.file(cname, ctext)
    a.file("manifest.json", json.dumps(manifest).encode())
    for e in extra:
        getattr(a, e[0])(*e[1:])
    with open(out, "wb") as f:
        f.write(a.bytes())


def main():
    name, out = sys.argv[1], sys.argv[2]
    if name == "truncated":  # N: the good layer, gzipped and cut at N bytes
        good_gz = gzip.compress(CASES["good"]().bytes(), mtime=0)
        return write(out, [CASES["good"]()], damage=lambda b: good_gz[:int(sys.argv[3])])
    if name == "flipped":  # N: with byte N changed
        g = bytearray(gzip.compress(CASES["good"]().bytes(), mtime=0))
        g[int(sys.argv[3]) % len(g)] ^= 0x40
        return write(out, [CASES["good"]()], damage=lambda b: bytes(g))
    if name == "gzip-garbage":
        return write(out, [CASES["good"]()], damage=lambda b: gzip.compress(b) + b"garbage")
    if name == "gzip-members":
        return write(out, [CASES["good"]()], damage=lambda b: gzip.compress(b[:1000]) + gzip.compress(b[1000:]))
    if name == "gzip-zeros":
        return write(out, [CASES["good"]()], damage=lambda b: gzip.compress(b) + b"\0" * 5000)
    if name == "gzip-bomb":
        return write(out, [Layer().file("f", b"\0" * (int(sys.argv[3]) << 20))], damage=lambda b: gzip.compress(b))
    if name == "wrong-diff-id":
        return write(out, [CASES["good"]()], config_patch=lambda c: c["rootfs"].update(diff_ids=["sha256:" + "0" * 64]))
    if name == "extra-layer":
        return write(out, [CASES["good"]()], config_patch=lambda c: c["rootfs"]["diff_ids"].append("sha256:" + "0" * 64))
    if name == "missing-layer":
        return write(out, [CASES["good"]()], manifest_patch=lambda m: m[0].update(Layers=["../../etc/passwd"]))
    if name == "embedded-tag":
        return write(out, [CASES["good"]()], tags=("embedded/busybox:latest",))
    if name == "bad-tag":
        return write(out, [CASES["good"]()], tags=("A B",))
    if name == "member-up":
        return write(out, [CASES["good"]()], extra=[("file", UP + "/x", b"x")])
    if name == "member-sym":
        return write(out, [CASES["good"]()], extra=[("sym", "manifest.json", "/etc/passwd")])
    if name == "layer-sym":
        return write(out, [CASES["good"]()], manifest_patch=lambda m: m[0].update(Layers=["x/layer.tar"]),
                     extra=[("sym", "x/layer.tar", "../0/layer.tar")])
    if name == "layer-sym-out":
        return write(out, [CASES["good"]()], manifest_patch=lambda m: m[0].update(Layers=["x/layer.tar"]),
                     extra=[("sym", "x/layer.tar", "/etc/passwd")])
    if name == "entries":
        one = Layer().dir("d").bytes()[:512]
        return write(out, [one * int(sys.argv[3]) + b"\0" * 1024])
    if name == "bomb-entries":  # KIND N: N empty files, folders or whiteouts, or one folder again and again
        kind, n = sys.argv[3], int(sys.argv[4])
        one, prefix = {"files": (b"0", b"f"), "folders": (b"5", b"d"), "again": (b"5", b"d"), "whiteouts": (b"0", b".wh.w"),
                       "links": (b"1", b"l")}[kind]
        names = (prefix + (b"" if kind == "again" else b"%07d" % i) for i in range(n))
        bomb = b"".join([header(b"a", 0)] + [header(x, 0, one, link=b"a" if kind == "links" else b"") for x in names])
        return write(out, [bomb + b"\0" * 1024], damage=lambda b: gzip.compress(b, 9))
    if name == "bomb-outside":  # N: the same, but it is the archive that is compressed
        bomb = b"".join(header(b"f%07d" % i, 0) for i in range(int(sys.argv[3])))
        write(out, [bomb + b"\0" * 1024])
        with open(out, "rb") as f:
            data = gzip.compress(f.read(), 9)
        with open(out, "wb") as f:
            f.write(data)
        return None
    if name == "bomb-window":  # a zstd frame that wants a window of 2 GiB
        return write(out, [CASES["good"]()], damage=lambda b: b"\x28\xb5\x2f\xfd\x00\xa8" + b"\x01\x00\x00")
    if name == "bomb-zstd":  # N MiB of zeros
        big = Layer().file("f", b"\0" * (int(sys.argv[3]) << 20))
        return write(out, [big], damage=lambda b: subprocess.run(["zstd", "-19", "-c"], input=b, stdout=subprocess.PIPE,
                                                                 check=True).stdout)
    if name == "many-layers":
        return write(out, [Layer().file("f%d" % i, b"%d\n" % i) for i in range(int(sys.argv[3]))])
    if name == "list":
        print("\n".join(sorted(CASES)))
        return None
    layers = CASES[name]()
    return write(out, layers if isinstance(layers, list) else [layers], tags=sys.argv[3:] or ("tl:1",))


main()
