package dev.gaur.verify.hostile;

import dev.gaur.verify.zoo.HeaderField;
import dev.gaur.verify.zoo.Specimen;
import dev.gaur.verify.zoo.Specimen.Kind;
import dev.gaur.verify.zoo.Specimen.Region;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * Damages an image at random, mostly its metadata: flipped bits, fields with telling values, blocks
 * of rubbish, structures laid over each other, a cut or lengthened file. The same seed does the
 * same damage.
 */
final class Damage {
    private static final int MOST_WOUNDS = 4;
    private static final long[] TELLING = {
        0,
        1,
        2,
        3,
        7,
        8,
        9,
        63,
        64,
        255,
        511,
        512,
        513,
        1023,
        1024,
        4095,
        4096,
        65535,
        65536,
        1 << 20,
        Integer.MAX_VALUE,
        1L << 31,
        (1L << 32) - 1,
        1L << 32,
        1L << 53,
        1L << 55,
        1L << 56,
        1L << 61,
        1L << 62,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        -1,
        -2,
        -512,
        -4096,
        -65536
    };

    private final Specimen specimen;
    private final Random random;
    private final Map<Kind, List<Region>> regions = new TreeMap<>();
    private final List<String> done = new ArrayList<>();
    private boolean cut;

    private Damage(Specimen specimen, Random random) {
        this.specimen = specimen;
        this.random = random;
        for (Region region : specimen.regions()) {
            regions.computeIfAbsent(region.kind(), _ -> new ArrayList<>()).add(region);
        }
    }

    /** Damages the specimen; returns what was done, for messages. */
    static List<String> inflict(Specimen specimen, long seed) {
        Damage damage = new Damage(specimen, new Random(seed));
        int wounds = 1 + damage.random.nextInt(MOST_WOUNDS);
        for (int i = 0; i < wounds; i++) {
            damage.wound();
        }
        if (damage.cut) {
            damage.length(); // Last, so that every structure is still where it was found.
        }
        return damage.done;
    }

    private void wound() {
        switch (random.nextInt(12)) {
            case 0, 1, 2 -> flip();
            case 3, 4, 5 -> telling();
            case 6 -> headerField();
            case 7 -> rubbish();
            case 8 -> point();
            case 9 -> overlay();
            case 10 -> entry();
            default -> cut = true;
        }
    }

    /** A structure of a random kind, so that rare kinds are hit as often as common ones. */
    private Region region() {
        List<List<Region>> kinds = List.copyOf(regions.values());
        List<Region> ofKind = kinds.get(random.nextInt(kinds.size()));
        return ofKind.get(random.nextInt(ofKind.size()));
    }

    /** A place in the first kilobyte of a structure or anywhere in it, at a multiple of a width. */
    private long place(Region region, int width) {
        long length = Math.min(region.length(), specimen.length() - region.offset());
        long within = random.nextBoolean() ? Math.min(length, 1024) : length;
        long slots = Math.max(1, within / width);
        long at = region.offset() + random.nextLong(slots) * width;
        return Math.clamp(at, 0, Math.max(0, specimen.length() - 8));
    }

    private void flip() {
        Region region = region();
        long at = place(region, 1);
        int bit = random.nextInt(8);
        specimen.putU8(at, specimen.u8(at) ^ (1 << bit));
        note("bit %d of byte 0x%x (%s)", bit, at, region.kind());
    }

    private void telling() {
        Region region = region();
        int width = 1 << random.nextInt(4);
        long at = place(region, width);
        long value = tellingValue();
        put(at, width, value);
        note("%d bytes at 0x%x (%s) = 0x%x", width, at, region.kind(), value);
    }

    private long tellingValue() {
        return switch (random.nextInt(4)) {
            case 0 -> specimen.length() + random.nextInt(-1, 2);
            case 1 -> (long) random.nextInt(64) * specimen.clusterSize();
            default -> TELLING[random.nextInt(TELLING.length)];
        };
    }

    private void headerField() {
        HeaderField[] fields = HeaderField.values();
        HeaderField field = fields[random.nextInt(1, fields.length)];
        long value =
                random.nextInt(3) == 0
                        ? specimen.get(field) ^ 1L << random.nextInt(64)
                        : tellingValue();
        specimen.put(field, value);
        note("%s = 0x%x", field, value);
    }

    private void rubbish() {
        Region region = region();
        long at = place(region, 8);
        byte[] bytes = new byte[(int) Math.min(1 + random.nextInt(64), specimen.length() - at)];
        if (random.nextInt(3) > 0) {
            random.nextBytes(bytes);
        }
        specimen.putBytes(at, bytes);
        note("%d bytes of rubbish at 0x%x (%s)", bytes.length, at, region.kind());
    }

    /** Makes an eight-byte entry point at another structure, with some flags. */
    private void point() {
        Region from = region();
        Region to = region();
        long at = place(from, 8);
        long flags =
                switch (random.nextInt(4)) {
                    case 0 -> 0;
                    case 1 -> 1L << 62;
                    default -> 1L << 63;
                };
        put(at, 8, to.offset() | flags);
        note("0x%x (%s) points at %s 0x%x", at, from.kind(), to.kind(), to.offset() | flags);
    }

    private void overlay() {
        Region from = region();
        Region to = region();
        int length = (int) Math.min(from.length(), Math.min(to.length(), 4096));
        length = (int) Math.min(length, specimen.length() - Math.max(from.offset(), to.offset()));
        byte[] bytes = new byte[Math.max(0, length)];
        System.arraycopy(specimen.bytes(), (int) from.offset(), bytes, 0, bytes.length);
        specimen.putBytes(to.offset(), bytes);
        note("%s 0x%x laid over %s 0x%x", from.kind(), from.offset(), to.kind(), to.offset());
    }

    /** Changes an entry of a mapping table that is in use. */
    private void entry() {
        List<Region> tables = new ArrayList<>(regions.getOrDefault(Kind.L2_TABLE, List.of()));
        tables.addAll(regions.getOrDefault(Kind.L1_TABLE, List.of()));
        Region table = tables.get(random.nextInt(tables.size()));
        for (int attempt = 0; attempt < 64; attempt++) {
            long at = place(table, 8);
            if (specimen.u64(at) != 0) {
                long bits = 1L << random.nextInt(64) | (random.nextBoolean() ? 1L << 62 : 0);
                put(at, 8, specimen.u64(at) ^ bits);
                note("entry at 0x%x (%s) ^ 0x%x", at, table.kind(), bits);
                return;
            }
        }
    }

    private void length() {
        Region region = region();
        long end = random.nextBoolean() ? region.offset() : region.end();
        long length = Math.clamp(end + random.nextInt(-9, 10), 128, specimen.length() + 70_000L);
        specimen.resize(length);
        note("cut to 0x%x", length);
    }

    private void put(long at, int width, long value) {
        for (int i = 0; i < width && at + i < specimen.length(); i++) {
            specimen.putU8(at + i, (int) (value >>> (8 * (width - 1 - i))));
        }
    }

    private void note(String format, Object... values) {
        done.add(format.formatted(values));
    }
}
