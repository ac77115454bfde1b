#!/bin/sh
# Prints the folder of a JDK of release 25 or later. Installs Debian's when there is none and we
# may; otherwise says on standard error what to do and fails.
#
# The order: JAVA_HOME, the java of PATH, the usual folders.

release=25

# A JDK has a compiler, and a file that says: JAVA_VERSION="25.0.3"
is_new_enough() {
    [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
    major=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release")
    [ "${major:-0}" -ge "$release" ]
}

find_jdk() {
    on_path=$(command -v java) && on_path=$(readlink -f "$on_path") && on_path=${on_path%/bin/java}
    for jdk in "$JAVA_HOME" "$on_path" \
        /usr/lib/jvm/* /usr/java/* /usr/local/*jdk* /opt/* /opt/java/* \
        "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/* \
        /Library/Java/JavaVirtualMachines/*/Contents/Home; do
        if [ -n "$jdk" ] && is_new_enough "$jdk"; then
            echo "$jdk"
            return
        fi
    done
    return 1
}

install_jdk() {
    package=openjdk-$release-jdk-headless
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    apt-cache show "$package" >/dev/null 2>&1 || apt-get update >/dev/null 2>&1
    apt-cache show "$package" >/dev/null 2>&1 || return 1
    echo "gaur: installing $package" >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package" >&2
}

find_jdk && exit
install_jdk && find_jdk && exit
cat >&2 <<EOF
gaur: no JDK $release or later found (looked at JAVA_HOME, PATH, /usr/lib/jvm, /opt, ~/.sdkman, ~/.jdks).
Install one, for example with: apt-get install openjdk-$release-jdk-headless
or unpack one anywhere and set: export JAVA_HOME=/path/to/jdk-$release
EOF
exit 1
