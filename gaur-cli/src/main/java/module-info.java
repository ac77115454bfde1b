/** The commands of Gaur, in the grammar of qemu-img. */
module dev.gaur.cli {
    requires dev.gaur;
    requires static org.jspecify;
}
