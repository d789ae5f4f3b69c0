package dev.libretto.generate;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Keeps the states after texts, so that a text that continues one of them is not read again. Drops the least recently used states
 * once they and their texts exceed a number of bytes. Texts are compared whole, so a state is never that of another text.
 */
final class StateCache {
    /** What a state costs besides its numbers: array headers and the nodes of two collections. */
    private static final int OVERHEAD = 256;

    /** A text with the state after it; neither may be modified. */
    record Kept(int[] text, List<float[]> state) {
        long bytes() {
            return OVERHEAD
                    + (long) Integer.BYTES * text.length
                    + state.stream()
                            .mapToLong(array -> (long) Float.BYTES * array.length)
                            .sum();
        }

        /** Two texts are never kept twice, so a set need not compare them. */
        @Override
        public boolean equals(Object other) {
            return this == other;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(this);
        }
    }

    private final long mostBytes;
    private final TreeMap<int[], Kept> byText = new TreeMap<>(Arrays::compare);
    /** The least recently used first. */
    private final Set<Kept> byUse = new LinkedHashSet<>();

    private long bytes;
    private long hits;
    private long misses;

    StateCache(long mostBytes) {
        this.mostBytes = mostBytes;
    }

    /** Keeps the state after a text; neither array may be modified afterwards. */
    synchronized void keep(int[] text, List<float[]> state) {
        if (text.length == 0) {
            return;
        }
        Kept kept = byText.get(text);
        if (kept == null) {
            kept = new Kept(text, state);
            if (kept.bytes() > mostBytes) {
                return;
            }
            byText.put(text, kept);
            bytes += kept.bytes();
        }
        use(kept);
        while (bytes > mostBytes) {
            Kept oldest = byUse.iterator().next();
            byUse.remove(oldest);
            byText.remove(oldest.text());
            bytes -= oldest.bytes();
        }
    }

    /** Returns the longest kept text that a text starts with, or null. */
    synchronized Kept find(int... text) {
        int[] beginning = text;
        // If the greatest kept text up to this one is not a beginning of it, no beginning is longer than what the two
        // share.
        for (Map.Entry<int[], Kept> floor = byText.floorEntry(text);
                floor != null;
                floor = byText.floorEntry(beginning)) {
            int shared = Arrays.mismatch(floor.getKey(), beginning);
            if (shared < 0 || shared == floor.getKey().length) {
                hits++;
                use(floor.getValue());
                return floor.getValue();
            }
            beginning = Arrays.copyOf(beginning, shared);
        }
        misses++;
        return null;
    }

    private void use(Kept kept) {
        byUse.remove(kept);
        byUse.add(kept);
    }

    synchronized int size() {
        return byText.size();
    }

    synchronized long bytes() {
        return bytes;
    }

    synchronized long hits() {
        return hits;
    }

    synchronized long misses() {
        return misses;
    }
}
