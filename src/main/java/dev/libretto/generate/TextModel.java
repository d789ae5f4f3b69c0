package dev.libretto.generate;

import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import java.util.Arrays;
import java.util.List;

/**
 * A language model for decoding. Maps a character for each of B rows and a state to logits and the next state.
 * Implementations choose the backend.
 *
 * <p>A state is a list of row-major arrays {@code [B, N]}, each with its own N, so rows can be selected and joined
 * between steps. Implementations neither modify nor keep the arrays they are passed. A state that they return is valid
 * until their next call.
 */
public interface TextModel extends AutoCloseable {
    /** @param logits the scores of the next character, row-major {@code [B, V]} */
    record Step(float[] logits, List<float[]> state) {
        /** Chooses the next character of each row by a random number in [0, 1) for each. */
        Written choose(Sampler sampler, double[] uniform, boolean scored) {
            int rows = uniform.length;
            int v = logits.length / rows;
            int[] ids = new int[rows];
            float[] scores = new float[rows];
            for (int row = 0; row < rows; row++) {
                float[] ofRow = Arrays.copyOfRange(logits, row * v, (row + 1) * v);
                ids[row] = sampler.sample(ofRow, uniform[row]);
                scores[row] = scored ? logProbability(ofRow, ids[row]) : 0;
            }
            return new Written(new int[][] {ids}, new float[][] {scores}, state);
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

    /**
     * The next characters of each row.
     *
     * @param ids {@code [T][B]}
     * @param logProbabilities the natural logarithm of their probabilities, {@code [T][B]}; zeros if not requested
     * @param state the state before the last of them
     */
    record Written(int[][] ids, float[][] logProbabilities, List<float[]> state) {}

    ModelConfig config();

    /** Returns the initial state, zeros. */
    default List<float[]> zeroState(int rows) {
        return LanguageModel.stateShapes(config(), rows).stream()
                .map(shape -> new float[Math.toIntExact(shape.size())])
                .toList();
    }

    /** Computes one time step of a character for each row, {@code [B]}. */
    Step step(int[] ids, List<float[]> state);

    /** Returns the state after a character for each time step and row, {@code [T][B]}, without the logits. */
    default List<float[]> read(int[][] ids, List<float[]> state) {
        List<float[]> current = state;
        for (int[] timeStep : ids) {
            current = step(timeStep, current).state();
        }
        return current;
    }

    /**
     * Writes the most likely characters: one for each row, or as many as the model computes at once.
     *
     * @param ids the last character of each row, {@code [B]}
     * @param state the state before it
     */
    default Written writeGreedily(int[] ids, List<float[]> state, boolean scored) {
        return step(ids, state).choose(Sampler.GREEDY, new double[ids.length], scored);
    }

    @Override
    void close();
}
