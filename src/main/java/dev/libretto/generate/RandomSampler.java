package dev.libretto.generate;

import java.util.Arrays;

/**
 * Draws a character from softmax(logits / temperature), cut down to its most likely characters: first to the k most likely,
 * and of these to the fewest that have together at least the part p of what is left (the nucleus of Holtzman et al., 2020).
 *
 * @param temperature more than 0; below 1 the likely characters become likelier still, above 1 less so
 * @param topK how many characters can be drawn, at least 1; {@link #ALL} for no limit
 * @param topP p, more than 0 and at most 1
 */
public record RandomSampler(double temperature, int topK, double topP) implements Sampler {
    /** The limit on the characters that is none. */
    public static final int ALL = Integer.MAX_VALUE;

    /** @throws IllegalArgumentException if a value is out of range */
    public RandomSampler {
        if (!(temperature > 0 && temperature < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("temperature is " + temperature + "; it must be more than 0");
        }
        if (topK < 1) {
            throw new IllegalArgumentException("top-k is " + topK + "; it must be at least 1");
        }
        if (!(topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("top-p is " + topP + "; it must be more than 0 and at most 1");
        }
    }

    /** Returns a copy that draws from the k most likely characters. */
    public RandomSampler withTopK(int k) {
        return new RandomSampler(temperature, k, topP);
    }

    /** Returns a copy that draws from the nucleus of the given probability. */
    public RandomSampler withTopP(double p) {
        return new RandomSampler(temperature, topK, p);
    }

    @Override
    public int sample(float[] logits, double uniform) {
        int[] ids = descending(logits);
        double[] weights = new double[Math.min(topK, ids.length)];
        double total = 0;
        for (int i = 0; i < weights.length; i++) {
            weights[i] = Math.exp((logits[ids[i]] - logits[ids[0]]) / temperature);
            total += weights[i];
        }
        return ids[draw(weights, nucleus(weights, total), uniform)];
    }

    /** The ids from the most likely on; equals by rising id. */
    private static int[] descending(float[] logits) {
        long[] keys = new long[logits.length];
        for (int id = 0; id < keys.length; id++) {
            int bits = Float.floatToIntBits(logits[id] + 0f);
            // The bits of floats rise with their values, those of negative ones once all but the sign are turned over.
            int rising = bits < 0 ? bits ^ Integer.MAX_VALUE : bits;
            keys[id] = (long) ~rising << Integer.SIZE | id;
        }
        Arrays.sort(keys);
        return Arrays.stream(keys).mapToInt(key -> (int) key).toArray();
    }

    /** The sum of the weights of the nucleus. */
    private double nucleus(double[] weights, double total) {
        double sum = 0;
        int count = 0;
        while (count < weights.length && sum < topP * total) {
            sum += weights[count++];
        }
        return sum;
    }

    /** The index whose part of the first weights, which are {@code sum} together, {@code uniform} falls into. */
    private static int draw(double[] weights, double sum, double uniform) {
        double left = uniform * sum;
        int i = 0;
        while (i + 1 < weights.length && left >= weights[i]) {
            left -= weights[i++];
        }
        return i;
    }
}
