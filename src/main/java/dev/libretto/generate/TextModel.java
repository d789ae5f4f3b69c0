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
 * until their next call; its arrays are the caller's.
 */
public interface TextModel extends AutoCloseable {
    /** @param logits the scores of the next character, row-major {@code [B, V]} */
    record Step(float[] logits, List<float[]> state) {
        /** Returns the logits of one of {@code rows} rows, {@code [V]}. */
        float[] ofRow(int row, int rows) {
            int v = logits.length / rows;
            return Arrays.copyOfRange(logits, row * v, (row + 1) * v);
        }
    }

    /**
     * The next characters of each row.
     *
     * @param characters {@code [T][B]}, with log-probabilities if requested
     * @param state the state before the last of them
     */
    record Written(ScoredCharacter[][] characters, List<float[]> state) {}

    ModelConfig config();

    /** Returns the initial state, zeros. */
    default List<float[]> zeroState(int rows) {
        return LanguageModel.stateShapes(config(), rows).stream()
                .map(shape -> new float[Math.toIntExact(shape.size())])
                .toList();
    }

    /** Returns what is read before every text: the end of a document if the model knows it, else nothing. */
    default int[] beginning() {
        return config().endSymbol() ? new int[] {config().end()} : new int[0];
    }

    /** Returns the characters before every text, which a {@link Sampler} looks back at. */
    default int[] textBefore() {
        return new int[0];
    }

    /** Returns the position of the random number for the character after a prefix; a continued text goes on counting. */
    default int positionAfter(int... prefix) {
        return 0;
    }

    /** Returns the SHA-256 of the weights, {@link dev.libretto.model.Weights#sha256}; empty if it is not known. */
    default String weightsHash() {
        return "";
    }

    /**
     * Returns this model without ways of its own for one row, so that its rows may be the same alone and among others. It is
     * closed with this.
     */
    default TextModel forBatches() {
        return this;
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
     * @param most the most characters to write for each row, at least 1
     */
    default Written writeGreedily(int[] ids, List<float[]> state, boolean scored, int most) {
        Step step = step(ids, state);
        ScoredCharacter[] characters = new ScoredCharacter[ids.length];
        for (int row = 0; row < ids.length; row++) {
            float[] logits = step.ofRow(row, ids.length);
            int id = Logits.argMax(logits);
            characters[row] = scored ? ScoredCharacter.of(logits, id, 0) : new ScoredCharacter(id, 0);
        }
        return new Written(new ScoredCharacter[][] {characters}, step.state());
    }

    @Override
    void close();
}
