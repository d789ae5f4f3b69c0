package dev.libretto.text;

import java.io.IOException;

/** Thrown if a text cannot be read; the message is one line for the user: what is wrong, then what to do. */
public final class CorpusException extends IOException {
    private static final long serialVersionUID = 1L;

    CorpusException(String message) {
        super(message);
    }

    CorpusException(String message, Throwable cause) {
        super(message, cause);
    }
}
