package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Compressing;
import dev.gaur.format.Preallocation;
import dev.gaur.format.Resizing;
import dev.gaur.format.VmState;
import dev.gaur.graph.BlockDevice;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/** What changes an image in {@code gaur io}. */
final class IoWrites {
    private static final byte DEFAULT_PATTERN = (byte) 0xcd;

    private IoWrites() {}

    static void write(IoShell shell, IoVerb verb, List<String> words) {
        IoArguments given = IoArguments.parse(shell, verb, words, "bcCfnpP:qs:uz");
        byte pattern = pattern(given);
        List<String> operands = given.operands(2, 2);
        requireLegal(given);
        long offset = IoReport.number(operands.get(0));
        long length = IoReport.number(operands.get(1));
        if (length > IoReport.REQUEST_MAX && !given.has('n')) {
            throw IoFailure.told(
                    "length cannot exceed "
                            + IoReport.REQUEST_MAX
                            + " without -n, given "
                            + operands.get(1));
        }
        if (given.has('b') || given.has('c')) {
            IoReport.requireSectors(offset, "offset");
            IoReport.requireSectors(length, "count");
        }
        if (given.has('z')) {
            run(shell, given, "write", offset, length, disk -> zero(disk, given, offset, length));
            return;
        }
        MemorySegment buffer =
                given.has('s')
                        ? contentOf(given.value('s'), length)
                        : IoReads.buffer(length).fill(pattern);
        run(shell, given, "write", offset, length, disk -> write(disk, given, offset, buffer));
    }

    private static void requireLegal(IoArguments given) {
        require(
                !given.has('b') || !given.has('z'),
                "-b and -z cannot be specified at the same time");
        require(
                !given.has('f') || (!given.has('b') && !given.has('c')),
                "-f and -b or -c cannot be specified at the same time");
        require(!given.has('n') || given.has('z'), "-n requires -z to be specified");
        require(!given.has('u') || given.has('z'), "-u requires -z to be specified");
        int sources =
                (given.has('z') ? 1 : 0) + (given.has('P') ? 1 : 0) + (given.has('s') ? 1 : 0);
        require(sources <= 1, "Only one of -z, -P, and -s can be specified at the same time");
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw IoFailure.told(otherwise);
        }
    }

    private static byte pattern(IoArguments given) {
        return given.has('P') ? IoReport.pattern(given.value('P')) : DEFAULT_PATTERN;
    }

    /** What is done with a disk. */
    @FunctionalInterface
    interface Work {
        void on(BlockDevice disk);
    }

    static Durability durability(IoArguments given) {
        return given.has('f') ? Durability.STABLE : Durability.CACHED;
    }

    static void zero(BlockDevice disk, IoArguments given, long offset, long length) {
        boolean fast = given.has('n');
        ZeroMode mode =
                given.has('u')
                        ? fast ? ZeroMode.UNMAP_FAST : ZeroMode.UNMAP
                        : fast ? ZeroMode.KEEP_FAST : ZeroMode.KEEP;
        disk.zero(offset, length, mode, durability(given));
    }

    private static void write(
            BlockDevice disk, IoArguments given, long offset, MemorySegment buffer) {
        if (given.has('b')) {
            vmState(disk).write(offset, buffer);
            return;
        }
        if (!given.has('c')) {
            disk.write(offset, buffer, durability(given));
            return;
        }
        Compressing compressing =
                disk.compressing()
                        .orElseThrow(
                                () ->
                                        new BlockException.Unsupported(
                                                disk.image().name(), "", "cannot compress"));
        compressing.writeCompressed(offset, buffer);
    }

    /** The area for VM state of an image. */
    static VmState vmState(BlockDevice disk) {
        return disk.image()
                .vmState()
                .orElseThrow(
                        () ->
                                new BlockException.Unsupported(
                                        disk.image().name(), "", "has no VM state"));
    }

    /** Makes a buffer of a file's content, over and over again. */
    private static MemorySegment contentOf(String file, long length) {
        byte[] content;
        try {
            content = Files.readAllBytes(Path.of(file));
        } catch (NoSuchFileException | InvalidPathException _) {
            throw IoFailure.complained(file + ": No such file or directory");
        } catch (IOException failure) {
            throw IoFailure.complained(file + ": " + failure.getMessage());
        }
        if (content.length == 0) {
            throw IoFailure.complained(file + ": file is empty");
        }
        MemorySegment buffer = IoReads.buffer(length);
        MemorySegment source = MemorySegment.ofArray(content);
        for (long at = 0; at < length; at += content.length) {
            long count = Math.min(content.length, length - at);
            MemorySegment.copy(source, 0, buffer, at, count);
        }
        return buffer;
    }

    static void writev(IoShell shell, IoVerb verb, List<String> words) {
        IoArguments given = IoArguments.parse(shell, verb, words, "CfqP:");
        byte pattern = pattern(given);
        List<String> operands = given.operands(2, Integer.MAX_VALUE);
        long offset = IoReport.number(operands.getFirst());
        long length = IoReport.lengths(operands.subList(1, operands.size()));
        MemorySegment buffer = IoReads.buffer(length).fill(pattern);
        run(
                shell,
                given,
                "writev",
                offset,
                length,
                disk -> disk.write(offset, buffer, durability(given)));
    }

    static void discard(IoShell shell, IoVerb verb, List<String> words) {
        IoArguments given = IoArguments.parse(shell, verb, words, "Cq");
        List<String> operands = given.operands(2, 2);
        long offset = IoReport.number(operands.get(0));
        long length = IoReport.length(operands.get(1));
        run(shell, given, "discard", offset, length, disk -> disk.discard(offset, length));
    }

    private static void run(
            IoShell shell, IoArguments given, String name, long offset, long length, Work work) {
        long begin = System.nanoTime();
        try {
            work.on(shell.disk());
        } catch (BlockException | IndexOutOfBoundsException failure) {
            throw IoFailure.told(name + " failed: " + IoReport.reason(failure));
        }
        long nanos = System.nanoTime() - begin;
        if (!given.has('q')) {
            String doing = name.equals("discard") ? "discard" : "wrote";
            shell.print(IoReport.of(doing, offset, length, nanos, given.has('C')));
        }
    }

    static void truncate(IoShell shell, IoVerb verb, List<String> words) {
        IoArguments given = IoArguments.parse(shell, verb, words, "m:");
        String mode = given.has('m') ? given.value('m') : "off";
        Preallocation preallocation =
                Preallocation.ofOptionValue(mode)
                        .orElseThrow(
                                () -> shell.complaint("Invalid preallocation mode '" + mode + "'"));
        long length = IoReport.number(given.operands(1, Integer.MAX_VALUE).getFirst());
        BlockDevice disk = shell.disk();
        Resizing resizing =
                disk.resizing()
                        .orElseThrow(
                                () ->
                                        shell.complaint(
                                                "Image format driver does not support resize"));
        try {
            resizing.resize(length, preallocation);
        } catch (BlockException.Unsupported failure) {
            throw shell.complaint(ErrorText.found(failure));
        } catch (BlockException failure) {
            throw shell.complaint(ErrorText.of(failure));
        }
    }
}
