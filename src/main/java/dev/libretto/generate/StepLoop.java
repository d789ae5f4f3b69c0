package dev.libretto.generate;

import java.util.Arrays;
import java.util.List;

/**
 * Writing by single time steps: the logits come to Java, which chooses the next character of each row.
 *
 * @param logProbabilities whether the sink gets them
 */
record StepLoop(TextModel model, Chooser chooser, boolean logProbabilities) {
    /** Chooses a row's next character. */
    @FunctionalInterface
    interface Chooser {
        /** @param logits {@code [V]} */
        int choose(int row, float[] logits);
    }

    /** As {@link TextModel#writeGreedily}, with the characters that the chooser chooses. */
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

    /** log softmax(logits)[id]. */
    static float logProbability(float[] logits, int id) {
        float max = logits[Sampler.GREEDY.sample(logits, 0)];
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - max);
        }
        return (float) (logits[id] - max - Math.log(sum));
    }
}
