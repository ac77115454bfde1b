package dev.gaur.verify.engine;

import dev.gaur.block.Durability;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Compressing;
import dev.gaur.format.Image;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Does operations to an image without a model: what is beyond the end of the disk is left out. */
final class Requests {
    /** Makes what is written. */
    @FunctionalInterface
    interface Source {
        /** Returns so many bytes that a seed stands for. */
        byte[] bytes(long seed, int length);
    }

    private Requests() {}

    /** Does a request for data. */
    static void run(Image image, Op op, Source source) {
        if (start(op) >= image.length()) {
            return;
        }
        switch (op) {
            case Op.Write(long at, int length, long seed, boolean stable) ->
                    image.write(at, bytes(image, at, length, seed, source), durability(stable));
            case Op.Compressed(long at, int length, long seed) ->
                    compressed(image, at, bytes(image, at, length, seed, source));
            case Op.Zero(long at, int length, ZeroMode mode, boolean stable) ->
                    image.zero(at, within(image, at, length), mode, durability(stable));
            case Op.Discard(long at, int length) -> image.discard(at, within(image, at, length));
            case Op.Flush() -> image.flush();
            default -> throw new AssertionError(op);
        }
    }

    private static long start(Op op) {
        return switch (op) {
            case Op.Write write -> write.offset();
            case Op.Compressed write -> write.offset();
            case Op.Zero zero -> zero.offset();
            case Op.Discard discard -> discard.offset();
            default -> 0;
        };
    }

    private static int within(Image image, long at, int length) {
        return Math.clamp(image.length() - at, 0, length);
    }

    private static Durability durability(boolean stable) {
        return stable ? Durability.STABLE : Durability.CACHED;
    }

    private static MemorySegment bytes(Image image, long at, int length, long seed, Source source) {
        return MemorySegment.ofArray(source.bytes(seed, within(image, at, length)));
    }

    private static void compressed(Image image, long at, MemorySegment bytes) {
        Optional<Compressing> compressing = image.compressing();
        if (compressing.isPresent()) {
            compressing.get().writeCompressed(at, bytes);
        } else {
            image.write(at, bytes, Durability.CACHED);
        }
    }
}
