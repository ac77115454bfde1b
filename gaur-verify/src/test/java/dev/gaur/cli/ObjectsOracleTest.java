package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.testkit.TestCertificates;
import dev.gaur.verify.Peers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code --object}: what qemu-img takes and refuses, in its words. */
class ObjectsOracleTest {
    private static final TestCertificates CA = new TestCertificates("an authority");

    @TempDir Path folder = Path.of("");
    private Path image;

    @BeforeEach
    void make() throws IOException {
        image = Files.write(folder.resolve("disk"), new byte[4096]);
        Path keys = CA.folder(folder.resolve("keys"), "client", CA.identity("a client"));
        CA.folder(keys, "server", CA.identity("a server", "localhost"));
        Files.writeString(folder.resolve("password"), "secret");
    }

    private void compare(String... objects) {
        List<Object> words = new ArrayList<>(List.of("info", "-f", "raw"));
        for (String each : objects) {
            words.addAll(List.of("--object", each.replace("@", folder + "/")));
        }
        words.add(image);
        Peers.Result expected = Peers.qemuImg(words.toArray());
        Peers.Result actual = Cli.asQemuImg(words.toArray());
        assertEquals(expected.err(), actual.err());
        assertEquals(expected.out(), actual.out());
        assertEquals(expected.status(), actual.status());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "secret,id=s,data=x",
                "qom-type=secret,id=s,data=x",
                "secret,id=s-1.A_,data=x,format=raw",
                "secret,id=s,data=eA==,format=base64",
                "secret,id=s,file=@password",
                "{\"qom-type\":\"secret\",\"id\":\"s\",\"data\":\"x\"}",
                "tls-creds-x509,id=t,endpoint=client,dir=@keys",
                "tls-creds-x509,id=t,endpoint=server,dir=@keys,verify-peer=off",
                "tls-creds-x509,id=t,dir=@keys,verify-peer=on,sanity-check=no"
            })
    void takes(String object) {
        compare(object);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nosuch,id=x",
                "nosuch",
                "id=x",
                "{}",
                "{\"id\":\"s\"}",
                "{\"qom-type\":\"secret\"}",
                "{\"qom-type\":\"secret\",\"id\":\"1\",\"data\":\"x\"}",
                "secret",
                "secret,data=x",
                "secret,id=,data=x",
                "secret,id=1,data=x",
                "secret,id=a b,data=x",
                "secret,id=s",
                "secret,id=s,data=x,file=@password",
                "secret,id=s,file=@missing",
                "secret,id=s,data=x,format=hex",
                "secret,id=s,data=!,format=base64",
                "secret,id=s,data=x,nosuch=1",
                "tls-creds-x509",
                "tls-creds-x509,id=",
                "tls-creds-x509,id=t",
                "tls-creds-x509,id=1,dir=@keys",
                "tls-creds-x509,endpoint=client,dir=@keys",
                "tls-creds-x509,id=t,endpoint=peer,dir=@keys",
                "tls-creds-x509,id=t,dir=@missing",
                "tls-creds-x509,id=t,dir=@keys,verify-peer=maybe",
                "tls-creds-x509,id=t,dir=@keys,sanity-check=7",
                "tls-creds-x509,id=t,dir=@keys,nosuch=1"
            })
    void refuses(String object) {
        compare(object);
    }

    @Test
    void anIdIsUsedOnce() {
        compare("secret,id=s,data=x", "secret,id=t,data=y");
        compare("secret,id=s,data=x", "secret,id=s,data=y");
    }

    @Test
    void whatWeHaveNotIsSaidToBeMissing() {
        for (String each :
                List.of(
                        "tls-creds-psk,id=p,dir=/tmp",
                        "tls-creds-x509,id=t,dir=/tmp,priority=NORMAL",
                        "secret,id=s,data=x,keyid=k")) {
            String why = Cli.asQemuImg("info", "--object", each, image).exited(1).err();
            assertTrue(why.contains("is not supported"), why);
        }
    }
}
