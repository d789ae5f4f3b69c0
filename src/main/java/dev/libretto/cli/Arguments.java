package dev.libretto.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.DefaultParser;
import org.apache.commons.cli.MissingArgumentException;
import org.apache.commons.cli.Option;
import org.apache.commons.cli.Options;
import org.apache.commons.cli.ParseException;
import org.apache.commons.cli.UnrecognizedOptionException;
import org.apache.commons.text.similarity.LevenshteinDistance;

/** A command's options, from the command line or else from an options file. */
final class Arguments {
    private final CommandLine line;
    private final OptionsFile file;

    private Arguments(CommandLine line, OptionsFile file) {
        this.line = line;
        this.file = file;
    }

    /** Returns a copy that falls back to an options file. */
    Arguments with(OptionsFile options) {
        Set<String> given =
                Arrays.stream(line.getOptions()).map(Option::getLongOpt).collect(Collectors.toSet());
        return new Arguments(line, options.behind(given));
    }

    static Arguments parse(List<Flag<?>> flags, boolean takesOperands, List<String> words) throws UsageException {
        Options options = new Options();
        flags.forEach(flag -> options.addOption(flag.toOption()));
        DefaultParser parser = DefaultParser.builder()
                .setAllowPartialMatching(false)
                .setStripLeadingAndTrailingQuotes(false)
                .get();
        try {
            requireTwoDashes(options, words);
            CommandLine line = parser.parse(options, words.toArray(String[]::new));
            if (!takesOperands && !line.getArgList().isEmpty()) {
                throw new UsageException(
                        "unexpected argument \"" + line.getArgList().get(0) + "\"; options begin with two dashes");
            }
            return new Arguments(line, OptionsFile.EMPTY);
        } catch (UnrecognizedOptionException e) {
            throw new UsageException(unknown(e.getOption(), flags, takesOperands));
        } catch (MissingArgumentException e) {
            String name = e.getOption().getLongOpt();
            throw new UsageException("--" + name + " requires a value: --" + name + " "
                    + e.getOption().getArgName());
        } catch (ParseException e) {
            throw new UsageException(e.getMessage());
        }
    }

    /** Commons CLI would accept {@code -help} as {@code --help}. */
    private static void requireTwoDashes(Options options, List<String> words) throws UnrecognizedOptionException {
        for (String word : words) {
            if (word.matches("-[^-].*") && options.hasLongOption(word.replaceFirst("=.*", ""))) {
                throw new UnrecognizedOptionException("one dash", word);
            }
        }
    }

    private static String unknown(String option, List<Flag<?>> flags, boolean takesOperands) {
        String typed = option.replaceFirst("^-+", "").replaceFirst("=.*", "");
        if (takesOperands && typed.equals("run")) {
            return "unknown option " + option + "; give the run's path without --run";
        }
        Optional<String> near = flags.stream()
                .map(Flag::name)
                .filter(name -> distance(typed, name) <= Math.max(1, typed.length() / 3))
                .min(Comparator.comparing(name -> distance(typed, name)));
        return "unknown option " + option
                + near.map(name -> "; did you mean --" + name + "?").orElse("");
    }

    /** The edit distance to the name or to a prefix of it. */
    private static int distance(String typed, String name) {
        LevenshteinDistance distance = LevenshteinDistance.getDefaultInstance();
        String beginning = name.substring(0, Math.min(name.length(), typed.length() + 1));
        return Math.min(distance.apply(typed, name), 1 + distance.apply(typed, beginning));
    }

    List<Path> operands() throws UsageException {
        List<Path> paths = new ArrayList<>();
        for (String word : line.getArgList()) {
            try {
                paths.add(Flag.toPath(word));
            } catch (IllegalArgumentException e) {
                throw new UsageException("\"" + word + "\" " + e.getMessage());
            }
        }
        return paths;
    }

    /** Returns whether the option was given on the command line. */
    boolean has(Flag<?> flag) {
        return line.hasOption(flag.name());
    }

    /** Returns those of the options that were given on the command line, as words of another one. */
    String repeated(List<Flag<?>> flags) {
        StringBuilder words = new StringBuilder();
        for (Flag<?> flag : flags) {
            if (has(flag)) {
                words.append(" --").append(flag.name());
                words.append(flag.argument().isEmpty() ? "" : " " + Shell.quote(line.getOptionValue(flag.name())));
            }
        }
        return words.toString();
    }

    /** Returns which of two mutually exclusive options was given; null if neither was. */
    <T extends Flag<?>> T either(T one, T other) throws UsageException {
        if (isSet(one) && isSet(other)) {
            throw new UsageException("--" + one.name() + " and --" + other.name() + " are mutually exclusive");
        }
        return isSet(one) ? one : isSet(other) ? other : null;
    }

    /** Returns whether the option was given on the command line or in an options file, not by a preset. */
    boolean isGiven(Flag<?> flag) {
        return has(flag) || file.isGiven(flag);
    }

    private boolean isSet(Flag<?> flag) {
        return has(flag) || file.has(flag);
    }

    /**
     * Throws if an option has no effect because of another one's value; {@code values} are those with which it has one.
     * A preset only sets defaults, and so does an options file if the command line has the other option.
     */
    <E> void requireEffect(Flag<?> flag, Flag<E> decisive, List<E> values) throws UsageException {
        boolean isGiven = has(flag) || file.isGiven(flag) && !has(decisive);
        E value = get(decisive);
        // An invalid value is reported first.
        get(flag);
        if (isGiven && !values.contains(value)) {
            throw new UsageException("--" + flag.name() + " has no effect with --" + decisive.name() + " " + value
                    + "; it requires --" + decisive.name() + " "
                    + values.stream().map(String::valueOf).collect(Collectors.joining(" or ")));
        }
    }

    /** Returns the value of an option: from the command line, else from the file, else its default. */
    <T> T get(Flag<T> flag) throws UsageException {
        String[] values = flag.argument().isEmpty() ? null : line.getOptionValues(flag.name());
        if (values == null) {
            return has(flag) ? flag.reader().apply("") : file.get(flag);
        }
        if (values.length > 1) {
            throw new UsageException("--" + flag.name() + " was given " + values.length + " times; give it once");
        }
        return read(flag, values[0]);
    }

    <T> T getOr(Flag<T> flag, T other) throws UsageException {
        return isSet(flag) ? get(flag) : other;
    }

    <T> List<T> getAll(Flag<T> flag) throws UsageException {
        if (!has(flag)) {
            return file.has(flag) ? List.of(file.get(flag)) : List.of();
        }
        List<T> values = new ArrayList<>();
        for (String value : line.getOptionValues(flag.name())) {
            values.add(read(flag, value));
        }
        return values;
    }

    private static <T> T read(Flag<T> flag, String value) throws UsageException {
        try {
            return flag.reader().apply(value);
        } catch (IllegalArgumentException e) {
            throw new UsageException("--" + flag.name() + " " + e.getMessage() + " (got " + Shell.quote(value) + ")");
        }
    }
}
