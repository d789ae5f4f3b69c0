package dev.libretto.cli;

import java.util.List;
import org.apache.commons.lang3.function.FailableToIntBiFunction;

/**
 * A command of the command line.
 *
 * @param name on the command line; empty if the program has a single command
 * @param operands as the help shows them; empty if there are none
 * @param examples command lines without the program's name
 * @param action returns the exit code: 0, or 128 plus the number of the signal that ended it
 */
record Command(
        String name,
        String summary,
        String operands,
        List<Flag<?>> flags,
        List<String> examples,
        FailableToIntBiFunction<Arguments, Console, Exception> action) {}
