package dev.gaur.ffi;

import java.lang.foreign.ValueLayout;
import java.util.Locale;

/**
 * Says whether Gaur may make native calls in this JVM.
 *
 * <p>The answer is fixed when this class is loaded. Asking links nothing: the first call through
 * the foreign function interface costs tens of milliseconds, and short commands never make one.
 */
public final class NativeAccess {

    /** Set to {@code false}, this system property makes Gaur pure Java. */
    public static final String PROPERTY = "gaur.native";

    private static final boolean ALLOWED = decide();

    private NativeAccess() {}

    /**
     * Whether native calls can be made without a warning from the JVM.
     *
     * <p>True on a 64-bit Linux when native access was enabled for this module (or, on the class
     * path, for the unnamed module) with {@code --enable-native-access} or in a jar's manifest, and
     * {@value #PROPERTY} does not say {@code false}. Everything native has a pure-Java counterpart,
     * so a refusal is an ordinary answer and never reported.
     *
     * @return the same answer every time; never blocks
     */
    public static boolean isAllowed() {
        return ALLOWED;
    }

    private static boolean decide() {
        // The JVM also grants access that was not enabled, but prints a warning then. The layouts
        // of C structures in this package hold for LP64 systems only.
        return NativeAccess.class.getModule().isNativeAccessEnabled()
                && ValueLayout.ADDRESS.byteSize() == Long.BYTES
                && System.getProperty("os.name", "").toLowerCase(Locale.ROOT).equals("linux")
                && !"false".equals(System.getProperty(PROPERTY));
    }
}
