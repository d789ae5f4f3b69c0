package dev.libretto.generate;

import java.util.Arrays;
import java.util.List;

/**
 * Writes step by step and chooses each character in Java.
 *
 * @param logProbabilities whether the sink receives them
 */
record SamplingLoop(TextModel model, Chooser chooser, boolean logProbabilities) {
    @FunctionalInterface
    interface Chooser {
        /** Returns the next character of a row with logits {@code [V]}. */
        int choose(int row, float[] logits);
    }

    /** Writes like {@link TextModel#writeGreedily}, but with the chooser's characters. */
    List<float[]> write(int[] ids, List<float[]> state, TextModel.Sink sink) {
        int rows = ids.length;
        int v = model.vocabularySize();
        List<float[]> current = state;
        int[] last = ids;
        boolean more = true;
        while (more) {
            TextModel.Step step = model.step(last, current);
            current = step.state();
            int[] next = new int[rows];
            float[] scores = logProbabilities ? new float[rows] : null;
            for (int row = 0; row < rows; row++) {
                float[] logits = Arrays.copyOfRange(step.logits(), row * v, (row + 1) * v);
                next[row] = chooser.choose(row, logits);
                if (logProbabilities) {
                    scores[row] = logProbability(logits, next[row]);
                }
            }
            last = next;
            more = sink.written(next, scores);
        }
        return current;
    }

    /** Returns log softmax(logits)[id]. */
    static float logProbability(float[] logits, int id) {
        float max = logits[Sampler.GREEDY.sample(logits, 0)];
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - max);
        }
        return (float) (logits[id] - max - Math.log(sum));
    }
}
