package dev.libretto.cli;

import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import org.apache.commons.cli.Options;
import org.apache.commons.cli.help.HelpFormatter;
import org.apache.commons.cli.help.TextHelpAppendable;

/** Prints the output of {@code --help}. */
final class Help {
    private static final int WIDTH = 100;

    private Help() {}

    /** Prints the commands. */
    static void print(List<Command> commands, Console console) {
        console.print(
                "Libretto trains character-level recurrent language models and generates text with them.%n"
                        + "%nusage: %s COMMAND [OPTIONS]%n%n",
                console.command());
        for (Command command : commands) {
            console.print("  %-10s %s%n", command.name(), command.summary());
        }
        console.print(
                "%n\"%s COMMAND --help\" shows a command's options; --version shows the versions.%n%n",
                console.command());
        printExamples(List.of("train", "generate --prefix 分开 --length 100"), console);
    }

    /** Prints the options of a command. */
    static void print(Command command, List<Flag<?>> flags, Console console) throws IOException {
        Options options = new Options();
        flags.forEach(flag -> options.addOption(flag.toOption()));
        StringBuilder help = new StringBuilder();
        TextHelpAppendable appendable = new TextHelpAppendable(help);
        appendable.setMaxWidth(WIDTH);
        appendable.setLeftPad(0);
        HelpFormatter formatter = HelpFormatter.builder()
                .setHelpAppendable(appendable)
                .setShowSince(false)
                .setComparator(Comparator.comparing(
                        option -> flags.stream().map(Flag::name).toList().indexOf(option.getLongOpt())))
                .get();
        formatter.printHelp(
                (console.command() + " " + command.name() + " " + command.operands()).strip() + " [OPTIONS]",
                command.summary(),
                options,
                "",
                false);
        help.toString().lines().map(String::stripTrailing).forEach(console.out()::println);
        printExamples(command.examples(), console);
    }

    private static void printExamples(List<String> examples, Console console) {
        console.out().println("examples:");
        for (String example : examples) {
            console.out().println("  " + console.command() + " " + example);
        }
    }
}
