package dev.gaur.format.qcow2;

import dev.gaur.codec.Compression;
import dev.gaur.format.Amendment;
import dev.gaur.format.CreateOption;
import dev.gaur.format.CreateOption.Kind;
import dev.gaur.format.CreateOptionValues;
import dev.gaur.format.Preallocation;
import java.util.List;
import java.util.Optional;

/** QEMU's names for what {@link Qcow2CreateOptions} has, and their defaults. */
public final class Qcow2OptionNames {
    private static final String JOURNAL_HELP =
            "Keep refcount updates in a journal (Gaur only; others repair after a crash)";

    /** All options, in the order in which QEMU prints their values. */
    public static final List<CreateOption> ALL =
            List.of(
                    text("encrypt.format", "Encrypt the image, format choices: 'aes', 'luks'"),
                    onOff("encryption", "Encrypt the image with format 'aes'. (Deprecated)"),
                    text("encrypt.key-secret", "ID of secret with the key or passphrase"),
                    text("encrypt.cipher-alg", "Name of encryption cipher algorithm"),
                    text("encrypt.cipher-mode", "Name of encryption cipher mode"),
                    text("encrypt.ivgen-alg", "Name of IV generator algorithm"),
                    text("encrypt.ivgen-hash-alg", "Name of IV generator hash algorithm"),
                    text("encrypt.hash-alg", "Name of encryption hash algorithm"),
                    number("encrypt.iter-time", "Time to spend in PBKDF in milliseconds"),
                    size("cluster_size", "qcow2 cluster size"),
                    onOff("extended_l2", "Extended L2 tables"),
                    text("preallocation", "Preallocation mode (off, metadata, falloc, full)"),
                    text("compression_type", "Compression of clusters (zlib or zstd)"),
                    size("size", "Virtual disk size"),
                    text("compat", "Compatibility level (v2 [0.10] or v3 [1.1])"),
                    text("backing_file", "File name of a base image"),
                    text("backing_fmt", "Image format of the base image"),
                    text("data_file", "File name of an external data file"),
                    onOff("data_file_raw", "The data file must stay valid as a raw image"),
                    onOff("lazy_refcounts", "Postpone refcount updates"),
                    number("refcount_bits", "Width of a reference count entry in bits"),
                    onOff("journal", JOURNAL_HELP),
                    onOff("nocow", "Turn off copy-on-write (valid only on btrfs)"),
                    size("extent_size_hint", "Extent size hint for the image file"));

    /** Options that QEMU has not. */
    public static final List<String> OWN = List.of("journal");

    /** Options of {@link #ALL} that are for the file that the image lies in. */
    public static final List<String> OF_FILES = List.of("nocow", "extent_size_hint");

    /** What can be given to change an existing image. */
    public static final List<CreateOption> AMENDABLE =
            List.of(
                    text(
                            "encrypt.state",
                            "Select new state of affected keyslots (active/inactive)"),
                    number("encrypt.keyslot", "Select a single keyslot to modify explicitly"),
                    text("encrypt.old-secret", "Select all keyslots that match this password"),
                    text(
                            "encrypt.new-secret",
                            "New secret to set in the matching keyslots. Empty string to erase"),
                    number("encrypt.iter-time", "Time to spend in PBKDF in milliseconds"),
                    size("size", "Virtual disk size"),
                    text("compat", "Compatibility level (v2 [0.10] or v3 [1.1])"),
                    text("backing_file", "File name of a base image"),
                    text("backing_fmt", "Image format of the base image"),
                    text("data_file", "File name of an external data file"),
                    onOff("data_file_raw", "The external data file must stay valid as a raw image"),
                    onOff("lazy_refcounts", "Postpone refcount updates"),
                    number("refcount_bits", "Width of a reference count entry in bits"),
                    onOff("journal", JOURNAL_HELP));

    private Qcow2OptionNames() {}

    /**
     * Makes typed changes of values. The backing file is not among them.
     *
     * @throws IllegalArgumentException for a version that there is not, in QEMU's words, and for
     *     encryption, which is not supported yet
     */
    public static Amendment amendment(CreateOptionValues values) {
        if (AMENDABLE.stream().anyMatch(it -> isEncryption(it) && values.has(it.name()))) {
            throw new IllegalArgumentException("encryption is not supported yet");
        }
        return new Amendment(
                given(values, "compat").map(Qcow2OptionNames::knownVersion),
                given(values, "refcount_bits").map(Long::valueOf),
                given(values, "lazy_refcounts").map("on"::equals),
                given(values, "journal").map("on"::equals),
                given(values, "data_file"),
                given(values, "data_file_raw").map("on"::equals),
                // QEMU takes 0 for no wish; it would lose the whole disk.
                given(values, "size").map(Long::valueOf).filter(size -> size != 0));
    }

    private static Optional<String> given(CreateOptionValues values, String name) {
        return values.has(name) ? Optional.of(values.text(name, "")) : Optional.empty();
    }

    private static int knownVersion(String compat) {
        return switch (compat) {
            case "0.10", "v2" -> 2;
            case "1.1", "v3" -> 3;
            default -> throw new IllegalArgumentException("Unknown compatibility level " + compat);
        };
    }

    private static CreateOption text(String name, String help) {
        return new CreateOption(name, Kind.TEXT, help);
    }

    private static CreateOption onOff(String name, String help) {
        return new CreateOption(name, Kind.SWITCH, help);
    }

    private static CreateOption size(String name, String help) {
        return new CreateOption(name, Kind.SIZE, help);
    }

    private static CreateOption number(String name, String help) {
        return new CreateOption(name, Kind.NUMBER, help);
    }

    /** Sets what QEMU prints although nobody gave it. */
    public static void putDefaults(CreateOptionValues values) {
        values.putDefault("cluster_size", Long.toString(Qcow2CreateOptions.DEFAULT_CLUSTER_SIZE));
        values.putDefault("extended_l2", "off");
        values.putDefault("compression_type", Compression.DEFLATE.optionValue());
        values.putDefault("lazy_refcounts", "off");
        values.putDefault("refcount_bits", Long.toString(Qcow2CreateOptions.DEFAULT_REFCOUNT_BITS));
    }

    /**
     * Makes typed options of values. {@code nocow} and {@code extent_size_hint} are hints to a file
     * system and have no effect.
     *
     * @throws IllegalArgumentException for a value that there is not, in QEMU's words, and for
     *     encryption, which is not supported yet
     */
    public static Qcow2CreateOptions parse(CreateOptionValues values) {
        if (values.isOn("encryption")
                || ALL.stream().anyMatch(it -> isEncryption(it) && values.has(it.name()))) {
            throw new IllegalArgumentException("encryption is not supported yet");
        }
        String preallocation = values.text("preallocation", "off");
        String compression = values.text("compression_type", "zlib");
        return Qcow2CreateOptions.ofSize(values.number("size", 0))
                .withVersion(version(values.text("compat", "1.1")))
                .withClusterSize(
                        values.number("cluster_size", Qcow2CreateOptions.DEFAULT_CLUSTER_SIZE))
                .withBacking(values.text("backing_file", ""), values.text("backing_fmt", ""))
                .withPreallocation(
                        Preallocation.ofOptionValue(preallocation)
                                .orElseThrow(() -> not("preallocation", preallocation)))
                .withLazyRefcounts(values.isOn("lazy_refcounts"))
                .withRefcountBits(
                        values.number("refcount_bits", Qcow2CreateOptions.DEFAULT_REFCOUNT_BITS))
                .withJournal(values.isOn("journal"))
                .withExtendedL2(values.isOn("extended_l2"))
                .withCompression(
                        Compression.ofOptionValue(compression)
                                .orElseThrow(() -> not("compression-type", compression)))
                .withDataFile(values.text("data_file", ""), values.isOn("data_file_raw"));
    }

    private static boolean isEncryption(CreateOption option) {
        return option.name().startsWith("encrypt.");
    }

    private static int version(String compat) {
        return switch (compat) {
            case "0.10", "v2" -> 2;
            case "1.1", "v3" -> 3;
            default -> throw not("version", compat);
        };
    }

    private static IllegalArgumentException not(String name, String value) {
        return new IllegalArgumentException(
                "Parameter '" + name + "' does not accept value '" + value + "'");
    }
}
