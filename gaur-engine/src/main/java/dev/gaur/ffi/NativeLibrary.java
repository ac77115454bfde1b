package dev.gaur.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A shared library of the system, from which the classes of this package bind functions.
 *
 * <p>Libraries stay loaded for the life of the JVM. Package-private on purpose: outside this
 * package there are typed methods with the names of the C functions, and no handles.
 */
final class NativeLibrary {

    private final SymbolLookup symbols;

    private NativeLibrary(SymbolLookup symbols) {
        this.symbols = symbols;
    }

    /**
     * Binds a library if it is there and complete.
     *
     * @param soname the name that the dynamic linker looks for, with its ABI version: {@code
     *     libz.so.1}; never a path
     * @param binding looks up every function it needs
     * @return empty when native access is not allowed, there is no such library, or it lacks a
     *     function that the binding asked for
     */
    static <T> Optional<T> bind(String soname, Function<NativeLibrary, T> binding) {
        return NativeAccess.isAllowed() ? open(soname, binding) : Optional.empty();
    }

    /**
     * Binds functions of the C library that this process already runs with.
     *
     * @return empty when native access is not allowed or a function is missing
     */
    static <T> Optional<T> bindSystem(Function<NativeLibrary, T> binding) {
        return NativeAccess.isAllowed()
                ? bind(new NativeLibrary(Linker.nativeLinker().defaultLookup()), binding)
                : Optional.empty();
    }

    @SuppressWarnings("restricted") // only reached when native access was enabled
    private static <T> Optional<T> open(String soname, Function<NativeLibrary, T> binding) {
        SymbolLookup symbols;
        try {
            symbols = SymbolLookup.libraryLookup(soname, Arena.global());
        } catch (IllegalArgumentException _) {
            return Optional.empty(); // not installed
        }
        return bind(new NativeLibrary(symbols), binding);
    }

    private static <T> Optional<T> bind(NativeLibrary library, Function<NativeLibrary, T> binding) {
        try {
            return Optional.of(binding.apply(library));
        } catch (NoSuchElementException _) {
            return Optional.empty(); // an older version, without a function we call
        }
    }

    /**
     * Links one function.
     *
     * @param type its C signature
     * @param options such as {@link Linker.Option#captureCallState}
     * @throws NoSuchElementException when the library does not have it; {@link #bind} answers
     */
    @SuppressWarnings("restricted") // only reached when native access was enabled
    MethodHandle function(String name, FunctionDescriptor type, Linker.Option... options) {
        MemorySegment address =
                symbols.find(name).orElseThrow(() -> new NoSuchElementException(name));
        return Linker.nativeLinker().downcallHandle(address, type, options);
    }

    /**
     * Turns what a downcall threw into what the caller sees: C throws nothing, so it is either the
     * JVM's own error (a closed buffer, a heap buffer) or a signature of ours that does not match.
     */
    static RuntimeException rethrow(Throwable thrown) {
        return switch (thrown) {
            case RuntimeException exception -> exception;
            case Error error -> throw error;
            default -> throw new AssertionError("a native call threw", thrown);
        };
    }

    /**
     * Gives what a C function allocated to an arena, so that use after the arena was closed is an
     * exception, not a crash.
     *
     * @param pointer what the function returned
     * @param free the C function that frees it, called when the arena is closed
     * @throws OutOfMemoryError when the pointer is NULL
     */
    @SuppressWarnings("restricted") // only reached when native access was enabled
    static MemorySegment owned(MemorySegment pointer, Arena arena, Consumer<MemorySegment> free) {
        if (pointer.address() == 0) {
            throw new OutOfMemoryError("a native library could not allocate");
        }
        return pointer.reinterpret(arena, free);
    }
}
