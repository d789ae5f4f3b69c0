package dev.libretto.generate;

import java.util.stream.IntStream;

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

    /** Returns the ids of the largest logits, at most {@code count}, by descending logit; ties by ascending id. */
    static int[] largest(float[] logits, int count) {
        return IntStream.generate(new Descending(logits)::nextInt)
                .limit(Math.min(count, logits.length))
                .toArray();
    }
}
