package dev.libretto.train;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * When checkpoints are written and how many stay.
 *
 * @param every the work between two checkpoints
 * @param keep how many of the newest stay, and with them the newest at the end of an epoch and those of the lowest training
 *     loss and the lowest validation loss
 */
public record CheckpointPolicy(Every every, int keep) {
    /** The most checkpoints that can be kept. */
    public static final int MAX_KEEP = 1_000_000;

    /** A checkpoint a minute, the newest two kept. */
    public static final CheckpointPolicy DEFAULT = new CheckpointPolicy(new Every(1, Unit.MINUTES), 2);

    /** @throws IllegalArgumentException if {@code keep} is out of range */
    public CheckpointPolicy {
        Objects.requireNonNull(every, "checkpoint every");
        if (keep < 1 || keep > MAX_KEEP) {
            throw new IllegalArgumentException("keep is " + keep + "; it must be from 1 to " + MAX_KEEP);
        }
    }

    /**
     * Which checkpoints stay: the newest, the newest at the end of an epoch, which a divergence goes back to, the one of lowest
     * loss and the one of lowest validation loss.
     *
     * @param newestFirst how far training was at each
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
     * The checkpoint of lowest loss, of those at the end of an epoch that the schedule has. Those within the next epoch may be
     * close to a divergence already.
     */
    public Optional<Progress> best(List<Progress> newestFirst) {
        return lowest(newestFirst, progress -> {
            double loss = progress.loss() == null ? Double.MAX_VALUE : progress.loss();
            return every.hasEpochEnd(progress) ? loss : Double.POSITIVE_INFINITY;
        });
    }

    /** The checkpoint at the end of the epoch of lowest validation loss. */
    public static Optional<Progress> bestValidated(List<Progress> newestFirst) {
        return lowest(
                newestFirst,
                progress -> progress.endsBestValidated() ? progress.validation().lowest() : Double.POSITIVE_INFINITY);
    }

    /** The one of lowest finite value, the oldest of several. */
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

    /** What the work between two checkpoints is counted in. */
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
                throw new IllegalArgumentException("checkpoint every " + count + ": it must be from 1 to " + MAX_COUNT);
            }
        }

        /** @throws IllegalArgumentException if the text is of another form */
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
            throw new AssertionError("every suffix of the form is a unit's");
        }

        /**
         * Whether there is a checkpoint of the end of an epoch, or of the start, whatever happened before. Besides those that
         * fall on it, it is written before the first one within the next epoch. Training goes back to such checkpoints only,
         * so that an interruption, which leaves one more, changes nothing.
         */
        public boolean hasEpochEnd(Progress progress) {
            if (progress.batch() > 0) {
                return false;
            }
            if (progress.epoch() == 0 || unit != Unit.BATCHES) {
                return fallsOn(progress);
            }
            long batchesPerEpoch = progress.step() / progress.epoch();
            return Math.floorMod(-progress.step(), (long) count) < batchesPerEpoch;
        }

        /** Whether a checkpoint falls on this point whatever happened before; for minutes, any point may be one. */
        public boolean fallsOn(Progress progress) {
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
}
