package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.graph.BlockDevice;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;

/**
 * Requests of {@code gaur io} that run beside the commands after them, each on a thread of its own.
 * What they have to say waits until a command lets it be printed. Its own monitor guards all.
 */
final class IoAsync {
    private final Queue<String> said = new ArrayDeque<>();
    private int running;

    /** A request; returns what is printed of it. */
    @FunctionalInterface
    private interface Request {
        String run();
    }

    static void read(IoShell shell, IoVerb verb, List<String> words) {
        IoArguments given = IoArguments.parse(shell, verb, words, "CP:iqv");
        IoReads.Check check = new IoReads.Check();
        for (IoArguments.Given each : given.given()) {
            if (each.letter() == 'P') {
                check.pattern(each.value());
            } else if (each.letter() == 'i') {
                shell.say("injecting invalid read request");
                return;
            }
        }
        List<String> operands = given.operands(2, Integer.MAX_VALUE);
        long offset = IoReport.number(operands.getFirst());
        long length = IoReport.lengths(operands.subList(1, operands.size()));
        check.fit(length, false);
        BlockDevice disk = shell.disk();
        shell.async().start(() -> read(disk, given, check, offset, length));
    }

    private static String read(
            BlockDevice disk, IoArguments given, IoReads.Check check, long offset, long length) {
        MemorySegment buffer = IoReads.buffer(length);
        long begin = System.nanoTime();
        try {
            disk.read(offset, buffer);
        } catch (BlockException | IndexOutOfBoundsException failure) {
            return "readv failed: " + IoReport.reason(failure) + "\n";
        }
        long nanos = System.nanoTime() - begin;
        String wrong = check.verify(offset, buffer);
        return (wrong.isEmpty() ? "" : wrong + "\n")
                + IoReads.result(given, "read", offset, buffer, nanos);
    }

    static void write(IoShell shell, IoVerb verb, List<String> words) {
        IoArguments given = IoArguments.parse(shell, verb, words, "CfiP:quz");
        byte pattern = (byte) 0xcd;
        for (IoArguments.Given each : given.given()) {
            if (each.letter() == 'P') {
                pattern = IoReport.pattern(each.value());
            } else if (each.letter() == 'i') {
                shell.say("injecting invalid write request");
                return;
            }
        }
        List<String> operands = given.operands(2, Integer.MAX_VALUE);
        boolean zero = given.has('z');
        if (zero && operands.size() != 2) {
            throw IoFailure.told("-z supports only a single length parameter");
        }
        if (given.has('u') && !zero) {
            throw IoFailure.told("-u requires -z to be specified");
        }
        long offset = IoReport.number(operands.getFirst());
        BlockDevice disk = shell.disk();
        if (zero) {
            long length = IoReport.number(operands.get(1));
            IoWrites.Work work = target -> IoWrites.zero(target, given, offset, length);
            shell.async().start(() -> write(disk, given, offset, length, work));
            return;
        }
        long length = IoReport.lengths(operands.subList(1, operands.size()));
        MemorySegment buffer = IoReads.buffer(length).fill(pattern);
        IoWrites.Work work = target -> target.write(offset, buffer, IoWrites.durability(given));
        shell.async().start(() -> write(disk, given, offset, length, work));
    }

    private static String write(
            BlockDevice disk, IoArguments given, long offset, long length, IoWrites.Work work) {
        long begin = System.nanoTime();
        try {
            work.on(disk);
        } catch (BlockException | IndexOutOfBoundsException failure) {
            return "aio_write failed: " + IoReport.reason(failure) + "\n";
        }
        long nanos = System.nanoTime() - begin;
        return given.has('q') ? "" : IoReport.of("wrote", offset, length, nanos, given.has('C'));
    }

    static void flush(IoShell shell, IoVerb verb, List<String> words) {
        shell.drain();
    }

    private void start(Request request) {
        synchronized (this) {
            running++;
        }
        Thread.ofPlatform().daemon().name("gaur-aio").start(() -> finish(request));
    }

    private void finish(Request request) {
        String result;
        try {
            result = request.run();
        } catch (RuntimeException | Error bug) {
            result = "internal error: " + bug + "\n";
        }
        synchronized (this) {
            said.add(result);
            running--;
            notifyAll();
        }
    }

    /** Notes a line to be printed when the next command lets it. */
    synchronized void tell(String line) {
        said.add(line + "\n");
    }

    /** Waits until no request runs any more. */
    synchronized void await() {
        boolean interrupted = false;
        while (running > 0) {
            try {
                wait();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Returns what requests had to say that ended since this was asked the last time. */
    synchronized String takeSaid() {
        String all = String.join("", said);
        said.clear();
        return all;
    }
}
