package dev.gaur.codec;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** All encoders and decoders of this machine, by name. */
final class Implementations {

    record Encoding(String name, CodecProvider provider, Supplier<ClusterEncoder> maker) {
        @Override
        public String toString() {
            return name;
        }
    }

    record Decoding(String name, Supplier<ClusterDecoder> maker) {
        @Override
        public String toString() {
            return name;
        }
    }

    private Implementations() {}

    static List<Encoding> encodings(Compression compression, int... levels) {
        List<Encoding> encodings = new ArrayList<>();
        for (CodecProvider provider : CodecProvider.values()) {
            IntStream.of(levels)
                    .filter(level -> provider.encodes(compression, level))
                    .mapToObj(
                            level ->
                                    new Encoding(
                                            provider.title() + " level " + level,
                                            provider,
                                            () -> provider.encoder(compression, level)))
                    .forEach(encodings::add);
        }
        return encodings;
    }

    static List<Decoding> decodings(Compression compression) {
        return Arrays.stream(CodecProvider.values())
                .filter(provider -> provider.decodes(compression))
                .map(
                        provider ->
                                new Decoding(provider.title(), () -> provider.decoder(compression)))
                .toList();
    }
}
