package dev.gaur.verify.guest;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * What a guest does to the files of its disk, in groups that each end with a sync, and what is to
 * be there after each. All contents are cut out of one blob that the guest has in its memory.
 */
final class FileStory {
    private static final int SECTOR = 512;
    private static final int BLOB_SECTORS = 4096;
    private static final int FILE_SECTORS_MAX = 600;
    private static final int STEPS_MAX = 5;

    /** Only the newest files change, so that older ones can be told for sure. */
    private static final int CHANGING = 6;

    private final Random random;
    private final byte[] blob = new byte[BLOB_SECTORS * SECTOR];

    /** Files whose content is certain, as of the last sync that is known to have returned. */
    private final Map<String, byte[]> files = new TreeMap<>();

    private final Set<String> gone = new HashSet<>();
    private int names;

    /** One group: its lines of script, the files that it touches, and what they are afterwards. */
    private record Group(String script, Map<String, byte[]> after, Set<String> touched) {}

    private List<Group> groups = List.of();

    FileStory(long seed) {
        random = new Random(seed);
        random.nextBytes(blob);
    }

    byte[] blob() {
        return blob;
    }

    /** Draws groups that follow what is there; returns the script that does them. */
    String go(int count) {
        Map<String, byte[]> now = new TreeMap<>(files);
        List<Group> drawn = new ArrayList<>();
        StringBuilder script = new StringBuilder();
        for (int i = 0; i < count; i++) {
            Group group = group(now);
            drawn.add(group);
            script.append(group.script).append("synced ").append(i).append('\n');
        }
        groups = drawn;
        return script.toString();
    }

    /** The guest has said that a group is synced, and perhaps it did more. */
    void synced(int last) {
        Set<String> sure = new HashSet<>();
        for (Group group : groups.subList(0, last + 1)) {
            sure.addAll(group.touched);
        }
        Map<String, byte[]> after = groups.get(last).after;
        files.clear();
        files.putAll(after);
        sure.stream().filter(name -> !after.containsKey(name)).forEach(gone::add);
        for (Group group : groups.subList(last + 1, groups.size())) {
            group.touched.forEach(files::remove);
            gone.removeAll(group.touched);
        }
        groups = List.of();
    }

    /** Returns how many files are sure to be there. */
    int size() {
        return files.size();
    }

    /** Returns what {@code sha256sum -c} reads. */
    String sums() {
        StringBuilder lines = new StringBuilder();
        files.forEach((name, bytes) -> lines.append(sum(bytes)).append("  /mnt/" + name + "\n"));
        return lines.toString();
    }

    /** Returns the script that looks whether all is as it should be. */
    String verification() {
        StringBuilder script = new StringBuilder();
        if (!files.isEmpty()) {
            script.append("sha256sum -c /sums >/out 2>&1 || die \"$(grep -v OK /out)\"\n");
        }
        for (String name : gone) {
            script.append("[ ! -e /mnt/" + name + " ] || die " + name + " is back\n");
        }
        return script.append("echo verified " + files.size() + "\n").toString();
    }

    private Group group(Map<String, byte[]> now) {
        StringBuilder script = new StringBuilder();
        Set<String> touched = new HashSet<>();
        int steps = 1 + random.nextInt(STEPS_MAX);
        for (int i = 0; i < steps; i++) {
            List<String> there = changing(now);
            boolean fresh = there.isEmpty() || random.nextBoolean();
            String name = fresh ? "file-" + names++ : there.get(random.nextInt(there.size()));
            touched.add(name);
            script.append(step(name, fresh, now));
        }
        if (random.nextInt(STEPS_MAX) == 0) {
            script.append("fstrim /mnt || die fstrim\n");
        }
        return new Group(script.toString(), new TreeMap<>(now), touched);
    }

    private List<String> changing(Map<String, byte[]> now) {
        return IntStream.range(Math.max(0, names - CHANGING), names)
                .mapToObj(i -> "file-" + i)
                .filter(now::containsKey)
                .toList();
    }

    private String step(String name, boolean fresh, Map<String, byte[]> now) {
        int count = 1 + random.nextInt(FILE_SECTORS_MAX);
        int skip = random.nextInt(BLOB_SECTORS - count);
        byte[] cut = Arrays.copyOfRange(blob, skip * SECTOR, (skip + count) * SECTOR);
        String words = " " + name + " " + skip + " " + count + "\n";
        int what = fresh ? 0 : random.nextInt(3);
        if (what == 0) {
            now.put(name, cut);
            return "put" + words;
        }
        byte[] old = now.get(name);
        if (old != null && what == 1) {
            byte[] mixed = Arrays.copyOf(old, Math.max(old.length, cut.length));
            System.arraycopy(cut, 0, mixed, 0, cut.length);
            now.put(name, mixed);
            return "patch" + words;
        }
        now.remove(name);
        return "drop " + name + "\n";
    }

    private static String sum(byte[] bytes) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
