package dev.gaur.codec;

import dev.gaur.ffi.LibDeflate;
import dev.gaur.ffi.LibIsal;
import dev.gaur.ffi.LibZstd;

/**
 * The implementations, best first. {@link Codecs} takes the first that can; tests and benchmarks
 * take each in turn.
 */
public enum CodecProvider {
    /** Intel's ISA-L: the lowest, fastest levels of deflate. */
    ISAL("ISA-L") {
        @Override
        public boolean encodes(Compression compression, int level) {
            return compression == Compression.DEFLATE
                    && level <= LibIsal.MAX_LEVEL
                    && LibIsal.library().isPresent();
        }

        @Override
        public ClusterEncoder encoder(Compression compression, int level) {
            return new IsalEncoder(LibIsal.library().orElseThrow(), level);
        }
    },

    /** libdeflate: reads deflate. */
    LIBDEFLATE("libdeflate") {
        @Override
        public boolean decodes(Compression compression) {
            return compression == Compression.DEFLATE && LibDeflate.library().isPresent();
        }

        @Override
        public ClusterDecoder decoder(Compression compression) {
            return new LibDeflateDecoder(LibDeflate.library().orElseThrow());
        }
    },

    /** The system's libzstd. */
    LIBZSTD("libzstd") {
        @Override
        public boolean encodes(Compression compression, int level) {
            return decodes(compression);
        }

        @Override
        public ClusterEncoder encoder(Compression compression, int level) {
            return new LibZstdEncoder(LibZstd.library().orElseThrow(), level);
        }

        @Override
        public boolean decodes(Compression compression) {
            return compression == Compression.ZSTD && LibZstd.library().isPresent();
        }

        @Override
        public ClusterDecoder decoder(Compression compression) {
            return new LibZstdDecoder(LibZstd.library().orElseThrow());
        }
    },

    /** The JDK, and our own code for what it lacks: always there. */
    JAVA("Java") {
        @Override
        public boolean encodes(Compression compression, int level) {
            return true;
        }

        @Override
        public ClusterEncoder encoder(Compression compression, int level) {
            return switch (compression) {
                case DEFLATE -> new JavaDeflateEncoder(level);
                case ZSTD -> new JavaZstdEncoder(level);
            };
        }

        @Override
        public boolean decodes(Compression compression) {
            return true;
        }

        @Override
        public ClusterDecoder decoder(Compression compression) {
            return switch (compression) {
                case DEFLATE -> new JdkInflateDecoder();
                case ZSTD -> new JavaZstdDecoder();
            };
        }
    };

    private final String title;

    CodecProvider(String title) {
        this.title = title;
    }

    /** What it is called in messages. */
    public String title() {
        return title;
    }

    /** Whether {@link #encoder} works here. The first call links the library. */
    public boolean encodes(Compression compression, int level) {
        return false;
    }

    /** Makes an encoder; only where {@link #encodes} says so. */
    public ClusterEncoder encoder(Compression compression, int level) {
        throw new IllegalArgumentException(title + " does not write " + compression);
    }

    /** Whether {@link #decoder} works here. The first call links the library. */
    public boolean decodes(Compression compression) {
        return false;
    }

    /** Makes a decoder; only where {@link #decodes} says so. */
    public ClusterDecoder decoder(Compression compression) {
        throw new IllegalArgumentException(title + " does not read " + compression);
    }
}
