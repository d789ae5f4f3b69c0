package dev.libretto.text;

/**
 * One batch, time-major: element {@code t * B + b} is time step t of row b.
 *
 * @param inputs character ids {@code [T, B]}
 * @param targets the id that follows each input, {@code [T, B]}
 * @param continues whether row b goes on where row b of the batch before ended, so that the state carries over
 */
public record Batch(int[] inputs, int[] targets, boolean continues) {}
