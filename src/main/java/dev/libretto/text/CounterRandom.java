package dev.libretto.text;

/**
 * A counter-based random number generator (Salmon et al., 2011). A number depends only on the seed, the sample's index
 * and the position in it, so a sample is the same whatever else is in the batch. Its mixing function also orders
 * windows.
 */
public final class CounterRandom {
    /** 2⁶⁴ divided by the golden ratio, made odd: spreads consecutive counters over all bits. */
    static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private CounterRandom() {}

    /** Returns a number in [0, 1). */
    public static double uniform(long seed, long sample, long position) {
        long bits = mix(mix(mix(seed + GOLDEN) + sample * GOLDEN) + position * GOLDEN);
        return (bits >>> 11) * 0x1p-53;
    }

    /** SplitMix64's finalizer (Steele, Lea and Flood, 2014), a bijection of 64 bits. */
    static long mix(long z) {
        long a = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        long b = (a ^ (a >>> 27)) * 0x94D049BB133111EBL;
        return b ^ (b >>> 31);
    }
}
