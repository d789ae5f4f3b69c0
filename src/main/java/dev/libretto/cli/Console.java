package dev.libretto.cli;

import dev.libretto.run.Runs;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.IntSupplier;

/**
 * A command's input, output and messages.
 *
 * @param out results, UTF-8
 * @param err messages, UTF-8, flushed after each
 * @param program how the user starts Libretto, for commands shown in messages
 * @param width the columns of the terminal; very large without one
 */
record Console(
        InputStream in,
        PrintWriter out,
        PrintWriter err,
        String program,
        Runs runs,
        IntSupplier width,
        StatusLine statusLine,
        Verbosity verbosity) {
    /** QUIET prints only results, warnings and errors; VERBOSE also each epoch and TensorFlow's messages. */
    enum Verbosity {
        QUIET,
        NORMAL,
        VERBOSE
    }

    /** Returns the program's name quoted for a shell. */
    String command() {
        return Shell.quote(program);
    }

    Console with(Verbosity newVerbosity) {
        return new Console(in, out, err, program, runs, width, statusLine, newVerbosity);
    }

    void print(String format, Object... values) {
        out.printf(Locale.ROOT, format, values);
    }

    void note(String format, Object... values) {
        if (verbosity != Verbosity.QUIET) {
            err.printf(Locale.ROOT, format, values);
        }
    }

    void detail(String format, Object... values) {
        if (verbosity == Verbosity.VERBOSE) {
            note(format, values);
        }
    }

    WorkBar workBar(String task) {
        return new WorkBar(verbosity == Verbosity.QUIET ? StatusLine.NONE : statusLine, task);
    }

    void warn(String message) {
        complain("warning: " + message);
    }

    /** Prints a one-line message with its control characters escaped. */
    void complain(String message) {
        err.println(ControlCharacters.escape(message));
    }

    /** Returns the given run, or the latest if null. */
    Path runPath(Path named) throws IOException {
        return named == null ? runs.latest() : named;
    }
}
