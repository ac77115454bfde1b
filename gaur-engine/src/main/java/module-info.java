/**
 * The qcow2 block layer for the JVM.
 *
 * <p>Users start at package {@link dev.gaur}, whose methods take and return things of {@link
 * dev.gaur.block}, {@link dev.gaur.format} and {@link dev.gaur.storage}. Who serves disks over NBD
 * or uses those of others needs {@link dev.gaur.export}, {@link dev.gaur.storage.nbd}, {@link
 * dev.gaur.net} and {@link dev.gaur.nbd}. All other packages are the engine's own and may change
 * with every release; the command line uses some of them.
 */
@SuppressWarnings("module") // The command line is not there yet when the engine is compiled.
module dev.gaur {
    requires com.fasterxml.jackson.core;
    requires jdk.jfr;
    requires static transitive org.jspecify;

    exports dev.gaur;
    exports dev.gaur.bitmap;
    exports dev.gaur.block;
    exports dev.gaur.codec to
            dev.gaur.cli;
    exports dev.gaur.export;
    exports dev.gaur.ffi to
            dev.gaur.cli;
    exports dev.gaur.filter to
            dev.gaur.cli;
    exports dev.gaur.format;
    exports dev.gaur.format.qcow2 to
            dev.gaur.cli;
    exports dev.gaur.graph to
            dev.gaur.cli;
    exports dev.gaur.job to
            dev.gaur.cli;
    exports dev.gaur.json to
            dev.gaur.cli;
    exports dev.gaur.mem to
            dev.gaur.cli;
    exports dev.gaur.nbd;
    exports dev.gaur.net;
    exports dev.gaur.storage;
    exports dev.gaur.storage.file to
            dev.gaur.cli;
    exports dev.gaur.storage.nbd;
    exports dev.gaur.units to
            dev.gaur.cli;
}
