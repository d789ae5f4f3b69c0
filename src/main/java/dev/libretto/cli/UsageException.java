package dev.libretto.cli;

/** A command line that Libretto does not take; the message is one line: what is wrong and what to type instead. */
final class UsageException extends Exception {
    private static final long serialVersionUID = 1L;

    UsageException(String message) {
        super(message);
    }
}
