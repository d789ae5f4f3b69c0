package dev.libretto.text;

import java.util.Locale;

/** How a text is divided into documents. The model learns where each ends, and reads the next from a state of zeros. */
public enum Documents {
    /** The text is not divided. */
    NONE(0),
    /** Every line is a document. */
    LINES(1),
    /** Every file is a document. */
    FILES(Integer.MAX_VALUE),
    /** Blank lines separate documents. */
    BLANK_LINES(2);

    private final int lineEnds;

    Documents(int lineEnds) {
        this.lineEnds = lineEnds;
    }

    /** Returns the number of line ends in a row, with nothing but blanks between, that end a document. */
    int lineEnds() {
        return lineEnds;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
