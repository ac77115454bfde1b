/** The commands of Gaur, in the grammar of qemu-img. */
module dev.gaur.cli {
    requires dev.gaur;
    requires jdk.httpserver;
    requires static org.jspecify;
}
