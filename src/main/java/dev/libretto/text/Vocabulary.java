package dev.libretto.text;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.IntUnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * The characters a model knows, each with an id from 0 to {@link #size()} - 1 in code point order: the same text always
 * gives the same ids.
 *
 * <p>A vocabulary made with a minimum count above 1 reads every character that it does not have as {@link #UNKNOWN}, if that
 * is in it. Otherwise U+FFFD is a character like any other, which a text may contain.
 */
public final class Vocabulary {
    /** U+FFFD, with which Unicode stands in for a character that is not known or cannot be represented. */
    public static final int UNKNOWN = 0xFFFD;

    private static final Pattern LINE_END = Pattern.compile("\\r\\n|\\r|\\n");

    private final int[] codePoints;
    private final boolean hasUnknown;

    /** @param unknownCharacter whether {@link #UNKNOWN}, if it is among the characters, stands for all others */
    private Vocabulary(int[] codePoints, boolean unknownCharacter) {
        this.codePoints = codePoints;
        this.hasUnknown = unknownCharacter && Arrays.binarySearch(codePoints, UNKNOWN) >= 0;
    }

    /** The distinct characters of a corpus. */
    public static Vocabulary of(Corpus corpus) {
        return of(corpus, 1);
    }

    /**
     * The characters that occur often in a corpus, and {@link #UNKNOWN} for the others, where there are any. If a minimum
     * count above 1 leaves none out, a U+FFFD that the corpus contains still becomes the unknown character.
     *
     * @param minCount how often at least
     * @throws IllegalArgumentException if none occurs so often
     */
    public static Vocabulary of(Corpus corpus, int minCount) {
        Alphabet alphabet = corpus.alphabet();
        int[] frequent = IntStream.range(0, alphabet.size())
                .filter(index -> alphabet.count(index) >= minCount)
                .map(alphabet::codePoint)
                .toArray();
        if (frequent.length == 0) {
            throw new IllegalArgumentException(
                    "no character occurs " + minCount + " times in " + corpus.name() + "; use a lower --min-count");
        }
        IntStream unknown = frequent.length == alphabet.size() ? IntStream.empty() : IntStream.of(UNKNOWN);
        return new Vocabulary(
                IntStream.concat(Arrays.stream(frequent), unknown)
                        .distinct()
                        .sorted()
                        .toArray(),
                minCount > 1);
    }

    /**
     * A vocabulary from its symbols, the form it is stored in.
     *
     * @param symbols one character each, in rising code point order
     * @param unknownCharacter whether {@link #UNKNOWN}, if it is among them, stands for all other characters
     * @throws IllegalArgumentException if there are none, or one is not a single character, or they are out of order
     */
    public static Vocabulary ofSymbols(List<String> symbols, boolean unknownCharacter) {
        if (symbols.isEmpty()) {
            throw new IllegalArgumentException("a vocabulary has at least one symbol; this one has none");
        }
        int[] codePoints = new int[symbols.size()];
        for (int id = 0; id < codePoints.length; id++) {
            String symbol = symbols.get(id);
            if (symbol == null || symbol.codePoints().count() != 1 || isHalf(symbol.codePointAt(0))) {
                throw new IllegalArgumentException("symbol " + id + " is \"" + symbol + "\"; it must be one character");
            }
            codePoints[id] = symbol.codePointAt(0);
            if (id > 0 && codePoints[id] <= codePoints[id - 1]) {
                throw new IllegalArgumentException(
                        "symbol " + id + " (\"" + symbol + "\") is out of order or there twice");
            }
        }
        return new Vocabulary(codePoints, unknownCharacter);
    }

    /** The number of characters, V. */
    public int size() {
        return codePoints.length;
    }

    /** The characters in id order, one string each. */
    public List<String> symbols() {
        return Arrays.stream(codePoints).mapToObj(Character::toString).toList();
    }

    /** The id of a character, or -1 where the vocabulary does not have it. */
    public int idOf(int codePoint) {
        int id = Arrays.binarySearch(codePoints, codePoint);
        return id < 0 ? -1 : id;
    }

    /** Whether a character that the vocabulary does not have is read as {@link #UNKNOWN}. */
    public boolean hasUnknown() {
        return hasUnknown;
    }

    /** How many characters of a corpus the vocabulary does not have. */
    public long countUnknown(Corpus corpus) {
        Alphabet alphabet = corpus.alphabet();
        return IntStream.range(0, alphabet.size())
                .filter(index -> idOf(alphabet.codePoint(index)) < 0)
                .mapToLong(alphabet::count)
                .sum();
    }

    /**
     * The ids of a text.
     *
     * @throws IllegalArgumentException naming the first character that is not in the vocabulary, where there is no {@link
     *     #UNKNOWN}
     */
    public int[] encode(String text) {
        return text.codePoints().map(this::encode).toArray();
    }

    /**
     * The ids of a corpus.
     *
     * @throws IllegalArgumentException naming the first character that is not in the vocabulary, where there is no {@link
     *     #UNKNOWN}
     */
    public Ids encode(Corpus corpus) {
        return ids(corpus, this::encode);
    }

    private int encode(int codePoint) {
        int id = idOrUnknown(codePoint);
        if (id < 0) {
            throw new IllegalArgumentException(
                    String.format(Locale.ROOT, "'%s' (U+%04X) is not in the vocabulary", name(codePoint), codePoint));
        }
        return id;
    }

    private int idOrUnknown(int codePoint) {
        int id = idOf(codePoint);
        return id < 0 && hasUnknown ? idOf(UNKNOWN) : id;
    }

    private static Ids ids(Corpus corpus, IntUnaryOperator idOf) {
        Alphabet alphabet = corpus.alphabet();
        return corpus.ids(IntStream.range(0, alphabet.size())
                .map(alphabet::codePoint)
                .map(idOf)
                .toArray());
    }

    /**
     * The text with its line ends as the model knows them: {@code \n} or {@code \r} if it knows one of these, a space if it
     * knows neither. A model that knows both gets the text as it is.
     */
    public String withKnownLineEnds(String text) {
        boolean hasNewline = idOf('\n') >= 0;
        boolean hasReturn = idOf('\r') >= 0;
        if (hasNewline && hasReturn) {
            return text;
        }
        String lineEnd = hasNewline ? "\n" : hasReturn ? "\r" : " ";
        // The error about a missing character then names the one in the text.
        return idOf(lineEnd.charAt(0)) < 0 ? text : LINE_END.matcher(text).replaceAll(lineEnd);
    }

    /** The ids of those characters of a text that the vocabulary has; the others are left out. */
    public int[] encodeKnown(String text) {
        return text.codePoints().map(this::idOf).filter(id -> id >= 0).toArray();
    }

    /**
     * The ids of a corpus, with {@link Ids#NONE} for each character that the vocabulary does not have, where it has no
     * {@link #UNKNOWN} of its own.
     */
    public Ids encodeKnown(Corpus corpus) {
        return ids(corpus, this::idOrUnknown);
    }

    /**
     * The text of ids.
     *
     * @throws IndexOutOfBoundsException if an id is not in the vocabulary
     */
    public String decode(int... ids) {
        StringBuilder text = new StringBuilder(ids.length);
        for (int id : ids) {
            text.appendCodePoint(codePoints[id]);
        }
        return text.toString();
    }

    private static boolean isHalf(int codePoint) {
        return Character.getType(codePoint) == Character.SURROGATE;
    }

    private static String name(int codePoint) {
        return switch (codePoint) {
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            default -> Character.toString(codePoint);
        };
    }
}
