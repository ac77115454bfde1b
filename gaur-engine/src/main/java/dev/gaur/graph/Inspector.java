package dev.gaur.graph;

import dev.gaur.block.StorageNode;
import dev.gaur.format.InspectionReport;
import dev.gaur.format.InspectionReport.Severity;
import dev.gaur.format.InspectionReport.Topic;
import dev.gaur.format.qcow2.Inspection;
import dev.gaur.format.qcow2.Qcow2Inspector;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.file.FileDriver;
import java.nio.file.Path;
import java.util.List;

/**
 * Looks at a file that nobody trusts: opens this file and nothing else, reads at most a few
 * megabytes of it, whatever it claims to be, and changes nothing.
 */
public final class Inspector {
    private static final List<String> PLAIN_DISKS = List.of("raw", "gpt", "mbr", "iso");

    private Inspector() {}

    /**
     * Inspects a file. Takes no lock: another process may be writing to it.
     *
     * @throws dev.gaur.block.BlockException.Media if the file cannot be opened or read
     */
    public static InspectionReport inspect(Path file) {
        StorageOptions unlocked = new StorageOptions(false, false, true);
        try (StorageNode storage = FileDriver.portable().open(file.toString(), unlocked)) {
            return inspect(storage);
        }
    }

    /** Inspects what lies in a storage, which stays the caller's. */
    public static InspectionReport inspect(StorageNode storage) {
        Inspection inspection = new Inspection();
        List<String> formats = Signatures.find(storage);
        String format = formats.isEmpty() ? "raw" : formats.getFirst();
        boolean plain = PLAIN_DISKS.contains(format);
        if (format.equals("qcow2")) {
            Qcow2Inspector.inspect(storage, inspection);
        } else if (plain) {
            inspection.virtualSize(storage.length());
        } else {
            inspection.find(
                    Severity.WARNING,
                    Topic.NOT_EXAMINED,
                    "looks like %s, which is not examined further".formatted(format));
        }
        // A hybrid ISO image has partitions too: all of these are the disk's own content.
        List<String> others =
                formats.stream()
                        .skip(1)
                        .filter(each -> !plain || !PLAIN_DISKS.contains(each))
                        .toList();
        if (!others.isEmpty()) {
            inspection.find(
                    Severity.DANGER,
                    Topic.AMBIGUOUS,
                    "looks like %s, but also like %s".formatted(format, String.join(", ", others)));
        }
        return inspection.report(
                storage.name(), format, storage.length(), storage.allocatedBytes());
    }
}
