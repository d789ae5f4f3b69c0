package dev.libretto.cli;

import java.util.List;

/** A command of the command line. */
interface Command {
    /** Returns the name on the command line; empty if the program has a single command. */
    String name();

    /** Returns a one-line summary. */
    String summary();

    /** Returns the options in the order of the help. */
    List<Flag<?>> flags();

    /** Returns the operands as the help shows them; empty if there are none. */
    default String operands() {
        return "";
    }

    /** Returns example command lines without the program's name. */
    List<String> examples();

    /**
     * Runs the command.
     *
     * @return the exit code: 0, or 128 plus the number of the signal that ended it
     * @throws UsageException if the options are wrong
     * @throws Exception if the command fails
     */
    int run(Arguments arguments, Console console) throws Exception;
}
