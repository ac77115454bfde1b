#!/bin/sh
# Makes .gaur/guest, from which GuestTest boots a machine: Debian's kernel, the modules that may be
# needed for its disk, and a shell. The packages are only unpacked: installing a kernel would make
# an initramfs and an entry in the boot menu. Does nothing when all is there; otherwise the last
# line of standard error says what is wrong.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
guest=$root/.gaur/guest
meta=linux-image-cloud-amd64
[ ! -f "$guest/complete" ] || exit 0

# The meta package names the newest kernel.
kernel() {
    apt-cache depends --important "$meta" 2>/dev/null | sed -n 's/.*Depends: *\(linux-image-[^ ]*\)/\1/p'
}

fetch() {
    image=$(kernel)
    [ -n "$image" ] && apt-get download "$image" busybox-static >&2
}

mkdir -p "$root/.gaur"
new=$(mktemp -d "$root/.gaur/guest.XXXXXX")
trap 'rm -rf "$new"' EXIT
mkdir "$new/unpacked" "$new/modules"
cd "$new"
# Lists of packages may be missing, or name versions that are gone.
fetch || {
    rm -f ./*.deb
    [ "$(id -u)" != 0 ] || apt-get update >/dev/null
    fetch || {
        echo "fetch-guest: cannot download $meta and busybox-static" >&2
        exit 1
    }
}
for package in ./*.deb; do
    dpkg -x "$package" unpacked
done
mv unpacked/boot/vmlinuz-* kernel
find unpacked -name busybox -type f -exec mv {} busybox \;
find unpacked \( -name 'virtio*.ko*' -o -name 'ext4.ko*' -o -name 'jbd2.ko*' \
    -o -name 'mbcache.ko*' -o -name '*crc*.ko*' \) -exec mv {} modules \;
[ -s kernel ] && [ -x busybox ]
rm -rf unpacked ./*.deb
touch complete
rm -rf "$guest"
mv "$new" "$guest"
