package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockIo;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.CreateOptionValues;
import dev.gaur.format.qcow2.ImageCreator;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import dev.gaur.format.qcow2.Qcow2OptionNames;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.job.NewFile;
import dev.gaur.mem.BufferPool;
import dev.gaur.mem.Bytes;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.file.FileDriver;
import dev.gaur.units.SizeException;
import dev.gaur.units.Sizes;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * {@code gaur dd}: copies a part of an image into a new one. Unlike dd(1), {@code count} counts
 * from the start of the input, what is skipped included, as in qemu-img.
 */
final class DdCommand implements Command {
    private static final Option TARGET_FORMAT =
            Option.valued("O", "output-format", "FMT", "format of the output (raw or qcow2)");

    private static final int DEFAULT_BLOCK = 512;
    private static final int SECTOR = 512;
    private static final int STEP = 2 << 20;

    @Override
    public String name() {
        return "dd";
    }

    @Override
    public String summary() {
        return "copy blocks from one image to another";
    }

    @Override
    public String operands() {
        return "[bs=SIZE] [count=BLOCKS] [skip=BLOCKS] if=FILE of=FILE";
    }

    @Override
    public String details() {
        return "Copies up to block COUNT of the input, without the first SKIP blocks.\n"
                + "The output is a new image; what was there is lost.";
    }

    @Override
    public List<Option> options() {
        return List.of(
                Options.FORMAT, TARGET_FORMAT, Options.SHARED, Options.IMAGE_OPTS, Options.OBJECT);
    }

    /** What the operands say; -1 where there is no count. */
    private record Part(String input, String output, long block, long count, long skip) {
        Part with(Invocation call, String operand) {
            int equals = operand.indexOf('=');
            String key = equals < 0 ? operand : operand.substring(0, equals);
            String value = operand.substring(equals + 1);
            return switch (equals < 0 ? "" : key) {
                case "if" -> new Part(value, output, block, count, skip);
                case "of" -> new Part(input, value, block, count, skip);
                case "bs" -> new Part(input, output, block(call, value), count, skip);
                case "count" -> new Part(input, output, block, call.size(value, "count"), skip);
                case "skip" -> new Part(input, output, block, count, call.size(value, "skip"));
                default -> throw new CommandException("unrecognized operand " + key);
            };
        }

        private static long block(Invocation call, String text) {
            try {
                long block = Sizes.parse(text);
                if (block >= 1 && block <= Integer.MAX_VALUE) {
                    return block;
                }
            } catch (SizeException wrong) {
                if (!wrong.outOfRange()) {
                    return call.size(text, "bs"); // Which refuses it.
                }
            }
            throw new CommandException("Invalid bs specified. Must be between 1 and 2147483647.");
        }

        /** Where the part ends in a disk of that length. */
        long end(long length) {
            return count < 0 || count > length / block ? length : Math.min(length, count * block);
        }
    }

    @Override
    public int run(Invocation call) {
        Part part = new Part("", "", DEFAULT_BLOCK, -1, 0);
        boolean input = false;
        boolean output = false;
        for (String operand : call.operands()) {
            part = part.with(call, operand);
            input |= operand.startsWith("if=");
            output |= operand.startsWith("of=");
        }
        if (!input || !output) {
            throw new CommandException("Must specify both input and output files");
        }
        OpenRequest request = Options.request(call, Options.FORMAT);
        String format = call.value(TARGET_FORMAT, CreateFormats.RAW);
        if (!CreateFormats.isKnown(format)) {
            throw new CommandException("Unknown file format");
        }
        try (BlockDevice source = open(part.input, request)) {
            copy(call, source, part, format);
        }
        return 0;
    }

    private static BlockDevice open(String file, OpenRequest request) {
        try {
            return ChainOpener.open(file, request);
        } catch (BlockException failure) {
            throw ErrorText.cannotOpen(file, failure);
        }
    }

    private static void copy(Invocation call, BlockDevice source, Part part, String format) {
        long end = part.end(source.length());
        boolean beyond = part.skip > end / part.block;
        long start = beyond ? end : part.skip * part.block;
        if (beyond) {
            call.error(part.input + ": cannot skip to specified offset");
        }
        long size = Math.ceilDiv(end - start, (long) SECTOR) * SECTOR;
        if (format.equals(CreateFormats.RAW)) {
            try (NewFile target = begin(call, part.output, size)) {
                StorageNode file = target.storage();
                if (file.length() < size) {
                    file.resize(size);
                }
                copy(source, start, end, file, target.isNew());
                target.commit(false);
            }
            return;
        }
        create(call, part.output, size);
        OpenRequest request =
                OpenRequest.READ
                        .withFormat(format)
                        .withWritable(true)
                        .withCredentials(UserObjects.of(call));
        try (BlockDevice target = open(part.output, request)) {
            copy(source, start, end, target, true);
        }
    }

    private static void create(Invocation call, String file, long size) {
        CreateOptionValues values =
                new CreateOptionValues(CreateFormats.options(CreateFormats.QCOW2));
        Qcow2CreateOptions options = Qcow2OptionNames.parse(values).withSize(size);
        try (NewFile image = begin(call, file, 0)) {
            ImageCreator.create(image.storage(), Optional.empty(), options);
            image.commit(false);
        }
    }

    private static NewFile begin(Invocation call, String file, long length) {
        try {
            return NewTarget.of(UserObjects.of(call))
                    .begin(FileDriver.fast(), file, StorageOptions.WRITE, length);
        } catch (BlockException.Unsupported failure) {
            throw new CommandException(failure.found());
        } catch (CommandException failure) {
            throw new CommandException(
                    file + ": error while creating output image: " + failure.text());
        }
    }

    /** Copies a part to the start of a target, which may be all zeros. */
    private static void copy(BlockIo source, long start, long end, BlockIo target, boolean isZero) {
        MemorySegment buffer = BufferPool.allocate(STEP);
        for (long at = start; at < end; at += STEP) {
            MemorySegment bytes = buffer.asSlice(0, Math.min(STEP, end - at));
            source.read(at, bytes);
            if (!isZero || !Bytes.isZero(bytes)) {
                target.write(at - start, bytes, Durability.CACHED);
            }
        }
    }
}
