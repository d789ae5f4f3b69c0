package dev.libretto.text;

import java.util.Locale;

/** How a text is cut into batches. */
public enum Sampling {
    /** B rows walked from left to right: batch n+1 continues batch n, and the hidden state carries over. */
    CONSECUTIVE,
    /** Windows in an order shuffled anew each epoch; every batch starts from a zero state. */
    RANDOM;

    /** The name on the command line and in configuration files. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
