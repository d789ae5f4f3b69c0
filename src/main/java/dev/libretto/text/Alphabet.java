package dev.libretto.text;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** The distinct characters of a text, in order of first appearance, with their counts. */
final class Alphabet {
    private static final int PAGE_BITS = 8;

    /** Index + 1 of each code point, in pages of 256; 0 for one that has not occurred. */
    private final int[][] indexes = new int[(Vocabulary.END >> PAGE_BITS) + 1][];

    private int[] codePoints = new int[256];
    private long[] counts = new long[256];
    private int size;

    Alphabet() {}

    /** Restores a stored alphabet. */
    Alphabet(int[] codePoints, long[] counts) {
        this.codePoints = codePoints;
        this.counts = counts;
        this.size = codePoints.length;
    }

    /** Counts one occurrence of a character and returns its index. */
    int add(int codePoint) {
        int[] page = indexes[codePoint >> PAGE_BITS];
        if (page == null) {
            page = new int[1 << PAGE_BITS];
            indexes[codePoint >> PAGE_BITS] = page;
        }
        int offset = codePoint & (1 << PAGE_BITS) - 1;
        if (page[offset] == 0) {
            append(codePoint);
            page[offset] = size;
        }
        int index = page[offset] - 1;
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

    int size() {
        return size;
    }

    int codePoint(int index) {
        return codePoints[index];
    }

    long count(int index) {
        return counts[index];
    }

    IntStream codePoints() {
        return Arrays.stream(codePoints, 0, size);
    }

    long count(IntPredicate isCounted) {
        return IntStream.range(0, size)
                .filter(index -> isCounted.test(codePoints[index]))
                .mapToLong(this::count)
                .sum();
    }

    /** Estimates the size of the text in an encoding, in bytes, without a byte order mark. */
    long bytes(Charset encoding) {
        // Java writes a byte order mark for UTF-16.
        Charset plain = encoding.equals(StandardCharsets.UTF_16) ? StandardCharsets.UTF_16BE : encoding;
        long bytes = 0;
        for (int i = 0; i < size; i++) {
            // Most documents end with a line end.
            int codePoint = codePoints[i] == Vocabulary.END ? '\n' : codePoints[i];
            bytes += counts[i] * Character.toString(codePoint).getBytes(plain).length;
        }
        return bytes;
    }
}
