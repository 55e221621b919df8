#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every fault of a registry, for every object that is asked for: fault-matrix.py VERB [REGEX of cells]

Needs fake-registry.py with --bad: FAKE_PORTS has the ports, FAKE_CAS the certificates that are trusted. ROWS and PUSH_ROWS
are the faults, VERBS what a verb asks for. A cell is one command with a store of its own against a repository name of its own
(cN/...), so that many run at once. What is checked in each:
	ok      status 0, the image is there, the store checks
	error   status 125, one line that names host, object and cause, nothing is left in the store (nor, by push, in the
		registry under the tag)
	both    how many requests for the object there were: a retry more or less is a fault of ours
Prints TAP.
"""
import base64
import concurrent.futures
import email.utils
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

PORT, PORT2, TLS, TLS2, UNKNOWN, EXPIRED, OTHER, HTTP2 = os.environ["FAKE_PORTS"].split()
ATTEMPTS = 6  # one, and five again


def in_two_seconds():
    return email.utils.formatdate(time.time() + 2, usegmt=True)


class Ok:
    def __init__(self, requests):
        self.requests = requests


class Error:
    def __init__(self, words, requests=None):
        self.words, self.requests = words, requests


def row(name, rule, expect, where="http", **each):
    """expect: for every object, or what `each` says for one. where: which server the object comes from."""
    return name, rule, expect, where, each


def once(name, rule, **kw):
    return row(name + ", once", {**rule, "times": 1}, Ok(2), **kw)


def always(name, rule, words, **kw):
    return row(name + ", always", rule, Error(words, ATTEMPTS), **kw)


GARBLED = Error("not valid|invalid|malformed|JSON|no token|parse|cannot be read|ends", 1)
BLOB = Error("wrong size|wrong digest", 1)

ROWS = [
    row("401, a token, and on", {"auth": "bearer"}, Ok(2), token=Error("invalid username/password", 1)),
    row("401, and no challenge", {"status": 401}, Error(r"\(status 401\)", 1),
        token=Error("invalid username/password", 1)),
    row("403", {"status": 403}, Error(r"denied.*\(status 403\)", 1)),
    row("404", {"status": 404}, Error(r"\(status 404\)", 1)),
    once("429 with Retry-After in seconds", {"status": 429, "headers": {"Retry-After": "1"}}),
    always("429", {"status": 429}, r"too many requests.*\(status 429\)"),
    once("503 with Retry-After as a date", {"status": 503, "headers": {"Retry-After": in_two_seconds()}}),
    always("503", {"status": 503}, r"\(status 503\)"),
    row("500, twice", {"status": 500, "times": 2}, Ok(3)),
    always("500", {"status": 500}, r"\(status 500\)"),
    once("502", {"status": 502}),
    always("504", {"status": 504}, r"\(status 504\)"),
    once("reset before the first byte", {"reset": 0}),
    once("reset at byte 20", {"reset": 20}),
    always("reset before the first byte", {"reset": 0}, "gave up after 6 attempts"),
    once("silence", {"stall": 0}),
    always("silence", {"stall": 0}, "stalled|timed out|slow|too slow"),
    once("silence at byte 20", {"stall": 20}),
    always("one byte a second", {"rate": 1}, "stalled|timed out|slow"),
    once("cut off at byte 20", {"truncate": 20}),
    always("cut off at once", {"truncate": 0}, "gave up after 6 attempts"),
    row("ten bytes more than there should be", {"longer": 10}, BLOB, manifest=GARBLED, token=GARBLED),
    row("ten bytes more, in chunks", {"longer": 10, "chunked": True}, BLOB, manifest=GARBLED, token=GARBLED),
    row("one bit flipped", {"corrupt": 5}, Error("wrong digest|corrupt", 1), manifest=Error("reading manifest", 1),
        token=GARBLED),
    row("in chunks", {"chunked": True}, Ok(1)),
    once("in chunks, without the last one", {"chunked": True, "truncate": 20}),
    row("a chunk without a size, once", {"bad_chunk": True, "times": 1}, Ok(2)),
    always("a chunk without a size", {"bad_chunk": True}, "gave up after 6 attempts"),
    row("Content-Length ten too small", {"length": -10}, BLOB, manifest=GARBLED, token=GARBLED),
    row("Content-Length ten too large", {"length": 10}, Error("gave up after 6 attempts", ATTEMPTS),
        config=Error("gave up after 6 attempts|wrong size", None), layer=Error("wrong size", 1)),
    row("compressed on the way", {"encoding": "gzip"}, Error("Content-Encoding", 1)),
    row("a certificate of an unknown authority", {}, Error("certificate"), where=UNKNOWN),
    row("a certificate that has expired", {}, Error("certificate has expired|expired"), where=EXPIRED),
    row("a certificate for another name", {}, Error("localhost"), where=OTHER),
    row("redirects in a circle", {"redirect": "{path}"}, Error("more than 10 redirects", 11)),
    row("a redirect to another port", {"redirect": "http://127.0.0.1:{port2}{path}?there", "port": 0}, Ok(2)),
    row("a redirect from https to http", {"redirect": "http://127.0.0.1:{port}{path}", "port": 2},
        Error("redirect from https to http refused", 1), where=TLS),
    row("HTTP/2", {}, Ok(1), where=HTTP2),
    row("HTTP/2: 503, once", {"status": 503, "times": 1}, Ok(2), where=HTTP2),
    row("HTTP/2: RST_STREAM, once", {"rst": 20, "times": 1}, Ok(2), where=HTTP2),
    always("HTTP/2: RST_STREAM", {"rst": 0}, "gave up after 6 attempts", where=HTTP2),
    row("HTTP/2: GOAWAY, once", {"goaway": True, "times": 1}, Ok(2), where=HTTP2),
    always("HTTP/2: GOAWAY", {"goaway": True}, "gave up after 6 attempts", where=HTTP2),
]

# A push asks (HEAD), opens an upload (POST), sends (PATCH), ends it (PUT), and puts the manifest. Answers to these have no
# bodies that could be damaged; certificates, redirects and HTTP/2 are those of pull.
PUSH_ROWS = [
    row("401, a token, and on", {"auth": "bearer"}, Ok(2), token=Error("invalid username/password", 1)),
    row("401, and no challenge", {"status": 401}, Error(r"\(status 401\)", 1), token=Error("invalid username/password", 1)),
    row("403", {"status": 403}, Error(r"denied.*\(status 403\)", 1)),
    row("404", {"status": 404}, Error(r"\(status 404\)", 1), check=Ok(1), token=Error(r"\(status 404\)", range(1, 5))),
    row("400", {"status": 400}, Error(r"\(status 400\)", 1)),
    once("429 with Retry-After in seconds", {"status": 429, "headers": {"Retry-After": "1"}}),
    always("429", {"status": 429}, r"too many requests.*\(status 429\)"),
    once("503 with Retry-After as a date", {"status": 503, "headers": {"Retry-After": in_two_seconds()}}),
    always("503", {"status": 503}, r"\(status 503\)"),
    row("500, twice", {"status": 500, "times": 2}, Ok(3)),
    always("500", {"status": 500}, r"\(status 500\)"),
    once("502", {"status": 502}),
    always("504", {"status": 504}, r"\(status 504\)"),
    once("reset before the first byte", {"reset": 0}),
    once("reset at byte 20", {"reset": 20}),
    # On a connection that was used before, libcurl repeats what was reset once by itself.
    row("reset before the first byte, always", {"reset": 0}, Error("reset", range(ATTEMPTS, 2 * ATTEMPTS + 2))),
    once("silence", {"stall": 0}),
    always("silence", {"stall": 0}, "stalled|timed out|slow|too slow"),
]


def get(path, data=None):
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as f:
        return f.read().decode()


class Cell:
    """One fault of one object. `repo` is the path of the repository, `host` the server that the user names."""

    def __init__(self, n, verb, what, fault):
        self.n, self.verb, self.what = n, verb, what
        name, self.rule, self.expect, self.where, each = fault
        self.expect = each.get(what, self.expect)
        self.name = f"{verb.name} {what}: {name}"
        self.repo = f"c{n}/{verb.repo}"
        # Where the object itself comes from is where the fault is; with TLS the rest comes from a server that is in order.
        self.host = f"127.0.0.1:{PORT}"
        if self.where == HTTP2 or (self.where != "http" and what == "manifest"):
            self.host = f"localhost:{self.where}"
        elif self.where != "http":
            self.host = f"localhost:{TLS}"

    def rules(self):
        """The rules of this cell: the fault, and what leads to it."""
        match = self.verb.objects[self.what].replace("REPO", self.repo).replace("CELL", rf"/c{self.n}\?")
        rules = [{"match": match, **self.rule}] if self.rule else []
        if self.where in (UNKNOWN, EXPIRED, OTHER):
            elsewhere = f"https://localhost:{self.where}{{path}}"
            if self.what in ("config", "layer"):
                rules.append({"match": match, "port": 2, "redirect": elsewhere})
        if self.what == "token" or "auth" in self.rule:
            scheme, port = ("http", PORT) if self.where == "http" else ("https", self.where)
            host = "127.0.0.1" if scheme == "http" else "localhost"
            realm = f"{scheme}://{host}:{port}/token/c{self.n}"
            if self.where == HTTP2:  # its own answers are plain: the challenge comes from elsewhere
                self.host = f"localhost:{TLS}"
            for r in rules:
                if "auth" in r:
                    r["realm"] = realm
                    if self.what == "token":
                        r.clear()
                        r.update({"match": match, "token_status": 401})
            if self.what == "token":
                rules.append({"match": f"/v2/{self.repo}/", "auth": "bearer", "realm": realm})
        return self.verb.more_rules(self) + rules

    def run(self, folder):
        root = os.path.join(folder, f"c{self.n}")
        env = {**os.environ, "SKIFF_ROOT": root, "SKIFF_HTTP_STALL": "2", "SKIFF_HTTP_BACKOFF": "10",
               "SSL_CERT_FILE": os.environ["FAKE_CAS"]}
        command = self.verb.command(self, env)
        done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=110,
                              check=False)
        self.said = done.stderr + done.stdout
        check = self.check_ok if isinstance(self.expect, Ok) else self.check_error
        return check(done, root, env)

    def check_ok(self, done, root, env):
        if done.returncode != 0:
            return f"status {done.returncode}"
        if self.verb.result(self, env):
            return self.verb.result(self, env)
        return self.check_store(root, env)

    def check_error(self, done, root, env):
        errors = [l for l in self.said.splitlines() if l.startswith("Error: ")]
        if done.returncode != 125:
            return f"status {done.returncode}"
        if len(errors) != 1:
            return f"{len(errors)} lines of errors"
        if not re.search(self.expect.words, errors[0]):
            return f"no '{self.expect.words}' in it"
        if self.host not in errors[0] and f"localhost:{self.where}" not in errors[0]:
            return "it does not name the host"
        if not re.search(self.verb.names[self.what], errors[0]):
            return "it does not name the object"
        if self.verb.result(self, env) == "":
            return "it worked all the same"
        for top in ("tags", "layers", "oci/blobs/sha256") if self.verb.brings else ():
            left = os.listdir(os.path.join(root, top)) if os.path.isdir(os.path.join(root, top)) else []
            if [x for x in left if x != "guard"]:
                return f"left in {top}: {left}"
        return self.check_store(root, env)

    def check_store(self, root, env):
        for top in ("tmp", "tmp/blobs", "trash"):
            left = os.listdir(os.path.join(root, top)) if os.path.isdir(os.path.join(root, top)) else []
            if [x for x in left if x not in ("guard", "blobs") and not x.endswith(".lock")]:
                return f"left in {top}: {left}"
        done = subprocess.run(["skiff", "system", "check"], env=env, capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else "system check: " + done.stderr + done.stdout

    def check_requests(self, log):
        match = self.verb.objects[self.what].replace("REPO", self.repo).replace("CELL", rf"/c{self.n}\?")
        mine = [l for l in log if re.search(match, re.sub(r"^\d+ ", "", l))]
        if "{port2}" in self.rule.get("redirect", ""):
            there = [l for l in mine if l.startswith("1 ")]
            if not there or [l for l in there if "auth=-" not in l]:
                return "Authorization went along with the redirect"
        want = self.expect.requests
        if want is not None and len(mine) not in (want if isinstance(want, range) else [want]):
            return f"{len(mine)} requests instead of {want}"
        return ""


class Pull:
    """objects: what a request for one looks like; names: how the error calls it; brings: the store is empty before."""
    name, rows, repo, brings = "pull", ROWS, "small", True

    def __init__(self):
        lines = [l.split() for l in get("/_digests").splitlines() if l.startswith("small ")]
        digests = {kind: digest for _, kind, digest, _ in lines}
        self.objects = {"manifest": "/v2/REPO/manifests/", "config": f"/v2/REPO/blobs/{digests['config']}",
                        "layer": f"/v2/REPO/blobs/{digests['layer']}", "token": "/tokenCELL"}
        self.names = {"manifest": "manifest latest", "config": digests["config"], "layer": digests["layer"],
                      "token": "token"}

    @staticmethod
    def more_rules(_):
        return []

    @staticmethod
    def command(cell, _):
        verify = "--tls-verify=true" if cell.host.startswith("localhost") else "--tls-verify=false"
        return ["skiff", "pull", verify, f"{cell.host}/{cell.repo}"]

    @staticmethod
    def result(_, env):
        done = subprocess.run(["skiff", "images", "-q"], env=env, capture_output=True, text=True, check=False)
        return "" if len(done.stdout.split()) == 1 else "there is no image"


class Push:
    name, rows, repo, brings = "push", PUSH_ROWS, "up/small", False

    def __init__(self):
        lines = [l.split() for l in get("/_digests").splitlines() if l.startswith("small ")]
        digests = {kind: digest for _, kind, digest, _ in lines}
        layer, self.config = digests["layer"], digests["config"]
        self.objects = {"check": f"HEAD /v2/REPO/blobs/{layer}", "upload": "POST /v2/REPO/blobs/uploads/", "bytes": "PATCH /v2/REPO/",
                        "blob": f"PUT /v2/REPO/blobs/uploads/.*{layer}", "manifest": "PUT /v2/REPO/manifests/",
                        "token": "/tokenCELL"}
        self.names = {what: layer for what in ("check", "upload", "bytes", "blob")}
        self.names.update(manifest="manifest latest", token="token")

    def more_rules(self, cell):
        """The config is there: every step is the layer's."""
        return [{"match": f"HEAD /v2/{cell.repo}/blobs/{self.config}", "status": 200}]

    @staticmethod
    def command(cell, env):
        image = f"127.0.0.1:{PORT2}/small"  # from elsewhere: nothing can be mounted
        subprocess.run(["skiff", "pull", "-q", image], env=env, capture_output=True, check=True)
        return ["skiff", "push", "--tls-verify=false", image, f"{cell.host}/{cell.repo}"]

    @staticmethod
    def result(cell, _):
        done = re.search(f" PUT /v2/{cell.repo}/manifests/latest .* status=201$", get("/_log"), re.M)
        return "" if done else "the registry did not get the manifest"


VERBS = {"pull": Pull, "push": Push}


def credentials(folder):
    """Whoever asks for a password gets one: it must not go to anybody else."""
    os.makedirs(f"{folder}/docker", exist_ok=True)
    auth = {"auth": base64.b64encode(b"alice:s3cret").decode()}
    with open(f"{folder}/docker/config.json", "w") as f:
        json.dump({"auths": {f"127.0.0.1:{PORT}": auth, f"localhost:{TLS}": auth, f"localhost:{HTTP2}": auth}}, f)
    os.environ["DOCKER_CONFIG"] = f"{folder}/docker"


def main():
    verb, want = VERBS[sys.argv[1]](), sys.argv[2] if len(sys.argv) > 2 else "."
    all_cells = [(what, r) for r in verb.rows for what in verb.objects]
    cells = [Cell(n, verb, what, r) for n, (what, r) in enumerate(all_cells)]
    cells = [c for c in cells if re.search(want, c.name)]
    # Those that wait longest begin first.
    cells.sort(key=lambda c: not ("rate" in c.rule or "stall" in c.rule))
    get("/_script", json.dumps([r for c in cells for r in c.rules()]).encode())
    bad = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(12) as pool:
        credentials(folder)
        results = list(pool.map(lambda c: c.run(folder), cells))
        log = get("/_log").splitlines()
        for i, (c, why) in enumerate(zip(cells, results), 1):
            why = why or c.check_requests(log)
            print(f"{'not ok' if why else 'ok'} {i} {c.name}" + (f"\n# {why}\n# " + c.said.replace("\n", "\n# ") if why else ""))
            bad += bool(why)
        subprocess.run(["skiff", "unshare", "rm", "-rf"] + [f"{folder}/{d}" for d in os.listdir(folder)], check=False)
    print(f"1..{len(cells)}")
    return bad > 0


sys.exit(main())
