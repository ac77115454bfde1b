package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.format.Image;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.graph.OptionTree;
import dev.gaur.json.JsonWriter;
import dev.gaur.storage.CacheMode;
import java.util.ArrayList;
import java.util.List;

/** {@code gaur info}: what an image is. Opens its backing and data files only if asked to. */
final class InfoCommand implements Command {
    private static final String JSON = "json:";

    private static final Option CHAIN =
            Option.flag("", "backing-chain", "show all images down to the base");
    private static final Option LIMITS =
            Option.flag("", "limits", "show what requests have to respect");
    private static final Option ADVICE =
            Option.flag("", "advice", "show what makes it slow and what would make it faster");

    @Override
    public String name() {
        return "info";
    }

    @Override
    public String summary() {
        return "show what an image is";
    }

    @Override
    public String operands() {
        return "FILE";
    }

    @Override
    public List<Option> options() {
        return List.of(
                Options.FORMAT,
                CHAIN,
                LIMITS,
                ADVICE,
                Options.OUTPUT,
                Options.SHARED,
                CacheOption.OPTION,
                Options.IMAGE_OPTS,
                Options.OBJECT);
    }

    @Override
    public String details() {
        return """
                --advice looks at how the image and those below it are laid out: which cache holds
                their tables, in how many pieces the data lies, what first writes copy; and says
                which commands would make it faster. It reads a bounded part of the tables, and
                writes nothing.""";
    }

    @Override
    public int run(Invocation call) {
        String file = call.onlyOperand("Expecting one image file name");
        boolean json = Options.json(call);
        CacheMode cache = CacheOption.mode(call);
        OpenRequest request = Options.request(call, Options.FORMAT).withCache(cache);
        if (call.has(ADVICE)) {
            return advise(call, file, request);
        }
        List<ImageText> images = new ArrayList<>();
        if (call.has(CHAIN)) {
            addChain(images, call, file, request);
        } else {
            images.add(look(call, file, request));
        }
        call.out().print(json ? json(images, call.has(CHAIN)) : human(images));
        return 0;
    }

    /** Its classes are loaded only here: they would cost other calls time. */
    private static int advise(Invocation call, String file, OpenRequest request) {
        if (call.has(CHAIN) || call.has(LIMITS)) {
            throw new CommandException("--advice goes with no other view of the image");
        }
        AdviceChain chain = AdviceChain.of(file, request);
        List<Advice.Item> advice = Advice.of(chain);
        boolean json = Options.json(call);
        call.out().print(json ? AdviceText.json(chain, advice) : AdviceText.human(chain, advice));
        return 0;
    }

    private static void addChain(
            List<ImageText> images, Invocation call, String top, OpenRequest topRequest) {
        List<String> seen = new ArrayList<>();
        OpenRequest request = topRequest;
        for (String file = top; !file.isEmpty(); file = images.getLast().backingPath()) {
            if (seen.contains(file)) {
                throw new CommandException("Backing file '" + file + "' creates an infinite loop.");
            }
            if (seen.size() == ChainOpener.DEPTH_MAX) {
                throw new CommandException(
                        "'" + top + "' has more than " + seen.size() + " backing files");
            }
            seen.add(file);
            images.add(look(call, file, request));
            request =
                    topRequest
                            .withImageOpts(false)
                            .with(OpenRequest.Extra.OF_IMAGE, true)
                            .withFormat(images.getLast().backingFormat());
        }
    }

    private static ImageText look(Invocation call, String file, OpenRequest request) {
        try (Image image = ChainOpener.openAlone(file, request)) {
            ImageText text = new ImageText(image.info(), call.has(LIMITS) ? image.limits() : null);
            return text.withDriver(driver(call, file, request));
        } catch (BlockException e) {
            throw ErrorText.cannotOpen(file, e);
        }
    }

    /** Returns the driver that is stated for an image, empty if none is. */
    private static String driver(Invocation call, String file, OpenRequest request) {
        if (request.has(OpenRequest.Extra.OF_IMAGE)) {
            return "";
        }
        if (request.has(OpenRequest.Extra.IMAGE_OPTS)) {
            return file.contains("driver=") ? OptionTree.ofOptions(file).text("driver", "") : "";
        }
        return file.startsWith(JSON)
                ? OptionTree.ofJson(file.substring(JSON.length())).text("driver", "")
                : call.value(Options.FORMAT, "");
    }

    private static String human(List<ImageText> images) {
        StringBuilder text = new StringBuilder(1024);
        for (ImageText image : images) {
            text.append(text.isEmpty() ? "" : "\n");
            image.human(text);
        }
        return text.toString();
    }

    private static String json(List<ImageText> images, boolean array) {
        JsonWriter json = JsonWriter.pretty();
        if (array) {
            json.beginArray();
        }
        for (ImageText image : images) {
            image.json(json);
        }
        if (array) {
            json.endArray();
        }
        return json + "\n";
    }
}
