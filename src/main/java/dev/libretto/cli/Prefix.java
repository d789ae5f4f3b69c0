package dev.libretto.cli;

import dev.libretto.text.Vocabulary;

/** A text to continue, as ids. */
final class Prefix {
    private Prefix() {}

    /**
     * The ids of a prefix.
     *
     * @param advice what to do about a character that the model does not know
     * @throws IllegalArgumentException naming the prefix, the character and the advice
     */
    static int[] encode(Vocabulary vocabulary, String prefix, String advice) {
        try {
            return vocabulary.encode(prefix);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("the prefix \"" + prefix + "\": " + e.getMessage() + "; " + advice, e);
        }
    }
}
