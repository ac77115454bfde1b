#!/bin/sh
# ./gaur tour: makes a disk image from real files, then shows what Gaur does with it. Works in a
# temporary folder that it removes; stops at the first step that fails.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
read -r jdk <"$root/.gaur/app/jdk"
PATH=$PATH:/usr/sbin:/sbin

if ! command -v mke2fs >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "gaur: installing e2fsprogs, for mke2fs" >&2
        { apt-get update && apt-get install -y --no-install-recommends e2fsprogs; } >/dev/null
    else
        echo "gaur: the tour needs mke2fs: apt-get install e2fsprogs" >&2
        exit 1
    fi
fi

folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
mkdir "$folder/bin"
ln -s "$root/gaur" "$folder/bin/gaur"
PATH=$folder/bin:$PATH
cd "$folder"

say() { printf '\n%s\n' "$*"; }

# Shows a command, then its result; the exit code must be 0 or what is expected.
step() {
    printf '\n$ %s\n' "$1"
    status=0
    sh -c "$1" || status=$?
    if [ "$status" != "${2:-0}" ]; then
        echo "gaur: the tour stops: '$1' ended with $status" >&2
        exit 1
    fi
}

say "A disk with an ext4 file system, made of this project's sources and the Java machine's files:"
mkdir files
cp -r "$root/docs" "$root/gaur-engine/src" "$root/.gaur/app" "$jdk/lib/server/libjvm.so" files/
step 'mke2fs -q -t ext4 -d files disk.raw 256M'

say "As qcow2 it has all the data and none of the holes:"
step 'gaur convert -O qcow2 disk.raw disk.qcow2'
step 'ls -s --block-size=1M disk.raw disk.qcow2'
step 'gaur info disk.qcow2'
step 'gaur check disk.qcow2'
step 'gaur compare disk.raw disk.qcow2'
step 'gaur map disk.qcow2 >map.txt && head -n 6 map.txt'

say "How large would it be, and how small can it be?"
step 'gaur measure -O qcow2 disk.raw'
step 'gaur convert -c -O qcow2 disk.raw zlib.qcow2'
step 'gaur convert -c -O qcow2 -o compression_type=zstd disk.raw zstd.qcow2'
step 'ls -s --block-size=1M disk.qcow2 zlib.qcow2 zstd.qcow2'

say "And back, not a byte lost:"
step 'gaur convert -O raw zlib.qcow2 zlib.raw && cmp disk.raw zlib.raw'
step 'gaur convert -O raw zstd.qcow2 zstd.raw && cmp disk.raw zstd.raw'

say "A thin overlay: it stores only what differs from its backing file, which is nothing yet:"
step 'gaur create -f qcow2 -b zstd.qcow2 -F qcow2 overlay.qcow2'
step 'gaur info --backing-chain overlay.qcow2'
step 'gaur compare overlay.qcow2 disk.raw'

say "Changes: a snapshot keeps the disk as it is, a bitmap notes what changes from here on:"
step 'gaur snapshot -c before disk.qcow2'
step 'gaur bitmap --add disk.qcow2 changes'
step 'gaur io -c "write -P 0x47 20M 3M" -c "discard 100M 8M" disk.qcow2'
step 'gaur compare disk.qcow2 disk.raw' 1
step 'gaur snapshot -l disk.qcow2'

say "And the disk as it was:"
step 'gaur snapshot -a before disk.qcow2'
step 'gaur compare disk.qcow2 disk.raw'

say "An overlay takes changes and hands them down; the disk grows:"
step 'gaur create -f qcow2 -b disk.qcow2 -F qcow2 work.qcow2'
step 'gaur io -c "write -P 0x48 20M 3M" work.qcow2'
step 'gaur commit work.qcow2'
step 'gaur resize disk.qcow2 1G'
step 'gaur check disk.qcow2'

say "To virtual machines and other programs: the disk on a socket, over NBD:"
printf '\n$ %s\n' 'gaur serve -k gaur.sock disk.qcow2 &'
gaur serve -k gaur.sock disk.qcow2 >served.txt &
server=$!
until grep -q '^listening' served.txt; do
    kill -0 "$server" || exit 1
    sleep 0.1
done
cat served.txt
uri="nbd+unix:///disk.qcow2?socket=$folder/gaur.sock"
step "gaur info '$uri'"
step "gaur convert -O qcow2 '$uri' copy.qcow2"
step "gaur compare '$uri' copy.qcow2"
step "kill $server"
wait "$server"
server=
tail -n 1 served.txt

say "An accident: the counts of all clusters are overwritten. They are made anew, the data is untouched:"
step 'gaur create -f qcow2 hurt.qcow2 1G && gaur io -c "write -P 0x49 0 4M" hurt.qcow2'
step 'dd if=/dev/zero of=hurt.qcow2 bs=64k seek=2 count=1 conv=notrunc status=none'
step 'gaur check hurt.qcow2 2>&1 | tail -n 3'
step 'gaur check -r all hurt.qcow2 2>&1 | tail -n 3'
step 'gaur io -c "read -P 0x49 0 4M" hurt.qcow2'

say "Had somebody else sent us that image: what does it refer to? This opens nothing but the image itself:"
step 'gaur inspect overlay.qcow2' 2

if command -v qemu-img >/dev/null; then
    say "A second opinion, from QEMU's own program:"
    step 'qemu-img check zstd.qcow2'
    step 'qemu-img compare overlay.qcow2 disk.raw'
    step 'qemu-img check disk.qcow2'
    step 'qemu-img check hurt.qcow2'
fi
say "That was the tour. 'gaur --help' lists the commands; 'gaur COMMAND --help' explains one."
