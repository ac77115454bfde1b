package dev.gaur.verify.engine;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.NewMultiArrayInstruction;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.classfile.instruction.NewPrimitiveArrayInstruction;
import java.lang.classfile.instruction.NewReferenceArrayInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Loads the classes of Gaur once more, those of the engine so that they call {@link
 * Allocations#pass} wherever they ask for memory: at each object, array and lambda, before and
 * after what changes a collection.
 */
final class ScarceLoader extends ClassLoader {
    private static final ClassDesc ALLOCATIONS = ClassDesc.of(Allocations.class.getName());
    private static final MethodTypeDesc PASS =
            MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_int);

    private static final List<String> SCARCE =
            List.of("dev.gaur.format.qcow2.", "dev.gaur.sync.", "dev.gaur.bitmap.");

    /** Methods of the library that may need memory. */
    private static final Pattern NEEDY =
            Pattern.compile(
                    "java/util/.*\\.(add.*|put.*|merge|compute.*|copyOf.*|of|from|set|stream|toList"
                            + "|sort|iterator|entrySet|values|forEach|within)"
                            + "|java/lang/(Long|Integer)\\.valueOf"
                            + "|java/lang/foreign/MemorySegment\\.(asSlice|ofArray)");

    private static final Pattern NEVER =
            Pattern.compile("java/util/(concurrent/(atomic|locks)/.*|(Array)?List\\.set)");

    /** They may have changed something before they find that there is no memory. */
    private static final Pattern LATE =
            Pattern.compile(
                    "java/util/.*(Map|Set|Deque|Queue)\\.(add.*|put.*|merge|computeIfAbsent)");

    private final ClassFile format =
            ClassFile.of(
                    ClassFile.ClassHierarchyResolverOption.of(
                            ClassHierarchyResolver.ofResourceParsing(
                                    ScarceLoader.class.getClassLoader())));

    private final List<String> places = new ArrayList<>();

    ScarceLoader() {
        super(ScarceLoader.class.getClassLoader());
    }

    /** What is at a place. */
    String place(int number) {
        return places.get(number);
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (!name.startsWith("dev.gaur.")) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            return loaded != null ? loaded : define(name);
        }
    }

    private Class<?> define(String name) throws ClassNotFoundException {
        byte[] bytes;
        String file = name.replace('.', '/') + ".class";
        try (InputStream in = getParent().getResourceAsStream(file)) {
            if (in == null) {
                throw new ClassNotFoundException(name);
            }
            bytes = in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        if (SCARCE.stream().anyMatch(name::startsWith)) {
            bytes = scarce(name, bytes);
        }
        return defineClass(name, bytes, 0, bytes.length);
    }

    private byte[] scarce(String name, byte[] bytes) {
        String simple = name.substring(name.lastIndexOf('.') + 1);
        return format.transformClass(
                format.parse(bytes),
                ClassTransform.transformingMethodBodies(
                        method -> !isInitializer(method),
                        (code, element) -> put(code, element, simple)));
    }

    /** A class that cannot be initialized could not be used any more. */
    private static boolean isInitializer(MethodModel method) {
        return method.methodName().equalsString(ConstantDescs.CLASS_INIT_NAME);
    }

    private void put(CodeBuilder code, CodeElement element, String where) {
        String what = whatNeedsMemory(element);
        if (!what.isEmpty()) {
            pass(code, where + ": " + what);
        }
        code.with(element);
        if (LATE.matcher(what).matches()) {
            pass(code, where + ": after " + what);
        }
    }

    private void pass(CodeBuilder code, String place) {
        code.loadConstant(places.size());
        code.invokestatic(ALLOCATIONS, "pass", PASS);
        places.add(place);
    }

    private static String whatNeedsMemory(CodeElement element) {
        return switch (element) {
            case NewObjectInstruction made -> "new " + made.className().asInternalName();
            case NewPrimitiveArrayInstruction _ -> "new array";
            case NewReferenceArrayInstruction _ -> "new array of objects";
            case NewMultiArrayInstruction _ -> "new array of arrays";
            case InvokeDynamicInstruction made -> "new " + made.name().stringValue();
            case InvokeInstruction call -> {
                String name = call.owner().asInternalName() + "." + call.name().stringValue();
                boolean needy = NEEDY.matcher(name).matches() && !NEVER.matcher(name).matches();
                yield needy ? name : "";
            }
            default -> "";
        };
    }
}
