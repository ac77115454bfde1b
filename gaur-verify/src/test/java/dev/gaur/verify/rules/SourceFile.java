package dev.gaur.verify.rules;

import com.sun.source.tree.AnnotationTree;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.LineMap;
import com.sun.source.tree.MemberSelectTree;
import com.sun.source.tree.MethodInvocationTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.NewClassTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreeScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;

/**
 * What the rules look at in one file of the tree. Java code is as the compiler's own parser sees
 * it, so comments and texts are no code; for other files its lists are empty.
 *
 * @param name from the root of the tree, with slashes
 * @param text the whole file
 * @param types top-level types with their length
 * @param methods methods and constructors with their length
 * @param uses calls as {@code System.exit(1)}, constructions as {@code new Random()}, annotations
 *     as {@code @Disabled}, selected names as {@code System.out}
 */
record SourceFile(String name, String text, List<Item> types, List<Item> methods, List<Item> uses) {
    /** A piece of source: its text or name, its first line, and how many lines it has. */
    record Item(String text, long line, long lines) {}

    static SourceFile of(String name, String text) {
        var source =
                new SourceFile(name, text, new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        if (name.endsWith(".java")) {
            source.parse();
        }
        return source;
    }

    private void parse() {
        var file =
                new SimpleJavaFileObject(
                        URI.create("string:///Source.java"), JavaFileObject.Kind.SOURCE) {
                    @Override
                    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                        return text;
                    }
                };
        var compiler = ToolProvider.getSystemJavaCompiler();
        var task = (JavacTask) compiler.getTask(null, null, null, List.of(), null, List.of(file));
        try {
            for (CompilationUnitTree unit : task.parse()) {
                new Collector(unit, Trees.instance(task).getSourcePositions()).scan(unit, null);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private final class Collector extends TreeScanner<@Nullable Void, @Nullable Void> {
        private final CompilationUnitTree unit;
        private final SourcePositions positions;
        private final LineMap lines;

        Collector(CompilationUnitTree unit, SourcePositions positions) {
            this.unit = unit;
            this.positions = positions;
            this.lines = unit.getLineMap();
        }

        private Item item(String text, Tree tree) {
            return item(text, tree, tree);
        }

        private Item item(String text, Tree from, Tree tree) {
            long first = lines.getLineNumber(positions.getStartPosition(unit, from));
            long last = lines.getLineNumber(positions.getEndPosition(unit, tree) - 1);
            return new Item(text, first, last - first + 1);
        }

        @Override
        public @Nullable Void visitClass(ClassTree tree, @Nullable Void nothing) {
            if (unit.getTypeDecls().contains(tree)) {
                types.add(item(tree.getSimpleName().toString(), tree));
            }
            return super.visitClass(tree, nothing);
        }

        @Override
        public @Nullable Void visitMethod(MethodTree tree, @Nullable Void nothing) {
            if (tree.getBody() != null) {
                // From the result's type on: annotations may hold whole tables of cases.
                Tree result = tree.getReturnType();
                Tree from = result == null ? tree.getBody() : result;
                methods.add(item(tree.getName().toString(), from, tree));
            }
            return super.visitMethod(tree, nothing);
        }

        @Override
        public @Nullable Void visitMethodInvocation(
                MethodInvocationTree tree, @Nullable Void nothing) {
            uses.add(item(tree.toString(), tree));
            return super.visitMethodInvocation(tree, nothing);
        }

        @Override
        public @Nullable Void visitNewClass(NewClassTree tree, @Nullable Void nothing) {
            uses.add(item(tree.toString(), tree));
            return super.visitNewClass(tree, nothing);
        }

        @Override
        public @Nullable Void visitAnnotation(AnnotationTree tree, @Nullable Void nothing) {
            uses.add(item(tree.toString(), tree));
            return super.visitAnnotation(tree, nothing);
        }

        @Override
        public @Nullable Void visitMemberSelect(MemberSelectTree tree, @Nullable Void nothing) {
            uses.add(item(tree.toString(), tree));
            return super.visitMemberSelect(tree, nothing);
        }
    }
}
