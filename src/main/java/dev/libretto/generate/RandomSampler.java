package dev.libretto.generate;

/**
 * Draws a character from softmax(logits / temperature), after top-k, nucleus sampling (Holtzman et al., 2020) and min-p (Nguyen
 * et al., 2024): keeps the k most likely characters, of these the smallest set whose total probability is at least p, and of
 * these the characters that are at least {@code minP} times as likely as the most likely one.
 *
 * @param temperature greater than 0; below 1 sharpens the distribution, above 1 flattens it
 * @param topK k, at least 1; {@link #ALL} for no limit
 * @param topP p, greater than 0 and at most 1
 * @param minP at least 0 and at most 1
 */
public record RandomSampler(double temperature, int topK, double topP, double minP) implements Sampler {
    /** No limit for top-k. */
    public static final int ALL = Integer.MAX_VALUE;

    /** Draws from all characters. */
    RandomSampler(double temperature) {
        this(temperature, ALL, 1, 0);
    }

    /** @throws IllegalArgumentException if a value is out of range */
    public RandomSampler {
        if (!(temperature > 0 && temperature < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("temperature is " + temperature + "; it must be greater than 0");
        }
        if (topK < 1) {
            throw new IllegalArgumentException("top-k is " + topK + "; it must be at least 1");
        }
        if (!(topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("top-p is " + topP + "; it must be greater than 0 and at most 1");
        }
        if (!(minP >= 0 && minP <= 1)) {
            throw new IllegalArgumentException("min-p is " + minP + "; it must be at least 0 and at most 1");
        }
    }

    /** Returns a copy that draws from the k most likely characters. */
    public RandomSampler withTopK(int k) {
        return new RandomSampler(temperature, k, topP, minP);
    }

    /** Returns a copy that draws from the nucleus of the given probability. */
    public RandomSampler withTopP(double p) {
        return new RandomSampler(temperature, topK, p, minP);
    }

    /** Returns a copy that draws from the characters at least {@code p} times as likely as the most likely one. */
    public RandomSampler withMinP(double p) {
        return new RandomSampler(temperature, topK, topP, p);
    }

    @Override
    public int sample(float[] logits, History text, double uniform) {
        int[] ids = Logits.descending(logits);
        double[] weights = new double[Math.min(topK, ids.length)];
        double total = 0;
        for (int i = 0; i < weights.length; i++) {
            weights[i] = Math.exp((logits[ids[i]] - logits[ids[0]]) / temperature);
            total += weights[i];
        }
        return ids[draw(weights, kept(weights, total), uniform)];
    }

    /** Returns how many characters top-p and min-p keep, at least 1. The first weight is 1. */
    private int kept(double[] weights, double total) {
        double sum = 0;
        int count = 0;
        while (count < weights.length && sum < topP * total && weights[count] > 0 && weights[count] >= minP) {
            sum += weights[count++];
        }
        return count;
    }

    /** Inverts the cumulative distribution of the first {@code count} weights. */
    private static int draw(double[] weights, int count, double uniform) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += weights[i];
        }
        double left = uniform * sum;
        int i = 0;
        while (i + 1 < count && left >= weights[i]) {
            left -= weights[i++];
        }
        return i;
    }
}
