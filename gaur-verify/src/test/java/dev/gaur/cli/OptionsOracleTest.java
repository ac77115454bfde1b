package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.verify.Peers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lists of driver options and {@code json:} names mean to us what they mean to QEMU. */
class OptionsOracleTest {
    @TempDir static Path folder;

    @BeforeAll
    static void makeImages() throws Exception {
        Files.write(folder.resolve("raw"), new byte[1 << 20]);
        Peers.qemuImgIn(folder, "create", "-q", "-f", "qcow2", "plain", "1M").ok();
        Peers.qemuImgIn(folder, "create", "-q", "-f", "qcow2", "base", "1M").ok();
        Peers.qemuImgIn(folder, "create", "-q", "-f", "qcow2", "-o", "compat=0.10", "old", "1M")
                .ok();
        Peers.qemuImgIn(folder, "create", "-q", "-f", "qcow2", "-b", "base", "-F", "qcow2", "over")
                .ok();
    }

    /** Files stand as {@code @name}: ours runs in another folder. */
    private static void compare(String... arguments) {
        Object[] theirs = Arrays.stream(arguments).map(it -> it.replace("@", "")).toArray();
        Object[] ours = Arrays.stream(arguments).map(it -> it.replace("@", folder + "/")).toArray();
        Peers.Result expected = Peers.runWith("", folder, "qemu-io", theirs);
        Peers.Result actual = Cli.asQemuIo("", ours);
        assertEquals(all(expected), all(actual).replace(folder + "/", ""));
    }

    private static String all(Peers.Result result) {
        return IoOracleTest.withoutTimes(result.out()) + result.err() + result.status();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "l2-cache-size=x",
                "l2-cache-size=1M",
                "l2-cache-size=0",
                "l2-cache-size=-1",
                "l2-cache-size=99P",
                "l2-cache-size=99E",
                "l2-cache-size=0x8000000000000000",
                "l2-cache-size=15.9E",
                "l2-cache-size=18446744073709551615",
                "l2-cache-size=18446744073709551616",
                "l2-cache-size=99999999999999999999",
                "l2-cache-entry-size=1000",
                "l2-cache-entry-size=256",
                "l2-cache-entry-size=128k",
                "l2-cache-entry-size=4k",
                "l2-cache-entry-size=512",
                "l2-cache-entry-size=64k",
                "l2-cache-entry-size=0",
                "l2-cache-entry-size=x",
                "l2-cache-entry-size=4k,l2-cache-size=1",
                "refcount-cache-size=0",
                "refcount-cache-size=x",
                "cache-size=0",
                "cache-size=x",
                "refcount-cache-size=1",
                "refcount-cache-size=99P",
                "cache-size=1",
                "cache-size=99P",
                "cache-size=1M,l2-cache-size=99P",
                "cache-size=1M,l2-cache-size=512k",
                "cache-size=1M,refcount-cache-size=512k",
                "cache-size=1M,l2-cache-size=2M",
                "cache-size=1M,refcount-cache-size=2M",
                "cache-size=1M,l2-cache-size=512k,refcount-cache-size=512k",
                "cache-clean-interval=x",
                "cache-clean-interval=5",
                "cache-clean-interval=-1",
                "cache-clean-interval=99999999999",
                "cache-clean-interval=0",
                "cache-clean-interval=4294967295",
                "cache-clean-interval=4294967296",
                "lazy-refcounts=maybe",
                "lazy-refcounts=on",
                "lazy-refcounts=true",
                "lazy-refcounts=yes",
                "lazy-refcounts",
                "lazy-refcounts=",
                "nolazy-refcounts",
                "pass-discard-request=x",
                "pass-discard-snapshot=on",
                "pass-discard-other=off",
                "overlap-check=foo",
                "overlap-check=all",
                "overlap-check.template=none",
                "overlap-check.template=foo",
                "overlap-check=none,overlap-check.template=all",
                "overlap-check.main-header=x",
                "overlap-check.main-header=on",
                "overlap-check=constant,overlap-check.active-l2=on",
                "overlap-check=cached",
                "overlap-check=",
                "overlap-check.inactive-l2=maybe",
                "overlap-check.foo=on",
                "discard=foo",
                "discard=on",
                "discard=unmap",
                "detect-zeroes=foo",
                "detect-zeroes=unmap,discard=unmap",
                "detect-zeroes=",
                "cache.direct=x",
                "cache.direct=on",
                "cache.no-flush=on",
                "cache.foo=on",
                "read-only=x",
                "read-only=on",
                "auto-read-only=on",
                "force-share=on",
                "node-name=abc",
                "node-name=1abc",
                "node-name=aaaaaaaaaabbbbbbbbbbccccccccccdddd",
                "node-name=",
                "backing=",
                "backing=foo",
                "foo=bar",
                "file=foo",
                "file.foo=bar",
                "data-file=x",
                "encrypt.format=aes",
                "encrypt.key-secret=a",
                "file.locking=foo",
                "file.locking=off",
                "file.aio=foo",
                "file.aio=native",
                "file.aio=native,cache.direct=on",
                "file.aio=threads",
                "file.driver=foo",
                "file.driver=raw",
                "file.driver=file",
                "file.drop-cache=on",
                "file.x-check-cache-dropped=on",
                "file.aio-max-batch=1",
                "file.pr-manager=x",
                "discard=,discard=unmap",
                "size=1",
                ",,",
                "=x",
                "a,b"
            })
    void ofQcow2(String options) {
        String tree = "driver=qcow2,file.filename=@plain," + options;
        compare("-r", "-c", "length", "--image-opts", tree);
    }

    /** QEMU does not know the word. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "cache-size",
                "l2-cache-size",
                "l2-cache-entry-size",
                "refcount-cache-size",
                "cache-clean-interval"
            })
    void autoIsAsIfNothingWereSaid(String name) {
        String tree = "driver=qcow2,file.filename=" + folder + "/plain," + name + "=";
        Cli.asQemuIo("", "-r", "-c", "length", "--image-opts", tree + "auto").ok();
        assertEquals(
                1, Cli.asQemuIo("", "-r", "-c", "length", "--image-opts", tree + "aut").status());
    }

    @ParameterizedTest
    @ValueSource(strings = {"lazy-refcounts=on", "lazy-refcounts=off", "l2-cache-entry-size=4k"})
    void ofVersion2(String options) {
        compare("-c", "length", "--image-opts", "driver=qcow2,file.filename=@old," + options);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "driver=raw,file.filename=@raw,offset=512",
                "driver=raw,file.filename=@raw,size=512",
                "driver=raw,file.filename=@raw,size=1000",
                "driver=raw,file.filename=@raw,offset=1000",
                "driver=raw,file.filename=@raw,offset=2M",
                "driver=raw,file.filename=@raw,offset=512,size=1M",
                "driver=raw,file.filename=@raw,size=x",
                "driver=raw,filename=@raw",
                "driver=file,filename=@raw",
                "driver=file",
                "filename=@raw",
                "file.filename=@raw",
                "file=@raw",
                "driver=null-co",
                "driver=null-co,size=1M",
                "driver=null-co,read-zeroes=on,size=1k",
                "driver=null-co,foo=1",
                "driver=null-aio,size=4k",
                "driver=copy-on-read,file.filename=@raw",
                "driver=copy-on-read,file.driver=qcow2,file.file.filename=@over",
                "driver=compress,file.driver=qcow2,file.file.filename=@plain",
                "driver=compress,file.driver=raw,file.file.filename=@raw",
                "driver=blkdebug,image.filename=@raw",
                "driver=raw,file.driver=blkdebug,file.image.filename=@raw",
                "driver=qcow2,file.driver=blkdebug,file.image.filename=@plain",
                "driver=qcow2,file.driver=blkdebug,file.config=no,file.image.filename=@plain",
                "driver=qcow2,file.driver=blkdebug",
                "driver=qcow2",
                "driver=raw",
                "driver=qcow2,file.filename=@missing",
                "driver=qcow2,file.filename=@raw",
                "driver=foo,file.filename=@raw",
                "driver=qcow2,file.filename=@over,backing.driver=raw,backing.file.filename=@raw",
                "driver=qcow2,file.filename=@over,backing.filename=@missing",
                "driver=qcow2,file.filename=@over,backing.file.filename=@missing",
                "driver=qcow2,file.filename=@over,backing=",
                "driver=qcow2,file.filename=@over,backing.read-only=on",
                "driver=qcow2,file.filename=@over,backing.foo=off",
                "driver=qcow2,file.filename=@over,backing.driver=qcow2",
                "driver=qcow2,file.driver=raw,file.file.filename=@plain",
                "driver=qcow2,file.driver=raw,file.offset=512,file.file.filename=@plain",
                "foo",
                ""
            })
    void ofTrees(String tree) {
        compare("-r", "-c", "length", "--image-opts", tree);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "event=foo",
                "event=read_aio",
                "event=read_aio,inject-error.0.foo=1",
                "event=read_aio,inject-error.0.errno=x",
                "event=read_aio,inject-error.0.iotype=x",
                "errno=5",
                "event=read_aio,align=512",
                "event=read_aio,align=500",
                "event=read_aio,set-state.0.event=l1_update,set-state.0.new_state=2",
                "event=read_aio,nonsense=1"
            })
    void ofBlkdebug(String rule) {
        String tree =
                "driver=qcow2,file.driver=blkdebug,file.image.filename=@plain,file.inject-error.0."
                        + rule.replace(",", ",file.");
        compare("-r", "-c", "length", "--image-opts", tree);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "{}",
                "[]",
                "1",
                "{'driver':'raw'}",
                "{'driver':'raw','file':{'driver':'file','filename':'@raw'}}",
                "{'driver':'qcow2','file.filename':'@plain'}",
                "{'driver':'qcow2','file':{'driver':'file','filename':'@over'},'backing':null}",
                "{'file.filename':'@plain'}",
                "{'filename':'@plain'}",
                "{'driver':'raw','offset':512,'file':{'driver':'file','filename':'@raw'}}",
                "{'driver':'raw','offset':'512','file':{'driver':'file','filename':'@raw'}}",
                "{'driver':'raw','offset':true,'file':{'driver':'file','filename':'@raw'}}",
                "{'driver':'raw','read-only':true,'file':{'driver':'file','filename':'@raw'}}",
                "{'driver':'raw','read-only':1,'file':{'driver':'file','filename':'@raw'}}",
                "{'driver':'raw','file':{'driver':'file','filename':'@raw'}}x",
                "{'driver':'raw','driver':'raw'}",
                "{'driver':'raw','a':[1],'file':{'driver':'file','filename':'@raw'}}",
                "{'driver':'null-co','size':1048576}"
            })
    void ofJson(String text) {
        compare("-r", "-c", "length", "json:" + text);
        compare("-r", "-c", "length", "json:" + text.replace('\'', '"'));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "blkdebug::@raw",
                "blkdebug:@missing:@raw",
                "blkdebug:raw",
                "blkdebug:",
                "null-co://",
                "null-aio://",
                "raw:@raw",
                "file:@raw"
            })
    void ofNames(String name) {
        compare("-r", "-c", "length", name);
        compare("-r", "-f", "raw", "-c", "length", name);
    }

    @Test
    void aStatedFormatCountsMoreThanTheDriver() {
        compare(
                "-r",
                "-f",
                "raw",
                "-c",
                "length",
                "json:{'driver':'qcow2','file.filename':'@raw'}");
        compare("-r", "-f", "qcow2", "-c", "length", "json:{'file.filename':'@raw'}");
        compare("-r", "-f", "raw", "-c", "length", "--image-opts", "file.filename=@raw");
    }

    @Test
    void whatOpensForReadingNeedNotForWriting() {
        compare("-c", "length", "--image-opts", "driver=raw,file.filename=@raw,read-only=on");
        compare("-c", "length", "--image-opts", "driver=raw,file.filename=@raw,force-share=on");
        compare("-c", "length", "--image-opts", "driver=copy-on-read,file.filename=@raw");
        compare("-c", "write 0 1", "--image-opts", "file.filename=@raw");
    }
}
