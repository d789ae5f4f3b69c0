package dev.libretto.cli;

import java.util.List;
import org.apache.commons.text.WordUtils;

/** Prints the output of {@code --help}, as wide as the terminal within limits. */
final class Help {
    private static final int MIN_WIDTH = 60;
    private static final int MAX_WIDTH = 100;
    /** The column of the descriptions. A longer option has its description on the next line. */
    private static final int INDENT = 28;

    private Help() {}

    static void print(List<Command> commands, Console console) {
        console.print(
                "%s%n%nusage: %s COMMAND [OPTIONS]%n%n",
                wrap(
                        "Libretto trains character-level recurrent language models and generates text with them.",
                        0,
                        console),
                console.command());
        for (Command command : commands) {
            console.print("  %-10s %s%n", command.name(), wrap(command.summary(), 13, console));
        }
        printExamples(List.of("train", "generate --prefix 分开 --length 100"), console);
        String hint =
                "\"" + console.command() + " COMMAND --help\" shows a command's options; --version shows the versions.";
        console.print("%n%s%n", wrap(hint, 0, console));
    }

    static void print(Command command, List<Flag<?>> flags, Console console) {
        console.print(
                "usage: %s [OPTIONS]%n%n%s%n%noptions:%n",
                String.join(" ", console.command(), command.name(), command.operands())
                        .strip(),
                wrap(command.summary(), 0, console));
        for (Flag<?> flag : flags) {
            String option = "  --" + (flag.name() + " " + flag.argument()).strip();
            String start = option.length() < INDENT - 1
                    ? option + " ".repeat(INDENT - option.length())
                    : option + System.lineSeparator() + " ".repeat(INDENT);
            console.print("%s%s%n", start, wrap(flag.description(), INDENT, console));
        }
        printExamples(command.examples(), console);
        if (!command.name().isEmpty()) {
            console.print("%n\"%s --help\" lists the other commands.%n", console.command());
        }
    }

    private static String wrap(String text, int indent, Console console) {
        int width = Math.max(MIN_WIDTH, Math.min(console.width().getAsInt(), MAX_WIDTH));
        return WordUtils.wrap(text, width - indent, System.lineSeparator() + " ".repeat(indent), false);
    }

    private static void printExamples(List<String> examples, Console console) {
        console.print("%nexamples:%n");
        for (String example : examples) {
            console.print("  %s %s%n", console.command(), example);
        }
    }
}
