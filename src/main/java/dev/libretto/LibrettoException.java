package dev.libretto;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Thrown for what the user can put right: a text that cannot be read, a device that cannot be used, a damaged run, training
 * that diverged. The message is one line: what is wrong, with the value, then what to do.
 */
public class LibrettoException extends IOException {
    private static final long serialVersionUID = 1L;
    private static final int MAX_LENGTH = 300;

    public LibrettoException(String message) {
        super(message);
    }

    public LibrettoException(String message, Throwable cause) {
        super(message, cause);
    }

    /** @param problem what is wrong; it may quote the file, so it is shortened to one line */
    public static LibrettoException damaged(Path file, String problem, Throwable cause) {
        return new LibrettoException(file + " is damaged: " + oneLine(problem), cause);
    }

    /** @param problem what is wrong with a file; it may quote the file, so it is shortened to one line */
    public static LibrettoException in(Path file, String problem, Throwable cause) {
        return new LibrettoException(file + ": " + oneLine(problem), cause);
    }

    public static LibrettoException in(Path file, String problem) {
        return in(file, problem, null);
    }

    /** Returns a text as one line of limited length, safe to print on a terminal. */
    public static String oneLine(String text) {
        String shown = text.length() > MAX_LENGTH ? text.substring(0, MAX_LENGTH) + "…" : text;
        return shown.replaceAll("[\\p{Cc}\\p{Cf}\\p{Cs}\\u2028\\u2029]", "?");
    }
}
