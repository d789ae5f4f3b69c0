package dev.libretto.serve;

import dev.libretto.text.Vocabulary;
import java.util.Locale;

/** Turns texts of requests into ids. */
final class Texts {
    private Texts() {}

    /**
     * Returns the ids of a text to continue, normalized and with the line ends of the model.
     *
     * @param field what messages call it
     * @param skipsUnknown whether characters that the model does not know are left out
     */
    static int[] encode(Vocabulary vocabulary, String text, String field, boolean skipsUnknown, int most)
            throws ApiException {
        requireLength(text, field, most);
        String read = vocabulary.asRead(text);
        if (skipsUnknown) {
            return vocabulary.encodeKnown(read);
        }
        int[] ids = new int[read.codePointCount(0, read.length())];
        int at = 0;
        for (int i = 0; i < read.length(); at++) {
            int codePoint = read.codePointAt(i);
            ids[at] = vocabulary.idOrUnknown(codePoint);
            if (ids[at] < 0) {
                throw ApiException.badField(
                        field,
                        String.format(
                                Locale.ROOT,
                                "%s: the model does not know %s, character %d; remove it, or add \"unknown\": \"skip\"",
                                field,
                                name(codePoint),
                                at + 1));
            }
            i += Character.charCount(codePoint);
        }
        return ids;
    }

    static void requireLength(String text, String field, int most) throws ApiException {
        int length = text.codePointCount(0, text.length());
        if (length > most) {
            throw ApiException.badField(
                    field,
                    String.format(
                            Locale.ROOT,
                            "%s has %,d characters, but this server reads at most %,d; shorten it",
                            field,
                            length,
                            most));
        }
    }

    /** Returns a character as a message shows it; control characters and halves of pairs by their number only. */
    private static String name(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.UNASSIGNED,
                    Character.PRIVATE_USE -> String.format(Locale.ROOT, "U+%04X", codePoint);
            default -> String.format(Locale.ROOT, "'%s' (U+%04X)", Character.toString(codePoint), codePoint);
        };
    }
}
