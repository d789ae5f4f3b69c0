package dev.libretto.cli;

import dev.libretto.cli.GenerateFlags.Unknown;
import dev.libretto.text.Vocabulary;
import java.util.Locale;

/** A text to continue, as ids. */
final class Prefix {
    /** The most characters of one prefix: a few books. */
    static final int MAX_CHARACTERS = 1_000_000;

    private Prefix() {}

    /**
     * The ids of a text.
     *
     * @param name what to call the text
     * @param advice what to do about a character that the model does not know
     * @throws IllegalArgumentException with the name, the character and the advice
     */
    static int[] encode(Vocabulary vocabulary, String text, String name, String advice) {
        try {
            return vocabulary.encode(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(name + ": " + e.getMessage() + "; " + advice, e);
        }
    }

    /**
     * The ids of a text to continue.
     *
     * @param given with any line ends
     * @param name what to call the text
     * @throws IllegalArgumentException if there is a character that the model does not know and that is not to be skipped, or
     *     none is left
     */
    static int[] encode(Vocabulary vocabulary, String given, String name, Unknown unknown) {
        if (given.isEmpty()) {
            throw new IllegalArgumentException(name + " is empty; it takes at least one character to continue");
        }
        if (given.codePointCount(0, given.length()) > MAX_CHARACTERS) {
            throw tooLong(name);
        }
        String text = vocabulary.withKnownLineEnds(given);
        if (unknown == Unknown.ERROR) {
            return encode(vocabulary, text, name, "--unknown skip leaves such characters out");
        }
        int[] known = vocabulary.encodeKnown(text);
        if (known.length == 0) {
            throw new IllegalArgumentException(
                    "the model knows no character of " + name + "; give one of its own text");
        }
        return known;
    }

    /** Says that a text has more than {@link #MAX_CHARACTERS}. */
    static IllegalArgumentException tooLong(String name) {
        return new IllegalArgumentException(String.format(
                Locale.ROOT,
                "%s is longer than %,d characters, the most that are continued; cut its beginning",
                name,
                MAX_CHARACTERS));
    }

    /** What messages call a text that was given on the command line. */
    static String quoted(String text) {
        return "the prefix \"" + text + "\"";
    }
}
