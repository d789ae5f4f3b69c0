package dev.libretto.generate;

import java.util.Arrays;

/** What is computed from the logits of one character, {@code [V]}. */
final class Logits {
    private Logits() {}

    /** Returns the id of the largest logit; ties go to the lowest id. */
    static int argMax(float[] logits) {
        int best = 0;
        for (int id = 1; id < logits.length; id++) {
            best = logits[id] > logits[best] ? id : best;
        }
        return best;
    }

    /** Returns log Σ exp(logits), which is what log softmax subtracts from each logit. */
    static double logSum(float[] logits) {
        float max = logits[argMax(logits)];
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - max);
        }
        return max + Math.log(sum);
    }

    /** Returns the ids by descending logit; ties by ascending id. */
    static int[] descending(float[] logits) {
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
}
