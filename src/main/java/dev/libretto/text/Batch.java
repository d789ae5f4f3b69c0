package dev.libretto.text;

/**
 * One batch, time-major: element {@code t * B + b} is time step t of row b.
 *
 * @param inputs character ids {@code [T, B]}
 * @param targets the id that follows each input, {@code [T, B]}
 * @param continues whether row b goes on where row b of the batch before ended, so that the state carries over
 * @param starts where the inputs of each row begin in the text, {@code [B]}
 */
public record Batch(int[] inputs, int[] targets, boolean continues, long[] starts) {
    /** A batch of characters that are in no text. */
    public Batch(int[] inputs, int[] targets, boolean continues) {
        this(inputs, targets, continues, new long[0]);
    }
}
