package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gaur.codec.Compression;
import dev.gaur.format.CreateOptionValues;
import dev.gaur.format.Preallocation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Qcow2CreateOptionsTest {
    private static Qcow2CreateOptions parse(String text) {
        CreateOptionValues values = new CreateOptionValues(Qcow2OptionNames.ALL);
        values.parse(text);
        return Qcow2OptionNames.parse(values);
    }

    @Test
    void readsEveryOptionOfQemu() {
        assertEquals(
                Qcow2CreateOptions.ofSize(3 << 20)
                        .withVersion(3)
                        .withClusterSize(1 << 20)
                        .withBacking("a,b", "raw")
                        .withPreallocation(Preallocation.METADATA)
                        .withLazyRefcounts(true)
                        .withRefcountBits(8)
                        .withExtendedL2(true)
                        .withCompression(Compression.ZSTD)
                        .withDataFile("d", true),
                parse(
                        "size=3M,compat=v3,cluster_size=1M,backing_file=a,,b,backing_fmt=raw,"
                                + "preallocation=metadata,lazy_refcounts,refcount_bits=8,"
                                + "extended_l2=on,compression_type=zstd,data_file=d,"
                                + "data_file_raw=on,nolazy_refcounts,lazy_refcounts=on"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "foo=1 | Invalid parameter 'foo'",
                "lazy_refcounts=maybe | Parameter 'lazy_refcounts' expects 'on' or 'off'",
                "compat=2 | Parameter 'version' does not accept value '2'",
                "preallocation=foo | Parameter 'preallocation' does not accept value 'foo'",
                "compression_type=lz4 | Parameter 'compression-type' does not accept value 'lz4'",
                "encrypt.format=luks | encryption is not supported yet"
            })
    void refusesValuesThatThereAreNot(String text, String message) {
        var error = assertThrows(IllegalArgumentException.class, () -> parse(text));
        assertEquals(message, error.getMessage());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "cluster_size=1000 | Cluster size must be a power of two between 512 and 2048k",
                "cluster_size=256 | Cluster size must be a power of two between 512 and 2048k",
                "cluster_size=4M | Cluster size must be a power of two between 512 and 2048k",
                "refcount_bits=7 | Refcount width must be a power of two and may not exceed 64"
                        + " bits",
                "refcount_bits=128 | Refcount width must be a power of two and may not exceed 64"
                        + " bits",
                "extended_l2=on,cluster_size=8k | Extended L2 entries are only supported with"
                        + " cluster sizes of at least 16384 bytes",
                "data_file_raw=on | data-file-raw requires data-file",
                "data_file=d,data_file_raw=on,backing_file=b,backing_fmt=raw | Backing file and"
                        + " data-file-raw cannot be used at the same time",
                "backing_fmt=raw | Backing format cannot be used without backing file",
                "size=100P | The image size is too large for file format 'qcow2' (try using a"
                        + " larger cluster size)"
            })
    void refusesWhatTheFormatForbids(String text, String message) {
        Qcow2CreateOptions options = parse(text);
        var error = assertThrows(IllegalArgumentException.class, options::validate);
        assertEquals(message, error.getMessage());
    }
}
