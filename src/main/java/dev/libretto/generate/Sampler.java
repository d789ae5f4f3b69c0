package dev.libretto.generate;

/** Chooses the next character from its scores. */
@FunctionalInterface
public interface Sampler {
    /** The most likely character; among equals, the one with the lowest id. */
    Sampler GREEDY = (logits, uniform) -> {
        int best = 0;
        for (int id = 1; id < logits.length; id++) {
            best = logits[id] > logits[best] ? id : best;
        }
        return best;
    };

    /**
     * Draws from the model's distribution.
     *
     * @param temperature more than 0; below 1 the likely characters become likelier still, above 1 less so
     */
    static RandomSampler temperature(double temperature) {
        return new RandomSampler(temperature, RandomSampler.ALL, 1);
    }

    /**
     * Chooses.
     *
     * @param logits the scores of all characters, {@code [V]}; their softmax is the model's distribution
     * @param uniform a number from [0, 1), which stands for chance: the same one chooses the same character
     * @return the character's id
     */
    int sample(float[] logits, double uniform);
}
