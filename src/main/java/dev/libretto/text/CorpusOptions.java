package dev.libretto.text;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/**
 * How a text file becomes a corpus.
 *
 * @param maxChars how many characters to read from the start of the text; 0 reads all of it
 * @param keepNewlines whether newlines and carriage returns stay as they are instead of becoming spaces
 * @param encoding the character encoding of the file
 * @param maxBytes how many bytes the text may have once it is unpacked; a small archive can hide a huge one
 * @param minCount how often a character must occur to be in the vocabulary; one that is rarer is read as {@link
 *     Vocabulary#UNKNOWN}
 */
public record CorpusOptions(long maxChars, boolean keepNewlines, Charset encoding, long maxBytes, int minCount) {
    /** 4 GiB, so that an archive made to fill the disk does not. */
    public static final long DEFAULT_MAX_BYTES = 1L << 32;

    /** The textbook reads the first 10,000 characters of its lyrics. */
    public static final int DEFAULT_MAX_CHARS = 10_000;

    /** UTF-8, the whole text, newlines as spaces, every character in the vocabulary. */
    public static final CorpusOptions WHOLE_TEXT =
            new CorpusOptions(0, false, StandardCharsets.UTF_8, DEFAULT_MAX_BYTES, 1);

    /** @throws IllegalArgumentException if {@code maxChars} is negative, or {@code maxBytes} or {@code minCount} not positive */
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

    /** The same but for how many characters are read. */
    public CorpusOptions withMaxChars(long newMaxChars) {
        return new CorpusOptions(newMaxChars, keepNewlines, encoding, maxBytes, minCount);
    }

    /** The same but for newlines. */
    public CorpusOptions withKeepNewlines(boolean newKeepNewlines) {
        return new CorpusOptions(maxChars, newKeepNewlines, encoding, maxBytes, minCount);
    }

    /** The same but for the encoding. */
    public CorpusOptions withEncoding(Charset newEncoding) {
        return new CorpusOptions(maxChars, keepNewlines, newEncoding, maxBytes, minCount);
    }

    /** The same but for the limit of bytes. */
    public CorpusOptions withMaxBytes(long newMaxBytes) {
        return new CorpusOptions(maxChars, keepNewlines, encoding, newMaxBytes, minCount);
    }

    /** The same but for how often a character must occur. */
    public CorpusOptions withMinCount(int newMinCount) {
        return new CorpusOptions(maxChars, keepNewlines, encoding, maxBytes, newMinCount);
    }
}
