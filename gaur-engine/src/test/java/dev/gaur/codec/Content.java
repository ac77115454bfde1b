package dev.gaur.codec;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.Deflater;

/** What clusters can hold, from the easiest for a compressor to the hardest. */
public enum Content {
    ZERO {
        @Override
        void fill(byte[] bytes, Random random) {
            // an array begins as zeros
        }
    },

    /** One byte of another value somewhere. */
    ALMOST_ZERO {
        @Override
        void fill(byte[] bytes, Random random) {
            bytes[random.nextInt(bytes.length)] = (byte) (1 + random.nextInt(255));
        }
    },

    NOISE {
        @Override
        void fill(byte[] bytes, Random random) {
            random.nextBytes(bytes);
        }
    },

    /** Pieces of noise and of zeros. */
    PATCHY {
        @Override
        void fill(byte[] bytes, Random random) {
            random.nextBytes(bytes);
            for (int at = 0; at < bytes.length; ) {
                int end = Math.min(bytes.length, at + 1 + random.nextInt(2000));
                if (random.nextBoolean()) {
                    Arrays.fill(bytes, at, end, (byte) 0);
                }
                at = end;
            }
        }
    },

    /** Few values, each with its own probability: good for a prefix code, bad for matches. */
    SKEWED {
        @Override
        void fill(byte[] bytes, Random random) {
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = (byte) (random.nextGaussian() * 12);
            }
        }
    },

    /** Counts in Fibonacci's sequence make the longest prefix codes there can be. */
    FIBONACCI {
        @Override
        void fill(byte[] bytes, Random random) {
            int a = 1;
            int b = 1;
            int at = 0;
            for (int value = 0; at < bytes.length; value++) {
                int end = Math.min(bytes.length, at + a);
                Arrays.fill(bytes, at, end, (byte) value);
                at = end;
                int sum = a + b;
                a = b;
                b = sum;
            }
            for (int i = bytes.length - 1; i > 0; i--) {
                int other = random.nextInt(i + 1);
                byte moved = bytes[i];
                bytes[i] = bytes[other];
                bytes[other] = moved;
            }
        }
    },

    /** Noise that comes again after exactly the largest distance we write. */
    REPEATED_AT_4096 {
        @Override
        void fill(byte[] bytes, Random random) {
            repeat(bytes, random, 4096);
        }
    },

    /** Noise that comes again one byte too late. */
    REPEATED_AT_4097 {
        @Override
        void fill(byte[] bytes, Random random) {
            repeat(bytes, random, 4097);
        }
    },

    REPEATED_AT_20000 {
        @Override
        void fill(byte[] bytes, Random random) {
            repeat(bytes, random, 20_000);
        }
    },

    TEXT {
        @Override
        void fill(byte[] bytes, Random random) {
            String[] words =
                    "the a cluster table of counts is read before it refers to and".split(" ", -1);
            for (int at = 0; at < bytes.length; ) {
                byte[] word =
                        (words[random.nextInt(words.length)]
                                        + (random.nextInt(9) == 0 ? ".\n" : " "))
                                .getBytes(StandardCharsets.US_ASCII);
                int length = Math.min(word.length, bytes.length - at);
                System.arraycopy(word, 0, bytes, at, length);
                at += length;
            }
        }
    },

    /** Machine code of the JVM. */
    MACHINE_CODE {
        @Override
        void fill(byte[] bytes, Random random) {
            read(bytes, random, "lib/server/libjvm.so");
        }
    },

    /** Class files of the JDK. */
    CLASSES {
        @Override
        void fill(byte[] bytes, Random random) {
            do {
                read(bytes, random, "lib/modules"); // has a few places that are like noise
            } while (bytes.length >= 4096 && !canBeCompressed(bytes));
        }
    };

    /** Makes one cluster; the same seed makes the same. */
    public byte[] cluster(int size, long seed) {
        byte[] bytes = new byte[size];
        fill(bytes, new Random(seed));
        return bytes;
    }

    abstract void fill(byte[] bytes, Random random);

    private static void repeat(byte[] bytes, Random random, int period) {
        byte[] piece = new byte[period];
        random.nextBytes(piece);
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = piece[i % period];
        }
    }

    private static boolean canBeCompressed(byte[] bytes) {
        Deflater deflater = new Deflater(1);
        try {
            deflater.setInput(bytes);
            deflater.finish();
            return deflater.deflate(new byte[bytes.length * 4 / 5]) < bytes.length * 4 / 5;
        } finally {
            deflater.end();
        }
    }

    private static void read(byte[] bytes, Random random, String file) {
        Path path = Path.of(System.getProperty("java.home")).resolve(file);
        try (FileChannel channel = FileChannel.open(path)) {
            long offset = random.nextLong(channel.size() - bytes.length);
            ByteBuffer rest = ByteBuffer.wrap(bytes);
            while (rest.hasRemaining()) {
                int count = channel.read(rest, offset + rest.position());
                if (count < 0) {
                    throw new IllegalStateException(path + " became shorter");
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
