package dev.libretto.text;

import java.util.stream.LongStream;

/** All characters of a corpus. */
final class CodePoints {
    private CodePoints() {}

    static int[] of(Corpus corpus) {
        return LongStream.range(0, corpus.length())
                .mapToInt(corpus::codePointAt)
                .toArray();
    }
}
