package dev.libretto.run;

import java.util.Locale;
import java.util.Objects;

/**
 * What is done when training diverges: when a batch's loss or gradient norm is not a finite number, or, where a factor is
 * given, its loss is more than so many times the lowest loss of an epoch so far.
 *
 * @param action to stop, or to go back to the best checkpoint with half the learning rate
 * @param factor how large a jump of the loss is a divergence; 0 for none, as a well-learnt text has batches many times
 *     harder than the rest, such as the first of an epoch, which starts from a zero state
 * @param maxRollbacks how many times to go back before stopping all the same
 */
public record DivergencePolicy(Action action, double factor, int maxRollbacks) {
    /** Stops at a loss that is not a finite number. */
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

    /** Whether a batch's loss is such a jump. */
    public boolean isJump(double loss, Double lowest) {
        return factor > 0 && lowest != null && loss > factor * lowest;
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
