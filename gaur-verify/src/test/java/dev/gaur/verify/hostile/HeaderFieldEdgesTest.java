package dev.gaur.verify.hostile;

import static org.junit.jupiter.api.Assertions.assertAll;

import dev.gaur.verify.zoo.HeaderField;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every header field at its edges: 0, 1, the largest value, the sign bit, odd ones, powers of two
 * and their neighbours, in images of several kinds.
 */
class HeaderFieldEdgesTest {
    private static final List<String> IMAGES = List.of("everything-4k", "ext-16k", "v2-4k");

    static Stream<Arguments> fields() {
        return IMAGES.stream()
                .flatMap(
                        image ->
                                Stream.of(HeaderField.values())
                                        .map(field -> Arguments.of(image, field)));
    }

    @ParameterizedTest
    @MethodSource("fields")
    void fieldAtItsEdgesNeverDoesHarm(String golden, HeaderField field) {
        List<Executable> cases = new ArrayList<>();
        for (long value : edges(golden, field)) {
            cases.add(
                    () -> {
                        try {
                            Patient.of(golden, image -> image.put(field, value)).survives();
                        } catch (Throwable e) {
                            throw new AssertionError("%s = 0x%x".formatted(field, value), e);
                        }
                    });
        }
        assertAll(cases);
    }

    private static Set<Long> edges(String golden, HeaderField field) {
        int bits = Math.min(64, field.width() * 8);
        long largest = bits == 64 ? -1 : (1L << bits) - 1;
        long sign = 1L << (bits - 1);
        long now = Golden.named(golden).specimen().get(field);
        long length = Golden.named(golden).specimen().length();
        Set<Long> values =
                new LinkedHashSet<>(
                        List.of(
                                0L,
                                1L,
                                2L,
                                3L,
                                7L,
                                largest,
                                largest - 1,
                                sign,
                                sign - 1,
                                sign + 1));
        values.addAll(List.of(now - 1, now + 1, now * 2, now / 2, now ^ 1, -now));
        values.addAll(List.of(511L, 512L, 513L, 4095L, 4097L, 0x8000L, 0x10001L, length));
        values.addAll(List.of(1L << 20, 1L << 22, (1L << 22) + 1, 1L << 24, largest / 8 + 1));
        values.addAll(List.of(1L << 55, 1L << 56, 1L << 61, 1L << 62, largest & -4096L));
        return values;
    }
}
