package dev.gaur.format;

import dev.gaur.storage.Reference;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/**
 * What a look at an untrusted file showed. Nothing in it was verified by opening another file, and
 * names are exactly as they stand in the file: hostile.
 *
 * @param name the file's name, as it was given
 * @param format QEMU's name of the format that the content shows ({@code qcow2}, {@code vmdk},
 *     {@code gpt}, ...); {@code raw} if it shows none
 * @param fileLength length of the file in bytes
 * @param allocatedBytes what the file takes up on its file system
 * @param virtualSize size of the virtual disk in bytes, where the format was understood
 * @param referrals what the file refers to
 * @param findings what to know before the file is used, in the order in which it was found
 */
public record InspectionReport(
        String name,
        String format,
        long fileLength,
        long allocatedBytes,
        OptionalLong virtualSize,
        List<Referral> referrals,
        List<Finding> findings) {

    /** Tells whether nothing in the file is a danger to the one who opens it. */
    public boolean isSafe() {
        return findings.stream().noneMatch(each -> each.severity() == Severity.DANGER);
    }

    /** How much a finding matters. */
    public enum Severity {
        /** Worth knowing. */
        NOTE,
        /** Unusual: fine if expected. */
        WARNING,
        /** Not to be used unless the file comes from somebody who is trusted. */
        DANGER
    }

    /** What was found. */
    public enum Topic {
        /** The header breaks the format's rules; the image does not open. */
        INVALID_HEADER,
        /** The image needs a feature that nobody here knows. */
        UNKNOWN_FEATURE,
        /** The image refers to a backing file. */
        BACKING_FILE,
        /** The image refers to an external data file. */
        DATA_FILE,
        /** Not closed cleanly. */
        DIRTY,
        /** Marked as damaged. */
        CORRUPT,
        /** The content is encrypted. */
        ENCRYPTED,
        /** The disk is far larger than the file. */
        HUGE_DISK,
        /** A table is far larger than usual. */
        HUGE_TABLE,
        /** A table or an entry of it points where it must not. */
        BAD_OFFSET,
        /** Two structures claim the same bytes. */
        OVERLAP,
        /** A structure lies behind the end of the file. */
        TRUNCATED,
        /** Bytes behind all that the image counts as its own. */
        TRAILING_DATA,
        /** Other programs may take the file for something else. */
        AMBIGUOUS,
        /** The image has internal snapshots: older content, perhaps saved memory. */
        SNAPSHOTS,
        /** The format was recognised, but its inside was not looked at. */
        NOT_EXAMINED
    }

    /**
     * One finding.
     *
     * @param text one line for people
     */
    public record Finding(Severity severity, Topic topic, String text) {}

    /** What a reference's name looks like; several may apply. */
    public enum Look {
        /** A path from the root, independent of where the image lies. */
        ABSOLUTE_PATH,
        /** Climbs out of the image's folder. */
        TRAVERSAL,
        /** In or below {@code /dev}, {@code /proc} or {@code /sys}. */
        DEVICE_NODE,
        /** Begins like a protocol or driver: {@code nbd:}, {@code http://}. */
        PROTOCOL,
        /** QEMU would read options from it: {@code json:}. */
        JSON,
        /** Holds control characters, or is not text. */
        UNPRINTABLE
    }

    /**
     * A reference to something outside the file.
     *
     * @param reference what stands in the image
     * @param looks what the name looks like; empty for a plain relative path
     */
    public record Referral(Reference reference, Set<Look> looks) {
        /** Looks at a reference's name. */
        public static Referral of(Reference reference) {
            return new Referral(reference, ReferenceLooks.of(reference.name()));
        }
    }
}
