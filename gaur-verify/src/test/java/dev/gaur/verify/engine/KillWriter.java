package dev.gaur.verify.engine;

import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Image;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.file.FileDriver;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A program that writes to an image until it is killed, and says on standard output which flushes
 * returned: a line with the number of the operation.
 */
final class KillWriter {
    private static final int OPERATIONS = 20_000;
    private static final int FLUSH_EVERY = 5;

    private KillWriter() {}

    /** Arguments: the image's kind, its folder, the seed of what is written. */
    public static void main(String[] args) throws IOException {
        ImageSpec spec = ImageSpec.of(args[0]);
        long seed = Long.parseLong(args[2]);
        List<Op> ops = ops(seed, spec);
        String file = Path.of(args[1], TestImage.FILE).toString();
        StorageOptions how = StorageOptions.WRITE.withDirect(seed % 2 == 0);
        try (StorageNode storage = FileDriver.fast().open(file, how);
                FileOutputStream out = new FileOutputStream(FileDescriptor.out);
                Image image =
                        TestImage.create(spec, new Random(0)).in(List.of(storage)).open(seed)) {
            for (int i = 0; i < ops.size(); i++) {
                Requests.run(image, ops.get(i), Op::bytes);
                if (ops.get(i) instanceof Op.Flush) {
                    out.write((i + "\n").getBytes(StandardCharsets.UTF_8));
                }
            }
        }
    }

    /** What is written; the judge knows it too. */
    static List<Op> ops(long seed, ImageSpec spec) {
        Random random = new Random(seed);
        List<Op> ops = new ArrayList<>();
        while (ops.size() < OPERATIONS) {
            Op op = Workload.random(random, spec, Workload.Extras.NONE, 1).getFirst();
            switch (op) {
                case Op.Write write -> ops.add(write);
                case Op.Zero(long at, int length, _, _) ->
                        ops.add(new Op.Zero(at, length, ZeroMode.UNMAP, false));
                case Op.Discard(long at, _) when at % spec.clusterSize() == 0 ->
                        ops.add(new Op.Discard(at, spec.clusterSize()));
                case Op.Compressed each -> ops.add(each);
                default -> {}
            }
            if (random.nextInt(FLUSH_EVERY) == 0) {
                ops.add(new Op.Flush());
            }
        }
        return ops;
    }
}
