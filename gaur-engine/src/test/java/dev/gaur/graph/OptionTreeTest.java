package dev.gaur.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import java.util.List;
import org.junit.jupiter.api.Test;

class OptionTreeTest {
    @Test
    void commasInValuesAreDoubled() {
        OptionTree tree = OptionTree.ofOptions("driver=raw,file.filename=a,,b,size=1");

        assertEquals("a,b", tree.child("file").text("filename", ""));
        assertEquals(List.of("driver", "file.filename", "size"), tree.keys());
    }

    @Test
    void aKeyAloneIsOnOrOffAndWarnedOf() {
        OptionTree tree = OptionTree.ofOptions("lazy-refcounts,nocache");

        assertEquals("on", tree.text("lazy-refcounts", ""));
        assertEquals("off", tree.text("cache", ""));
        assertEquals(2, tree.warnings().size());
    }

    @Test
    void jsonBecomesDottedKeys() {
        OptionTree tree =
                OptionTree.ofJson("{'a': {'b': 1, 'c': [true, 'x']}, 'backing': null, 'd.e': 2}");

        assertEquals(List.of("a.b", "a.c.0", "a.c.1", "backing", "d.e"), tree.keys());
        assertEquals("on", tree.text("a.c.0", ""));
        assertTrue(tree.isNull("backing"));
        assertEquals("2", tree.child("d").text("e", ""));
    }

    @Test
    void whatIsNoObjectIsRefused() {
        for (String text : List.of("", "[]", "1", "{", "{}x", "{'a':1,'a':2}")) {
            assertThrows(BlockException.Unsupported.class, () -> OptionTree.ofJson(text), text);
        }
    }

    @Test
    void anImageCannotNameATree() {
        // The user may; what an image names passes another way, which knows paths only.
        OpenRequest request = OpenRequest.READ.with(OpenRequest.Extra.IMAGE_OPTS, false);
        Layer layer = Layer.ofUser("json:{'driver':'null-co'}", OptionTree.EMPTY, request);

        assertEquals("null-co", layer.options().text("driver", ""));
    }
}
