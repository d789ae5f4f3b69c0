package dev.libretto.cli;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;

/**
 * Escapes characters that could control the terminal, as {@code \u001b}: C0 controls, DEL, C1 controls, and the overrides and
 * isolates that change the text direction.
 */
final class ControlCharacters {
    /** Includes the line and paragraph separators, which would break a one-line message. */
    private static final Pattern IN_ONE_LINE = Pattern.compile("[\\p{Cc}\\u2028-\\u202e\\u2066-\\u2069]");

    private ControlCharacters() {}

    /** Returns whether a word has characters that need escaping even in quotes. */
    static boolean isIn(String word) {
        return IN_ONE_LINE.matcher(word).find();
    }

    /** Returns the text as one line; line ends are escaped too. */
    static String escape(String text) {
        return IN_ONE_LINE
                .matcher(text)
                .replaceAll(match -> "\\" + escape(match.group().charAt(0)));
    }

    private static String escape(int character) {
        return String.format(Locale.ROOT, "\\u%04x", character);
    }

    /**
     * Returns a stream that escapes control characters, except newlines and tabs, if it writes to a terminal.
     *
     * @param out takes UTF-8
     * @param isTerminal asked when the first control character is written
     */
    static OutputStream escaping(OutputStream out, BooleanSupplier isTerminal) {
        return new Escaping(out, isTerminal);
    }

    /** The UTF-8 bytes of a character may be split over several writes. */
    private static final class Escaping extends FilterOutputStream {
        /** The first byte of U+0080 to U+00BF. */
        private static final int LATIN = 0xC2;
        /** The first byte of U+2000 to U+2FFF. */
        private static final int PUNCTUATION = 0xE2;

        private final BooleanSupplier isTerminal;
        /** Null before the first possible control character. */
        private Boolean escapes;
        /** The bytes so far of a character that may be a control character, at most two. */
        private final byte[] begun = new byte[2];

        private int begunCount;

        Escaping(OutputStream out, BooleanSupplier isTerminal) {
            super(out);
            this.isTerminal = isTerminal;
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            int end = offset + length;
            // Plain text is passed on in one piece.
            int plain = offset;
            for (int i = offset; i < end; i++) {
                if (begunCount > 0 || matters(bytes[i] & 0xff)) {
                    out.write(bytes, plain, i - plain);
                    write(bytes[i]);
                    plain = i + 1;
                }
            }
            out.write(bytes, plain, end - plain);
        }

        private boolean matters(int first) {
            boolean may = first < ' ' && first != '\n' && first != '\t'
                    || first == 0x7f
                    || first == LATIN
                    || first == PUNCTUATION;
            if (may && escapes == null) {
                escapes = isTerminal.getAsBoolean();
            }
            return may && escapes;
        }

        @Override
        public void write(int value) throws IOException {
            int next = value & 0xff;
            if (begunCount == 0) {
                begin(next);
            } else if ((next & 0xC0) != 0x80) {
                writeBegun();
                begin(next);
            } else if ((begun[0] & 0xff) == PUNCTUATION && begunCount == 1) {
                begun[begunCount++] = (byte) next;
            } else if (isEscaped(codePoint(next))) {
                begunCount = 0;
                writeEscaped(codePoint(next));
            } else {
                writeBegun();
                out.write(next);
            }
        }

        private void begin(int first) throws IOException {
            if (!matters(first)) {
                out.write(first);
            } else if (first >= LATIN) {
                begun[begunCount++] = (byte) first;
            } else {
                writeEscaped(first);
            }
        }

        private int codePoint(int last) {
            return (begun[0] & 0xff) == LATIN ? 0x80 | last & 0x3f : 0x2000 | (begun[1] & 0x3f) << 6 | last & 0x3f;
        }

        private static boolean isEscaped(int codePoint) {
            return codePoint < 0xA0
                    || codePoint >= 0x202A && codePoint <= 0x202E
                    || codePoint >= 0x2066 && codePoint <= 0x2069;
        }

        private void writeEscaped(int codePoint) throws IOException {
            out.write(escape(codePoint).getBytes(StandardCharsets.US_ASCII));
        }

        private void writeBegun() throws IOException {
            out.write(begun, 0, begunCount);
            begunCount = 0;
        }

        @Override
        public void close() throws IOException {
            writeBegun();
            super.close();
        }
    }
}
