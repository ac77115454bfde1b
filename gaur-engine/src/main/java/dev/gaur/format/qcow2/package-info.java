/**
 * The qcow2 format, versions 2 and 3.
 *
 * <p>Entry class: {@link dev.gaur.format.qcow2.Qcow2Format}. Inside, lower may not know upper:
 * {@code L2Entry}, {@code Geometry}, {@code Run}, {@code RefcountBlock}; {@code HeaderExtension},
 * {@code Header}, {@code JournalPlace}, {@code HeaderEdit}, {@code HeaderParser}, {@code
 * HeaderCodec}, {@code BackingEdit}, {@code HeaderSteps}, {@code LiveHeader}; {@code TableBudget},
 * {@code CacheSizes}; {@code Tables}, {@code ScatteredReads}, {@code StreamReader}, {@code
 * MetadataReader}, {@code MetadataWriter}; {@code EntryRuns}, {@code TableSlice}, {@code
 * TableCache}, {@code ReferenceRuns}, {@code JournalRecords}; {@code MappingTables}, {@code
 * MappingScan}; {@code ClusterState}, {@code ClusterMap}; {@code ClusterLru}, {@code
 * CompressedClusters}; {@code ReadPath}; {@code ByteRanges}; {@code CachedCluster}, {@code
 * CowQueue}; {@code CowMemory}, {@code CowTally}, {@code CowTable}; {@code CowReads}; {@code
 * MetadataPreallocation}, {@code ExtentWalk}; {@code ExtentSteps}; {@code SnapshotTable}, {@code
 * BitmapDirectory}, {@code LuksHeader}, {@code BitmapEntry}, {@code BitmapTable}; {@code
 * AnyBacking}, {@code View}, {@code InsideRequest}, {@code ImageReads}; {@code ContentReset};
 * {@code ClusterSet}, {@code FreeMap}, {@code FreedClusters}, {@code CountJournal}, {@code
 * CountBlock}, {@code CountPieces}, {@code Health}; {@code Refcounts}; {@code CountDeltas}; {@code
 * FileEnd}, {@code FreeSpace}, {@code ClusterAllocator}; {@code JournalRing}, {@code Journal};
 * {@code WriteBack}; {@code Linker}; {@code CowPlan}, {@code FilledSpace}, {@code CowAround},
 * {@code EarlyWrites}, {@code BegunWrites}, {@code WritePath}, {@code JoinedMoves}, {@code
 * ZeroPath}, {@code Preallocator}; {@code WriteStreams}, {@code CowWriteOuts}, {@code CowHelpers};
 * {@code CowDrain}; {@code CowCache}; {@code StreamPlaces}, {@code CompressedWrites}; {@code
 * StoredBitmap}, {@code BitmapWriter}, {@code BitmapClaims}; {@code BitmapStore}; {@code
 * ImageBitmaps}; {@code MetadataPlaces}, {@code CountState}, {@code JournalReplay}, {@code
 * WriteEngine}; {@code BesideRequests}; {@code ClusterTree}, {@code WholeImage}; {@code
 * SnapshotChange}, {@code ImageSnapshots}, {@code ImageResizer}, {@code ImageVmState}, {@code
 * RefcountWidth}, {@code ZeroExpansion}, {@code ImageAmender}; {@code CheckLog}, {@code
 * ReferenceCounts}, {@code TableVisits}, {@code DiskCounts}, {@code GuestUse}, {@code
 * ReferenceCounter}; {@code BitmapScan}, {@code SnapshotScan}, {@code TreeScan}, {@code
 * RefcountScan}; {@code ReferenceScan}; {@code CopiedCheck}; {@code ConsistencyCheck}; {@code
 * CountRepair}, {@code RefcountRebuild}, {@code EntryRepair}, {@code SnapshotRepair}; {@code
 * Repair}; {@code Inspection}, {@code TableInspector}, {@code Qcow2Inspector}; {@code
 * Qcow2CreateOptions}, {@code Qcow2OptionNames}; {@code NewRefcountBlock}, {@code AppendAllocator};
 * {@code NewImage}, {@code StreamPacker}, {@code ReservedSpace}; {@code ImageCreator}, {@code
 * SequentialImageWriter}, {@code Measure}; {@code ImageParts}, {@code ShownView}, {@code
 * ImageCompressing}, {@code ImageRebasing}, {@code ImageReshaping}; {@code Qcow2Image}, {@code
 * Qcow2Format}, which only wire them.
 *
 * <p>Facts of the format cite the sections of the qcow2 specification in QEMU's documentation ("the
 * specification"). All numbers on disk are big-endian, but for the payload of bitmaps.
 */
@NullMarked
package dev.gaur.format.qcow2;

import org.jspecify.annotations.NullMarked;
