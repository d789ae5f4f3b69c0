package dev.libretto.generate;

import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import java.util.List;

/**
 * A language model as those see it who write with it: characters and a state go in, logits and the state after them come
 * out, one time step at a time for B rows at once. Who runs it is its own affair.
 *
 * <p>A state is a list of arrays, each row-major {@code [B, N]} with the N of its own, so that rows can be picked and joined
 * between two steps. An array belongs to who is given it; no implementation changes or keeps one that it was passed.
 */
public interface TextModel extends AutoCloseable {
    /**
     * What a time step gives.
     *
     * @param logits the scores of every character as the next one, row-major {@code [B, V]}
     * @param state the state after it
     */
    record Step(float[] logits, List<float[]> state) {}

    /** Takes what is written, time step by time step. */
    @FunctionalInterface
    interface Sink {
        /**
         * The characters of a time step.
         *
         * @param ids the new character of each row, {@code [B]}
         * @param logProbabilities the natural logarithm of each one's probability, {@code [B]}; null if nobody asked
         * @return whether more is wanted; a model that computes several time steps at once may tell of those that it has
         */
        boolean written(int[] ids, float[] logProbabilities);
    }

    /** The cell and the sizes. */
    ModelConfig config();

    /** V, the number of characters that it knows. */
    default int vocabularySize() {
        return config().vocabularySize();
    }

    /** The state that so many rows start from: zeros. */
    default List<float[]> zeroState(int rows) {
        return LanguageModel.stateShapes(config(), rows).stream()
                .map(shape -> new float[Math.toIntExact(shape.size())])
                .toList();
    }

    /**
     * One time step.
     *
     * @param ids a character for each row, {@code [B]} of any B from 1
     * @param state the state before it, of B rows
     */
    Step step(int[] ids, List<float[]> state);

    /**
     * Many time steps whose logits nobody asks for.
     *
     * @param ids a character for each time step and row, {@code [T][B]}
     * @param state the state before them, of B rows
     * @return the state after them
     */
    default List<float[]> read(int[][] ids, List<float[]> state) {
        List<float[]> current = state;
        for (int[] timeStep : ids) {
            current = step(timeStep, current).state();
        }
        return current;
    }

    /**
     * Writes until the sink has had enough: the most likely character of each row, fed back as its next input.
     *
     * @param ids the last character of each row, {@code [B]}
     * @param state the state before it
     * @param logProbabilities whether the sink gets them
     * @return the state before the last characters that the sink was told of
     */
    default List<float[]> writeGreedily(int[] ids, List<float[]> state, boolean logProbabilities, Sink sink) {
        return new StepLoop(this, (row, logits) -> Sampler.GREEDY.sample(logits, 0), logProbabilities)
                .write(ids, state, sink);
    }

    /** Frees what the model holds. */
    @Override
    void close();
}
