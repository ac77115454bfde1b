package dev.gaur.verify.read;

import dev.gaur.block.BlockNode;
import dev.gaur.block.StorageNode;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.ImageFormat;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.format.qcow2.Qcow2Format;
import dev.gaur.format.raw.RawFormat;
import dev.gaur.storage.Reference;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.file.FileDriver;
import java.nio.file.Path;

/** Opens chains with nothing but the format under test: no probing, no policy, no locks. */
final class Layers {
    private static final StorageOptions READ = new StorageOptions(false, false, true);

    private Layers() {}

    static BlockNode open(Path path, String format, FormatOptions options) {
        StorageNode file = FileDriver.fast().open(path.toString(), READ);
        ImageFormat opener = format.equals("raw") ? RawFormat.INSTANCE : Qcow2Format.INSTANCE;
        try {
            return opener.open(file, options, new Neighbours(path));
        } catch (RuntimeException failed) {
            file.close();
            throw failed;
        }
    }

    /** Opens what lies in the same folder. */
    private record Neighbours(Path image) implements ReferenceOpener {
        @Override
        public BlockNode backing(Reference reference) {
            return open(
                    image.resolveSibling(reference.name()),
                    reference.format(),
                    FormatOptions.DEFAULT);
        }

        @Override
        public StorageNode dataFile(Reference reference) {
            Path path = image.resolveSibling(reference.name());
            return FileDriver.fast().open(path.toString(), READ);
        }
    }
}
