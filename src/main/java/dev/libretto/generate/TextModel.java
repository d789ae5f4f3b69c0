package dev.libretto.generate;

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

    /** V, the number of characters that it knows. */
    int vocabularySize();

    /** The state that so many rows start from: zeros. */
    List<float[]> zeroState(int rows);

    /**
     * One time step.
     *
     * @param ids a character for each row, {@code [B]} of any B from 1
     * @param state the state before it, of B rows
     */
    Step step(int[] ids, List<float[]> state);

    /** Frees what the model holds. */
    @Override
    void close();
}
