package dev.libretto.generate;

import java.util.Arrays;
import java.util.PrimitiveIterator;
import java.util.stream.IntStream;

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
        double[] weights = weights(logits);
        PrimitiveIterator.OfInt ids = new Descending(logits);
        double total = Arrays.stream(weights).reduce(0, Double::sum);
        if (topK < weights.length) {
            int[] likeliest = IntStream.generate(ids::nextInt).limit(topK).toArray();
            ids = IntStream.of(likeliest).iterator();
            total = sum(weights, likeliest);
        }
        if (topP < 1 || minP > 0) {
            int[] kept = kept(ids, weights, total);
            ids = IntStream.of(kept).iterator();
            total = sum(weights, kept);
        }
        return draw(ids, weights, uniform * total);
    }

    /** Returns the weight of each id, {@code [V]}; the largest is 1. */
    private double[] weights(float[] logits) {
        float max = logits[Logits.argMax(logits)];
        double[] weights = new double[logits.length];
        for (int id = 0; id < weights.length; id++) {
            weights[id] = Math.exp((logits[id] - max) / temperature);
        }
        return weights;
    }

    private static double sum(double[] weights, int[] ids) {
        double sum = 0;
        for (int id : ids) {
            sum += weights[id];
        }
        return sum;
    }

    /** Returns the first of some ids that top-p and min-p keep, at least one. */
    private int[] kept(PrimitiveIterator.OfInt ids, double[] weights, double total) {
        int[] kept = new int[16];
        kept[0] = ids.nextInt();
        double sum = weights[kept[0]];
        int count = 1;
        while (ids.hasNext() && sum < topP * total) {
            int id = ids.nextInt();
            if (weights[id] == 0 || weights[id] < minP) {
                break;
            }
            kept = count == kept.length ? Arrays.copyOf(kept, 2 * count) : kept;
            kept[count++] = id;
            sum += weights[id];
        }
        return Arrays.copyOf(kept, count);
    }

    /** Inverts the cumulative distribution of some ids; never returns one whose weight is 0. */
    private static int draw(PrimitiveIterator.OfInt ids, double[] weights, double cumulative) {
        double left = cumulative;
        int id = ids.nextInt();
        while (left >= weights[id] && ids.hasNext()) {
            left -= weights[id];
            int next = ids.nextInt();
            if (weights[next] == 0) {
                break;
            }
            id = next;
        }
        return id;
    }
}
