package dev.libretto.text;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * How much of a text stands in another one, such as the corpus of the model that wrote it.
 *
 * @param characters the length of the text
 * @param copied how many of its characters are in stretches of {@value #LONG} or more that stand in the other text
 * @param start where its longest such stretch of any length begins
 * @param length of that stretch; 0 if the texts have no character in common
 * @param position where the other text has it, counted from 0
 */
public record Copies(int characters, long copied, int start, int length, long position) {
    /** A shorter stretch may well stand in two texts by chance. */
    public static final int LONG = 20;

    /** The most characters that can be looked for at once, which take about 600 MiB. */
    public static final int MAX_CHARACTERS = 1 << 22;

    /** Stands in no corpus, so it separates texts. */
    private static final int SEPARATOR = -2;

    /** Compares a text with a corpus, character by character. */
    public static Copies of(String text, Corpus corpus) {
        Vocabulary known = Vocabulary.of(corpus);
        int[] ids = text.codePoints().map(known::idOf).toArray();
        return find(List.of(ids), known.encode(corpus), position -> {}).get(0);
    }

    /** Returns the fraction of the characters that are copied. */
    public double fraction() {
        return characters == 0 ? 0 : copied / (double) characters;
    }

    /**
     * Compares texts with a corpus in one pass over it, in memory that depends on the texts alone. Negative ids are equal to no
     * other.
     *
     * @param progress receives the number of characters of the corpus that are read, from time to time
     * @throws IllegalArgumentException if the texts have more than {@link #MAX_CHARACTERS}
     */
    public static List<Copies> find(List<int[]> texts, Ids corpus, LongConsumer progress) {
        long characters = texts.stream().mapToLong(text -> text.length + 1L).sum();
        if (characters > MAX_CHARACTERS) {
            throw new IllegalArgumentException("the texts to compare have " + characters + " characters; the limit is "
                    + MAX_CHARACTERS + " at once");
        }
        int[] joined = new int[(int) characters];
        int end = 0;
        for (int[] text : texts) {
            for (int id : text) {
                joined[end++] = id < 0 ? SEPARATOR : id;
            }
            joined[end++] = SEPARATOR;
        }
        SuffixAutomaton automaton = new SuffixAutomaton(joined);
        automaton.read(corpus, progress);
        List<Copies> copies = new ArrayList<>();
        int start = 0;
        for (int[] text : texts) {
            copies.add(of(automaton, start, text.length));
            start += text.length + 1;
        }
        return copies;
    }

    private static Copies of(SuffixAutomaton automaton, int start, int characters) {
        int copied = 0;
        int last = 0;
        int longest = 0;
        int copiedFrom = characters;
        for (int i = characters - 1; i >= 0; i--) {
            int length = automaton.found(start + i);
            if (length >= longest) {
                longest = length;
                last = i;
            }
            if (length >= LONG) {
                copiedFrom = Math.min(copiedFrom, i - length + 1);
            }
            copied += i >= copiedFrom ? 1 : 0;
        }
        return longest == 0
                ? new Copies(characters, 0, 0, 0, 0)
                : new Copies(characters, copied, last - longest + 1, longest, automaton.foundAt(start + last));
    }
}
