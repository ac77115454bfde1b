package dev.gaur.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gaur.block.BlockException;
import dev.gaur.storage.OpenPolicy;
import dev.gaur.storage.Reference;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LocationsTest {
    @TempDir Path folder = Path.of("");

    private static Reference naming(String name) {
        return new Reference(Reference.Kind.BACKING_FILE, name, "", "image");
    }

    private static String resolved(String name) {
        return Locations.ofReference(
                naming(name), "images/top.qcow2", OpenPolicy.followLocalFiles());
    }

    @Test
    void aRelativeNameIsMeantInTheFolderOfTheImage() {
        assertEquals("images/base.qcow2", resolved("base.qcow2"));
        assertEquals("images/../base.qcow2", resolved("../base.qcow2"));
        assertEquals("images/./a:b", resolved("./a:b"));
    }

    @Test
    void anAbsoluteNameStays() {
        assertEquals("/srv/base.raw", resolved("/srv/base.raw"));
    }

    @Test
    void afterFileColonANameIsMeantInTheCurrentFolder() {
        assertEquals("base.qcow2", resolved("file:base.qcow2"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "json:{\"driver\":\"file\",\"filename\":\"/etc/passwd\"}",
                "nbd://host/x",
                "nbd:unix:/socket",
                "http://host/x",
                "fd:3",
                "ssh://host/x",
                "a:b",
                ":"
            })
    void aNameWithAnotherProtocolIsRefused(String name) {
        assertThrows(BlockException.Denied.class, () -> resolved(name));
    }

    @Test
    void aNameThatIsNoNameIsRefused() {
        assertThrows(BlockException.Denied.class, () -> resolved("a\0b"));
    }

    @Test
    void thePolicyJudgesWhereLinksReallyLead() throws Exception {
        Path inside = Files.createDirectory(folder.resolve("inside"));
        Path outside = Files.createFile(folder.resolve("outside.raw"));
        Files.createFile(inside.resolve("base.raw"));
        Files.createSymbolicLink(inside.resolve("link.raw"), outside);
        OpenPolicy within = OpenPolicy.within(inside);
        String image = inside.resolve("top.qcow2").toString();
        assertEquals(
                inside + "/base.raw", Locations.ofReference(naming("base.raw"), image, within));
        for (String name :
                new String[] {"link.raw", "../outside.raw", outside.toString(), "gone"}) {
            assertThrows(
                    BlockException.Denied.class,
                    () -> Locations.ofReference(naming(name), image, within),
                    name);
        }
    }

    @Test
    void theUsersOwnNameMayHaveFileColonButNothingElse() {
        assertEquals("x.img", Locations.ofUser("file:x.img"));
        assertEquals("./a:b", Locations.ofUser("./a:b"));
        BlockException.Unsupported error =
                assertThrows(BlockException.Unsupported.class, () -> Locations.ofUser("zz:x.img"));
        assertEquals("Unknown protocol 'zz'", error.found());
    }
}
