package dev.libretto.text;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.apache.commons.io.FilenameUtils;

/**
 * How a text file is read as a corpus.
 *
 * @param maxChars the number of characters to read, among which the end of a document counts as one; 0 reads the whole text
 * @param keepNewlines whether to keep newlines instead of replacing them with spaces; CR, LF and CR LF are one newline each
 * @param documents how the text is divided into documents
 * @param badBytes what to do with bytes that are not in the encoding
 * @param maxBytes the limit for the unpacked text
 * @param minCount the vocabulary leaves out characters that occur less often; they become {@link Vocabulary#UNKNOWN}
 * @param include the files of a directory or archive to read, as patterns of their names with {@code *} and {@code ?}; empty
 *     for {@code .txt} files
 */
public record CorpusOptions(
        long maxChars,
        boolean keepNewlines,
        Documents documents,
        Charset encoding,
        BadBytes badBytes,
        Normalization normalization,
        long maxBytes,
        int minCount,
        List<String> include) {
    /** 4 GiB, which stops a zip bomb. */
    public static final long DEFAULT_MAX_BYTES = 1L << 32;

    /** The textbook reads the first 10,000 characters of its lyrics. */
    public static final int DEFAULT_MAX_CHARS = 10_000;

    /** UTF-8, the whole text undivided, newlines as spaces, every character in the vocabulary. */
    public static final CorpusOptions WHOLE_TEXT = new CorpusOptions(
            0,
            false,
            Documents.NONE,
            StandardCharsets.UTF_8,
            BadBytes.ERROR,
            Normalization.NONE,
            DEFAULT_MAX_BYTES,
            1,
            List.of());

    private static final Pattern TEXT = Pattern.compile("(?i)[^.].*\\.txt(\\.(gz|bz2|xz|zst|zip))?");

    /**
     * @throws IllegalArgumentException if {@code maxChars} is negative, or {@code maxBytes} or {@code minCount} not
     * positive
     */
    public CorpusOptions {
        Objects.requireNonNull(encoding, "encoding");
        Objects.requireNonNull(documents, "documents");
        Objects.requireNonNull(badBytes, "bad-bytes");
        Objects.requireNonNull(normalization, "normalization");
        include = List.copyOf(include);
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
        return new CorpusOptions(
                newMaxChars, keepNewlines, documents, encoding, badBytes, normalization, maxBytes, minCount, include);
    }

    public CorpusOptions withKeepNewlines(boolean newKeepNewlines) {
        return new CorpusOptions(
                maxChars, newKeepNewlines, documents, encoding, badBytes, normalization, maxBytes, minCount, include);
    }

    public CorpusOptions withDocuments(Documents newDocuments) {
        return new CorpusOptions(
                maxChars, keepNewlines, newDocuments, encoding, badBytes, normalization, maxBytes, minCount, include);
    }

    public CorpusOptions withEncoding(Charset newEncoding) {
        return new CorpusOptions(
                maxChars, keepNewlines, documents, newEncoding, badBytes, normalization, maxBytes, minCount, include);
    }

    public CorpusOptions withBadBytes(BadBytes newBadBytes) {
        return new CorpusOptions(
                maxChars, keepNewlines, documents, encoding, newBadBytes, normalization, maxBytes, minCount, include);
    }

    public CorpusOptions withNormalization(Normalization newNormalization) {
        return new CorpusOptions(
                maxChars, keepNewlines, documents, encoding, badBytes, newNormalization, maxBytes, minCount, include);
    }

    public CorpusOptions withMaxBytes(long newMaxBytes) {
        return new CorpusOptions(
                maxChars, keepNewlines, documents, encoding, badBytes, normalization, newMaxBytes, minCount, include);
    }

    public CorpusOptions withMinCount(int newMinCount) {
        return new CorpusOptions(
                maxChars, keepNewlines, documents, encoding, badBytes, normalization, maxBytes, newMinCount, include);
    }

    public CorpusOptions withInclude(List<String> newInclude) {
        return new CorpusOptions(
                maxChars, keepNewlines, documents, encoding, badBytes, normalization, maxBytes, minCount, newInclude);
    }

    /** Returns whether a file of a directory or archive is read; a hidden one only if its pattern starts with a dot. */
    boolean includes(String fileName) {
        if (include.isEmpty()) {
            return TEXT.matcher(fileName).matches();
        }
        return include.stream()
                .anyMatch(pattern -> fileName.startsWith(".") == pattern.startsWith(".")
                        && FilenameUtils.wildcardMatch(fileName, pattern));
    }

    /** Returns which files are read, for messages. */
    public String describeInclude() {
        return include.isEmpty() ? "*.txt" : String.join(" or ", include);
    }
}
