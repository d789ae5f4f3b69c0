package dev.libretto.text;

import java.util.Locale;

/** What to do with bytes of a text that its encoding cannot decode. */
public enum BadBytes {
    ERROR,
    /** Read each invalid sequence as U+FFFD. */
    REPLACE,
    SKIP;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
