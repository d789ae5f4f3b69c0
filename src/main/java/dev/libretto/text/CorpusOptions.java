package dev.libretto.text;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/**
 * How a text file is read as a corpus.
 *
 * @param maxChars the number of characters to read; 0 reads the whole text
 * @param keepNewlines whether to keep newlines and carriage returns instead of replacing them with spaces
 * @param maxBytes the limit for the unpacked text
 * @param minCount the vocabulary leaves out characters that occur less often; they become {@link Vocabulary#UNKNOWN}
 */
public record CorpusOptions(long maxChars, boolean keepNewlines, Charset encoding, long maxBytes, int minCount) {
    /** 4 GiB, which stops a zip bomb. */
    public static final long DEFAULT_MAX_BYTES = 1L << 32;

    /** The textbook reads the first 10,000 characters of its lyrics. */
    public static final int DEFAULT_MAX_CHARS = 10_000;

    /** UTF-8, the whole text, newlines as spaces, every character in the vocabulary. */
    public static final CorpusOptions WHOLE_TEXT =
            new CorpusOptions(0, false, StandardCharsets.UTF_8, DEFAULT_MAX_BYTES, 1);

    /**
     * @throws IllegalArgumentException if {@code maxChars} is negative, or {@code maxBytes} or {@code minCount} not
     * positive
     */
    public CorpusOptions {
        Objects.requireNonNull(encoding, "encoding");
        if (maxChars < 0) {
            throw new IllegalArgumentException(
                    "max-chars is " + maxChars + "; it must be 0 (the whole text) or a positive number");
        }
        if (maxBytes < 1) {
            throw new IllegalArgumentException("max-bytes is " + maxBytes + "; it must be positive");
        }
        if (minCount < 1) {
            throw new IllegalArgumentException("min-count is " + minCount + "; it must be positive");
        }
    }

    public CorpusOptions withMaxChars(long newMaxChars) {
        return new CorpusOptions(newMaxChars, keepNewlines, encoding, maxBytes, minCount);
    }

    public CorpusOptions withKeepNewlines(boolean newKeepNewlines) {
        return new CorpusOptions(maxChars, newKeepNewlines, encoding, maxBytes, minCount);
    }

    public CorpusOptions withEncoding(Charset newEncoding) {
        return new CorpusOptions(maxChars, keepNewlines, newEncoding, maxBytes, minCount);
    }

    public CorpusOptions withMaxBytes(long newMaxBytes) {
        return new CorpusOptions(maxChars, keepNewlines, encoding, newMaxBytes, minCount);
    }

    public CorpusOptions withMinCount(int newMinCount) {
        return new CorpusOptions(maxChars, keepNewlines, encoding, maxBytes, newMinCount);
    }
}
