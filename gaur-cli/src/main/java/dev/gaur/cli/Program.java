package dev.gaur.cli;

/**
 * The program that the user started. Under the name of one of QEMU's tools (a link to the launcher)
 * it is that tool: its prefix in messages, its defaults, its error texts.
 */
enum Program {
    GAUR("gaur"),
    QEMU_IMG("qemu-img"),
    QEMU_IO("qemu-io"),
    QEMU_NBD("qemu-nbd");

    private final String text;

    Program(String text) {
        this.text = text;
    }

    /** Finds the program by the name the launcher passed on; anything unknown is Gaur itself. */
    static Program named(String name) {
        for (Program program : values()) {
            if (name.equals(program.text)) {
                return program;
            }
        }
        return GAUR;
    }

    /** Tells whether QEMU's defaults and texts apply rather than ours. */
    boolean isQemu() {
        return this != GAUR;
    }

    /** Tells whether it is a command by itself, and has options where others have commands. */
    boolean hasOneCommand() {
        return this == QEMU_IO || this == QEMU_NBD;
    }

    /** Returns the name, as it stands before messages. */
    @Override
    public String toString() {
        return text;
    }
}
