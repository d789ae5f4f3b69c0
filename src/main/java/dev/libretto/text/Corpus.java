package dev.libretto.text;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * A text to learn from, as code points.
 *
 * @param name where the text came from, for messages: a path, or {@link #BUILT_IN}
 * @param codePoints the characters, in order; at least one
 */
public record Corpus(String name, int[] codePoints) {
    /** The name of the corpus that Libretto ships with. */
    public static final String BUILT_IN = "built-in lyrics";

    /**
     * Reads a text file, a gzip of one, or a zip archive that holds one.
     *
     * @throws CorpusException if the file is missing, empty, a directory, a damaged or unfitting archive, or not in the
     *     given encoding
     */
    public static Corpus read(Path file, CorpusOptions options) throws IOException {
        try (InputStream input = TextFile.open(file)) {
            return read(input, file.toString(), options);
        }
    }

    /** Reads the built-in corpus of song lyrics, which is UTF-8 whatever {@code options} say of the encoding. */
    public static Corpus builtIn(CorpusOptions options) throws IOException {
        try (InputStream input = Corpus.class.getResourceAsStream("lyrics.txt")) {
            return read(input, BUILT_IN, options.withEncoding(StandardCharsets.UTF_8));
        }
    }

    private static Corpus read(InputStream input, String name, CorpusOptions options) throws IOException {
        int limit = options.maxChars() == 0 ? Integer.MAX_VALUE - 8 : options.maxChars();
        CodePointReader reader = new CodePointReader(input, options, name);
        int[] codePoints = new int[1 << 14];
        int length = 0;
        while (length < limit) {
            int c = reader.next();
            if (c < 0) {
                break;
            }
            if (length == codePoints.length) {
                codePoints = Arrays.copyOf(codePoints, (int) Math.min(2L * length, Integer.MAX_VALUE - 8));
            }
            codePoints[length++] = !options.keepNewlines() && (c == '\n' || c == '\r') ? ' ' : c;
        }
        if (length == 0) {
            throw new CorpusException(name + " is empty; a corpus needs text");
        }
        return new Corpus(name, Arrays.copyOf(codePoints, length));
    }

    /** The number of characters. */
    public int length() {
        return codePoints.length;
    }

    /** The SHA-256 of the characters as UTF-8, in hexadecimal: the same text has the same hash in any container. */
    public String sha256() {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            int chunk = 1 << 16;
            for (int start = 0; start < codePoints.length; start += chunk) {
                int count = Math.min(chunk, codePoints.length - start);
                digest.update(new String(codePoints, start, count).getBytes(StandardCharsets.UTF_8));
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
