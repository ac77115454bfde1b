package dev.gaur.cli;

import dev.gaur.Gaur;
import dev.gaur.block.BlockException;
import dev.gaur.format.InspectionReport;
import dev.gaur.format.InspectionReport.Finding;
import dev.gaur.format.InspectionReport.Look;
import dev.gaur.format.InspectionReport.Referral;
import dev.gaur.format.InspectionReport.Severity;
import dev.gaur.json.JsonWriter;
import dev.gaur.storage.Reference;
import dev.gaur.units.Sizes;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** {@code gaur inspect}: looks at a file that nobody trusts. */
final class InspectCommand implements Command {
    private static final int DANGER = 2;
    private static final int WARNING = 3;

    @Override
    public String name() {
        return "inspect";
    }

    @Override
    public String summary() {
        return "look at an image from an untrusted source";
    }

    @Override
    public String operands() {
        return "FILE";
    }

    @Override
    public List<Option> options() {
        return List.of(Options.OUTPUT, Options.QUIET);
    }

    @Override
    public String details() {
        return "Opens nothing but the file, reads a few megabytes at most, changes nothing.\n"
                + "Exit code: 0 nothing speaks against using it, 1 could not be read, 2 it is a\n"
                + "danger to whoever opens it, 3 there are warnings.";
    }

    @Override
    public int run(Invocation call) {
        boolean json = Options.json(call);
        String file = call.onlyOperand("Expecting one image file name");
        InspectionReport report = inspect(file);
        if (!call.has(Options.QUIET)) {
            call.out().print(json ? json(report) : human(report));
        }
        if (!report.isSafe()) {
            return DANGER;
        }
        boolean warned =
                report.findings().stream().anyMatch(each -> each.severity() == Severity.WARNING);
        return warned ? WARNING : 0;
    }

    private static InspectionReport inspect(String file) {
        try {
            return Gaur.inspect(Path.of(file));
        } catch (BlockException failure) {
            throw ErrorText.cannotOpen(file, failure, 1);
        } catch (InvalidPathException _) {
            throw new CommandException("Could not open '" + file + "': no name of a file");
        }
    }

    private static String human(InspectionReport report) {
        StringBuilder text = new StringBuilder();
        text.append("image: ").append(report.name());
        text.append("\nfile format: ").append(report.format());
        text.append("\nfile length: ").append(size(report.fileLength()));
        text.append("\ndisk size: ").append(Sizes.human(report.allocatedBytes())).append('\n');
        report.virtualSize()
                .ifPresent(it -> text.append("virtual size: ").append(size(it)).append('\n'));
        for (Referral each : report.referrals()) {
            text.append(each.reference().kind().text()).append(": ");
            text.append(Terminal.printable(each.reference().name())).append('\n');
        }
        for (Finding each : report.findings()) {
            text.append(word(each.severity())).append(": ");
            text.append(Terminal.printable(each.text())).append('\n');
        }
        text.append("verdict: ").append(verdict(report)).append('\n');
        return text.toString();
    }

    private static String size(long bytes) {
        return Sizes.human(bytes) + " (" + bytes + " bytes)";
    }

    private static String verdict(InspectionReport report) {
        return report.isSafe() ? "safe to open" : "dangerous to open";
    }

    private static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static String json(InspectionReport report) {
        JsonWriter out = JsonWriter.pretty().beginObject();
        out.entry("filename", report.name()).entry("format", report.format());
        out.entry("file-length", report.fileLength());
        out.entry("actual-size", report.allocatedBytes());
        report.virtualSize().ifPresent(it -> out.entry("virtual-size", it));
        out.entry("safe", report.isSafe());
        out.key("references").beginArray();
        for (Referral each : report.referrals()) {
            Reference reference = each.reference();
            out.beginObject().entry("kind", word(reference.kind()));
            out.entry("name", reference.name()).entry("format", reference.format());
            out.key("looks").beginArray();
            for (Look look : each.looks()) {
                out.value(word(look));
            }
            out.endArray().endObject();
        }
        out.endArray().key("findings").beginArray();
        for (Finding each : report.findings()) {
            out.beginObject().entry("severity", word(each.severity()));
            out.entry("topic", word(each.topic())).entry("message", each.text()).endObject();
        }
        return out.endArray().endObject() + "\n";
    }
}
