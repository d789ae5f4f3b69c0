package dev.libretto.cli;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.stream.Collectors;

/** Quotes words for a shell. */
final class Shell {
    private Shell() {}

    /** Returns the word, quoted if needed; one with control characters as {@code $'\x1b'}. */
    static String quote(String word) {
        if (ControlCharacters.isIn(word)) {
            return "$'" + word.codePoints().mapToObj(Shell::escape).collect(Collectors.joining()) + "'";
        }
        boolean plain = word.codePoints().allMatch(c -> Character.isLetterOrDigit(c) || "/._-+:@%".indexOf(c) >= 0);
        return plain && !word.isEmpty() ? word : "'" + word.replace("'", "'\\''") + "'";
    }

    /** Control characters are written as bytes, which mean the same in every locale. */
    private static String escape(int codePoint) {
        String character = Character.toString(codePoint);
        return switch (codePoint) {
            case '\n' -> "\\n";
            case '\t' -> "\\t";
            case '\'', '\\' -> "\\" + character;
            default ->
                ControlCharacters.isIn(character)
                        ? HexFormat.of().withPrefix("\\x").formatHex(character.getBytes(StandardCharsets.UTF_8))
                        : character;
        };
    }
}
