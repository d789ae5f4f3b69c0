package dev.libretto.generate;

import java.util.Arrays;

/**
 * Draws a character from softmax(logits / temperature), after top-k and then nucleus sampling (Holtzman et al., 2020): keeps
 * the k most likely characters, and of these the smallest set whose total probability is at least p.
 *
 * @param temperature greater than 0; below 1 sharpens the distribution, above 1 flattens it
 * @param topK k, at least 1; {@link #ALL} for no limit
 * @param topP p, greater than 0 and at most 1
 */
public record RandomSampler(double temperature, int topK, double topP) implements Sampler {
    /** No limit for top-k. */
    public static final int ALL = Integer.MAX_VALUE;

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

    /** The ids by descending logit; ties by ascending id. */
    private static int[] descending(float[] logits) {
        long[] keys = new long[logits.length];
        for (int id = 0; id < keys.length; id++) {
            int bits = Float.floatToIntBits(logits[id] + 0f);
            // The bits of floats are ordered like their values once all but the sign of negative ones are flipped.
            int ordered = bits < 0 ? bits ^ Integer.MAX_VALUE : bits;
            keys[id] = (long) ~ordered << Integer.SIZE | id;
        }
        Arrays.sort(keys);
        return Arrays.stream(keys).mapToInt(key -> (int) key).toArray();
    }

    /** The total weight of the nucleus. */
    private double nucleus(double[] weights, double total) {
        double sum = 0;
        int count = 0;
        while (count < weights.length && sum < topP * total) {
            sum += weights[count++];
        }
        return sum;
    }

    /** Inverts the cumulative distribution of the first weights, whose total is {@code sum}. */
    private static int draw(double[] weights, double sum, double uniform) {
        double left = uniform * sum;
        int i = 0;
        while (i + 1 < weights.length && left >= weights[i]) {
            left -= weights[i++];
        }
        return i;
    }
}
