#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cut-proxy.py PORTFILE TARGET MODE: an HTTP/1.1 proxy before a registry, for tests of uploads that meet trouble. It prints a
line for each request. MODE: "reset" resets the connection of each blob's first PATCH when it has passed on half of it;
"large" answers 413 to a PATCH of more than 50 kB without Content-Range; "busy" answers 503 with Retry-After to the first
PATCH, the first PUT of a blob and the first of a manifest; "denied" answers 403 to every POST."""
import http.client, socket, struct, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

portfile, target, mode = sys.argv[1:]
seen, lock = set(), threading.Lock()
kept = {}  # where the registry goes on with an upload of which it got a part


def first(key):
    with lock:
        if key in seen:
            return False
        seen.add(key)
        return True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def say(self, text):
        print(text, flush=True)

    def answer(self, status, headers, body=b""):
        self.send_response_only(status)
        for k, v in headers:
            self.send_header(k, v)
        if not any(k.lower() == "content-length" for k, v in headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def cut(self):
        self.say("cut %s" % self.path.split("?")[0])
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def refuse(self, status, headers=()):
        self.say("%d %s" % (status, self.path.split("?")[0]))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.answer(status, headers)

    def handle_one(self):
        length = int(self.headers.get("Content-Length") or 0)
        upload = self.path.split("?")[0]
        rng = self.headers.get("Content-Range")
        self.say("%s %s range %s" % (self.command, self.path.split("?")[0], rng or "0"))
        if mode == "denied" and self.command == "POST":
            return self.refuse(403)
        if mode == "large" and self.command == "PATCH" and length > 50000 and not rng:
            return self.refuse(413)
        if mode == "busy" and self.command in ("PATCH", "PUT"):
            kind = self.command + ("manifest" if "/manifests/" in upload else "")
            if first(kind):
                return self.refuse(503, [("Retry-After", "0")])
        cut = mode == "reset" and self.command == "PATCH" and length > 100000 and first(upload)
        data = self.rfile.read(length // 2 if cut else length)
        up = http.client.HTTPConnection(target)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("content-length", "connection", "expect")}
        if cut:
            # What arrived is passed on as a request of its own, so that the registry keeps it.
            headers["Content-Length"] = str(len(data))
            up.request(self.command, self.path, body=data, headers=headers)
            r = up.getresponse()
            r.read()
            kept[upload] = "/v2" + r.getheader("Location").split("/v2", 1)[1]
            return self.cut()
        if self.command in ("PUT", "PATCH", "POST"):
            headers["Content-Length"] = str(length)
        to = kept.pop(upload, self.path) if self.command == "GET" else self.path
        up.request(self.command, to, body=data or None, headers=headers)
        r = up.getresponse()
        body = r.read()
        self.answer(r.status, [(k, v) for k, v in r.getheaders() if k.lower() not in ("connection", "transfer-encoding")], body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(portfile, "w") as f:
    f.write("%d\n" % server.server_address[1])
server.serve_forever()
