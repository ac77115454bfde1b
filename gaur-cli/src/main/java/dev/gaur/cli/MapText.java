package dev.gaur.cli;

import dev.gaur.block.Extent;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.format.Image;
import java.io.PrintStream;
import java.util.List;

/**
 * Prints extents as {@code qemu-img map} does, as they come: neighbours of one kind become one
 * entry, of which only the last is kept. Without extents there is one entry of no length.
 */
abstract sealed class MapText implements ExtentVisitor {
    private final PrintStream out;
    private final StringBuilder line = new StringBuilder();

    // The entry that may still grow.
    private long start;
    private long length;
    private int depth;
    private boolean present;
    private boolean zero;
    private boolean data;
    private boolean compressed;
    private long hostOffset = Extent.NOWHERE;

    private MapText(PrintStream out, long start) {
        this.out = out;
        this.start = start;
    }

    /** Prints what stands before all entries. */
    abstract void begin();

    /** Adds the text of the entry to {@code line}. */
    abstract void append(StringBuilder line);

    /** Prints the last entry, and what stands after it. */
    void end() {
        print();
    }

    @Override
    public final boolean visit(Extent extent) {
        boolean nowPresent = !(extent instanceof Extent.Unallocated);
        boolean nowCompressed = extent instanceof Extent.Encoded;
        boolean nowData = nowCompressed || extent instanceof Extent.Data;
        long nowHost = hostOffset(extent);
        boolean grows =
                length > 0
                        && depth == extent.depth()
                        && present == nowPresent
                        && zero == extent.readsAsZero()
                        && data == nowData
                        && compressed == nowCompressed
                        && nowHost
                                == (hostOffset == Extent.NOWHERE
                                        ? Extent.NOWHERE
                                        : hostOffset + length);
        if (grows) {
            length += extent.length();
            return true;
        }
        if (length > 0) {
            print();
        }
        start = extent.offset();
        length = extent.length();
        depth = extent.depth();
        present = nowPresent;
        zero = extent.readsAsZero();
        data = nowData;
        compressed = nowCompressed;
        hostOffset = nowHost;
        return true;
    }

    private static long hostOffset(Extent extent) {
        return switch (extent) {
            case Extent.Data plain -> plain.hostOffset();
            case Extent.Zero reserved -> reserved.hostOffset();
            case Extent.Unallocated reserved -> reserved.hostOffset();
            case Extent.Encoded _ -> Extent.NOWHERE;
        };
    }

    private void print() {
        append(line);
        out.print(line);
        line.setLength(0);
    }

    /** An array with an entry per line. */
    static final class Json extends MapText {
        private final boolean withCompressed;
        private boolean first = true;

        /**
         * @param withCompressed whether entries tell that, as those of QEMU since 8.2
         */
        Json(PrintStream out, long start, boolean withCompressed) {
            super(out, start);
            this.withCompressed = withCompressed;
        }

        @Override
        void begin() {
            super.out.print("[");
        }

        @Override
        void append(StringBuilder line) {
            line.append(first ? "" : ",\n").append("{ \"start\": ").append(super.start);
            first = false;
            line.append(", \"length\": ").append(super.length);
            line.append(", \"depth\": ").append(super.depth);
            line.append(", \"present\": ").append(super.present);
            line.append(", \"zero\": ").append(super.zero);
            line.append(", \"data\": ").append(super.data);
            if (withCompressed) {
                line.append(", \"compressed\": ").append(super.compressed);
            }
            if (super.hostOffset != Extent.NOWHERE) {
                line.append(", \"offset\": ").append(super.hostOffset);
            }
            line.append('}');
        }

        @Override
        void end() {
            super.end();
            super.out.print("]\n");
        }
    }

    /** A table of what has data and a place in a file. */
    static final class Human extends MapText {
        private static final int COLUMN = 16;

        private final List<Image> layers;
        private final String[] files;

        Human(PrintStream out, long start, List<Image> layers) {
            super(out, start);
            this.layers = layers;
            this.files = new String[layers.size()];
        }

        @Override
        void begin() {
            super.out.print("Offset          Length          Mapped to       File\n");
        }

        @Override
        void append(StringBuilder line) {
            if (super.length == 0 || !super.data) {
                return;
            }
            if (super.hostOffset == Extent.NOWHERE) {
                throw new CommandException(
                        "File contains external, encrypted or compressed clusters.");
            }
            if (super.zero) {
                return;
            }
            hex(line, super.start);
            hex(line, super.length);
            hex(line, super.hostOffset);
            line.append(file(super.depth)).append('\n');
        }

        private static void hex(StringBuilder line, long number) {
            String text = number == 0 ? "0" : "0x" + Long.toHexString(number);
            line.append(text);
            for (int width = text.length(); width < COLUMN; width++) {
                line.append(' ');
            }
        }

        private String file(int depth) {
            if (files[depth] == null) {
                files[depth] = ImageText.dataPath(layers.get(depth).info());
            }
            return files[depth];
        }
    }
}
