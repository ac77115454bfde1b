#!/bin/sh
# Sees to it that mvn is there: installs Debian's when we may, otherwise says what to do and fails.
command -v mvn >/dev/null && exit
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-cache show maven >/dev/null 2>&1 || apt-get update >/dev/null 2>&1
    echo "gaur: installing maven" >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends maven >&2 && exit
fi
echo "gaur: Maven is missing. Install it, for example with: apt-get install maven" >&2
exit 1
