package dev.libretto.export;

import dev.libretto.run.RunException;
import java.io.IOException;
import java.nio.file.Path;

/** Thrown if a weights or model file cannot be read or written. The message is one line for the user. */
public final class WeightsException extends IOException {
    private static final long serialVersionUID = 1L;

    public WeightsException(Path file, String problem) {
        this(file, problem, null);
    }

    /** @param problem what is wrong; it may quote the file, so it is shortened to one line */
    public WeightsException(Path file, String problem, Throwable cause) {
        super(file + ": " + RunException.oneLine(problem), cause);
    }
}
