package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Brings all that waits to the file, once: what cannot be written stays, and the others go. Safe
 * for those who help.
 */
final class CowDrain {
    private final Health health;
    private final CowWriteOuts writeOuts;
    private final Consumer<CachedCluster> writeOut;
    private final AtomicReference<@Nullable BlockException> first = new AtomicReference<>();
    private final Set<CachedCluster> tried = ConcurrentHashMap.newKeySet();

    /**
     * @param writeOut brings a cluster to the file, and those that leave with it
     */
    CowDrain(Health health, CowWriteOuts writeOuts, Consumer<CachedCluster> writeOut) {
        this.health = health;
        this.writeOuts = writeOuts;
        this.writeOut = writeOut;
    }

    /** Does it; throws the first failure when all was tried, or at once if it ends all changes. */
    void run(List<CachedCluster> all, CowHelpers helpers) {
        if (helpers.most() > 0) { // Whole ones leave together: that is work for one.
            helpers.forEach(groups(all), group -> group.forEach(this::tryOnce));
        }
        long passed = -1;
        for (CachedCluster each : all) {
            if (each.number() > passed && !tried.contains(each) && !tryOut(each)) {
                passed = writeOuts.lastWith(each);
            }
        }
        BlockException failure = first.get();
        if (failure != null) {
            throw failure;
        }
    }

    /**
     * Those that are not whole; together what may leave together, so that nobody gets in the way.
     */
    private List<List<CachedCluster>> groups(List<CachedCluster> all) {
        return List.copyOf(
                all.stream()
                        .filter(each -> !each.isWhole())
                        .collect(Collectors.groupingBy(writeOuts::group))
                        .values());
    }

    private void tryOnce(CachedCluster cluster) {
        tried.add(cluster);
        tryOut(cluster);
    }

    private boolean tryOut(CachedCluster cluster) {
        try {
            writeOut.accept(cluster);
            return true;
        } catch (BlockException failed) {
            if (health.isFailed()) {
                throw failed;
            }
            first.compareAndSet(null, failed);
            return false;
        }
    }
}
