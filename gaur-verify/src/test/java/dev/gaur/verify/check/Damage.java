package dev.gaur.verify.check;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Breaks images at random where it hurts: in their tables. */
final class Damage {
    private static final long OFFSET = 0x00ff_ffff_ffff_fe00L;
    private static final int BITMAPS = 0x23852875;

    /** A structure of the image: where it is, and whether it holds 64-bit entries. */
    private record Structure(String name, int offset, int length, boolean entries) {}

    private final Random random;
    private final ByteBuffer image;
    private final int clusterSize;
    private final List<Structure> structures = new ArrayList<>();
    private final StringBuilder done = new StringBuilder();

    Damage(Random random, byte[] content) {
        this.random = random;
        this.image = ByteBuffer.wrap(content);
        this.clusterSize = 1 << image.getInt(20);
        structures.add(new Structure("header", 0, 112, false));
        collect();
    }

    private void collect() {
        int l1 = (int) image.getLong(40);
        addTree("L1", l1, image.getInt(36), true);
        int table = (int) image.getLong(48);
        add("refcount table", table, 64, true);
        for (int i = 0; i < clusterSize / 8; i++) {
            int block = (int) image.getLong(table + 8 * i);
            if (block != 0) {
                add("refcount block", block, Math.min(clusterSize, 256), false);
                add("refcount block", block, Math.min(clusterSize, 256), false);
            }
        }
        int at = (int) image.getLong(64);
        for (int i = 0; i < image.getInt(60); i++) {
            int strings = image.getShort(at + 12) + image.getShort(at + 14);
            int length = (40 + image.getInt(at + 36) + strings + 7) & -8;
            add("snapshot", at, length, false);
            addTree("snapshot L1", (int) image.getLong(at), image.getInt(at + 8), false);
            at += length;
        }
        if (image.getInt(4) == 3) {
            collectBitmaps();
        }
    }

    private void collectBitmaps() {
        for (int at = image.getInt(100); image.getInt(at) != 0; ) {
            int length = image.getInt(at + 4);
            if (image.getInt(at) == BITMAPS) {
                add(
                        "bitmap directory",
                        (int) image.getLong(at + 24),
                        (int) image.getLong(at + 16),
                        false);
            }
            at += 8 + ((length + 7) & -8);
        }
    }

    private void addTree(String name, int offset, int entries, boolean withTables) {
        add(name, offset, entries * 8, true);
        for (int i = 0; withTables && i < entries; i++) {
            int table = (int) (image.getLong(offset + 8 * i) & OFFSET);
            if (table != 0) {
                add("L2", table, clusterSize, true);
                add("L2", table, clusterSize, true);
            }
        }
    }

    private void add(String name, int offset, int length, boolean entries) {
        if (length > 0 && offset + length <= image.capacity()) {
            structures.add(new Structure(name, offset, length, entries));
        }
    }

    /** Does some damage; returns the broken image. */
    byte[] inflict() {
        for (int i = random.nextInt(3); i >= 0; i--) {
            Structure where = structures.get(random.nextInt(structures.size()));
            if (where.entries) {
                breakEntry(where);
            } else {
                breakByte(where);
            }
        }
        byte[] broken = image.array();
        if (random.nextInt(15) == 0) {
            int length = broken.length - random.nextInt(broken.length / 4);
            done.append(" cut at ").append(length);
            return java.util.Arrays.copyOf(broken, length);
        }
        return broken;
    }

    private void breakEntry(Structure where) {
        int at = where.offset + 8 * random.nextInt(Math.min(where.length, 2048) / 8);
        long old = image.getLong(at);
        long cluster = (long) random.nextInt(image.capacity() / clusterSize + 2) * clusterSize;
        long broken =
                switch (random.nextInt(5)) {
                    case 0 -> old ^ 1L << random.nextInt(64);
                    case 1 -> image.getLong(where.offset + 8 * random.nextInt(where.length / 8));
                    case 2 -> random.nextBoolean() ? 0 : cluster | (random.nextLong() & 1L << 63);
                    case 3 -> old + clusterSize;
                    default -> random.nextLong();
                };
        image.putLong(at, broken);
        done.append(" %s at 0x%x: 0x%x to 0x%x;".formatted(where.name, at, old, broken));
    }

    private void breakByte(Structure where) {
        int at = where.offset + random.nextInt(where.length);
        byte old = image.get(at);
        byte broken =
                (byte) (random.nextBoolean() ? old ^ 1 << random.nextInt(8) : random.nextInt());
        image.put(at, broken);
        done.append(" %s at 0x%x: %d to %d;".formatted(where.name, at, old, broken));
    }

    /** What was done, for messages. */
    @Override
    public String toString() {
        return done.toString();
    }
}
