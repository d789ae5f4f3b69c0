package dev.libretto.cli;

import dev.libretto.run.Runs;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * What a command talks to.
 *
 * @param out text and reports, UTF-8
 * @param err everything else, UTF-8
 * @param program how the user calls Libretto, for commands that are shown to be typed
 * @param runs where runs go that were given no other place
 */
record Console(PrintStream out, PrintStream err, String program, Runs runs) {
    private static final Pattern CONTROL = Pattern.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]");

    /** The program's name as a shell reads it. */
    String command() {
        return Shell.quote(program);
    }

    /** Tells of something that was passed over. */
    void warn(String message) {
        complain("warning: " + message);
    }

    /** Tells of something in one line, whatever the names in it are made of. */
    void complain(String message) {
        err.println(CONTROL.matcher(message)
                .replaceAll(control ->
                        String.format("\\\\u%04x", (int) control.group().charAt(0))));
    }

    /** The run that a command works on: the one named, or else the latest. */
    Path runPath(Path named) throws java.io.IOException {
        return named == null ? runs.latest() : named;
    }
}
