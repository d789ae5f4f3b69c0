package dev.libretto.generate;

import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import java.util.List;

/**
 * A language model for decoding. Maps a character for each of B rows and a state to logits and the next state. Implementations
 * choose the backend.
 *
 * <p>A state is a list of row-major arrays {@code [B, N]}, each with its own N, so rows can be selected and joined between steps.
 * Implementations neither modify nor keep the arrays they are passed; the caller owns those it gets.
 */
public interface TextModel extends AutoCloseable {
    /**
     * The result of a time step.
     *
     * @param logits the scores of the next character, row-major {@code [B, V]}
     * @param state the next state
     */
    record Step(float[] logits, List<float[]> state) {}

    /** Receives the characters, time step by time step. */
    @FunctionalInterface
    interface Sink {
        /**
         * Receives the characters of a time step.
         *
         * @param ids the new character of each row, {@code [B]}
         * @param logProbabilities the natural logarithm of their probabilities, {@code [B]}; null if not requested
         * @return whether to continue; a model that computes several time steps at once still passes on the rest of them
         */
        boolean written(int[] ids, float[] logProbabilities);
    }

    /** Returns the cell and the sizes. */
    ModelConfig config();

    /** Returns V, the size of the vocabulary. */
    default int vocabularySize() {
        return config().vocabularySize();
    }

    /** Returns the initial state, zeros. */
    default List<float[]> zeroState(int rows) {
        return LanguageModel.stateShapes(config(), rows).stream()
                .map(shape -> new float[Math.toIntExact(shape.size())])
                .toList();
    }

    /**
     * Computes one time step.
     *
     * @param ids a character for each row, {@code [B]}
     * @param state the previous state
     */
    Step step(int[] ids, List<float[]> state);

    /**
     * Returns the state after several time steps, without their logits.
     *
     * @param ids a character for each time step and row, {@code [T][B]}
     * @param state the previous state
     */
    default List<float[]> read(int[][] ids, List<float[]> state) {
        List<float[]> current = state;
        for (int[] timeStep : ids) {
            current = step(timeStep, current).state();
        }
        return current;
    }

    /**
     * Writes the most likely character of each row and feeds it back, until the sink stops.
     *
     * @param ids the last character of each row, {@code [B]}
     * @param state the state before it
     * @param logProbabilities whether the sink receives them
     * @return the state before the last characters passed to the sink
     */
    default List<float[]> writeGreedily(int[] ids, List<float[]> state, boolean logProbabilities, Sink sink) {
        return new SamplingLoop(this, (row, logits) -> Sampler.GREEDY.sample(logits, 0), logProbabilities)
                .write(ids, state, sink);
    }

    @Override
    void close();
}
