package dev.gaur.verify.zoo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whether the zoo holds what its labels say: an oracle test over empty images shows nothing. */
class ImageZooTest {
    @ParameterizedTest
    @MethodSource("dev.gaur.verify.zoo.ImageZoo#all")
    void qemuChecksExhibitAsItsLabelSays(Exhibit exhibit) {
        if (exhibit.format().equals("qcow2") && exhibit.clean()) {
            Path folder = exhibit.folder();
            Peer.must(folder, "qemu-img", "check", exhibit.path().toString());
        }
    }

    @Test
    void everyKindOfStructureIsInTheZoo() {
        Set<Specimen.Kind> found = new HashSet<>();
        for (Exhibit exhibit : ImageZoo.all()) {
            if (exhibit.format().equals("qcow2") && exhibit.path().toFile().length() < 32 << 20) {
                Specimen.read(exhibit.path()).regions().forEach(region -> found.add(region.kind()));
            }
        }
        assertEquals(Set.of(Specimen.Kind.values()), found);
    }

    @Test
    void dirtyExhibitIsDirty() {
        Specimen dirty = Specimen.read(ImageZoo.named("state/dirty").path());
        assertEquals(1, dirty.get(HeaderField.INCOMPATIBLE) & 1, "bit 0 of the incompatible ones");
    }

    @Test
    void allShapesHaveRandomContent() {
        for (Shape shape : Shape.all()) {
            Exhibit exhibit = ImageZoo.named(shape.name() + "/script-1");
            String map =
                    Peer.must(exhibit.folder(), "qemu-img", "map", "--output=json", "image.qcow2");
            assertTrue(map.contains("\"data\": true"), shape.name());
        }
    }
}
