package dev.gaur.ffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

final class NativeAccessTest {

    @Test
    void thisTestRunsWithNativeAccess() {
        assertTrue(NativeAccess.isAllowed(), "start with --enable-native-access=ALL-UNNAMED");
    }

    @Test
    void theLibrariesOfThisMachineAreFound() {
        assertTrue(LibDeflate.library().isPresent(), "install libdeflate0");
        assertTrue(LibIsal.library().isPresent(), "install libisal2");
        assertTrue(LibZstd.library().isPresent(), "install libzstd1");
    }

    @Test
    void aLibraryThatIsNotThereIsNoError() {
        assertTrue(NativeLibrary.bind("libnone.so.77", library -> library).isEmpty());
    }

    @Test
    void aLibraryWithoutAFunctionIsNotUsed() {
        assertTrue(
                NativeLibrary.bind(
                                "libzstd.so.1",
                                library ->
                                        library.function(
                                                "ZSTD_noSuchFunction", FunctionDescriptor.ofVoid()))
                        .isEmpty());
    }

    @Test
    void theCLibraryOfTheProcessIsFound() throws Throwable {
        var getpid =
                NativeLibrary.bindSystem(
                                library ->
                                        library.function(
                                                "getpid",
                                                FunctionDescriptor.of(ValueLayout.JAVA_INT)))
                        .orElseThrow();
        assertEquals(ProcessHandle.current().pid(), (int) getpid.invokeExact());
    }
}
