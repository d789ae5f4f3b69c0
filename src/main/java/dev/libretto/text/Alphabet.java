package dev.libretto.text;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The distinct characters of a text in the order of their first appearance, and how often each occurs. */
final class Alphabet {
    private static final int PAGE_BITS = 8;

    /** By code point, in pages of 256, one more than its index; 0 where it did not occur. */
    private final int[][] indexes = new int[(Character.MAX_CODE_POINT >> PAGE_BITS) + 1][];

    private int[] codePoints = new int[256];
    private long[] counts = new long[256];
    private int size;

    /** An empty one, for {@link #add}. */
    Alphabet() {}

    /** One as it was stored. */
    Alphabet(int[] codePoints, long[] counts) {
        this.codePoints = codePoints;
        this.counts = counts;
        this.size = codePoints.length;
    }

    /** Counts one more occurrence of a character and returns its index. */
    int add(int codePoint) {
        int[] page = indexes[codePoint >> PAGE_BITS];
        if (page == null) {
            page = new int[1 << PAGE_BITS];
            indexes[codePoint >> PAGE_BITS] = page;
        }
        int place = codePoint & (1 << PAGE_BITS) - 1;
        if (page[place] == 0) {
            append(codePoint);
            page[place] = size;
        }
        int index = page[place] - 1;
        counts[index]++;
        return index;
    }

    private void append(int codePoint) {
        if (size == codePoints.length) {
            codePoints = Arrays.copyOf(codePoints, 2 * size);
            counts = Arrays.copyOf(counts, 2 * size);
        }
        codePoints[size++] = codePoint;
    }

    /** How many distinct characters there are. */
    int size() {
        return size;
    }

    /** The character of an index. */
    int codePoint(int index) {
        return codePoints[index];
    }

    /** How often the character of an index occurs. */
    long count(int index) {
        return counts[index];
    }

    /** About how many bytes the text has in an encoding, without a byte order mark. */
    long bytes(Charset encoding) {
        // Java writes a byte order mark in this one.
        Charset plain = encoding.equals(StandardCharsets.UTF_16) ? StandardCharsets.UTF_16BE : encoding;
        long bytes = 0;
        for (int i = 0; i < size; i++) {
            bytes += counts[i] * Character.toString(codePoints[i]).getBytes(plain).length;
        }
        return bytes;
    }
}
