/**
 * The qcow2 block layer for the JVM.
 *
 * <p>Users start at package {@link dev.gaur}. All other packages are the engine's own and may
 * change with every release; the command line uses some of them.
 */
@SuppressWarnings("module") // The command line is not there yet when the engine is compiled.
module dev.gaur {
    requires com.fasterxml.jackson.core;
    requires static org.jspecify;

    exports dev.gaur;
    exports dev.gaur.block to
            dev.gaur.cli;
    exports dev.gaur.format to
            dev.gaur.cli;
    exports dev.gaur.graph to
            dev.gaur.cli;
    exports dev.gaur.json to
            dev.gaur.cli;
    exports dev.gaur.storage to
            dev.gaur.cli;
    exports dev.gaur.units to
            dev.gaur.cli;
}
