package dev.libretto.train;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * When checkpoints are saved and which are kept.
 *
 * @param every the interval between checkpoints
 * @param keep the number of newest checkpoints to keep, besides those that {@link #kept} names
 */
public record CheckpointPolicy(Every every, int keep) {
    public static final int MAX_KEEP = 1_000_000;

    /** One checkpoint per minute; the newest two are kept. */
    public static final CheckpointPolicy DEFAULT = new CheckpointPolicy(new Every(1, Unit.MINUTES), 2);

    /** @throws IllegalArgumentException if {@code keep} is out of range */
    public CheckpointPolicy {
        Objects.requireNonNull(every, "checkpoint every");
        Require.inRange("keep", keep, 1, MAX_KEEP);
    }

    /**
     * Returns which checkpoints to keep: the newest {@code keep}, the newest at the end of an epoch (restored if training
     * diverges), and those of the lowest training loss and of the lowest validation loss.
     *
     * @param newestFirst the positions of all checkpoints
     */
    public Set<Progress> kept(List<Progress> newestFirst) {
        Set<Progress> kept = new HashSet<>(newestFirst.subList(0, Math.min(keep, newestFirst.size())));
        newestFirst.stream()
                .filter(progress -> progress.batch() == 0)
                .findFirst()
                .ifPresent(kept::add);
        best(newestFirst).ifPresent(kept::add);
        bestValidated(newestFirst).ifPresent(kept::add);
        return kept;
    }

    /**
     * Returns the checkpoint of lowest loss among the scheduled ones at the end of an epoch. Those within an epoch may already
     * be close to a divergence.
     */
    public Optional<Progress> best(List<Progress> newestFirst) {
        return lowest(newestFirst, progress -> {
            double loss = progress.loss() == null ? Double.MAX_VALUE : progress.loss();
            return every.hasEpochEnd(progress) ? loss : Double.POSITIVE_INFINITY;
        });
    }

    /** Returns the checkpoint at the end of the epoch of lowest validation loss. */
    public static Optional<Progress> bestValidated(List<Progress> newestFirst) {
        return lowest(
                newestFirst,
                progress -> progress.endsBestValidated() ? progress.validation().lowest() : Double.POSITIVE_INFINITY);
    }

    /** Returns the position of lowest finite value, the oldest if tied. */
    private static Optional<Progress> lowest(List<Progress> newestFirst, ToDoubleFunction<Progress> valueOf) {
        Progress best = null;
        double lowest = Double.MAX_VALUE;
        for (Progress progress : newestFirst) {
            double value = valueOf.applyAsDouble(progress);
            if (value <= lowest) {
                lowest = value;
                best = progress;
            }
        }
        return Optional.ofNullable(best);
    }

    /** The unit of the interval between checkpoints. */
    public enum Unit {
        EPOCHS(""),
        BATCHES("b"),
        MINUTES("m");

        private final String suffix;

        Unit(String suffix) {
            this.suffix = suffix;
        }
    }

    /** A number of epochs ({@code 5}), batches ({@code 200b}) or minutes ({@code 10m}). */
    public record Every(int count, Unit unit) {
        private static final int MAX_COUNT = 999_999_999;
        private static final Pattern FORM = Pattern.compile("([1-9]\\d{0,8})([bm]?)");

        public Every {
            Objects.requireNonNull(unit, "unit");
            if (count < 1 || count > MAX_COUNT) {
                throw new IllegalArgumentException(
                        "checkpoint every must be from 1 to " + MAX_COUNT + " (got " + count + ")");
            }
        }

        /** @throws IllegalArgumentException if the text has another form */
        @JsonCreator
        public static Every parse(String text) {
            Matcher matcher = FORM.matcher(text);
            if (!matcher.matches()) {
                throw new IllegalArgumentException("must be epochs like 5, batches like 200b or minutes like 10m");
            }
            for (Unit unit : Unit.values()) {
                if (unit.suffix.equals(matcher.group(2))) {
                    return new Every(Integer.parseInt(matcher.group(1)), unit);
                }
            }
            throw new AssertionError("every suffix in FORM belongs to a unit");
        }

        /**
         * Returns whether the start of training or the end of an epoch is saved whether or not training is interrupted: on
         * schedule, or before the first checkpoint within the next epoch. Only such checkpoints are rolled back to, so an
         * interruption, which adds a checkpoint, does not change the result.
         */
        public boolean hasEpochEnd(Progress progress) {
            if (progress.batch() > 0) {
                return false;
            }
            if (progress.epoch() == 0 || unit != Unit.BATCHES) {
                return isScheduled(progress);
            }
            long batchesPerEpoch = progress.step() / progress.epoch();
            return Math.floorMod(-progress.step(), (long) count) < batchesPerEpoch;
        }

        /** Returns whether a checkpoint is scheduled here; in minutes, it may be anywhere. */
        private boolean isScheduled(Progress progress) {
            return switch (unit) {
                case EPOCHS -> progress.batch() == 0 && progress.epoch() % count == 0;
                case BATCHES -> progress.step() % count == 0;
                case MINUTES -> true;
            };
        }

        @Override
        @JsonValue
        public String toString() {
            return count + unit.suffix;
        }
    }

    /** Tells when the next checkpoint is due. */
    static final class Clock {
        private final Every every;
        private long lastNanos = System.nanoTime();

        Clock(Every every) {
            this.every = every;
        }

        /** Restarts the interval after a checkpoint was saved. */
        void saved() {
            lastNanos = System.nanoTime();
        }

        /** Returns the most batches, at least one, until the next scheduled checkpoint. */
        int batchesLeft(Progress now) {
            return every.unit == Unit.BATCHES ? every.count - (int) (now.step() % every.count) : Integer.MAX_VALUE;
        }

        boolean isDue(Progress now) {
            return every.unit == Unit.MINUTES
                    ? Duration.ofNanos(System.nanoTime() - lastNanos).toMinutes() >= every.count
                    : every.isScheduled(now);
        }
    }
}
