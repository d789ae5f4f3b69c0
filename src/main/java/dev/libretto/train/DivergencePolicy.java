package dev.libretto.train;

import java.util.Locale;
import java.util.Objects;

/**
 * What to do if training diverges. It diverges if a batch's loss or gradient norm is not finite, if its loss is above
 * {@link #MAX_LOSS}, or, if a factor is set, above that factor times the lowest loss of an epoch so far.
 *
 * @param action whether to stop, or to roll back to the best checkpoint and halve the learning rate
 * @param factor how large a jump of the loss is a divergence; 0 to allow any. Once a text is learnt well, some batches are many
 *     times harder than the rest, such as the first of an epoch, which starts from a zero state
 * @param maxRollbacks the number of rollbacks before training stops
 */
public record DivergencePolicy(Action action, double factor, int maxRollbacks) {
    /**
     * −ln of the smallest positive float, about 103 nats per character. Above it, the probability of the average next character
     * is zero in float32. A uniform guess has a loss of ln V, at most 14.
     */
    public static final double MAX_LOSS = -Math.log(Float.MIN_VALUE);

    /** Stops at a loss that is not a number, or above {@link #MAX_LOSS}. */
    public static final DivergencePolicy DEFAULT = new DivergencePolicy(Action.STOP, 0, 5);

    public static final int MAX_ROLLBACKS = 100;

    /** @throws IllegalArgumentException if a value is out of range */
    public DivergencePolicy {
        Objects.requireNonNull(action, "on divergence");
        if (factor != 0 && !(factor > 1 && factor <= Float.MAX_VALUE)) {
            throw new IllegalArgumentException("divergence factor must be 0 or greater than 1 (got " + factor + ")");
        }
        Require.inRange("max rollbacks", maxRollbacks, 1, MAX_ROLLBACKS);
    }

    /**
     * Returns whether a batch's loss is a divergence.
     *
     * @param lowest the lowest mean loss of an epoch so far; null in the first
     */
    public boolean isDivergence(double loss, Double lowest) {
        return isExploded(loss) || factor > 0 && lowest != null && loss > factor * lowest;
    }

    /** Returns whether a mean loss is not a number, or above {@link #MAX_LOSS}. */
    public static boolean isExploded(double loss) {
        return !(loss <= MAX_LOSS);
    }

    /** What to do if training diverges. */
    public enum Action {
        STOP,
        ROLLBACK;

        /** Returns the name on the command line and in configuration files. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
