#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# mkimage.py OUT: reads JSON documents, one image each, and writes a docker-archive OUT with all of them. An image:
#	{"name": "app:1", "created": "2024-01-01T00:00:00Z", "labels": {}, "from": "base:1", "config": {}, "steps": [["text", FILES], ...]}
# FILES is {"path": "content"}, or null for a step that only changes settings.
import hashlib
import io
import json
import os
import sys
import tarfile
import time


def layer(files, mtime):
    buf = io.BytesIO()
    made = set()
    with tarfile.open(fileobj=buf, mode="w", format=tarfile.PAX_FORMAT) as t:
        for name in sorted(files):
            parts = name.split("/")[:-1]
            for i in range(1, len(parts) + 1):
                d = "/".join(parts[:i])
                if d in made:
                    continue
                made.add(d)
                info = tarfile.TarInfo(d)
                info.type, info.mode, info.mtime = tarfile.DIRTYPE, 0o755, mtime
                t.addfile(info)
            info = tarfile.TarInfo(name)
            data = files[name].encode()
            info.size, info.mode, info.mtime = len(data), 0o644, mtime
            t.addfile(info, io.BytesIO(data))
    return buf.getvalue()


def sha(data):
    return hashlib.sha256(data).hexdigest()


def documents(text):
    decoder = json.JSONDecoder()
    text = text.strip()
    while text:
        doc, end = decoder.raw_decode(text)
        yield doc
        text = text[end:].lstrip()


arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
members, manifest, known = {}, [], {}
for image in documents(sys.stdin.read()):
    diffs, history = (list(v) for v in known.get(image.get("from"), ([], [])))
    created = image.get("created")
    mtime = int(time.mktime(time.strptime(created, "%Y-%m-%dT%H:%M:%SZ"))) if created else 1600000000
    for text, files in image["steps"]:
        step = {"created_by": text}
        if created:
            step["created"] = created
        if files is None:
            step["empty_layer"] = True
        else:
            data = layer(files, mtime)
            diffs.append(sha(data))
            members[sha(data) + "/layer.tar"] = data
        history.append(step)
    known[image["name"]] = (diffs, history)
    config = {"architecture": arch, "os": "linux", "config": dict({"Cmd": ["sh"]}, **image.get("config", {})),
              "rootfs": {"type": "layers", "diff_ids": ["sha256:" + d for d in diffs]}, "history": history}
    if image.get("labels"):
        config["config"]["Labels"] = image["labels"]
    if created:
        config["created"] = created
    data = json.dumps(config).encode()
    members[sha(data) + ".json"] = data
    manifest.append({"Config": sha(data) + ".json", "RepoTags": [image["name"]], "Layers": [d + "/layer.tar" for d in diffs]})
members["manifest.json"] = json.dumps(manifest).encode()
with tarfile.open(sys.argv[1], "w") as t:
    for name, data in members.items():
        info = tarfile.TarInfo(name)
        info.size = len(data)
        t.addfile(info, io.BytesIO(data))
