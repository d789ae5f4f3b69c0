package dev.libretto.cli;

import java.io.FilterWriter;
import java.io.IOException;
import java.io.Writer;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;

/**
 * Escapes characters that could control the terminal, as {@code \u001b}: C0 controls, DEL, C1 controls, and the overrides and
 * isolates that change the text direction.
 */
final class ControlCharacters {
    private static final Pattern IN_TEXT = Pattern.compile("[\\p{Cc}\\u202a-\\u202e\\u2066-\\u2069&&[^\\n\\t]]");

    /** Includes line ends, and the line and paragraph separators, which would break a one-line message. */
    private static final Pattern IN_ONE_LINE = Pattern.compile("[\\p{Cc}\\u2028-\\u202e\\u2066-\\u2069]");

    private ControlCharacters() {}

    /** Returns whether a word has characters that need escaping even in quotes. */
    static boolean isIn(String word) {
        return IN_ONE_LINE.matcher(word).find();
    }

    /** Returns the text as one line; line ends are escaped too. */
    static String escape(String text) {
        return escape(IN_ONE_LINE, text);
    }

    private static String escape(Pattern escaped, String text) {
        return escaped.matcher(text)
                .replaceAll(match -> String.format(
                        Locale.ROOT, "\\\\u%04x", (int) match.group().charAt(0)));
    }

    /** Returns a writer that escapes control characters, except newlines and tabs, if it writes to a terminal. */
    static Writer escaping(Writer out, BooleanSupplier isTerminal) {
        return new FilterWriter(out) {
            @Override
            public void write(String text, int offset, int length) throws IOException {
                String part = text.substring(offset, offset + length);
                boolean escapes = IN_TEXT.matcher(part).find() && isTerminal.getAsBoolean();
                out.write(escapes ? escape(IN_TEXT, part) : part);
            }

            @Override
            public void write(char[] text, int offset, int length) throws IOException {
                write(new String(text, offset, length), 0, length);
            }

            @Override
            public void write(int character) throws IOException {
                write(Character.toString(character), 0, 1);
            }
        };
    }
}
