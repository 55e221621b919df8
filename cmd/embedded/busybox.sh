#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# busybox.sh BUSYBOX OUT: make the embedded image, an OCI archive with one uncompressed layer: the static busybox, a link for
# each applet, and the few files that programs expect. The same busybox gives the same bytes: sorted names, fixed times and owners.
set -eu
busybox=$1 out=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root oci=$work/oci
umask 022

if head -c 4096 "$busybox" | grep -q 'ld-linux\|ld-musl'; then
	echo "$busybox is not static: install busybox-static (make deps)" >&2
	exit 1
fi

pack() { # DIR OUT
	LC_ALL=C tar -C "$1" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 --format=ustar -cf "$2" .
}

sha() {
	sha256sum "$1" | cut -d' ' -f1
}

size() {
	stat -c %s "$1"
}

# Put a file into the layout's blobs; prints its digest.
blob() {
	d=$(sha "$1")
	cp "$1" "$oci/blobs/sha256/$d"
	echo "$d"
}

case $(uname -m) in
x86_64) arch=amd64 ;;
i?86) arch=386 ;;
aarch64) arch=arm64 ;;
arm*) arch=arm ;;
loongarch64) arch=loong64 ;;
*) arch=$(uname -m) ;;
esac

for d in bin dev etc home proc run sbin sys usr/bin usr/sbin var/log var/spool var/www; do
	mkdir -p "$root/$d"
done
mkdir -m 700 "$root/root"
mkdir -m 1777 "$root/tmp" "$root/var/tmp"
install -m 755 "$busybox" "$root/bin/busybox"
"$busybox" --list-full | while read -r applet; do
	[ "$applet" != bin/busybox ] || continue
	case $applet in
	bin/*) to=busybox ;;
	*/*/*) to=../../bin/busybox ;;
	*/*) to=../bin/busybox ;;
	*) applet=bin/$applet to=busybox ;;
	esac
	mkdir -p "$root/${applet%/*}"
	ln -sf "$to" "$root/$applet"
done
cat >"$root/etc/passwd" <<P
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
sync:x:4:100:sync:/bin:/bin/sync
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
operator:x:37:37:Operator:/var:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
P
cat >"$root/etc/group" <<G
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
mail:x:8:
kmem:x:9:
wheel:x:10:root
cdrom:x:11:
dialout:x:18:
floppy:x:19:
video:x:28:
audio:x:29:
tape:x:32:
www-data:x:33:
operator:x:37:
utmp:x:43:
plugdev:x:46:
staff:x:50:
lock:x:54:
netdev:x:82:
users:x:100:
nogroup:x:65534:
G

mkdir -p "$oci/blobs/sha256"
pack "$root" "$work/layer.tar"
layer=$(blob "$work/layer.tar")
printf '{"created":"1970-01-01T00:00:00Z","architecture":"%s","os":"linux","config":{"Env":["PATH=%s"],"Cmd":["sh"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created":"1970-01-01T00:00:00Z","created_by":"skiff: static busybox of the build host"}]}' \
	"$arch" /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$layer" >"$work/config.json"
config=$(blob "$work/config.json")
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%d},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:%s","size":%d}]}' \
	"$config" "$(size "$work/config.json")" "$layer" "$(size "$work/layer.tar")" >"$work/manifest.json"
manifest=$(blob "$work/manifest.json")
printf '{"imageLayoutVersion":"1.0.0"}' >"$oci/oci-layout"
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%d,"platform":{"architecture":"%s","os":"linux"},"annotations":{"io.containerd.image.name":"embedded/busybox:latest","org.opencontainers.image.ref.name":"latest"}}]}' \
	"$manifest" "$(size "$work/manifest.json")" "$arch" >"$oci/index.json"
pack "$oci" "$work/image.tar"
mkdir -p "$(dirname "$out")"
mv "$work/image.tar" "$out"
