package dev.gaur.cli.figures;

/** By which way requests get to an image. */
enum Way {
    /** Within this process, one after the other. */
    API("api", "Gaur's API, one thread"),
    /** From fio through {@code gaur serve}. */
    NBD("nbd", "gaur serve"),
    /** From fio through qemu-nbd. */
    QEMU("qemu", "qemu-nbd");

    private final String key;
    private final String title;

    Way(String key, String title) {
        this.key = key;
        this.title = title;
    }

    String key() {
        return key;
    }

    String title() {
        return title;
    }

    /** Tells whether a server is between. */
    boolean isServed() {
        return this != API;
    }
}
