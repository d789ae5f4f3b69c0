package dev.libretto.train;

import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import dev.libretto.text.Batches.Batch;
import dev.libretto.text.Ids;
import java.util.Arrays;
import java.util.function.LongConsumer;

/**
 * Dynamic evaluation (Krause et al., 2018): a model learns from a text while it reads it. Each segment of T characters is
 * predicted with what was learnt from those before it; only then the model learns from it, too:
 *
 * <pre>
 *     g = d loss / d w                                the segment's mean cross entropy, from the state that is carried
 *     w := w − rate · min(1, 1 / |g|) · g
 * </pre>
 *
 * @param evaluation how well the text was predicted, with the same characters as by an {@link Evaluator} of one row
 * @param weights those after the text
 */
public record Adaptation(Evaluation evaluation, Weights weights) {
    /** T. Shorter segments learn sooner, but from noisier gradients. */
    static final int SEGMENT = 20;

    /**
     * Reads a text.
     *
     * @param ids its characters; {@link Ids#NONE}, an unknown character, is skipped
     * @param rate the learning rate
     * @param progress receives the number of characters predicted so far, after each segment
     * @throws IllegalArgumentException if fewer than two characters are known, or the rate is too high to stay finite
     */
    public static Adaptation of(ModelConfig model, Weights weights, Ids ids, double rate, LongConsumer progress) {
        Known known = new Known(ids);
        long predicted = 0;
        double lossSum = 0;
        Checkpoint current = Checkpoint.start(model, config(SEGMENT, rate), weights);
        try (TrainStep step = new TrainStep(model, config(SEGMENT, rate), current)) {
            Batch segment = known.next();
            for (; segment.inputs().length == SEGMENT; segment = known.next()) {
                lossSum += SEGMENT * learn(step, segment, rate, predicted);
                predicted += SEGMENT;
                progress.accept(predicted);
            }
            current = step.checkpoint(Progress.start());
            int left = segment.inputs().length;
            if (left > 0) {
                try (TrainStep last = new TrainStep(model, config(left, rate), current)) {
                    lossSum += left * learn(last, segment, rate, predicted);
                    predicted += left;
                    current = last.checkpoint(Progress.start());
                }
            }
        }
        if (predicted == 0) {
            throw new IllegalArgumentException(
                    "the text has " + known.count + " characters that the model knows; it needs at least 2");
        }
        return new Adaptation(new Evaluation(predicted, 0, lossSum / predicted), current.weights());
    }

    private static TrainConfig config(int timeSteps, double rate) {
        return TrainConfig.TEXTBOOK.with(c -> {
            c.seqLength = timeSteps;
            c.batchSize = 1;
            c.parts = 1;
            c.optimizer = Optimizer.of(Optimizer.Kind.SGD, rate).withClipping(new Clipping(Clipping.By.NORM, 1));
        });
    }

    private static double learn(TrainStep step, Batch segment, double rate, long predicted) {
        double loss = step.run(segment, rate, 1).loss();
        if (DivergencePolicy.isExploded(loss)) {
            throw new IllegalArgumentException(
                    "the model diverged after " + predicted + " characters; adapt at a lower rate (got " + rate + ")");
        }
        return loss;
    }

    /** Cuts the known characters of a text into segments. */
    private static final class Known {
        private final Ids ids;
        private long position;
        private int last = Ids.NONE;
        private int count;
        private boolean continues;

        Known(Ids ids) {
            this.ids = ids;
            last = nextId();
            count = last == Ids.NONE ? 0 : 1;
        }

        private int nextId() {
            while (position < ids.length()) {
                int id = ids.at(position++);
                if (id != Ids.NONE) {
                    return id;
                }
            }
            return Ids.NONE;
        }

        /** Returns the next segment; a shorter or empty one at the end. */
        Batch next() {
            int[] inputs = new int[SEGMENT];
            int[] targets = new int[SEGMENT];
            int length = 0;
            for (int id = 0; length < SEGMENT && (id = nextId()) != Ids.NONE; length++) {
                inputs[length] = last;
                targets[length] = id;
                last = id;
            }
            Batch segment =
                    new Batch(Arrays.copyOf(inputs, length), Arrays.copyOf(targets, length), continues, new long[1]);
            continues = true;
            return segment;
        }
    }
}
