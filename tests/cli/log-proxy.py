#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""log-proxy.py PORTFILE TARGET TLSTARGET: a proxy that takes every host for TARGET, or with CONNECT for TLSTARGET. It prints
a line for each request: "METHOD URL auth=SCHEME proxy-auth=VALUE"."""
import http.client
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

portfile, target, tls_target = sys.argv[1:]


def pass_on(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one of the two is gone


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def say(self):
        auth = self.headers.get("Authorization", "-").split(" ")[0]
        print(f"{self.command} {self.path} auth={auth} proxy-auth={self.headers.get('Proxy-Authorization', '-')}", flush=True)

    def do_CONNECT(self):
        self.say()
        host, port = tls_target.split(":")
        with socket.create_connection((host, int(port))) as up:
            self.send_response(200)
            self.end_headers()
            there = threading.Thread(target=pass_on, args=(self.connection, up), daemon=True)
            there.start()
            pass_on(up, self.connection)
            there.join()
        self.close_connection = True

    def do_plain(self):
        self.say()
        path = "/" + self.path.split("://", 1)[-1].partition("/")[2]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        up = http.client.HTTPConnection(target)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("connection", "proxy-connection", "expect")}
        up.request(self.command, path, body=body or None, headers=headers)
        r = up.getresponse()
        data = r.read()
        self.send_response_only(r.status)
        for k, v in r.getheaders():
            if k.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(k, v)
        self.send_header("Content-Length", r.getheader("Content-Length") if self.command == "HEAD" else str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_plain


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(portfile, "w") as f:
    f.write("%d\n" % server.server_address[1])
server.serve_forever()
