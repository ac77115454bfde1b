package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.format.CheckFinding;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.format.RepairMode;
import dev.gaur.graph.OpenCheck;
import dev.gaur.graph.OpenRequest;
import dev.gaur.json.JsonWriter;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * {@code gaur check}: looks for damage, and repairs it if told to. What is found goes to standard
 * error, as it is found.
 */
final class CheckCommand implements Command {
    private static final Option REPAIR =
            Option.valued("r", "repair", "WHAT", "repair leaks or all that can be repaired");

    private static final int CORRUPTIONS = 2;
    private static final int LEAKS = 3;
    private static final int NO_CHECKER = 63;

    @Override
    public String name() {
        return "check";
    }

    @Override
    public String summary() {
        return "look for damage in an image, and repair it";
    }

    @Override
    public String operands() {
        return "FILE";
    }

    @Override
    public List<Option> options() {
        return List.of(
                Options.FORMAT,
                Options.OUTPUT,
                Options.QUIET,
                Options.SHARED,
                REPAIR,
                CacheOption.SOURCE,
                Options.PROGRESS,
                Options.IMAGE_OPTS,
                Options.OBJECT);
    }

    @Override
    public String details() {
        return """
                With -r the image is repaired, and checked once more: -r leaks frees clusters
                that nobody uses, -r all repairs all that can be repaired. Nobody else may use
                the image meanwhile. Interrupted at any moment, it is no worse than before.
                Where not every reference could be followed, what seems unused is kept.

                Exit code: 0 no damage, 1 could not be checked, 2 data is or will be lost,
                3 clusters are leaked, 63 the format has no check.""";
    }

    @Override
    public int run(Invocation call) {
        boolean json = Options.json(call);
        Optional<RepairMode> repair = repairMode(call);
        String file = call.onlyOperand("Expecting one image file name");
        try (OpenCheck check = open(call, file, repair.isPresent())) {
            if (!check.canCheck()) {
                throw new CommandException("This image format does not support checks", NO_CHECKER);
            }
            Printer printer = new Printer(call, json);
            CheckReport report;
            try (Progress progress = call.progress()) {
                CheckListener listener = printer.listener(progress);
                report =
                        repair.map(mode -> check.repair(mode, listener))
                                .orElseGet(() -> check.check(listener));
                progress.complete();
            }
            boolean repaired = report.corruptionsFixed() + report.leaksFixed() > 0;
            if (repaired && report.failure().isEmpty()) {
                report = checkAgain(call, check, printer, report);
            }
            return printer.finish(report, file, check.format());
        }
    }

    private static CheckReport checkAgain(
            Invocation call, OpenCheck check, Printer printer, CheckReport repair) {
        printer.repaired(repair);
        try (Progress progress = call.progress()) {
            CheckReport report = check.check(printer.listener(progress));
            progress.complete();
            return report.afterRepair(repair.corruptionsFixed(), repair.leaksFixed());
        }
    }

    private static Optional<RepairMode> repairMode(Invocation call) {
        if (!call.has(REPAIR)) {
            return Optional.empty();
        }
        String mode = call.value(REPAIR, "");
        return switch (mode) {
            case "all" -> Optional.of(RepairMode.ALL);
            case "leaks" -> Optional.of(RepairMode.LEAKS);
            default ->
                    throw CommandException.usage(
                            "Unknown option value for -r (expecting 'leaks' or 'all'): " + mode);
        };
    }

    private static OpenCheck open(Invocation call, String file, boolean repair) {
        boolean shared = call.has(Options.SHARED);
        if (repair && shared) {
            throw new CommandException(
                    "Could not open '%s': force-share=on can only be used with read-only images"
                            .formatted(file));
        }
        OpenRequest request =
                Options.request(call, Options.FORMAT)
                        .withCache(CacheOption.sourceMode(call, CacheOption.SOURCE));
        try {
            return repair ? OpenCheck.openForRepair(file, request) : OpenCheck.open(file, request);
        } catch (BlockException failure) {
            throw ErrorText.cannotOpen(file, failure, 1);
        }
    }

    /** Prints what was found, and the report. */
    private static final class Printer {
        /** More would make the JSON text unwieldy; all are printed as lines. */
        private static final int JSON_FINDINGS_MAX = 10_000;

        private final Invocation call;
        private final boolean json;
        private final boolean qemu;
        private final List<CheckFinding> kept = new ArrayList<>();

        Printer(Invocation call, boolean json) {
            this.call = call;
            this.json = json;
            this.qemu = call.program().isQemu();
        }

        CheckListener listener(Progress progress) {
            return new CheckListener() {
                @Override
                public void found(CheckFinding finding) {
                    print(finding);
                }

                @Override
                public void progress(long done, long total) {
                    progress.update(done, total);
                }
            };
        }

        private void print(CheckFinding finding) {
            PrintStream err = call.err();
            err.print(finding.text());
            if (!qemu && finding.guestLength() > 0) {
                long last = finding.guestOffset() + finding.guestLength() - 1;
                err.print(" (guest bytes " + finding.guestOffset() + " to " + last + ")");
            }
            err.print("\n");
            if (json && !qemu && kept.size() < JSON_FINDINGS_MAX) {
                kept.add(finding);
            }
        }

        void repaired(CheckReport report) {
            if (!json && !call.has(Options.QUIET)) {
                call.out()
                        .print(
                                """
                                The following inconsistencies were found and repaired:

                                    %d leaked clusters
                                    %d corruptions

                                Double checking the fixed image now...
                                """
                                        .formatted(report.leaksFixed(), report.corruptionsFixed()));
            }
        }

        int finish(CheckReport report, String file, String format) {
            if (!report.failure().isEmpty()) {
                throw new CommandException("Check failed: " + report.failure());
            }
            if (!call.has(Options.QUIET)) {
                call.out().print(json ? json(report, file, format) : human(report));
            }
            if (report.checkErrors() > 0) {
                throw new CommandException("Check failed");
            }
            return report.corruptions() > 0 ? CORRUPTIONS : report.leaks() > 0 ? LEAKS : 0;
        }

        private static String human(CheckReport report) {
            StringBuilder text = new StringBuilder();
            if (report.isClean()) {
                text.append("No errors were found on the image.\n");
            }
            if (report.corruptions() > 0) {
                text.append('\n').append(report.corruptions());
                text.append(" errors were found on the image.\nData may be corrupted, or further");
                text.append(" writes to the image may corrupt it.\n");
            }
            if (report.leaks() > 0) {
                text.append('\n').append(report.leaks());
                text.append(" leaked clusters were found on the image.\n");
                text.append("This means waste of disk space, but no harm to data.\n");
            }
            if (report.checkErrors() > 0) {
                text.append('\n').append(report.checkErrors());
                text.append(" internal errors have occurred during the check.\n");
            }
            long allocated = report.allocatedClusters();
            if (report.totalClusters() > 0 && allocated > 0) {
                text.append(allocated).append('/').append(report.totalClusters()).append(" = ");
                text.append(percent(allocated, report.totalClusters())).append("% allocated, ");
                text.append(percent(report.fragmentedClusters(), allocated));
                text.append("% fragmented, ");
                text.append(percent(report.compressedClusters(), allocated));
                text.append("% compressed clusters\n");
            }
            if (report.imageEndOffset() > 0) {
                text.append("Image end offset: ").append(report.imageEndOffset()).append('\n');
            }
            return text.toString();
        }

        /** As C's {@code %.2f} prints the percentage. */
        private static BigDecimal percent(long part, long whole) {
            return new BigDecimal(part * 100.0 / whole).setScale(2, RoundingMode.HALF_EVEN);
        }

        private String json(CheckReport report, String file, String format) {
            JsonWriter out = JsonWriter.pretty().beginObject();
            entry(out, "image-end-offset", report.imageEndOffset());
            entry(out, "compressed-clusters", report.compressedClusters());
            entry(out, "total-clusters", report.totalClusters());
            entry(out, "corruptions", report.corruptions());
            entry(out, "corruptions-fixed", report.corruptionsFixed());
            out.entry("check-errors", report.checkErrors());
            entry(out, "leaks", report.leaks());
            entry(out, "leaks-fixed", report.leaksFixed());
            entry(out, "allocated-clusters", report.allocatedClusters());
            out.entry("filename", file).entry("format", format);
            entry(out, "fragmented-clusters", report.fragmentedClusters());
            if (!kept.isEmpty()) {
                findings(out);
            }
            return out.endObject() + "\n";
        }

        /** QEMU leaves out what is zero. */
        private static void entry(JsonWriter out, String name, long value) {
            if (value != 0) {
                out.entry(name, value);
            }
        }

        private void findings(JsonWriter out) {
            out.key("findings").beginArray();
            for (CheckFinding each : kept) {
                out.beginObject();
                out.entry("severity", severity(each)).entry("structure", each.structure());
                if (each.offset() >= 0) {
                    out.entry("offset", each.offset());
                }
                if (each.guestLength() > 0) {
                    out.entry("guest-offset", each.guestOffset());
                    out.entry("guest-length", each.guestLength());
                }
                if (each.repaired()) {
                    out.entry("repaired", true);
                }
                out.entry("message", each.text()).endObject();
            }
            out.endArray();
        }

        private static String severity(CheckFinding finding) {
            return switch (finding.severity()) {
                case LEAK -> "leak";
                case CORRUPTION -> "corruption";
                case CHECK_ERROR -> "check-error";
            };
        }
    }
}
