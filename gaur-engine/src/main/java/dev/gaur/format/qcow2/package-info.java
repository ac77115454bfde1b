/**
 * The qcow2 format, versions 2 and 3.
 *
 * <p>Entry class: {@link dev.gaur.format.qcow2.Qcow2Format}. Inside, lower may not know upper:
 * {@code L2Entry}, {@code Geometry}, {@code Run}; {@code HeaderExtension}, {@code Header}, {@code
 * HeaderParser}, {@code HeaderCodec}; {@code TableCache}; {@code ClusterMap}; {@code ReadPath},
 * {@code CompressedClusters}; {@code SnapshotTable}, {@code BitmapDirectory}; {@code
 * ConsistencyCheck}; {@code ImageCreator}, {@code Measure}; {@code Qcow2Image}, which only wires
 * them.
 *
 * <p>Facts of the format cite the sections of the qcow2 specification in QEMU's documentation ("the
 * specification"). All numbers on disk are big-endian, but for the payload of bitmaps.
 */
@NullMarked
package dev.gaur.format.qcow2;

import org.jspecify.annotations.NullMarked;
