package dev.libretto.text;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** A text to learn from, as code points; in memory, or in an index file where {@link CorpusReader} made one. */
public final class Corpus {
    /** The name of the corpus that Libretto ships with. */
    public static final String BUILT_IN = "built-in lyrics";

    private static final CorpusOptions AS_IT_IS = CorpusOptions.WHOLE_TEXT.withKeepNewlines(true);

    private final String name;
    private final Alphabet alphabet;
    private final Ids indexes;
    private final String sha256;
    private final List<Path> files;
    private final CorpusOptions options;
    private final double part;

    /**
     * @param indexes the characters, in order, as indexes in the alphabet; at least one
     * @param sha256 what {@link #sha256} returns
     */
    Corpus(String name, Alphabet alphabet, Ids indexes, String sha256) {
        this(name, alphabet, indexes, sha256, List.of(), AS_IT_IS, 1);
    }

    private Corpus(
            String name,
            Alphabet alphabet,
            Ids indexes,
            String sha256,
            List<Path> files,
            CorpusOptions options,
            double part) {
        this.name = name;
        this.alphabet = alphabet;
        this.indexes = indexes;
        this.sha256 = sha256;
        this.files = files;
        this.options = options;
        this.part = part;
    }

    /**
     * A text in memory.
     *
     * @param name where it came from, for messages
     * @param codePoints its characters, in order; at least one
     */
    public Corpus(String name, int[] codePoints) {
        this.name = name;
        this.alphabet = new Alphabet();
        this.indexes = Ids.of(Arrays.stream(codePoints).map(alphabet::add).toArray());
        TextHash hash = new TextHash();
        hash.update(codePoints, codePoints.length);
        this.sha256 = hash.hex();
        this.files = List.of();
        this.options = AS_IT_IS;
        this.part = 1;
    }

    /** Returns a copy that is a part of a longer text. */
    Corpus withPart(double newPart) {
        return new Corpus(name, alphabet, indexes, sha256, files, options, newPart);
    }

    /** Returns a copy that knows where it came from. */
    Corpus withSource(List<Path> newFiles, CorpusOptions newOptions) {
        return new Corpus(name, alphabet, indexes, sha256, newFiles, newOptions, part);
    }

    /**
     * A text in memory.
     *
     * @throws CorpusException if it is empty
     */
    public static Corpus of(String text) throws CorpusException {
        if (text.isEmpty()) {
            throw new CorpusException("the text is empty; it needs at least one character");
        }
        return new Corpus("text", text.codePoints().toArray());
    }

    /** Reads all of a text, in UTF-8 and with its newlines, as {@link #read(Path, CorpusOptions)} does. */
    public static Corpus read(Path file) throws IOException {
        return read(file, AS_IT_IS);
    }

    /**
     * Reads a text file, a gzip of one, or a zip archive that holds one, into memory.
     *
     * @throws CorpusException if the file is missing, empty, a damaged or unfitting archive, or not in the given encoding,
     *     or has more characters than an array holds
     */
    public static Corpus read(Path file, CorpusOptions options) throws IOException {
        return new CorpusReader().read(CorpusFiles.of(List.of(file)), options);
    }

    /** Reads the built-in corpus of song lyrics, which is UTF-8 whatever {@code options} say of the encoding. */
    public static Corpus builtIn(CorpusOptions options) throws IOException {
        try (InputStream input = Corpus.class.getResourceAsStream("lyrics.txt");
                CorpusPass pass = CorpusPass.inMemory(BUILT_IN, options.withEncoding(StandardCharsets.UTF_8))) {
            pass.read(input, BUILT_IN, () -> {});
            return pass.end().withSource(List.of(), options);
        }
    }

    /** Where the text came from, for messages: a path, or {@link #BUILT_IN}. */
    public String name() {
        return name;
    }

    /** The files and directories it was read from; none for the built-in lyrics and a text in memory. */
    public List<Path> files() {
        return files;
    }

    /** How it was read. */
    public CorpusOptions options() {
        return options;
    }

    /** The number of characters. */
    public long length() {
        return indexes.length();
    }

    /**
     * About which part of its files this is: less than 1 where only their beginning was wanted, NaN where it is not known how
     * much less. One from an index file of an earlier time says 1.
     */
    public double part() {
        return part;
    }

    /** How many distinct characters it has. */
    public int distinct() {
        return alphabet.size();
    }

    /** How often a character occurs. */
    public long count(int codePoint) {
        return IntStream.range(0, alphabet.size())
                .filter(index -> alphabet.codePoint(index) == codePoint)
                .mapToLong(alphabet::count)
                .sum();
    }

    /** The character at a position, 0 to {@link #length()} - 1. */
    public int codePointAt(long position) {
        return alphabet.codePoint(indexes.at(position));
    }

    /** The SHA-256 of the characters as UTF-8, in hexadecimal: the same text has the same hash in any container. */
    public String sha256() {
        return sha256;
    }

    Alphabet alphabet() {
        return alphabet;
    }

    /** The text as ids, given the id of each character of the alphabet. */
    Ids ids(int... idOfIndex) {
        return indexes.mapped(idOfIndex);
    }
}
