package dev.libretto.generate;

/**
 * Random numbers by their place: each is a function of a seed, the number of the sample and the position in it, and of
 * nothing that was drawn before (a counter-based generator, Salmon et al., 2011). So a sample is the same whatever is
 * computed beside it.
 */
final class CounterRandom {
    /** 2⁶⁴ divided by the golden ratio, odd: it spreads neighbouring counters over all bits. */
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private CounterRandom() {}

    /** A number from [0, 1). */
    static double uniform(long seed, long sample, long position) {
        long bits = mix(mix(mix(seed + GOLDEN) + sample * GOLDEN) + position * GOLDEN);
        return (bits >>> 11) * 0x1p-53;
    }

    /** The finalizer of SplitMix64 (Steele, Lea and Flood, 2014), a one-to-one mixing of 64 bits. */
    private static long mix(long z) {
        long a = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        long b = (a ^ (a >>> 27)) * 0x94D049BB133111EBL;
        return b ^ (b >>> 31);
    }
}
