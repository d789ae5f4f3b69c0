package dev.libretto.text;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The characters a model knows, each with an id from 0 to {@link #size()} - 1 in code point order: the same text always
 * gives the same ids.
 */
public final class Vocabulary {
    private final int[] codePoints;

    private Vocabulary(int[] codePoints) {
        this.codePoints = codePoints;
    }

    /** The distinct characters of a corpus. */
    public static Vocabulary of(Corpus corpus) {
        return new Vocabulary(
                Arrays.stream(corpus.codePoints()).distinct().sorted().toArray());
    }

    /**
     * A vocabulary from its symbols, the form it is stored in.
     *
     * @param symbols one character each, in rising code point order
     * @throws IllegalArgumentException if there are none, or one is not a single character, or they are out of order
     */
    public static Vocabulary ofSymbols(List<String> symbols) {
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
        return new Vocabulary(codePoints);
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

    /**
     * The ids of a text.
     *
     * @throws IllegalArgumentException naming the first character that is not in the vocabulary
     */
    public int[] encode(String text) {
        return encode(text.codePoints());
    }

    /**
     * The ids of a corpus.
     *
     * @throws IllegalArgumentException naming the first character that is not in the vocabulary
     */
    public Ids encode(Corpus corpus) {
        return Ids.of(encode(Arrays.stream(corpus.codePoints())));
    }

    private int[] encode(IntStream text) {
        return text.map(codePoint -> {
                    int id = idOf(codePoint);
                    if (id < 0) {
                        throw new IllegalArgumentException(
                                String.format("'%s' (U+%04X) is not in the vocabulary", name(codePoint), codePoint));
                    }
                    return id;
                })
                .toArray();
    }

    /** The ids of those characters of a text that the vocabulary has; the others are left out. */
    public int[] encodeKnown(String text) {
        return text.codePoints().map(this::idOf).filter(id -> id >= 0).toArray();
    }

    /** The ids of a corpus, with {@link Ids#UNKNOWN} for each character that the vocabulary does not have. */
    public Ids encodeKnown(Corpus corpus) {
        return Ids.of(Arrays.stream(corpus.codePoints()).map(this::idOf).toArray());
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
        return Character.isISOControl(codePoint) ? Character.getName(codePoint) : Character.toString(codePoint);
    }
}
