package dev.libretto.text;

import java.util.Locale;

/** How a text is cut into batches. */
public enum Sampling {
    /** The text is split into B rows; each batch continues the previous one, and the hidden state carries over. */
    CONSECUTIVE,
    /** Windows in random order, reshuffled each epoch; every batch starts from a zero state. */
    RANDOM;

    /** Returns the name used on the command line and in configuration files. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
