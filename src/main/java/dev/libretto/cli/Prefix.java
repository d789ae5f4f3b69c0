package dev.libretto.cli;

import dev.libretto.cli.GenerateFlags.Unknown;
import dev.libretto.text.Vocabulary;
import java.util.Locale;
import java.util.function.Function;

/** Encodes a text to continue. */
final class Prefix {
    /** The length of a few books. */
    static final int MAX_CHARACTERS = 1_000_000;

    private Prefix() {}

    /** @param advice what to do about an unknown character */
    static int[] encode(Vocabulary vocabulary, String text, String name, String advice) {
        return encode(known -> vocabulary.encode(vocabulary.asRead(known)), text, name, advice);
    }

    /** Encodes with a method of {@link Vocabulary}; adds the name and the advice to its message. */
    static int[] encode(Function<String, int[]> encoding, String text, String name, String advice) {
        try {
            return encoding.apply(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(name + ": " + e.getMessage() + "; " + advice, e);
        }
    }

    /** Throws if the text is empty or too long, or if a character is unknown and not to be skipped. */
    static int[] encode(Vocabulary vocabulary, String given, String name, Unknown unknown) {
        if (given.isEmpty()) {
            throw new IllegalArgumentException(name + " is empty; it must have at least one character");
        }
        if (given.codePointCount(0, given.length()) > MAX_CHARACTERS) {
            throw tooLong(name);
        }
        if (unknown == Unknown.ERROR) {
            return encode(vocabulary, given, name, "add --unknown skip to skip such characters");
        }
        int[] known = vocabulary.encodeKnown(vocabulary.asRead(given));
        if (known.length == 0) {
            throw new IllegalArgumentException(
                    name + " has no character in the vocabulary; use characters of the training text");
        }
        return known;
    }

    /** Returns the exception for a text of more than {@link #MAX_CHARACTERS}. */
    static IllegalArgumentException tooLong(String name) {
        return new IllegalArgumentException(String.format(
                Locale.ROOT,
                "%s is longer than %,d characters, the maximum for a prefix; shorten it",
                name,
                MAX_CHARACTERS));
    }

    /** Returns what messages call a text of the command line. */
    static String quoted(String text) {
        return "the prefix \"" + text + "\"";
    }
}
