package dev.libretto.train;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** A {@link CheckpointStore} in memory. */
public final class MemoryStore implements CheckpointStore {
    private final CheckpointPolicy policy;
    private final List<Checkpoint> newestFirst = new ArrayList<>();
    private final List<EpochMetrics> metrics = new ArrayList<>();

    public MemoryStore(CheckpointPolicy policy) {
        this.policy = policy;
    }

    @Override
    public void begin(Checkpoint start) {
        save(start);
    }

    @Override
    public void save(Checkpoint checkpoint) {
        if (newestFirst.isEmpty() || !newest().progress().equals(checkpoint.progress())) {
            newestFirst.add(0, checkpoint);
        }
        Set<Progress> kept = policy.kept(progress());
        newestFirst.removeIf(old -> !kept.contains(old.progress()));
    }

    @Override
    public void append(EpochMetrics row) {
        metrics.add(row);
    }

    @Override
    public Optional<Progress> epochStart(Progress now) {
        return progress().stream()
                .filter(start -> start.epoch() == now.epoch() && start.batch() == 0)
                .findFirst();
    }

    @Override
    public Checkpoint best(Consumer<String> warnings) {
        return of(policy.best(progress()));
    }

    @Override
    public void rollBack(Checkpoint checkpoint) {
        save(checkpoint);
        metrics.removeIf(row -> row.epoch() > checkpoint.progress().epoch());
    }

    @Override
    public void discardAfter(Progress last) {
        newestFirst.removeIf(checkpoint -> Progress.BY_AGE.compare(checkpoint.progress(), last) > 0);
    }

    /** Returns the newest checkpoint. */
    public Checkpoint newest() {
        return newestFirst.get(0);
    }

    /** Returns the checkpoint with the lowest validation loss, or the newest before the first validation. */
    public Checkpoint bestValidated() {
        return of(CheckpointPolicy.bestValidated(progress()));
    }

    /** Returns the metrics of each epoch, in order. */
    public List<EpochMetrics> metrics() {
        return Collections.unmodifiableList(metrics);
    }

    private List<Progress> progress() {
        return newestFirst.stream().map(Checkpoint::progress).toList();
    }

    private Checkpoint of(Optional<Progress> chosen) {
        return newestFirst.stream()
                .filter(checkpoint ->
                        chosen.isPresent() && checkpoint.progress().equals(chosen.get()))
                .findFirst()
                .orElse(newest());
    }
}
