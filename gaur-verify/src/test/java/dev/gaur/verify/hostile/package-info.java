/**
 * Hostile and damaged images: whatever the bytes, Gaur says clearly what is wrong or succeeds. It
 * throws nothing but {@code BlockException}, stays within bounds of memory and time, opens nothing
 * that it was not allowed to, and changes no byte.
 *
 * <p>Entry class: {@link dev.gaur.verify.hostile.Exercise}, which does with an image all that can
 * be done. No locks; the campaign runs in a process of its own.
 *
 * <p>Flaws that other implementations shipped, and where each is tried here:
 *
 * <table>
 *   <caption>Flaw and test</caption>
 *   <tr><th>Flaw</th><th>Test</th></tr>
 *   <tr><td>zero or odd geometry (CVE-2014-0142), signed types (CVE-2014-0147)</td>
 *     <td>{@code HeaderFieldEdgesTest}: each field of three images at 31 edges</td></tr>
 *   <tr><td>overflow of sizes and bounds (CVE-2014-0143), absurd header fields</td>
 *     <td>{@code HostileSizesTest}</td></tr>
 *   <tr><td>allocation by what the file says (CVE-2014-0144)</td>
 *     <td>{@code CampaignTest} in 64 MiB; {@code HostileSizesTest}</td></tr>
 *   <tr><td>L1 table of a snapshot larger than its buffer (CVE-2014-0145); extra data, too many
 *     snapshots, table of more than 64 MiB</td><td>{@code HostileSnapshotsTest}</td></tr>
 *   <tr><td>state left by a failed open (CVE-2014-0146)</td>
 *     <td>{@code HostileReferencesTest.failedOpenLeavesNoFileOpen}</td></tr>
 *   <tr><td>names that are parsed (CVE-2024-4467)</td>
 *     <td>{@code HostileReferencesTest.nameInTheSyntaxOfAnotherDriverIsNotParsed}, {@code
 *     infoOfAnImageOpensNothingElse}</td></tr>
 *   <tr><td>references to host files (CVE-2024-32498 and others)</td>
 *     <td>{@code HostileReferencesTest.policyThatRefusesOpensNoReference}, {@code
 *     policyOfAFolderIsNotLeftThroughALink}</td></tr>
 *   <tr><td>raw disk taken for qcow2 (CVE-2026-24708)</td>
 *     <td>{@code HostileReferencesTest.rawDiskWithAHeaderInItStaysRaw}</td></tr>
 *   <tr><td>exhausted time and memory (CVE-2022-47951, CVE-2015-5162)</td>
 *     <td>{@code BombTest}; {@code
 *     HostileSizesTest.twoExbibytesOfVirtualDiskInOneMebibyte}</td></tr>
 *   <tr><td>header extensions at the wrong place</td><td>{@code HostileExtensionsTest}</td></tr>
 *   <tr><td>tables that overlap, are unaligned, empty or past the end; refcount block at 0</td>
 *     <td>{@code HostileTablesTest}: the check's verdict and counters are those of
 *     qemu-img</td></tr>
 *   <tr><td>bitmap directory that lies</td><td>{@code HostileBitmapsTest}</td></tr>
 *   <tr><td>backing loops, deep chains</td><td>{@code HostileReferencesTest}: loops, two hundred
 *     layers; other lengths and cluster sizes are in the zoo, {@code ReadsSameBytesTest}</td></tr>
 *   <tr><td>file cut within a compressed cluster</td><td>{@code TruncationTest}</td></tr>
 * </table>
 *
 * <p>Not here: flaws of writing (they come with writing), of formats Gaur does not read, and of
 * NBD.
 */
@NullMarked
package dev.gaur.verify.hostile;

import org.jspecify.annotations.NullMarked;
