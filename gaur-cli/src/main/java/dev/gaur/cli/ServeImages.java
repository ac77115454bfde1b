package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockIo;
import dev.gaur.export.DiskPart;
import dev.gaur.export.Export;
import dev.gaur.export.StatusContext;
import dev.gaur.format.DetectZeroes;
import dev.gaur.format.DiscardOptions;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.nbd.Nbd;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The images of {@code gaur serve}, and the exports made of them. */
final class ServeImages {
    private final Invocation call;
    private final Service service;
    private final OpenRequest request;

    private ServeImages(Invocation call, Service service) {
        this.call = call;
        this.service = service;
        this.request = request(call);
    }

    /** What the user names an image by. */
    private record Named(String name, String image) {}

    /** Opens the images, and offers them. */
    static void open(Invocation call, List<String> images, Service service) {
        ServeImages opener = new ServeImages(call, service);
        List<Named> all = new ArrayList<>();
        for (String image : images) {
            all.add(opener.named(image));
        }
        opener.checkNames(all);
        for (Named each : all) {
            opener.open(each);
        }
    }

    /** Splits {@code NAME=IMAGE}, unless there is a file of that name. */
    private Named named(String operand) {
        int equals = operand.indexOf('=');
        boolean plain =
                equals < 0
                        || operand.substring(0, equals).indexOf('/') >= 0
                        || Files.exists(Path.of(operand));
        if (call.has(Options.IMAGE_OPTS) || operand.startsWith("json:")) {
            return new Named("", operand); // It is called as the file that the options name.
        }
        if (plain) {
            return new Named(fileName(operand), operand);
        }
        return new Named(operand.substring(0, equals), operand.substring(equals + 1));
    }

    private static String fileName(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    private void checkNames(List<Named> all) {
        List<String> names = all.stream().map(Named::name).toList();
        for (int i = 0; i < names.size(); i++) {
            String name = names.get(i);
            if (name.getBytes(StandardCharsets.UTF_8).length > Nbd.STRING_MAX) {
                throw new CommandException("export name '" + name + "' too long");
            }
            if (!name.isEmpty() && names.indexOf(name) != i) {
                throw sameName(name);
            }
        }
        for (String name : call.values(ServeCommand.READ_ONLY)) {
            if (!name.isEmpty() && !names.contains(name)) {
                throw new CommandException("--read-only=" + name + " names no export");
            }
        }
    }

    private static CommandException sameName(String name) {
        return new CommandException(
                "there are two exports '" + name + "': write NAME=IMAGE to choose the names");
    }

    private static OpenRequest request(Invocation call) {
        boolean imageOpts = call.has(Options.IMAGE_OPTS);
        if (imageOpts && call.has(Options.FORMAT)) {
            throw new CommandException("--image-opts and --format are mutually exclusive");
        }
        OpenRequest request =
                OpenRequest.READ
                        .withFormat(call.value(Options.FORMAT, ""))
                        .withImageOpts(imageOpts)
                        .withCredentials(UserObjects.of(call))
                        .withCache(CacheOption.mode(call))
                        .withShared(call.has(Options.SHARED))
                        .withSnapshot(call.value(ServeCommand.SNAPSHOT, ""));
        boolean unmap = unmap(call.value(ServeCommand.DISCARD, "unmap"));
        DetectZeroes zeroes =
                switch (call.value(ServeCommand.DETECT_ZEROES, "off")) {
                    case "off" -> DetectZeroes.OFF;
                    case "on" -> DetectZeroes.ON;
                    case "unmap" -> DetectZeroes.UNMAP;
                    default -> throw invalid(call, ServeCommand.DETECT_ZEROES);
                };
        if (zeroes == DetectZeroes.UNMAP && !unmap) {
            throw new CommandException("--detect-zeroes=unmap needs --discard=unmap");
        }
        return request.withOptions(
                request.options()
                        .withDiscard(unmap ? DiscardOptions.DEFAULT : DiscardOptions.IGNORE)
                        .withDetectZeroes(zeroes));
    }

    private static boolean unmap(String mode) {
        return switch (mode) {
            case "unmap", "on" -> true;
            case "ignore", "off" -> false;
            default -> throw new CommandException("Invalid discard mode '" + mode + "'");
        };
    }

    private static CommandException invalid(Invocation call, Option option) {
        return new CommandException(
                "Invalid argument of --" + option.word() + ": '" + call.value(option, "") + "'");
    }

    private boolean isReadOnly(String name) {
        List<String> readOnly = call.values(ServeCommand.READ_ONLY);
        return call.has(ServeCommand.SNAPSHOT) || readOnly.contains("") || readOnly.contains(name);
    }

    private void open(Named named) {
        boolean writable = !isReadOnly(named.name);
        BlockDevice disk;
        try {
            disk = ChainOpener.open(named.image, request.withWritable(writable));
        } catch (BlockException failure) {
            if (call.has(ServeCommand.SNAPSHOT) && failure.structure().equals("snapshot table")) {
                throw new CommandException(
                        "Could not open '" + named.image + "': " + failure.found());
            }
            throw ErrorText.cannotOpen(named.image, failure);
        }
        service.own(disk);
        if (disk.isGuessedRaw()) {
            call.err().print(ChangedImage.guessedRaw(disk.image().name()) + "\n");
        }
        String name = named.name.isEmpty() ? fileName(disk.image().info().name()) : named.name;
        try {
            service.add(export(name, disk));
        } catch (IllegalArgumentException _) {
            throw sameName(name);
        }
    }

    private Export export(String name, BlockDevice disk) {
        long start = call.size(ServeCommand.OFFSET, "offset", 0);
        long length = call.size(ServeCommand.SIZE, "size", Math.max(0, disk.length() - start));
        if (start > disk.length() || length > disk.length() - start) {
            throw new CommandException(
                    "the part from "
                            + start
                            + " on, "
                            + length
                            + " bytes, is not within '"
                            + name
                            + "', which has "
                            + disk.length());
        }
        BlockIo served = length == disk.length() ? disk : new DiskPart(disk, start, length);
        List<StatusContext> contexts = ExportContexts.basic(true);
        ExportContexts of = new ExportContexts(disk, start);
        if (call.has(ServeCommand.BITMAP)) {
            for (String bitmap : call.values(ServeCommand.BITMAP)) {
                contexts.add(of.bitmap(bitmap));
            }
        } else if (!call.has(ServeCommand.SNAPSHOT)) {
            contexts.addAll(of.soundBitmaps());
        }
        return Export.of(name, served).withWritable(disk.writable()).withContexts(contexts);
    }
}
