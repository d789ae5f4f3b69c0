package dev.libretto.text;

import dev.libretto.LibrettoException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.stream.IntStream;

/** A text to train on, as code points, held in memory or in an index file (see {@link CorpusReader}). */
public final class Corpus {
    /** The name of the corpus in the jar. */
    public static final String BUILT_IN = "built-in lyrics";

    private static final CorpusOptions UNCHANGED = CorpusOptions.WHOLE_TEXT.withKeepNewlines(true);

    private final String name;
    private final Alphabet alphabet;
    private final Ids indexes;
    private final String sha256;
    private final long malformed;
    private final Source source;

    private record Source(List<Path> files, CorpusOptions options, double fractionRead) {}

    /**
     * @param indexes the characters, in order, as indexes in the alphabet; at least one
     * @param malformed the number of byte sequences that were replaced or skipped
     */
    Corpus(String name, Alphabet alphabet, Ids indexes, String sha256, long malformed) {
        this(name, alphabet, indexes, sha256, malformed, new Source(List.of(), UNCHANGED, 1));
    }

    private Corpus(String name, Alphabet alphabet, Ids indexes, String sha256, long malformed, Source source) {
        this.name = name;
        this.alphabet = alphabet;
        this.indexes = indexes;
        this.sha256 = sha256;
        this.malformed = malformed;
        this.source = source;
    }

    /** @param codePoints at least one */
    public Corpus(String name, int[] codePoints) {
        this(name, codePoints, new Alphabet());
    }

    private Corpus(String name, int[] codePoints, Alphabet alphabet) {
        this(
                name,
                alphabet,
                Ids.of(Arrays.stream(codePoints).map(alphabet::add).toArray()),
                TextHash.of(codePoints),
                0);
    }

    Corpus withSource(List<Path> files, CorpusOptions options, double fractionRead) {
        return new Corpus(name, alphabet, indexes, sha256, malformed, new Source(files, options, fractionRead));
    }

    public static Corpus of(String text) throws LibrettoException {
        if (text.isEmpty()) {
            throw new LibrettoException("the text is empty; it needs at least one character");
        }
        return new Corpus("text", text.codePoints().toArray());
    }

    /** Returns a text of documents, such as names. */
    public static Corpus ofDocuments(List<String> documents) throws LibrettoException {
        IntStream.Builder codePoints = IntStream.builder();
        for (String document : documents) {
            if (document.isEmpty()) {
                throw new LibrettoException("one of the documents is empty; each needs at least one character");
            }
            codePoints.add(Vocabulary.END);
            document.codePoints().forEach(codePoints::add);
        }
        if (documents.isEmpty()) {
            throw new LibrettoException("there are no documents; at least one is needed");
        }
        codePoints.add(Vocabulary.END);
        CorpusOptions options = UNCHANGED.withDocuments(Documents.FILES);
        return new Corpus("documents", codePoints.build().toArray()).withSource(List.of(), options, 1);
    }

    /** Reads a whole UTF-8 text, keeping its newlines, like {@link #read(Path, CorpusOptions)}. */
    public static Corpus read(Path file) throws IOException {
        return read(file, UNCHANGED);
    }

    /**
     * Reads a text file into memory: plain, compressed, or the texts of an archive.
     *
     * @throws LibrettoException if the file is missing, empty, damaged, not text in the given encoding, or longer than an
     *     array
     */
    public static Corpus read(Path file, CorpusOptions options) throws IOException {
        return new CorpusReader().read(CorpusFiles.of(List.of(file), options), options);
    }

    /** Reads the built-in song lyrics; they are UTF-8 whatever {@code options} say. */
    public static Corpus builtIn(CorpusOptions options) throws IOException {
        try (InputStream input = Corpus.class.getResourceAsStream("lyrics.txt");
                CorpusPass pass = new CorpusPass(
                        BUILT_IN, options.withEncoding(StandardCharsets.UTF_8), null, CorpusPass.MAX_IN_MEMORY)) {
            pass.read(input, BUILT_IN, () -> {});
            return pass.finish().withSource(List.of(), options, 1);
        }
    }

    /** Returns the source of the text, for messages: a path, or {@link #BUILT_IN}. */
    public String name() {
        return name;
    }

    /** Returns the files and directories it was read from; none for the built-in lyrics and a text in memory. */
    public List<Path> files() {
        return source.files();
    }

    public CorpusOptions options() {
        return source.options();
    }

    /** Returns the number of characters, with one more before each document and after the last. */
    public long length() {
        return indexes.length();
    }

    /** Returns the number of characters. */
    public long characters() {
        return length() - count(Vocabulary.END);
    }

    /** Returns the number of documents; 0 if the text is not divided. */
    public long documents() {
        long ends = count(Vocabulary.END);
        return ends > 0 && codePointAt(length() - 1) == Vocabulary.END ? ends - 1 : ends;
    }

    /**
     * Estimates which fraction of its files was read: below 1 if {@code maxChars} cut them short, NaN if unknown, and 1 for
     * a corpus from an existing index file.
     */
    public double fractionRead() {
        return source.fractionRead();
    }

    /** Returns the number of byte sequences that were not in the encoding, and were replaced or skipped. */
    public long malformed() {
        return malformed;
    }

    /** Returns the number of distinct characters. */
    public int distinct() {
        return alphabet.size() - (count(Vocabulary.END) > 0 ? 1 : 0);
    }

    public long count(int codePoint) {
        return alphabet.count(known -> known == codePoint);
    }

    /** Returns the character at a position, at least 0 and less than {@link #length()}. */
    public int codePointAt(long position) {
        return alphabet.codePoint(indexes.at(position));
    }

    /** Returns the lines without their line ends, {@code \n} or {@code \r\n}; a line end at the end begins no other line. */
    public Iterator<String> lines() {
        return new Iterator<>() {
            private long position;

            @Override
            public boolean hasNext() {
                return position < length();
            }

            @Override
            public String next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                StringBuilder line = new StringBuilder();
                int next = codePointAt(position++);
                while (next != '\n') {
                    line.appendCodePoint(next);
                    next = hasNext() ? codePointAt(position++) : '\n';
                }
                int end = line.length() - 1;
                return end >= 0 && line.charAt(end) == '\r' ? line.substring(0, end) : line.toString();
            }
        };
    }

    /** Returns the SHA-256 of the characters as UTF-8, in hexadecimal, whatever the file's encoding and container. */
    public String sha256() {
        return sha256;
    }

    Alphabet alphabet() {
        return alphabet;
    }

    /** Returns the text as ids, given the id of each character of the alphabet. */
    Ids ids(int... idOfIndex) {
        return indexes.mapped(idOfIndex);
    }
}
