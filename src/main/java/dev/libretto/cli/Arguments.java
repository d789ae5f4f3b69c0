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

/** The options that a command was given: on the command line or, where they are not there, in a file of options. */
final class Arguments {
    private final CommandLine line;
    private final OptionsFile file;

    private Arguments(CommandLine line, OptionsFile file) {
        this.line = line;
        this.file = file;
    }

    /** The same with a file of options behind the command line. */
    Arguments with(OptionsFile options) {
        Set<String> given =
                Arrays.stream(line.getOptions()).map(Option::getLongOpt).collect(Collectors.toSet());
        return new Arguments(line, options.behind(given));
    }

    /**
     * @param takesOperands whether words that belong to no option are allowed
     * @throws UsageException if there is an option that is not among {@code flags}, or a word that is not allowed
     */
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
                        "\"" + line.getArgList().get(0) + "\" is not an option; options begin with two dashes");
            }
            return new Arguments(line, OptionsFile.EMPTY);
        } catch (UnrecognizedOptionException e) {
            throw new UsageException(unknown(e.getOption(), flags));
        } catch (MissingArgumentException e) {
            String name = e.getOption().getLongOpt();
            throw new UsageException("--" + name + " needs a value: --" + name + " "
                    + e.getOption().getArgName());
        } catch (ParseException e) {
            throw new UsageException(e.getMessage());
        }
    }

    /** Commons CLI would take {@code -help} for {@code --help}. */
    private static void requireTwoDashes(Options options, List<String> words) throws UnrecognizedOptionException {
        for (String word : words) {
            if (word.matches("-[^-].*") && options.hasLongOption(word.replaceFirst("=.*", ""))) {
                throw new UnrecognizedOptionException("one dash", word);
            }
        }
    }

    private static String unknown(String option, List<Flag<?>> flags) {
        String typed = option.replaceFirst("^-+", "").replaceFirst("=.*", "");
        Optional<String> near = flags.stream()
                .map(Flag::name)
                .filter(name -> distance(typed, name) <= Math.max(1, typed.length() / 3))
                .min(Comparator.comparing(name -> distance(typed, name)));
        return "there is no option " + option
                + near.map(name -> "; did you mean --" + name + "?").orElse("");
    }

    /** How many letters are wrong, in all of the name or in its beginning. */
    private static int distance(String typed, String name) {
        LevenshteinDistance distance = LevenshteinDistance.getDefaultInstance();
        String beginning = name.substring(0, Math.min(name.length(), typed.length() + 1));
        return Math.min(distance.apply(typed, name), 1 + distance.apply(typed, beginning));
    }

    /** The words that belong to no option, as paths. */
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

    /** Whether the option was given on the command line. */
    boolean has(Flag<?> flag) {
        return line.hasOption(flag.name());
    }

    /**
     * Which of two options that exclude each other was given.
     *
     * @return the one, or null if neither was
     * @throws UsageException if both were
     */
    <T extends Flag<?>> T either(T one, T other) throws UsageException {
        boolean hasOne = has(one) || file.has(one);
        boolean hasOther = has(other) || file.has(other);
        if (hasOne && hasOther) {
            throw new UsageException("there are --" + one.name() + " and --" + other.name() + "; choose one of them");
        }
        if (hasOne) {
            return one;
        }
        return hasOther ? other : null;
    }

    /**
     * Refuses an option that has no effect because of another one's value. What a preset says is only a default, and so is
     * what a file of options says once the command line has the other option.
     *
     * @param decisive the other option
     * @param values those of its values with which the option has an effect
     * @throws UsageException naming them, or saying what is wrong with a value
     */
    <E> void requireEffect(Flag<?> flag, Flag<E> decisive, List<E> values) throws UsageException {
        boolean isMeant = has(flag) || file.isGiven(flag) && !has(decisive);
        E value = get(decisive);
        // A value that cannot be read is told first.
        get(flag);
        if (isMeant && !values.contains(value)) {
            throw new UsageException("--" + flag.name() + " has no effect with --" + decisive.name() + " " + value
                    + "; it goes with --" + decisive.name() + " "
                    + values.stream().map(String::valueOf).collect(Collectors.joining(" or ")));
        }
    }

    /**
     * The value of an option: from the command line, else from the file, else its default.
     *
     * @throws UsageException if the value cannot be read, is out of range, or is given twice
     */
    <T> T get(Flag<T> flag) throws UsageException {
        String[] values = flag.argument().isEmpty() ? null : line.getOptionValues(flag.name());
        if (values == null) {
            return has(flag) ? flag.reader().read("") : file.get(flag);
        }
        if (values.length > 1) {
            throw new UsageException("--" + flag.name() + " is given " + values.length + " times; give it once");
        }
        return read(flag, values[0]);
    }

    /**
     * Every value of an option that can be given several times; a file has it once.
     *
     * @throws UsageException if a value cannot be read
     */
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
            return flag.reader().read(value);
        } catch (IllegalArgumentException e) {
            throw new UsageException("--" + flag.name() + " is \"" + value + "\"; it " + e.getMessage());
        }
    }
}
