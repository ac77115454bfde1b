package dev.gaur.verify.rules;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Which classes of Gaur each class of Gaur names, read from the compiled class files. */
final class UsedClasses {
    // Descriptors and generic signatures hold names as Ldev/gaur/block/BlockIo; or with a < behind.
    private static final Pattern IN_DESCRIPTOR = Pattern.compile("L(dev/gaur/[\\w/$]+)[;<]");

    private UsedClasses() {}

    /** From the name of each top-level class to the top-level classes it names, itself left out. */
    static Map<String, Set<String>> in(Path classFolder) {
        var used = new TreeMap<String, Set<String>>();
        try (var files = Files.walk(classFolder)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                String name = file.getFileName().toString();
                if (name.endsWith(".class") && !name.equals("module-info.class")) {
                    add(ClassFile.of().parse(file), used);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return used;
    }

    private static void add(ClassModel model, Map<String, Set<String>> used) {
        String user = topLevel(model.thisClass().asInternalName());
        Set<String> uses = used.computeIfAbsent(user, _ -> new TreeSet<>());
        for (PoolEntry entry : model.constantPool()) {
            switch (entry) {
                case ClassEntry type -> addName(type.asInternalName(), uses);
                case Utf8Entry text -> addDescriptor(text.stringValue(), uses);
                default -> {
                    // All other kinds refer to these two.
                }
            }
        }
        uses.remove(user);
    }

    private static void addName(String internalName, Set<String> uses) {
        if (internalName.startsWith("[")) {
            addDescriptor(internalName, uses);
        } else if (internalName.startsWith("dev/gaur/")) {
            uses.add(topLevel(internalName));
        }
    }

    private static void addDescriptor(String text, Set<String> uses) {
        var matcher = IN_DESCRIPTOR.matcher(text);
        while (matcher.find()) {
            uses.add(topLevel(matcher.group(1)));
        }
    }

    private static String topLevel(String internalName) {
        int nested = internalName.indexOf('$');
        String top = nested < 0 ? internalName : internalName.substring(0, nested);
        return top.replace('/', '.');
    }
}
