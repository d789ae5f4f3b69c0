package dev.libretto.cli;

import dev.libretto.run.Runs;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Locale;

/**
 * What a command talks to.
 *
 * @param in what is read where an option says so
 * @param out text and reports, UTF-8
 * @param err everything else, UTF-8
 * @param program how the user calls Libretto, for commands that are shown to be typed
 * @param runs where runs go that were given no other place
 * @param statusLine where it is shown how far work is
 * @param verbosity how much is told
 */
record Console(
        InputStream in,
        PrintStream out,
        PrintStream err,
        String program,
        Runs runs,
        StatusLine statusLine,
        Verbosity verbosity) {
    /** How much is told: results, warnings and errors; what is done, too; each epoch and TensorFlow's messages, too. */
    enum Verbosity {
        QUIET,
        NORMAL,
        VERBOSE
    }

    /** The program's name as a shell reads it. */
    String command() {
        return Shell.quote(program);
    }

    /** The same but for how much is told. */
    Console with(Verbosity newVerbosity) {
        return new Console(in, out, err, program, runs, statusLine, newVerbosity);
    }

    /** Tells what is done, unless only results are wanted. */
    void note(String format, Object... values) {
        if (verbosity != Verbosity.QUIET) {
            err.print(String.format(Locale.ROOT, format, values));
        }
    }

    /** Tells what only those want to know who ask for more. */
    void detail(String format, Object... values) {
        if (verbosity == Verbosity.VERBOSE) {
            note(format, values);
        }
    }

    /** Shows how far work is, unless only results are wanted. */
    WorkBar workBar(String task) {
        return new WorkBar(verbosity == Verbosity.QUIET ? StatusLine.NONE : statusLine, task);
    }

    /** Tells of something that was passed over. */
    void warn(String message) {
        complain("warning: " + message);
    }

    /** Tells of something in one line, whatever the names in it are made of. */
    void complain(String message) {
        err.println(ControlCharacters.escape(message));
    }

    /** The run that a command works on: the one named, or else the latest. */
    Path runPath(Path named) throws IOException {
        return named == null ? runs.latest() : named;
    }
}
