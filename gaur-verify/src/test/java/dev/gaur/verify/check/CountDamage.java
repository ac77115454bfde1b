package dev.gaur.verify.check;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** Breaks what counts clusters, and nothing else. */
final class CountDamage {
    private final Random random;
    private final byte[] sound;
    private final ByteBuffer image;
    private final int clusterSize;
    private final int clusters;
    private final int table;
    private final List<Integer> blocks = new ArrayList<>();
    private final StringBuilder done = new StringBuilder();

    CountDamage(Random random, byte[] content) {
        this.random = random;
        this.sound = content.clone();
        this.image = ByteBuffer.wrap(content);
        this.clusterSize = 1 << image.getInt(20);
        this.clusters = (content.length + clusterSize - 1) / clusterSize;
        this.table = (int) image.getLong(48);
        for (int i = 0; i < clusterSize / 8; i++) {
            int block = (int) image.getLong(table + 8 * i);
            if (block != 0) {
                blocks.add(block);
            }
        }
    }

    /** Does some damage; returns the broken image. */
    byte[] inflict() {
        for (int i = random.nextInt(4); i >= 0; i--) {
            switch (random.nextInt(8)) {
                case 0, 1 -> breakCounts();
                case 2 -> wipeBlock();
                case 3, 4, 5 -> breakEntry();
                case 6 -> header(56, 0);
                default -> header(48, random.nextInt(clusters + 2) * (long) clusterSize);
            }
        }
        return image.array();
    }

    private int block() {
        return blocks.get(random.nextInt(blocks.size()));
    }

    private void breakCounts() {
        int block = block();
        for (int i = random.nextInt(20); i >= 0; i--) {
            int at = block + random.nextInt(Math.min(clusterSize, 2 * clusters));
            image.put(at, (byte) (random.nextBoolean() ? 0 : random.nextInt(4)));
        }
        done.append(" counts in 0x%x;".formatted(block));
    }

    private void wipeBlock() {
        int block = block();
        byte[] bytes = new byte[clusterSize];
        if (random.nextInt(3) == 0) {
            random.nextBytes(bytes);
        }
        image.put(block, bytes);
        done.append(" block 0x%x wiped;".formatted(block));
    }

    private void breakEntry() {
        int at = table + 8 * random.nextInt(random.nextBoolean() ? blocks.size() : clusterSize / 8);
        long entry =
                switch (random.nextInt(6)) {
                    case 0 -> 0;
                    case 1 -> block();
                    case 2 -> random.nextInt(clusters) * (long) clusterSize;
                    case 3 -> block() + 512L;
                    case 4 -> (clusters + random.nextInt(100)) * (long) clusterSize;
                    default -> random.nextLong();
                };
        image.putLong(at, entry);
        done.append(" entry at 0x%x: 0x%x;".formatted(at, entry));
    }

    private void header(int field, long value) {
        if (field == 56) {
            image.putInt(field, (int) value);
        } else {
            image.putLong(field, value);
        }
        done.append(" header at %d: 0x%x;".formatted(field, value));
    }

    /** Fails unless every cluster of the sound image is still there, but for what counted them. */
    void assertContentUnchanged(byte[] repaired, String what) {
        Set<Integer> counting = new HashSet<>(blocks);
        int tableClusters = ByteBuffer.wrap(sound).getInt(56);
        for (int i = 0; i < tableClusters; i++) {
            counting.add(table + i * clusterSize);
        }
        for (int at = clusterSize; at < sound.length; at += clusterSize) {
            if (!counting.contains(at)) {
                int end = Math.min(at + clusterSize, sound.length);
                assertArrayEquals(
                        Arrays.copyOfRange(sound, at, end),
                        Arrays.copyOfRange(repaired, at, end),
                        "cluster at 0x" + Integer.toHexString(at) + " of " + what);
            }
        }
        assertArrayEquals(
                Arrays.copyOfRange(sound, 512, clusterSize),
                Arrays.copyOfRange(repaired, 512, clusterSize),
                "first cluster of " + what);
    }

    /** What was done, for messages. */
    @Override
    public String toString() {
        return done.toString();
    }
}
