package dev.libretto.text;

import java.io.IOException;

/** A text that cannot be read as a corpus; the message is one line for the user: what is wrong and what to do. */
public final class CorpusException extends IOException {
    private static final long serialVersionUID = 1L;

    CorpusException(String message) {
        super(message);
    }

    CorpusException(String message, Throwable cause) {
        super(message, cause);
    }
}
