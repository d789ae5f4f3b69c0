package dev.libretto.run;

import java.io.IOException;
import java.nio.file.Path;

/** Thrown if a run directory or a file cannot be used. The message is one line for the user: what is wrong, what to do. */
public final class RunException extends IOException {
    private static final long serialVersionUID = 1L;

    private static final int MAX_LENGTH = 300;

    RunException(String message) {
        super(message);
    }

    RunException(String message, Throwable cause) {
        super(message, cause);
    }

    /** @param problem what is wrong; it may quote the file, so it is shortened to one line */
    static RunException damaged(Path file, String problem, Throwable cause) {
        return new RunException(file + " is damaged: " + oneLine(problem), cause);
    }

    /** Returns a text as one line of limited length, safe to print on a terminal. */
    public static String oneLine(String text) {
        String shown = text.length() > MAX_LENGTH ? text.substring(0, MAX_LENGTH) + "…" : text;
        return shown.replaceAll("[\\p{Cc}\\p{Cf}\\p{Cs}\\u2028\\u2029]", "?");
    }
}
