package dev.libretto.train;

import java.util.Locale;
import java.util.Objects;

/**
 * How large gradients are made smaller.
 *
 * @param by what is limited
 * @param limit the largest global norm, or the largest absolute value of an element
 */
public record Clipping(By by, double limit) {
    /** @throws IllegalArgumentException naming the value that is out of range */
    public Clipping {
        Objects.requireNonNull(by, "clipping by");
        Require.positive("clip " + by, limit);
    }

    /** What is limited. */
    public enum By {
        /** All gradients are scaled by one factor, so that their global norm is at most the limit. */
        NORM,
        /** Each element is cut off at ± the limit. */
        VALUE;

        /** The name in configuration files. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
