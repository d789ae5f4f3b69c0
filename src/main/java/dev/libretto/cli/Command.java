package dev.libretto.cli;

import java.util.List;

/**
 * A command of the command line.
 *
 * @param name on the command line; empty if the program has a single command
 * @param operands as the help shows them; empty if there are none
 * @param examples command lines without the program's name
 */
record Command(
        String name, String summary, String operands, List<Flag<?>> flags, List<String> examples, Action action) {
    @FunctionalInterface
    interface Action {
        /** @return the exit code: 0, or 128 plus the number of the signal that ended it */
        int run(Arguments arguments, Console console) throws Exception;
    }
}
