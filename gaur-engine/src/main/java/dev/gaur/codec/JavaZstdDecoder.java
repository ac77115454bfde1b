package dev.gaur.codec;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Zstandard in Java, where libzstd is not to be had. The one kept pure-Java library uses {@code
 * sun.misc.Unsafe}: warnings, and no bounds.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8878">RFC 8878</a>
 */
final class JavaZstdDecoder implements ClusterDecoder {

    private static final int RAW = 0;
    private static final int REPEATED = 1;
    private static final int COMPRESSED = 2;
    private static final int BLOCK_HEAD = 3;

    private final ZstdLiterals literals = new ZstdLiterals();
    private final ZstdSequences sequences = new ZstdSequences();
    private final ZstdOutput output = new ZstdOutput();
    private byte[] bytes = {};
    private int end;
    private int index;

    @Override
    public boolean decode(MemorySegment source, MemorySegment target) {
        end = Math.toIntExact(source.byteSize());
        if (bytes.length < end + BackwardBits.SLACK) {
            bytes = new byte[end + BackwardBits.SLACK];
        }
        MemorySegment.copy(source, ValueLayout.JAVA_BYTE, 0, bytes, 0, end);
        index = 0;
        int size = Math.toIntExact(target.byteSize());
        output.reset(size);
        try {
            while (!output.isFull()) {
                readFrame();
            }
        } catch (DamagedException _) {
            return false;
        }
        MemorySegment.copy(output.bytes(), 0, target, ValueLayout.JAVA_BYTE, 0, size);
        return true;
    }

    private long take(int length) throws DamagedException {
        long value = ZstdLiterals.littleEndian(bytes, index, end, length);
        index += length;
        return value;
    }

    private void readFrame() throws DamagedException {
        int magic = (int) take(Integer.BYTES);
        if (ZstdFrames.isSkippable(magic)) {
            long length = take(Integer.BYTES);
            DamagedException.unless(length <= end - index, "skippable frame cut off");
            index += (int) length;
            return;
        }
        DamagedException.unless(magic == ZstdFrames.MAGIC, "no frame");
        var head = ZstdFrames.Descriptor.of((int) take(1));
        take(head.windowBytes()); // the whole cluster is our window
        DamagedException.unless(take(head.dictionaryBytes()) == 0, "needs a dictionary");
        long contentSize = take(head.sizeBytes()) + head.sizeBase();
        literals.reset();
        sequences.reset();
        output.startFrame();
        boolean last;
        do {
            last = readBlock();
        } while (!last);
        DamagedException.unless(
                head.sizeBytes() == 0 || contentSize == output.frameLength(),
                "frame of another length than it says");
        if (head.checksummed()) {
            int sum =
                    (int) XxHash64.hash(output.bytes(), output.frameStart(), output.frameLength());
            DamagedException.unless((int) take(Integer.BYTES) == sum, "wrong checksum");
        }
    }

    /** Returns whether it is the frame's last block. */
    private boolean readBlock() throws DamagedException {
        int head = (int) take(BLOCK_HEAD);
        int form = (head >>> 1) & 3;
        int length = head >>> 3;
        DamagedException.unless(length <= ZstdCodes.MAX_BLOCK, "block too long");
        int stored = form == REPEATED ? 1 : length;
        DamagedException.unless(stored <= end - index, "block cut off");
        int after = index + stored;
        switch (form) {
            case RAW -> output.append(bytes, index, length);
            case REPEATED -> output.fill(bytes[index], length);
            case COMPRESSED -> {
                int rest = literals.read(bytes, index, after);
                sequences.execute(bytes, rest, after, literals, output);
            }
            default -> throw new DamagedException("reserved kind of block");
        }
        index = after;
        return (head & 1) != 0;
    }

    @Override
    public void close() {
        // only Java objects
    }
}
