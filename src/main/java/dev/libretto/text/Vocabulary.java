package dev.libretto.text;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.IntUnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * The characters a model knows. Ids run from 0 to {@link #size()} - 1. Those of a text are in code point order, so the same
 * text always gives the same ids; a model of another program keeps its own order.
 *
 * <p>With a minimum count above 1, {@link #UNKNOWN} stands for every character outside the vocabulary, if it is inside.
 * Otherwise U+FFFD is a character like any other.
 *
 * <p>The vocabulary of a text of documents has one more entry, the end of a document. No text contains it, its symbol is the empty
 * string, and its id is the last one. The model reads it before each document, too.
 */
public final class Vocabulary {
    /** U+FFFD, Unicode's replacement character. */
    public static final int UNKNOWN = 0xFFFD;

    /** The end of a document, greater than every character. */
    static final int END = Character.MAX_CODE_POINT + 1;

    private static final Pattern LINE_END = Pattern.compile("\\r\\n|\\r|\\n");

    /** In id order. */
    private final int[] codePoints;
    /** In code point order. */
    private final int[] sortedIds;

    private final int[] sortedCodePoints;
    private final boolean hasUnknown;
    private final Normalization normalization;

    private Vocabulary(int[] codePoints, boolean unknownCharacter, Normalization normalization) {
        this.codePoints = codePoints;
        this.sortedIds = IntStream.range(0, codePoints.length)
                .boxed()
                .sorted(Comparator.comparingInt(id -> codePoints[id]))
                .mapToInt(Integer::intValue)
                .toArray();
        this.sortedCodePoints =
                Arrays.stream(sortedIds).map(id -> codePoints[id]).toArray();
        this.normalization = normalization;
        this.hasUnknown = unknownCharacter && idOf(UNKNOWN) >= 0;
    }

    /** Returns the distinct characters of a corpus. */
    public static Vocabulary of(Corpus corpus) {
        return of(corpus, 1);
    }

    /**
     * Returns the characters that occur at least {@code minCount} times, and {@link #UNKNOWN} if that leaves any out. If a
     * minimum count above 1 leaves none out, U+FFFD in the corpus is still the unknown character.
     */
    public static Vocabulary of(Corpus corpus, int minCount) {
        Alphabet alphabet = corpus.alphabet();
        int[] frequent = IntStream.range(0, alphabet.size())
                .filter(index -> alphabet.count(index) >= minCount || alphabet.codePoint(index) == END)
                .map(alphabet::codePoint)
                .toArray();
        if (frequent.length == 0 || frequent.length == 1 && frequent[0] == END) {
            throw new IllegalArgumentException(
                    "no character occurs " + minCount + " times in " + corpus.name() + "; use a lower min-count");
        }
        IntStream unknown = frequent.length == alphabet.size() ? IntStream.empty() : IntStream.of(UNKNOWN);
        return new Vocabulary(
                IntStream.concat(Arrays.stream(frequent), unknown)
                        .distinct()
                        .sorted()
                        .toArray(),
                minCount > 1,
                corpus.options().normalization());
    }

    /** Returns the given characters, with ids in their order, of a text that was read as it is. */
    public static Vocabulary ofSymbols(List<String> symbols, boolean unknownCharacter) {
        return ofSymbols(symbols, unknownCharacter, Normalization.NONE);
    }

    /**
     * Returns the given characters, with ids in their order.
     *
     * @param unknownCharacter whether {@link #UNKNOWN}, if included, stands for all other characters
     * @param normalization of the training text, and so of every text that the model reads
     */
    public static Vocabulary ofSymbols(List<String> symbols, boolean unknownCharacter, Normalization normalization) {
        if (symbols.isEmpty()) {
            throw new IllegalArgumentException("the vocabulary is empty; it needs at least one symbol");
        }
        int[] codePoints = new int[symbols.size()];
        BitSet known = new BitSet();
        for (int id = 0; id < codePoints.length; id++) {
            String symbol = symbols.get(id);
            if (id > 0 && id == codePoints.length - 1 && "".equals(symbol)) {
                codePoints[id] = END;
                break;
            }
            if (symbol == null
                    || symbol.codePoints().count() != 1
                    || Character.getType(symbol.codePointAt(0)) == Character.SURROGATE) {
                throw new IllegalArgumentException("symbol " + id + " is \"" + symbol + "\"; it must be one character");
            }
            codePoints[id] = symbol.codePointAt(0);
            if (known.get(codePoints[id])) {
                throw new IllegalArgumentException("symbol " + id + " (\"" + symbol + "\") is repeated");
            }
            known.set(codePoints[id]);
        }
        return new Vocabulary(codePoints, unknownCharacter, normalization);
    }

    public int size() {
        return codePoints.length;
    }

    /** Returns the characters in id order, one string each; the end of a document is the empty string. */
    public List<String> symbols() {
        return IntStream.range(0, size()).mapToObj(this::decode).toList();
    }

    /** Returns whether the last id is the end of a document. */
    public boolean hasEnd() {
        return codePoints[size() - 1] == END;
    }

    /** Returns the id of a character, or -1 if it is not in the vocabulary. */
    public int idOf(int codePoint) {
        int index = Arrays.binarySearch(sortedCodePoints, codePoint);
        return index < 0 ? -1 : sortedIds[index];
    }

    /** Returns whether the ids are in code point order. */
    public boolean isInCodePointOrder() {
        return Arrays.equals(codePoints, sortedCodePoints);
    }

    /** Returns the id in another vocabulary of each character, -1 for those that it lacks. */
    public int[] idsIn(Vocabulary other) {
        return Arrays.stream(codePoints).map(other::idOf).toArray();
    }

    /** Returns this vocabulary, followed by the characters of another one that it lacks. */
    public Vocabulary followedBy(Vocabulary other) {
        IntStream all = IntStream.concat(Arrays.stream(codePoints), Arrays.stream(other.codePoints))
                .filter(codePoint -> codePoint != END);
        IntStream end = hasEnd() || other.hasEnd() ? IntStream.of(END) : IntStream.empty();
        return new Vocabulary(
                IntStream.concat(all.distinct(), end).toArray(), hasUnknown || other.hasUnknown, other.normalization);
    }

    /** Returns the same vocabulary for texts of another normalization. */
    Vocabulary withNormalization(Normalization other) {
        return new Vocabulary(codePoints, hasUnknown, other);
    }

    /** Returns whether characters outside the vocabulary are read as {@link #UNKNOWN}. */
    public boolean hasUnknown() {
        return hasUnknown;
    }

    /** Returns the number of characters of a corpus that are outside the vocabulary. */
    public long countUnknown(Corpus corpus) {
        return corpus.alphabet().count(codePoint -> idOf(codePoint) < 0);
    }

    /** Returns the number of distinct characters of a corpus that are in the vocabulary. */
    public int countKnown(Corpus corpus) {
        return (int) corpus.alphabet()
                .codePoints()
                .filter(codePoint -> idOf(codePoint) >= 0 && codePoint != END)
                .count();
    }

    /**
     * Returns the size in UTF-8 of the characters that are predicted in a corpus, in bytes: those with an id, except the first.
     */
    public long countPredictedBytes(Corpus corpus) {
        Alphabet alphabet = corpus.alphabet();
        long bytes = 0;
        for (int index = 0; index < alphabet.size(); index++) {
            int codePoint = alphabet.codePoint(index);
            bytes += idOrUnknown(codePoint) < 0 ? 0 : alphabet.count(index) * utf8Bytes(codePoint);
        }
        long first = 0;
        while (first < corpus.length() && idOrUnknown(corpus.codePointAt(first)) < 0) {
            first++;
        }
        return first == corpus.length() ? 0 : bytes - utf8Bytes(corpus.codePointAt(first));
    }

    /** Returns the size of a character in UTF-8, in bytes; the end of a document has none. */
    public static int utf8Bytes(int codePoint) {
        return codePoint == END ? 0 : codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
    }

    /**
     * Returns the ids of a text; throws for a character that is not in the vocabulary if there is no {@link #UNKNOWN}.
     */
    public int[] encode(String text) {
        return text.codePoints().map(this::encode).toArray();
    }

    /** Returns the ids of a corpus, as {@link #encode(String)} does. */
    public Ids encode(Corpus corpus) {
        return ids(corpus, this::encode);
    }

    private int encode(int codePoint) {
        return requireId(idOrUnknown(codePoint), codePoint);
    }

    private static int requireId(int id, int codePoint) {
        if (id < 0) {
            throw new IllegalArgumentException(
                    String.format(Locale.ROOT, "'%s' (U+%04X) is not in the vocabulary", name(codePoint), codePoint));
        }
        return id;
    }

    /**
     * Returns the ids of a text that the model may write, normalized and with the line ends it knows. Neither {@link #UNKNOWN} nor
     * a space stands for another character, so it throws for every one that is not in the vocabulary.
     */
    public int[] encodeWritten(String given) {
        boolean hasLineEnd = idOf('\n') >= 0 || idOf('\r') >= 0;
        String text = hasLineEnd ? asRead(given) : normalization.apply(given);
        return text.codePoints()
                .map(codePoint -> requireId(idOf(codePoint), codePoint))
                .toArray();
    }

    /** Returns the ids of characters that the model may write; throws for one that normalization takes apart, too. */
    public int[] encodeEach(String characters) {
        characters
                .codePoints()
                .filter(codePoint -> normalization
                                .apply(Character.toString(codePoint))
                                .codePoints()
                                .count()
                        > 1)
                .forEach(codePoint -> requireId(idOf(codePoint), codePoint));
        return encodeWritten(characters);
    }

    /** Returns the id of a character, else of {@link #UNKNOWN}, else {@link Ids#NONE}. */
    public int idOrUnknown(int codePoint) {
        int id = idOf(codePoint);
        return id < 0 && hasUnknown ? idOf(UNKNOWN) : id;
    }

    private static Ids ids(Corpus corpus, IntUnaryOperator idOf) {
        return corpus.ids(corpus.alphabet().codePoints().map(idOf).toArray());
    }

    /**
     * Returns a text as the model's training text was read: normalized, with line ends replaced by {@code \n} or {@code \r} if
     * the model knows only one of these, by a space if it knows neither.
     */
    public String asRead(String given) {
        String text = normalization.apply(given);
        boolean hasNewline = idOf('\n') >= 0;
        boolean hasReturn = idOf('\r') >= 0;
        if (hasNewline && hasReturn) {
            return text;
        }
        String lineEnd = hasNewline ? "\n" : hasReturn ? "\r" : " ";
        // Unchanged, so that the error names the character in the text.
        return idOf(lineEnd.charAt(0)) < 0 ? text : LINE_END.matcher(text).replaceAll(lineEnd);
    }

    /** Returns the ids of a text, leaving out characters that are not in the vocabulary. */
    public int[] encodeKnown(String text) {
        return text.codePoints().map(this::idOf).filter(id -> id >= 0).toArray();
    }

    /**
     * Returns the ids of a corpus; characters outside the vocabulary become {@link #UNKNOWN}, or {@link Ids#NONE}
     * without it.
     */
    public Ids encodeKnown(Corpus corpus) {
        return ids(corpus, this::idOrUnknown);
    }

    /** Returns the text of ids; the end of a document adds nothing. */
    public String decode(int... ids) {
        int[] text = Arrays.stream(ids)
                .map(id -> codePoints[id])
                .filter(codePoint -> codePoint != END)
                .toArray();
        return new String(text, 0, text.length);
    }

    static String name(int codePoint) {
        return switch (codePoint) {
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            default -> Character.toString(codePoint);
        };
    }
}
