/**
 * The qcow2 block layer for the JVM.
 *
 * <p>Users start at package {@link dev.gaur}. All other packages are the engine's own and may
 * change with every release.
 */
module dev.gaur {
    requires com.fasterxml.jackson.core;
    requires static org.jspecify;

    exports dev.gaur;
}
