package dev.libretto.cli;

/** A wrong command line; the message says in one line what is wrong and what to type instead. */
final class UsageException extends Exception {
    private static final long serialVersionUID = 1L;

    UsageException(String message) {
        super(message);
    }
}
