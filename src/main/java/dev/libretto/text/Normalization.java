package dev.libretto.text;

import java.text.Normalizer;
import java.text.Normalizer.Form;
import java.util.Locale;

/** The Unicode normalization form that a text is read in, so that é is the same character however it was typed. */
public enum Normalization {
    /** As the text has it. */
    NONE(null, null),
    NFC(Form.NFC, Form.NFD),
    NFD(Form.NFD, Form.NFD),
    NFKC(Form.NFKC, Form.NFKD);

    /** Characters before this one never combine with what precedes them. */
    private static final int FIRST_COMBINING = 0x300;

    private final Form form;
    private final Form decomposed;

    Normalization(Form form, Form decomposed) {
        this.form = form;
        this.decomposed = decomposed;
    }

    /** Returns a whole text in this form. */
    public String apply(String text) {
        return form == null ? text : Normalizer.normalize(text, form);
    }

    /** Returns whether a text may be cut before this character: each part, normalized alone, gives its part of the whole. */
    boolean isBoundary(int codePoint) {
        if (form == null || codePoint < FIRST_COMBINING) {
            return true;
        }
        int first =
                Normalizer.normalize(Character.toString(codePoint), decomposed).codePointAt(0);
        return switch (Character.getType(first)) {
            case Character.NON_SPACING_MARK,
                    Character.COMBINING_SPACING_MARK,
                    Character.ENCLOSING_MARK,
                    Character.SURROGATE,
                    Character.UNASSIGNED -> false;
            default -> !isCombiningLetter(first);
        };
    }

    /** The letters that combine with the one before: vowels and final consonants of Hangul and of Kirat Rai. */
    private static boolean isCombiningLetter(int codePoint) {
        return codePoint >= 0x1160 && codePoint <= 0x11FF || codePoint >= 0x16D63 && codePoint <= 0x16D6A;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
