package dev.libretto.cli;

import dev.libretto.cli.GenerateFlags.Unknown;
import dev.libretto.text.Vocabulary;

/** A text to continue, as ids. */
final class Prefix {
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
     * @param name what to call the text
     * @throws IllegalArgumentException if there is a character that the model does not know and that is not to be skipped, or
     *     none is left
     */
    static int[] encode(Vocabulary vocabulary, String text, String name, Unknown unknown) {
        if (text.isEmpty()) {
            throw new IllegalArgumentException(name + " is empty; it takes at least one character to continue");
        }
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

    /** What messages call a text that was given on the command line. */
    static String quoted(String text) {
        return "the prefix \"" + text + "\"";
    }
}
