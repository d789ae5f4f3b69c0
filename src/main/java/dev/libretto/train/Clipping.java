package dev.libretto.train;

import java.util.Locale;
import java.util.Objects;

/**
 * Gradient clipping.
 *
 * @param by whether the global norm or each element is limited
 * @param limit the largest global norm, or the largest absolute value of an element
 */
public record Clipping(By by, double limit) {
    /** @throws IllegalArgumentException if the limit is out of range */
    public Clipping {
        Objects.requireNonNull(by, "clipping by");
        Require.positive("clip " + by, limit);
    }

    /** The clipping method. */
    public enum By {
        /** Scales all gradients by one factor, so that their global norm is at most the limit. */
        NORM,
        /** Clips each element to ± the limit. */
        VALUE;

        /** Returns the name in configuration files. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
