package dev.libretto.generate;

/**
 * Finds a text in another that comes character by character (Knuth, Morris and Pratt, 1977): after each character, how much
 * of the text's beginning stands at the end of what came.
 */
final class StopMatcher {
    private final int[] text;
    /** For each length of a beginning, the longest shorter beginning that stands at its end. */
    private final int[] shorter;

    private int matched;

    /** @param text what to find; an empty one is never found */
    StopMatcher(int[] text) {
        this.text = text;
        this.shorter = new int[text.length + 1];
        int length = 0;
        for (int i = 1; i < text.length; i++) {
            length = next(length, text[i]);
            shorter[i + 1] = length;
        }
    }

    private int next(int length, int id) {
        int result = length;
        while (result > 0 && text[result] != id) {
            result = shorter[result];
        }
        return result < text.length && text[result] == id ? result + 1 : result;
    }

    /** Takes a character and returns how many of the last characters can still become the text. */
    int accept(int id) {
        matched = next(matched, id);
        return matched;
    }

    /** Whether the whole text has come. */
    boolean isFound() {
        return text.length > 0 && matched == text.length;
    }
}
