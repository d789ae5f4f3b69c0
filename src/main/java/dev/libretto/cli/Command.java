package dev.libretto.cli;

import java.util.List;

/** One of the things that Libretto can be told to do. */
interface Command {
    /** The word on the command line; empty for the only command of a program. */
    String name();

    /** One line that says what it does. */
    String summary();

    /** The options, in the order of the help. */
    List<Flag<?>> flags();

    /** What it takes beside options, as the help shows it; empty where it takes nothing. */
    default String operands() {
        return "";
    }

    /** Two command lines to start from, without the program's name. */
    List<String> examples();

    /**
     * Does it.
     *
     * @return the exit code: 0, or 128 and the number of the signal that ended it
     * @throws UsageException if the options do not fit
     * @throws Exception if it fails; the message says why in one line
     */
    int run(Arguments arguments, Console console) throws Exception;
}
