package dev.gaur.codec;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * Makes encoders and decoders of the fastest implementation at hand. Safe for use by many threads.
 *
 * <p>Nothing is linked before the first call; that one may take some tens of milliseconds.
 */
public final class Codecs {

    private Codecs() {}

    /** Makes an encoder with the default level. */
    public static ClusterEncoder encoder(Compression compression) {
        return encoder(compression, compression.defaultLevel());
    }

    /**
     * Makes an encoder.
     *
     * @param level 1 to {@link Compression#maxLevel}
     * @throws IllegalArgumentException when there is no such level
     */
    public static ClusterEncoder encoder(Compression compression, int level) {
        if (level < 1 || level > compression.maxLevel()) {
            throw new IllegalArgumentException(
                    "%s has no level %d".formatted(compression.optionValue(), level));
        }
        return writer(compression, level).encoder(compression, level);
    }

    /** Makes a decoder. */
    public static ClusterDecoder decoder(Compression compression) {
        return reader(compression).decoder(compression);
    }

    /** Says which implementations are used here, on one line for each kind of compression. */
    public static String describe() {
        return Arrays.stream(Compression.values())
                .map(Codecs::describe)
                .collect(Collectors.joining("\n"));
    }

    private static String describe(Compression compression) {
        return "%s: written by %s (level %d: %s), read by %s"
                .formatted(
                        compression.optionValue(),
                        writer(compression, compression.maxLevel()).title(),
                        compression.defaultLevel(),
                        writer(compression, compression.defaultLevel()).title(),
                        reader(compression).title());
    }

    private static CodecProvider writer(Compression compression, int level) {
        return Arrays.stream(CodecProvider.values())
                .filter(it -> it.encodes(compression, level))
                .findFirst()
                .orElseThrow(AssertionError::new);
    }

    private static CodecProvider reader(Compression compression) {
        return Arrays.stream(CodecProvider.values())
                .filter(it -> it.decodes(compression))
                .findFirst()
                .orElseThrow(AssertionError::new);
    }
}
