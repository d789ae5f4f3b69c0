package dev.libretto.text;

/**
 * One time-major batch: element {@code t * B + b} is time step t of row b.
 *
 * @param inputs character ids {@code [T, B]}
 * @param targets the id that follows each input, {@code [T, B]}
 * @param continues whether each row continues the same row of the previous batch, so that the state carries over
 * @param starts the position in the text of each row's first input, {@code [B]}
 */
public record Batch(int[] inputs, int[] targets, boolean continues, long[] starts) {
    /** Creates a batch without positions in a text. */
    public Batch(int[] inputs, int[] targets, boolean continues) {
        this(inputs, targets, continues, new long[0]);
    }
}
