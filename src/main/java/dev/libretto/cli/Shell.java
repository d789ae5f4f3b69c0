package dev.libretto.cli;

/** Words as a shell reads them. */
final class Shell {
    private Shell() {}

    /** The word, in quotes where a shell would take it apart. */
    static String quote(String word) {
        boolean plain = word.codePoints().allMatch(c -> Character.isLetterOrDigit(c) || "/._-+:@%".indexOf(c) >= 0);
        return plain && !word.isEmpty() ? word : "'" + word.replace("'", "'\\''") + "'";
    }
}
