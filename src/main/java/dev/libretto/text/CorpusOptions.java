package dev.libretto.text;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/**
 * How a text file is read as a corpus.
 *
 * @param maxChars the number of characters to read, among which the end of a document counts as one; 0 reads the whole text
 * @param keepNewlines whether to keep newlines and carriage returns instead of replacing them with spaces
 * @param documents how the text is divided into documents
 * @param maxBytes the limit for the unpacked text
 * @param minCount the vocabulary leaves out characters that occur less often; they become {@link Vocabulary#UNKNOWN}
 */
public record CorpusOptions(
        long maxChars, boolean keepNewlines, Documents documents, Charset encoding, long maxBytes, int minCount) {
    /** 4 GiB, which stops a zip bomb. */
    public static final long DEFAULT_MAX_BYTES = 1L << 32;

    /** The textbook reads the first 10,000 characters of its lyrics. */
    public static final int DEFAULT_MAX_CHARS = 10_000;

    /** UTF-8, the whole text undivided, newlines as spaces, every character in the vocabulary. */
    public static final CorpusOptions WHOLE_TEXT =
            new CorpusOptions(0, false, Documents.NONE, StandardCharsets.UTF_8, DEFAULT_MAX_BYTES, 1);

    /**
     * @throws IllegalArgumentException if {@code maxChars} is negative, or {@code maxBytes} or {@code minCount} not
     * positive
     */
    public CorpusOptions {
        Objects.requireNonNull(encoding, "encoding");
        Objects.requireNonNull(documents, "documents");
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
        return new CorpusOptions(newMaxChars, keepNewlines, documents, encoding, maxBytes, minCount);
    }

    public CorpusOptions withKeepNewlines(boolean newKeepNewlines) {
        return new CorpusOptions(maxChars, newKeepNewlines, documents, encoding, maxBytes, minCount);
    }

    public CorpusOptions withDocuments(Documents newDocuments) {
        return new CorpusOptions(maxChars, keepNewlines, newDocuments, encoding, maxBytes, minCount);
    }

    public CorpusOptions withEncoding(Charset newEncoding) {
        return new CorpusOptions(maxChars, keepNewlines, documents, newEncoding, maxBytes, minCount);
    }

    public CorpusOptions withMaxBytes(long newMaxBytes) {
        return new CorpusOptions(maxChars, keepNewlines, documents, encoding, newMaxBytes, minCount);
    }

    public CorpusOptions withMinCount(int newMinCount) {
        return new CorpusOptions(maxChars, keepNewlines, documents, encoding, maxBytes, newMinCount);
    }
}
