#!/bin/sh
# Makes .gaur/app, from which ./gaur starts: the jars, four AOT caches (for info, for other short
# commands, for long ones, for servers) and for each a file with the JVM's options. Only ./gaur calls it, under
# its lock.
#
# Maven's output goes to folders of its own (.gaur in each module), so a start of ./gaur never
# changes what another Maven run in this tree, for example one that runs tests, is reading.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
app=$root/.gaur/app
log=$root/.gaur/build.log

fail() {
    echo "gaur: $1; the whole log is $log" >&2
    tail -n 20 "$log" >&2
    exit 1
}

# Sources that change while the build runs must count as newer than the build.
mkdir -p "$root/.gaur"
touch "$root/.gaur/stamp"
JAVA_HOME=$("$root/build/find-jdk.sh")
export JAVA_HOME
unset JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS
"$root/build/find-maven.sh"

echo "gaur: building (the first time takes a minute or two)" >&2
cd "$root"
mvn -B -ntp -pl gaur-cli -am -Dgaur.target=.gaur -Dmaven.test.skip=true package >"$log" 2>&1 ||
    fail "the build failed"

# New files under the old names: processes that are running keep theirs.
rm -f "$app/stamp"
mkdir -p "$app"
for jar in gaur-cli/.gaur/*.jar gaur-cli/.gaur/lib/*.jar; do
    cp "$jar" "$app/new"
    mv "$app/new" "$app/${jar##*/}"
done
classpath=
for jar in "$app"/*.jar; do
    name=${jar##*/}
    if [ -f "gaur-cli/.gaur/$name" ] || [ -f "gaur-cli/.gaur/lib/$name" ]; then
        classpath=$classpath${classpath:+:}$jar
    else
        rm "$jar"
    fi
done

# Java's own reports go nowhere: what a command prints is part of its contract. File names are
# UTF-8 whatever the locale says; ./gaur sets C.UTF-8. A cache at the place for which it was made
# needs no relocation, which is a tenth of a start (the JVM still moves it if that place is taken).
options() {
    cat <<EOF
-cp "$classpath"
--enable-native-access=ALL-UNNAMED
-Xlog:disable
-Xlog:all=error:stderr
-XX:-UsePerfData
-XX:+UseSerialGC
-XX:+UnlockDiagnosticVMOptions
-XX:+IgnoreUnrecognizedVMOptions
-XX:ArchiveRelocationMode=0
-XX:-AOTRecordTraining
-XX:-AOTReplayTraining
EOF
}

# One process runs the typical commands, and leaves the classes it loaded as a cache. Not which
# methods were hot: all of those would be compiled early at every start, beside the work.
train() {
    rm -f "$app/$1.aot"
    LC_ALL=C.UTF-8 "$JAVA_HOME/bin/java" @"$app/$1.args" -XX:AOTCacheOutput="$app/$1.aot" \
        dev.gaur.cli.Training "$1" "$images" >>"$log" 2>&1 || fail "the training run '$1' failed"
    [ -f "$app/$1.aot" ] || fail "the training run '$1' left no cache"
    echo "-XX:AOTCache=\"$app/$1.aot\"" >>"$app/$1.args"
}

# Short commands end before what is compiled early, as the JVM usually does, pays. Loops are compiled
# as ever.
{
    options
    echo "-XX:TieredStopAtLevel=1"
    echo "-XX:Tier3InvocationThreshold=2000"
    echo "-XX:Tier3MinInvocationThreshold=1000"
    echo "-XX:Tier3CompileThreshold=4000"
} >"$app/short.args"
cp "$app/short.args" "$app/info.args"
# Even in long work only loops as hot as a codec in Java are worth the second compiler, which would
# take a core from the work for seconds.
{
    options
    echo "-XX:Tier4InvocationThreshold=100000"
    echo "-XX:Tier4MinInvocationThreshold=50000"
    echo "-XX:Tier4CompileThreshold=200000"
    echo "-XX:Tier4BackEdgeThreshold=1000000"
} >"$app/long.args"
# A server may run for months, so both compilers do as they like, and start from what the training run has
# learned: 4 KiB writes over NBD reach their rate in half the time. A small young generation, since
# all that lasts is outside the heap or small: what is not touched takes no memory.
{
    options
    echo "-XX:+AOTRecordTraining"
    echo "-XX:+AOTReplayTraining"
    echo "-XX:MaxDirectMemorySize=1g" # For what pools keep and images have, and more.
    echo "-Xms16m"
    echo "-Xmn8m"
} >"$app/serve.args"
images=$(mktemp -d "$root/.gaur/training.XXXXXX")
trap 'rm -rf "$images"' EXIT
train short
train info # on the images that short has made
train long
train serve # the same images again
# Copying needs no more than the first compiler where the codecs are native.
cp "$app/long.args" "$app/copy.args"
if ldconfig -p 2>/dev/null | grep -q libdeflate.so.0 && ldconfig -p | grep -q libzstd.so.1; then
    {
        echo "-XX:TieredStopAtLevel=1"
        echo "-XX:Tier3InvocationThreshold=1000"
        echo "-XX:Tier3MinInvocationThreshold=500"
        echo "-XX:Tier3CompileThreshold=3000"
        echo "-XX:Tier3BackEdgeThreshold=20000"
    } >>"$app/copy.args"
fi
printf '%s\n' "$JAVA_HOME" "$root" >"$app/jdk"
mv "$root/.gaur/stamp" "$app/stamp"
