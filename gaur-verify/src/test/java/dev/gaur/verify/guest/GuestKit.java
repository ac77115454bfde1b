package dev.gaur.verify.guest;

import dev.gaur.verify.Peers;
import dev.gaur.verify.rules.Repository;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What guests boot from: Debian's kernel with the modules for its disk, busybox, and mke2fs. */
final class GuestKit {
    private static final String MKE2FS = "/sbin/mke2fs";
    private static final Pattern LIBRARY = Pattern.compile("(?:=> )?(/\\S+) \\(0x");
    private static final Pattern DEPENDS = Pattern.compile("\0depends=([^\0]*)\0");

    private static final String INIT =
            """
            #!/bin/busybox sh
            /bin/busybox --install -s /bin
            export PATH=/bin
            mount -t proc proc /proc
            mount -t sysfs sys /sys
            mount -t devtmpfs dev /dev
            die() {
                echo "FAILED: $*"
                dmesg | tail -n 40
                poweroff -f
            }
            put() {
                dd if=/blob of="/mnt/$1" bs=512 skip="$2" count="$3" 2>/dev/null || die put "$1"
            }
            patch() {
                dd if=/blob of="/mnt/$1" bs=512 skip="$2" count="$3" conv=notrunc 2>/dev/null ||
                    die patch "$1"
            }
            drop() { rm "/mnt/$1" || die drop "$1"; }
            synced() {
                sync
                echo "synced $1"
            }
            for module in $(cat /modules/order); do
                insmod "/modules/$module" || die "$module"
            done
            [ -b /dev/vda ] || die no disk
            . /work
            poweroff -f
            """;

    private final Path kernel;
    private final Map<String, byte[]> files = new LinkedHashMap<>();

    private GuestKit(Path kernel) {
        this.kernel = kernel;
    }

    /** Unpacks the packages if that was not done before, and collects what a guest needs. */
    static GuestKit prepare() throws IOException {
        Peers.run("sh", Repository.root().resolve("build/fetch-guest.sh")).ok();
        Path unpacked = Repository.root().resolve(".gaur/guest");
        GuestKit kit = new GuestKit(unpacked.resolve("kernel"));
        kit.files.put("init", INIT.getBytes(StandardCharsets.UTF_8));
        kit.files.put("bin/busybox", Files.readAllBytes(unpacked.resolve("busybox")));
        kit.addModules(unpacked.resolve("modules"));
        kit.addProgram();
        return kit;
    }

    Path kernel() {
        return kernel;
    }

    /** Returns an archive that boots into a script, with more files for it. */
    byte[] initramfs(String work, Map<String, byte[]> more) {
        Initramfs made = new Initramfs();
        List.of("dev", "proc", "sys", "mnt").forEach(made::folder);
        files.forEach(made::file);
        more.forEach(made::file);
        return made.file("work", work).archive();
    }

    /** Adds mke2fs with the libraries that it names, each where it expects it. */
    private void addProgram() throws IOException {
        files.put("sbin/mke2fs", Files.readAllBytes(Path.of(MKE2FS)));
        Matcher library = LIBRARY.matcher(Peers.run("ldd", MKE2FS).ok().out());
        while (library.find()) {
            String name = library.group(1);
            files.put(name.substring(1), Files.readAllBytes(Path.of(name)));
        }
    }

    /** Adds the modules for the disk and the file system, unless they are in the kernel. */
    private void addModules(Path folder) throws IOException {
        Map<String, byte[]> all = new TreeMap<>();
        try (Stream<Path> modules = Files.list(folder)) {
            for (Path module : modules.toList()) {
                String name = module.getFileName().toString();
                all.put(key(name.substring(0, name.indexOf(".ko"))), unpacked(module));
            }
        }
        Map<String, byte[]> needed = new LinkedHashMap<>();
        for (String name : List.of("virtio_pci", "virtio_blk", "crc32c_generic", "ext4")) {
            need(name, all, needed);
        }
        needed.forEach((name, bytes) -> files.put("modules/" + name, bytes));
        String order = String.join("\n", needed.keySet());
        files.put("modules/order", order.getBytes(StandardCharsets.UTF_8));
    }

    private static void need(String name, Map<String, byte[]> all, Map<String, byte[]> needed) {
        byte[] module = all.get(name);
        if (module == null || needed.containsKey(name)) {
            return;
        }
        Matcher depends = DEPENDS.matcher(new String(module, StandardCharsets.ISO_8859_1));
        if (depends.find() && !depends.group(1).isEmpty()) {
            for (String other : depends.group(1).split(",")) {
                need(key(other), all, needed);
            }
        }
        needed.put(name, module);
    }

    /** Module names have dashes in file names only. */
    private static String key(String name) {
        return name.replace('-', '_');
    }

    private static byte[] unpacked(Path module) throws IOException {
        if (!module.toString().endsWith(".xz")) {
            return Files.readAllBytes(module);
        }
        Peers.run("xz", "-dkf", module).ok();
        String name = module.toString();
        return Files.readAllBytes(Path.of(name.substring(0, name.length() - ".xz".length())));
    }
}
