package dev.gaur.format.qcow2;

import dev.gaur.format.InspectionReport;
import dev.gaur.format.InspectionReport.Finding;
import dev.gaur.format.InspectionReport.Referral;
import dev.gaur.format.InspectionReport.Severity;
import dev.gaur.format.InspectionReport.Topic;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** Collects what an inspection finds. For one thread. */
public final class Inspection {
    private final List<Referral> referrals = new ArrayList<>();
    private final List<Finding> findings = new ArrayList<>();
    private OptionalLong virtualSize = OptionalLong.empty();

    /** Adds a finding. */
    public void find(Severity severity, Topic topic, String text) {
        findings.add(new Finding(severity, topic, text));
    }

    /** Adds a reference to something outside the file. */
    public void refers(Referral referral) {
        referrals.add(referral);
    }

    /** States the size of the virtual disk in bytes. */
    public void virtualSize(long bytes) {
        virtualSize = OptionalLong.of(bytes);
    }

    /**
     * Makes the report.
     *
     * @param allocatedBytes what the file takes up on its file system
     */
    public InspectionReport report(
            String name, String format, long fileLength, long allocatedBytes) {
        return new InspectionReport(
                name,
                format,
                fileLength,
                allocatedBytes,
                virtualSize,
                List.copyOf(referrals),
                List.copyOf(findings));
    }
}
