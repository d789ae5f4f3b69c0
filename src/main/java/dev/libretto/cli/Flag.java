package dev.libretto.cli;

import java.math.BigInteger;
import java.nio.charset.Charset;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.apache.commons.cli.Option;

/**
 * A command-line option.
 *
 * @param name without the two dashes
 * @param argument the placeholder for the value in the help; empty for a switch
 * @param description with the range and the default
 * @param reader parses and checks the value
 */
record Flag<T>(String name, String argument, String description, T defaultValue, Reader<T> reader) {
    /** Parses the value of an option. */
    @FunctionalInterface
    interface Reader<T> {
        /** @throws IllegalArgumentException if the value is invalid; the message starts with "must be" */
        T read(String value);
    }

    /** Returns an option without a value. */
    static Flag<Boolean> toggle(String name, String description) {
        return new Flag<>(name, "", description, false, value -> true);
    }

    /** Returns an option for an integer in a range. */
    static Flag<Integer> integer(String name, String description, int defaultValue, int min, int max) {
        Reader<Long> reader = wholeNumber(min, max);
        return new Flag<>(
                name,
                "N",
                withDefault(description, "from " + min + " to " + max, defaultValue),
                defaultValue,
                value -> Math.toIntExact(reader.read(value)));
    }

    /** Returns an option for an integer in a range; the description states its default. */
    static Flag<Integer> integer(String name, String description, int min, int max) {
        Flag<Integer> flag = integer(name, description, min, min, max);
        return new Flag<>(name, "N", description, null, flag.reader());
    }

    /** Returns an option for a 64-bit integer of at least {@code min}. */
    static Flag<Long> atLeast(long min, String name, String description, long defaultValue) {
        String text = withDefault(description, "at least " + min, defaultValue);
        return new Flag<>(name, "N", text, defaultValue, wholeNumber(min, Long.MAX_VALUE));
    }

    private static Reader<Long> wholeNumber(long min, long max) {
        String message = "must be an integer from " + min + " to " + max;
        return value -> {
            // Java's parsers also accept digits of other scripts.
            if (!value.matches("[+-]?[0-9]+")) {
                throw new IllegalArgumentException(message);
            }
            BigInteger number = new BigInteger(value);
            if (number.compareTo(BigInteger.valueOf(min)) < 0 || number.compareTo(BigInteger.valueOf(max)) > 0) {
                throw new IllegalArgumentException(message);
            }
            return number.longValueExact();
        };
    }

    /** Returns an option for any 64-bit integer. */
    static Flag<Long> seed(String name, String description, long defaultValue) {
        String text = withDefault(description, "any integer", defaultValue);
        return new Flag<>(name, "N", text, defaultValue, wholeNumber(Long.MIN_VALUE, Long.MAX_VALUE));
    }

    /** Returns an option for a number that is positive and finite as a float. */
    static Flag<Double> positive(String name, String description, double defaultValue) {
        return new Flag<>(name, "X", withDefault(description, "greater than 0", defaultValue), defaultValue, value -> {
            double number = decimal(value);
            if (!((float) number > 0 && (float) number <= Float.MAX_VALUE)) {
                throw new IllegalArgumentException("must be a number greater than 0 that fits into float32");
            }
            return number;
        });
    }

    /** Returns an option for a number of at least {@code min} and less than {@code end}. */
    static Flag<Double> below(String name, String description, double defaultValue, double min, double end) {
        String range = "at least " + shortest(min) + " and less than " + shortest(end);
        return new Flag<>(name, "X", withDefault(description, range, defaultValue), defaultValue, value -> {
            double number = decimal(value);
            if (!(number >= min && (float) number < (float) end)) {
                throw new IllegalArgumentException("must be " + range);
            }
            return number;
        });
    }

    /** Returns an option for a number of at least 0. */
    static Flag<Double> notNegative(String name, String description, double defaultValue) {
        return new Flag<>(name, "X", withDefault(description, "at least 0", defaultValue), defaultValue, value -> {
            double number = decimal(value);
            if (!(number >= 0 && number <= Float.MAX_VALUE)) {
                throw new IllegalArgumentException("must be a number of at least 0");
            }
            return number;
        });
    }

    /** Returns an option for a positive number; the description states its default. */
    static Flag<Double> positive(String name, String description) {
        Flag<Double> flag = positive(name, description, 1);
        return new Flag<>(name, "X", description, null, flag.reader());
    }

    /** Parses a decimal number such as 0.5 or 1e-3; returns NaN if the text is not one. */
    static double decimal(String text) {
        return text.matches("[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?")
                ? Double.parseDouble(text)
                : Double.NaN;
    }

    /** Returns an option with its own reader. */
    static <T> Flag<T> parsed(String name, String argument, String description, T defaultValue, Reader<T> reader) {
        return new Flag<>(name, argument, withDefault(description, "", defaultValue), defaultValue, reader);
    }

    /** Returns an option for a constant of an enum, by its {@code toString} in lower case. */
    static <E extends Enum<E>> Flag<E> oneOf(String name, String description, E defaultValue) {
        List<E> values = Arrays.asList(defaultValue.getDeclaringClass().getEnumConstants());
        String names = values.stream().map(Flag::word).collect(Collectors.joining("|"));
        return new Flag<>(
                name,
                names,
                withDefault(description, "", defaultValue),
                defaultValue,
                value -> values.stream()
                        .filter(constant -> word(constant).equals(value))
                        .findFirst()
                        .orElseThrow(() -> new IllegalArgumentException("must be one of " + names.replace("|", ", "))));
    }

    /** Returns an option for a file or directory. */
    static Flag<Path> path(String name, String argument, String description) {
        return new Flag<>(name, argument, description, null, Flag::toPath);
    }

    /** @throws IllegalArgumentException if it is not a path */
    static Path toPath(String value) {
        try {
            if (value.isEmpty()) {
                throw new IllegalArgumentException("must be a path");
            }
            return Path.of(value);
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException("must be a path", e);
        }
    }

    /** Returns an option for a character encoding. */
    static Flag<Charset> encoding(String name, String description, Charset defaultValue) {
        Flag<Charset> flag = encoding(name, withDefault(description, "", defaultValue));
        return new Flag<>(name, "NAME", flag.description(), defaultValue, flag.reader());
    }

    /** Returns an option for a character encoding; the description states its default. */
    static Flag<Charset> encoding(String name, String description) {
        return new Flag<>(name, "NAME", description, null, value -> {
            try {
                return Charset.forName(value);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        "must be an encoding that Java supports, such as UTF-8 or GB18030", e);
            }
        });
    }

    /** Returns an option for a non-empty text. */
    static Flag<String> text(String name, String description) {
        return new Flag<>(name, "TEXT", description, null, value -> {
            if (value.isEmpty()) {
                throw new IllegalArgumentException("must be at least one character");
            }
            return value;
        });
    }

    private static String withDefault(String description, String range, Object defaultValue) {
        String value = defaultValue instanceof Double number
                ? shortest(number)
                : defaultValue instanceof Enum<?> constant ? word(constant) : defaultValue.toString();
        return description + " (" + (range.isEmpty() ? "" : range + "; ") + "default " + value + ")";
    }

    private static String word(Enum<?> constant) {
        return constant.toString().toLowerCase(Locale.ROOT);
    }

    static String shortest(double number) {
        return number == Math.rint(number) ? String.format(Locale.ROOT, "%.0f", number) : Double.toString(number);
    }

    /** Returns the option for Commons CLI. */
    Option toOption() {
        Option.Builder builder = Option.builder().longOpt(name).desc(description);
        return argument.isEmpty()
                ? builder.get()
                : builder.hasArg().argName(argument).get();
    }
}
