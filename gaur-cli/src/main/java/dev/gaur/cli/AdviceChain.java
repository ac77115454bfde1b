package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.format.Image;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.MappingReport;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What advice is made of: what an image and those below it say of themselves, and how their tables
 * map the disk. Each is opened for itself, for reading; of a deep chain only the first layers'
 * tables are looked at.
 *
 * @param layers from the image to the base, as far as they can be opened
 * @param missing why the chain ends early, empty if it does not
 */
record AdviceChain(List<Layer> layers, String missing) {
    /** A table is read at most so often, whatever the chain says. */
    private static final int MAPPINGS_MAX = 16;

    /**
     * One image.
     *
     * @param mapping empty if its format has no tables, or if it lies too deep
     */
    record Layer(ImageInfo info, Optional<MappingReport> mapping) {
        /** What qcow2 has to say, if it is that. */
        Optional<ImageInfo.Qcow2> qcow2() {
            return info.details() instanceof ImageInfo.Qcow2 details
                    ? Optional.of(details)
                    : Optional.empty();
        }
    }

    /** The image itself. */
    Layer top() {
        return layers.getFirst();
    }

    /** Looks at an image and at what lies below it. */
    static AdviceChain of(String file, OpenRequest request) {
        List<String> files = new ArrayList<>();
        List<OpenRequest> requests = new ArrayList<>();
        List<ImageInfo> infos = new ArrayList<>();
        String missing = findLayers(file, request, files, requests, infos);
        List<Layer> layers = new ArrayList<>();
        for (int i = 0; i < infos.size(); i++) {
            layers.add(layer(i, files, requests, infos, missing));
        }
        return new AdviceChain(layers, missing);
    }

    private static String findLayers(
            String top,
            OpenRequest topRequest,
            List<String> files,
            List<OpenRequest> requests,
            List<ImageInfo> infos) {
        Set<String> seen = new HashSet<>();
        OpenRequest request = topRequest;
        for (String file = top; !file.isEmpty(); ) {
            if (!seen.add(file) || seen.size() > ChainOpener.DEPTH_MAX) {
                return "the chain comes back to '" + file + "' or is too deep";
            }
            ImageText text;
            try (Image image = ChainOpener.openAlone(file, request)) {
                infos.add(image.info());
                text = new ImageText(image.info(), null);
            } catch (BlockException failure) {
                if (infos.isEmpty()) {
                    throw ErrorText.cannotOpen(file, failure);
                }
                return "'" + file + "' cannot be opened: " + ErrorText.whyNotOpen(failure);
            }
            files.add(file);
            requests.add(request);
            request =
                    topRequest
                            .withImageOpts(false)
                            .with(OpenRequest.Extra.OF_IMAGE, true)
                            .withFormat(text.backingFormat());
            file = text.backingPath();
        }
        return "";
    }

    private static Layer layer(
            int index,
            List<String> files,
            List<OpenRequest> requests,
            List<ImageInfo> infos,
            String missing) {
        ImageInfo info = infos.get(index);
        long below = 0;
        if (index + 1 < infos.size()) {
            below = infos.get(index + 1).virtualSize();
        } else if (!missing.isEmpty()) {
            below = info.virtualSize(); // Nobody knows how long that file is.
        }
        if (index >= MAPPINGS_MAX) {
            return new Layer(info, Optional.empty());
        }
        try (Image image = ChainOpener.openAlone(files.get(index), requests.get(index))) {
            return new Layer(info, image.mapping(below));
        } catch (BlockException failure) {
            throw ErrorText.cannotOpen(files.get(index), failure);
        }
    }
}
