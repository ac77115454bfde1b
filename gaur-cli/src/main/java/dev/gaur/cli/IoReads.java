package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.mem.BufferPool;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** Reads of {@code gaur io}. */
final class IoReads {
    private IoReads() {}

    static void read(IoShell shell, IoVerb verb, List<String> words) {
        IoArguments given = IoArguments.parse(shell, verb, words, "bCl:pP:qs:v");
        Check check = new Check();
        for (IoArguments.Given each : given.given()) {
            switch (each.letter()) {
                case 'P' -> check.pattern(each.value());
                case 's' -> check.start = IoReport.number(each.value());
                case 'l' -> check.length = IoReport.number(each.value());
                default -> {}
            }
        }
        List<String> operands = given.operands(2, 2);
        long offset = IoReport.number(operands.get(0));
        long length = IoReport.length(operands.get(1));
        if (!check.wanted && (given.has('l') || given.has('s'))) {
            throw given.usage();
        }
        check.fit(length, given.has('l'));
        if (given.has('b')) {
            IoReport.requireSectors(offset, "offset");
            IoReport.requireSectors(length, "count");
        }
        run(shell, given, offset, length, check, "read");
    }

    static void readv(IoShell shell, IoVerb verb, List<String> words) {
        IoArguments given = IoArguments.parse(shell, verb, words, "CP:qv");
        Check check = new Check();
        if (given.has('P')) {
            check.pattern(given.value('P'));
        }
        List<String> operands = given.operands(2, Integer.MAX_VALUE);
        long offset = IoReport.number(operands.getFirst());
        long length = IoReport.lengths(operands.subList(1, operands.size()));
        check.fit(length, false);
        run(shell, given, offset, length, check, "readv");
    }

    private static void run(
            IoShell shell, IoArguments given, long offset, long length, Check check, String name) {
        MemorySegment buffer = buffer(length);
        long begin = System.nanoTime();
        try {
            if (given.has('b')) {
                IoWrites.vmState(shell.disk()).read(offset, buffer);
            } else {
                shell.disk().read(offset, buffer);
            }
        } catch (BlockException | IndexOutOfBoundsException failure) {
            throw IoFailure.told(name + " failed: " + IoReport.reason(failure));
        }
        long nanos = System.nanoTime() - begin;
        String wrong = check.verify(offset, buffer);
        if (!wrong.isEmpty()) {
            shell.fail();
            shell.say(wrong);
        }
        shell.print(result(given, "read", offset, buffer, nanos));
    }

    /** Returns memory for a request, which may have no bytes at all. */
    static MemorySegment buffer(long length) {
        return BufferPool.allocate(Math.max(1, length)).asSlice(0, length);
    }

    /** What is printed of a read that succeeded. */
    static String result(
            IoArguments given, String doing, long offset, MemorySegment buffer, long nanos) {
        if (given.has('q')) {
            return "";
        }
        String dump = given.has('v') ? IoReport.dump(offset, buffer) : "";
        return dump + IoReport.of(doing, offset, buffer.byteSize(), nanos, given.has('C'));
    }

    /** What a read must find. */
    static final class Check {
        private boolean wanted;
        private byte pattern;
        private long start;
        private long length;

        void pattern(String text) {
            pattern = IoReport.pattern(text);
            wanted = true;
        }

        /** Refuses a part to look at that the read does not have. */
        void fit(long readLength, boolean lengthGiven) {
            if (!lengthGiven) {
                length = readLength - start;
            }
            if (length < 0 || length > readLength - start) {
                throw IoFailure.told("pattern verification range exceeds end of read data");
            }
        }

        /** Returns what is wrong with what was read, empty if nothing. */
        String verify(long offset, MemorySegment read) {
            if (!wanted) {
                return "";
            }
            for (long at = start; at < start + length; at++) {
                if (read.get(ValueLayout.JAVA_BYTE, at) != pattern) {
                    return "Pattern verification failed at offset "
                            + (offset + start)
                            + ", "
                            + length
                            + " bytes";
                }
            }
            return "";
        }
    }
}
