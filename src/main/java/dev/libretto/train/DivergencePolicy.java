package dev.libretto.train;

import java.util.Locale;
import java.util.Objects;

/**
 * What is done when training diverges: when a batch's loss or gradient norm is not a finite number, when its loss is above
 * {@link #MAX_LOSS}, or, where a factor is given, more than so many times the lowest loss of an epoch so far.
 *
 * @param action to stop, or to go back to the best checkpoint with half the learning rate
 * @param factor how large a jump of the loss is a divergence; 0 for none, as a well-learnt text has batches many times
 *     harder than the rest, such as the first of an epoch, which starts from a zero state
 * @param maxRollbacks how many times to go back before stopping all the same
 */
public record DivergencePolicy(Action action, double factor, int maxRollbacks) {
    /**
     * −ln of the smallest positive float, about 103 nats per character. Above it, the average character that came next had a
     * probability that is zero in float32: the model rules out what it sees. A uniform guess has ln V, at most 14.
     */
    public static final double MAX_LOSS = -Math.log(Float.MIN_VALUE);

    /** Stops at a loss that is no number, or above {@link #MAX_LOSS}. */
    public static final DivergencePolicy DEFAULT = new DivergencePolicy(Action.STOP, 0, 5);

    /** The most times to go back: each halves the learning rate. */
    public static final int MAX_ROLLBACKS = 100;

    /** @throws IllegalArgumentException naming the value that is out of range */
    public DivergencePolicy {
        Objects.requireNonNull(action, "on divergence");
        if (factor != 0 && !(factor > 1 && factor <= Float.MAX_VALUE)) {
            throw new IllegalArgumentException("divergence factor is " + factor + "; it must be 0 or more than 1");
        }
        if (maxRollbacks < 1 || maxRollbacks > MAX_ROLLBACKS) {
            throw new IllegalArgumentException(
                    "max rollbacks is " + maxRollbacks + "; it must be from 1 to " + MAX_ROLLBACKS);
        }
    }

    /**
     * Whether a batch's loss is a divergence.
     *
     * @param lowest lowest mean loss of an epoch so far; null before the first
     */
    public boolean isDivergence(double loss, Double lowest) {
        return isExploded(loss) || factor > 0 && lowest != null && loss > factor * lowest;
    }

    /** Whether a mean loss is no number, or above {@link #MAX_LOSS}. */
    public static boolean isExploded(double loss) {
        return !(loss <= MAX_LOSS);
    }

    /** What is done. */
    public enum Action {
        STOP,
        ROLLBACK;

        /** The name on the command line and in configuration files. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
