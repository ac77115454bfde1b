package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.format.Snapshots;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.OpenRequest;
import dev.gaur.json.JsonWriter;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** {@code gaur snapshot}: lists and changes the internal snapshots of an image. */
final class SnapshotCommand implements Command {
    private static final Option LIST = Option.flag("l", "list", "list all (the default)");
    private static final Option CREATE =
            Option.valued("c", "create", "NAME", "take a snapshot of the disk as it is");
    private static final Option APPLY =
            Option.valued("a", "apply", "SNAPSHOT", "make the disk what it was (id or name)");
    private static final Option DELETE =
            Option.valued("d", "delete", "NAME", "remove the first snapshot of that name");

    /** QEMU's programs see no more of a name. */
    private static final int NAME_BYTES_MAX = 255;

    @Override
    public String name() {
        return "snapshot";
    }

    @Override
    public String summary() {
        return "list and change internal snapshots";
    }

    @Override
    public String operands() {
        return "FILE";
    }

    @Override
    public List<Option> options() {
        return List.of(
                LIST,
                CREATE,
                APPLY,
                DELETE,
                Options.FORMAT,
                Options.OUTPUT,
                Options.QUIET,
                Options.SHARED,
                Options.IMAGE_OPTS,
                Options.OBJECT);
    }

    @Override
    public int run(Invocation call) {
        List<Option> actions =
                call.given().stream()
                        .map(OptionParser.Given::option)
                        .filter(List.of(LIST, CREATE, APPLY, DELETE)::contains)
                        .toList();
        if (actions.size() > 1) {
            throw CommandException.usage("Cannot mix '-l', '-a', '-c', '-d'");
        }
        boolean json = Options.json(call);
        String file = call.onlyOperand("Expecting one image file name");
        Option action = actions.isEmpty() ? LIST : actions.getFirst();
        if (action == LIST) {
            list(call, file, json);
        } else {
            change(call, file, action);
        }
        return 0;
    }

    private static void list(Invocation call, String file, boolean json) {
        OpenRequest request = Options.request(call, Options.FORMAT);
        try (BlockDevice device = ChangedImage.open(call, file, request)) {
            List<SnapshotInfo> all = device.image().info().snapshots();
            if (json) {
                JsonWriter writer = JsonWriter.pretty().beginArray();
                all.forEach(each -> ImageText.json(writer, each));
                call.out().print(writer.endArray() + "\n");
            } else if (!all.isEmpty()) {
                StringBuilder text = new StringBuilder("Snapshot list:\n");
                SnapshotList.append(text, all);
                call.out().print(text);
            }
        }
    }

    private static void change(Invocation call, String file, Option action) {
        String wanted = call.value(action, "");
        try (BlockDevice device = ChangedImage.open(call, file)) {
            Snapshots snapshots = device.image().snapshots().orElse(null);
            if (action == CREATE) {
                create(call, snapshots, wanted);
            } else if (action == APPLY) {
                apply(call, device, wanted);
            } else {
                delete(call, snapshots, wanted);
            }
        }
    }

    private static void create(Invocation call, @Nullable Snapshots snapshots, String name) {
        String problem = "Could not create snapshot '" + name + "': ";
        if (snapshots == null) {
            throw new CommandException(problem + withNumber(call, ErrorText.NOT_SUPPORTED));
        }
        SnapshotInfo wish =
                new SnapshotInfo("", cut(name), Instant.now(), 0, 0, 0, OptionalLong.of(0));
        try {
            snapshots.create(wish);
        } catch (BlockException failure) {
            throw new CommandException(problem + createReason(call, failure));
        }
    }

    private static String createReason(Invocation call, BlockException failure) {
        return call.program().isQemu()
                ? withNumber(call, ErrorText.number(failure))
                : ErrorText.found(failure);
    }

    private static String withNumber(Invocation call, int errno) {
        String text = ErrorText.nameOf(errno, "error " + errno);
        return call.program().isQemu() ? -errno + " (" + text + ")" : text;
    }

    /** As QEMU's programs cut it, but between characters. */
    private static String cut(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        if (bytes.length <= NAME_BYTES_MAX) {
            return name;
        }
        int end = NAME_BYTES_MAX;
        while ((bytes[end] & 0xc0) == 0x80) {
            end--;
        }
        return new String(Arrays.copyOf(bytes, end), StandardCharsets.UTF_8);
    }

    private static void apply(Invocation call, BlockDevice device, String wanted) {
        String problem = "Could not apply snapshot '" + wanted + "': ";
        Snapshots snapshots = device.image().snapshots().orElse(null);
        if (snapshots == null) {
            boolean raw = device.image().info().format().equals("raw");
            throw new CommandException(
                    problem
                            + (raw
                                    ? "Block driver does not support snapshots"
                                    : "Failed to load snapshot: Operation not supported"));
        }
        try {
            snapshots.apply(wanted);
        } catch (BlockException failure) {
            throw new CommandException(
                    problem + "Failed to load snapshot: " + reason(call, failure));
        }
    }

    private static String reason(Invocation call, BlockException failure) {
        return call.program().isQemu() ? ErrorText.errorName(failure) : ErrorText.found(failure);
    }

    private static void delete(Invocation call, @Nullable Snapshots snapshots, String name) {
        String problem = "Could not delete snapshot '" + name + "': ";
        SnapshotInfo found =
                snapshots == null
                        ? null
                        : snapshots.list().stream()
                                .filter(each -> each.name().equals(name))
                                .findFirst()
                                .orElse(null);
        if (snapshots == null || found == null) {
            throw new CommandException(problem + "snapshot not found");
        }
        try {
            snapshots.delete(found.id());
        } catch (BlockException failure) {
            throw new CommandException(problem + reason(call, failure));
        }
    }
}
