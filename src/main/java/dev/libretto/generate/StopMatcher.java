package dev.libretto.generate;

/**
 * Finds a stop text in a stream of characters (Knuth, Morris and Pratt, 1977) by tracking the longest prefix of the stop text
 * that the stream ends with.
 */
final class StopMatcher {
    private final int[] text;
    /** The failure function: for each prefix length, the longest shorter prefix that it ends with. */
    private final int[] failure;

    private int matched;

    /** @param text the stop text; an empty one is never found */
    StopMatcher(int[] text) {
        this.text = text;
        this.failure = new int[text.length + 1];
        int length = 0;
        for (int i = 1; i < text.length; i++) {
            length = next(length, text[i]);
            failure[i + 1] = length;
        }
    }

    private int next(int length, int id) {
        int result = length;
        while (result > 0 && text[result] != id) {
            result = failure[result];
        }
        return result < text.length && text[result] == id ? result + 1 : result;
    }

    /** Adds a character and returns how many of the last characters may begin the stop text. */
    int accept(int id) {
        matched = next(matched, id);
        return matched;
    }

    /** Returns whether the stop text has been found. */
    boolean isFound() {
        return text.length > 0 && matched == text.length;
    }
}
