package dev.libretto.text;

/**
 * A pseudorandom permutation of 0 to size - 1, computed element by element from a key.
 *
 * <p>A Feistel network permutes the numbers of 2·h bits, with the smallest h that {@code size} fits in. Cycle walking keeps
 * the results in range: a number outside is permuted again (Black and Rogaway, <em>Ciphers with Arbitrary Finite
 * Domains</em>, 2002). This takes fewer than four passes on average.
 */
final class Permutation {
    private static final int ROUNDS = 8;

    private final long size;
    private final int halfBits;
    private final long[] keys = new long[ROUNDS];

    /** @param size at least 1 */
    Permutation(long size, long key) {
        this.size = size;
        int bits = Long.SIZE - Long.numberOfLeadingZeros(size - 1);
        this.halfBits = Math.max(1, (bits + 1) / 2);
        long state = key;
        for (int round = 0; round < ROUNDS; round++) {
            state += CounterRandom.GOLDEN;
            keys[round] = CounterRandom.mix(state);
        }
    }

    long at(long index) {
        long number = index;
        do {
            number = permuted(number);
        } while (number >= size);
        return number;
    }

    private long permuted(long number) {
        long mask = (1L << halfBits) - 1;
        long left = number >>> halfBits;
        long right = number & mask;
        for (long key : keys) {
            long next = left ^ (CounterRandom.mix(right ^ key) & mask);
            left = right;
            right = next;
        }
        return left << halfBits | right;
    }
}
