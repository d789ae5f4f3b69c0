package dev.libretto.generate;

/** Chooses the next character from its logits. */
@FunctionalInterface
public interface Sampler {
    /** Chooses the most likely character; ties go to the lowest id. */
    Sampler GREEDY = (logits, uniform) -> {
        int best = 0;
        for (int id = 1; id < logits.length; id++) {
            best = logits[id] > logits[best] ? id : best;
        }
        return best;
    };

    /**
     * Returns a sampler that draws from softmax(logits / temperature).
     *
     * @param temperature greater than 0; below 1 sharpens the distribution, above 1 flattens it
     */
    static RandomSampler temperature(double temperature) {
        return new RandomSampler(temperature, RandomSampler.ALL, 1);
    }

    /**
     * Returns the id of the next character.
     *
     * @param logits {@code [V]}
     * @param uniform a random number in [0, 1); the same number chooses the same character
     */
    int sample(float[] logits, double uniform);
}
