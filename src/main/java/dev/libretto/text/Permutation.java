package dev.libretto.text;

/**
 * An order of the numbers 0 to size - 1 that is drawn from a key and takes no memory: number {@code i} of it is computed.
 *
 * <p>A Feistel network permutes the numbers of 2·h bits, where h is the least that {@code size} fits in; a number that it
 * takes out of range is sent through again until it is in range, which keeps the whole a permutation (Black and Rogaway,
 * <em>Ciphers with Arbitrary Finite Domains</em>, 2002). It takes less than four turns on the average.
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
            state += 0x9E3779B97F4A7C15L;
            keys[round] = mix(state);
        }
    }

    /** The number at a place of the order. */
    long at(long place) {
        long number = place;
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
            long next = left ^ (mix(right ^ key) & mask);
            left = right;
            right = next;
        }
        return left << halfBits | right;
    }

    /** The finalizer of SplitMix64 (Steele, Lea and Flood, 2014), variant 13 of Stafford's. */
    private static long mix(long value) {
        long mixed = value;
        mixed = (mixed ^ mixed >>> 30) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ mixed >>> 27) * 0x94D049BB133111EBL;
        return mixed ^ mixed >>> 31;
    }
}
