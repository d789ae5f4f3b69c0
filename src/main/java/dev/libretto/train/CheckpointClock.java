package dev.libretto.train;

import dev.libretto.train.CheckpointPolicy.Every;
import dev.libretto.train.CheckpointPolicy.Unit;
import java.time.Duration;

/** Says when the next checkpoint is due. */
final class CheckpointClock {
    private final Every every;
    private long lastNanos;

    CheckpointClock(Every every) {
        this.every = every;
        saved();
    }

    /** Notes that a checkpoint was saved. */
    void saved() {
        lastNanos = System.nanoTime();
    }

    /** How many batches there may be, at least one, until the next point on which a checkpoint falls. */
    int batchesLeft(Progress now) {
        return every.unit() == Unit.BATCHES ? every.count() - (int) (now.step() % every.count()) : Integer.MAX_VALUE;
    }

    /** Whether one is due after the batch that led to {@code now}. */
    boolean isDue(Progress now) {
        if (every.unit() == Unit.MINUTES) {
            return Duration.ofNanos(System.nanoTime() - lastNanos).toMinutes() >= every.count();
        }
        return every.fallsOn(now);
    }
}
