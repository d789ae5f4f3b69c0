package dev.libretto.cli;

import java.math.BigInteger;
import java.nio.charset.Charset;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.DoublePredicate;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.commons.cli.Option;

/**
 * A command-line option. Where a factory takes null as the default, the description states the default.
 *
 * @param name without the two dashes
 * @param argument the placeholder for the value in the help; empty for a switch
 * @param description with the range and the default
 * @param reader parses and checks the value, or throws an {@link IllegalArgumentException} whose message starts with
 *     "must be"
 */
record Flag<T>(String name, String argument, String description, T defaultValue, Function<String, T> reader) {
    static <T> Flag<T> parsed(
            String name, String argument, String description, T defaultValue, Function<String, T> reader) {
        return inRange("", name, argument, description, defaultValue, reader);
    }

    private static <T> Flag<T> inRange(
            String range,
            String name,
            String argument,
            String description,
            T defaultValue,
            Function<String, T> reader) {
        String notes = defaultValue == null
                ? ""
                : " (" + (range.isEmpty() ? "" : range + "; ") + "default " + word(defaultValue) + ")";
        return new Flag<>(name, argument, description + notes, defaultValue, reader);
    }

    static Flag<Boolean> toggle(String name, String description) {
        return new Flag<>(name, "", description, false, value -> true);
    }

    static Flag<Integer> integer(String name, String description, Integer defaultValue, int min, int max) {
        Function<String, Integer> reader = value -> Math.toIntExact(wholeNumber(value, min, max));
        return inRange("from " + min + " to " + max, name, "N", description, defaultValue, reader);
    }

    static Flag<Long> atLeast(long min, String name, String description, long defaultValue) {
        String range = min == Long.MIN_VALUE ? "any integer" : "at least " + min;
        return inRange(range, name, "N", description, defaultValue, value -> wholeNumber(value, min, Long.MAX_VALUE));
    }

    private static long wholeNumber(String value, long min, long max) {
        // Java's parsers also accept digits of other scripts.
        BigInteger number = value.matches("[+-]?[0-9]+") ? new BigInteger(value) : null;
        if (number == null
                || number.compareTo(BigInteger.valueOf(min)) < 0
                || number.compareTo(BigInteger.valueOf(max)) > 0) {
            throw new IllegalArgumentException("must be an integer from " + min + " to " + max);
        }
        return number.longValueExact();
    }

    /** Returns an option for a number that is positive and finite as a float. */
    static Flag<Double> positive(String name, String description, Double defaultValue) {
        Function<String, Double> reader =
                number(x -> (float) x > 0, "must be a number greater than 0 that fits into float32");
        return inRange("greater than 0", name, "X", description, defaultValue, reader);
    }

    /** Returns an option for a positive number; the description states its default. */
    static Flag<Double> positive(String name, String description) {
        return positive(name, description, null);
    }

    /** Returns an option for a number of at least 0 and less than 1. */
    static Flag<Double> fraction(String name, String description, double defaultValue) {
        String range = "at least 0 and less than 1";
        Function<String, Double> reader = number(x -> x >= 0 && (float) x < 1, "must be " + range);
        return inRange(range, name, "X", description, defaultValue, reader);
    }

    static Flag<Double> notNegative(String name, String description, double defaultValue) {
        Function<String, Double> reader = number(x -> x >= 0, "must be a number of at least 0");
        return inRange("at least 0", name, "X", description, defaultValue, reader);
    }

    /** Returns a reader of decimal numbers that are finite as a float. */
    static Function<String, Double> number(DoublePredicate allowed, String message) {
        return value -> {
            // Double.parseDouble also accepts NaN, hexadecimal numbers and suffixes.
            double number = value.matches("[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?")
                    ? Double.parseDouble(value)
                    : Double.NaN;
            if (!(allowed.test(number) && number <= Float.MAX_VALUE)) {
                throw new IllegalArgumentException(message);
            }
            return number;
        };
    }

    /** Returns an option for a constant of an enum, by its {@code toString} in lower case. */
    static <E extends Enum<E>> Flag<E> oneOf(String name, String description, E defaultValue) {
        List<E> values = Arrays.asList(defaultValue.getDeclaringClass().getEnumConstants());
        String names = values.stream().map(Flag::word).collect(Collectors.joining("|"));
        return parsed(
                name,
                names,
                description,
                defaultValue,
                value -> values.stream()
                        .filter(constant -> word(constant).equals(value))
                        .findFirst()
                        .orElseThrow(() -> new IllegalArgumentException("must be one of " + names.replace("|", ", "))));
    }

    static Flag<Path> path(String name, String argument, String description) {
        return new Flag<>(name, argument, description, null, Flag::toPath);
    }

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

    static Flag<Charset> encoding(String name, String description, Charset defaultValue) {
        return parsed(name, "NAME", description, defaultValue, value -> {
            try {
                return Charset.forName(value);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        "must be an encoding that Java supports, such as UTF-8 or GB18030", e);
            }
        });
    }

    static Flag<String> text(String name, String description) {
        return text(name, "TEXT", description);
    }

    static Flag<String> text(String name, String argument, String description) {
        return new Flag<>(name, argument, description, null, value -> {
            if (value.isEmpty()) {
                throw new IllegalArgumentException("must be at least one character");
            }
            return value;
        });
    }

    @SafeVarargs
    @SuppressWarnings("varargs")
    static List<Flag<?>> joined(List<? extends Flag<?>>... groups) {
        return Stream.of(groups).<Flag<?>>flatMap(List::stream).toList();
    }

    private static String word(Object value) {
        if (value instanceof Double number) {
            return shortest(number);
        }
        return value instanceof Enum<?> ? value.toString().toLowerCase(Locale.ROOT) : value.toString();
    }

    static String shortest(double number) {
        return number == Math.rint(number) ? String.format(Locale.ROOT, "%.0f", number) : Double.toString(number);
    }

    Option toOption() {
        Option.Builder builder = Option.builder().longOpt(name).desc(description);
        return argument.isEmpty()
                ? builder.get()
                : builder.hasArg().argName(argument).get();
    }
}
