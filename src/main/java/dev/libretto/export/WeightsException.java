package dev.libretto.export;

import dev.libretto.run.RunException;
import java.io.IOException;
import java.nio.file.Path;

/** A weights file that cannot be read or written; the message is one line for the user: which file and what is wrong. */
public final class WeightsException extends IOException {
    private static final long serialVersionUID = 1L;

    /** @param problem what is wrong; parts of it may come from the file, so it is cut to one line of bounded length */
    public WeightsException(Path file, String problem) {
        this(file, problem, null);
    }

    /** @param problem what is wrong; parts of it may come from the file, so it is cut to one line of bounded length */
    public WeightsException(Path file, String problem, Throwable cause) {
        super(file + ": " + RunException.oneLine(problem), cause);
    }
}
