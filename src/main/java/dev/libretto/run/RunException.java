package dev.libretto.run;

import java.io.IOException;
import java.nio.file.Path;

/** A run directory or a JSON file that cannot be used; the message is one line for the user: what is wrong and what to do. */
public final class RunException extends IOException {
    private static final long serialVersionUID = 1L;

    private static final int MAX_LENGTH = 300;

    RunException(String message) {
        super(message);
    }

    RunException(String message, Throwable cause) {
        super(message, cause);
    }

    /** @param problem what is wrong; parts of it may come from the file, so it is cut to one line of bounded length */
    static RunException damaged(Path file, String problem, Throwable cause) {
        return new RunException(file + " is damaged: " + oneLine(problem), cause);
    }

    /** A text that may quote any part of a file, as one line that a terminal can show. */
    public static String oneLine(String text) {
        String shown = text.length() > MAX_LENGTH ? text.substring(0, MAX_LENGTH) + "…" : text;
        return shown.replaceAll("[\\p{Cc}\\p{Cf}\\p{Cs}\\u2028\\u2029]", "?");
    }
}
