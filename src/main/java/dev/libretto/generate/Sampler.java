package dev.libretto.generate;

import dev.libretto.text.Ids;

/** Chooses the next character from its logits and the text so far. */
@FunctionalInterface
public interface Sampler {
    /** Chooses the most likely character; ties go to the lowest id. */
    Sampler GREEDY = (logits, text, uniform) -> Logits.argMax(logits);

    /**
     * Returns a sampler that draws from softmax(logits / temperature).
     *
     * @param temperature greater than 0; below 1 sharpens the distribution, above 1 flattens it
     */
    static RandomSampler temperature(double temperature) {
        return new RandomSampler(temperature);
    }

    /**
     * Returns the id of the next character, or {@link Ids#NONE} if none is possible, which ends the text.
     *
     * @param logits {@code [V]}, not to be modified
     * @param text the text so far, at least {@link #lookBack} characters of it if it has as many
     * @param uniform a random number in [0, 1); the same number chooses the same character
     */
    int sample(float[] logits, History text, double uniform);

    /**
     * Returns the logits from which a character is chosen; beam search needs no more of a sampler.
     *
     * @param logits {@code [V]}, not to be modified
     */
    default float[] adjust(float[] logits, History text) {
        return logits;
    }

    /** Returns how many of the last characters this looks at, or {@link History#WHOLE}. */
    default int lookBack() {
        return 0;
    }

    /** Returns a sampler that adjusts the logits and then chooses as this one does; it adjusts nothing yet. */
    default AdjustedSampler adjusted() {
        return new AdjustedSampler(this);
    }
}
