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
 * An option of a command: its name, what it takes, and how that is read and checked.
 *
 * @param name without the two dashes
 * @param argument what stands for the value in the help; empty for a switch
 * @param description with the unit, the range and the default
 * @param defaultValue what holds where the option is not given
 * @param reader reads the value
 */
record Flag<T>(String name, String argument, String description, T defaultValue, Reader<T> reader) {
    /** Reads the value of an option. */
    @FunctionalInterface
    interface Reader<T> {
        /** @throws IllegalArgumentException saying what the value must be */
        T read(String value);
    }

    /** An option without a value. */
    static Flag<Boolean> toggle(String name, String description) {
        return new Flag<>(name, "", description, false, value -> true);
    }

    /** A whole number in a range. */
    static Flag<Integer> integer(String name, String description, int defaultValue, int min, int max) {
        Reader<Long> reader = wholeNumber(min, max);
        return new Flag<>(
                name,
                "N",
                withDefault(description, "from " + min + " to " + max, defaultValue),
                defaultValue,
                value -> Math.toIntExact(reader.read(value)));
    }

    /** A whole number in a range whose default depends on something else, which the description says. */
    static Flag<Integer> integer(String name, String description, int min, int max) {
        Flag<Integer> flag = integer(name, description, min, min, max);
        return new Flag<>(name, "N", description, null, flag.reader());
    }

    /** A whole number of 64 bits, from {@code min} on. */
    static Flag<Long> atLeast(long min, String name, String description, long defaultValue) {
        String text = withDefault(description, "at least " + min, defaultValue);
        return new Flag<>(name, "N", text, defaultValue, wholeNumber(min, Long.MAX_VALUE));
    }

    private static Reader<Long> wholeNumber(long min, long max) {
        String range = "from " + min + " to " + max;
        return value -> {
            // The parsers of Java also take the digits of other scripts.
            if (!value.matches("[+-]?[0-9]+")) {
                throw new IllegalArgumentException("must be a whole number " + range);
            }
            BigInteger number = new BigInteger(value);
            if (number.compareTo(BigInteger.valueOf(min)) < 0 || number.compareTo(BigInteger.valueOf(max)) > 0) {
                throw new IllegalArgumentException("must be " + range);
            }
            return number.longValueExact();
        };
    }

    /** Any whole number of 64 bits. */
    static Flag<Long> seed(String name, String description, long defaultValue) {
        String text = withDefault(description, "any whole number", defaultValue);
        return new Flag<>(name, "N", text, defaultValue, wholeNumber(Long.MIN_VALUE, Long.MAX_VALUE));
    }

    /** A positive number that is neither 0 nor infinite in the 32 bits that TensorFlow has for it. */
    static Flag<Double> positive(String name, String description, double defaultValue) {
        return new Flag<>(name, "X", withDefault(description, "more than 0", defaultValue), defaultValue, value -> {
            double number = decimal(value);
            if (!((float) number > 0 && (float) number <= Float.MAX_VALUE)) {
                throw new IllegalArgumentException("must be a number more than 0 that fits into 32 bits, such as 0.5");
            }
            return number;
        });
    }

    /** A number in a range, the upper end not in it. */
    static Flag<Double> below(String name, String description, double defaultValue, double min, double end) {
        String range = "from " + shortest(min) + " up to, but not, " + shortest(end);
        return new Flag<>(name, "X", withDefault(description, range, defaultValue), defaultValue, value -> {
            double number = decimal(value);
            if (!(number >= min && (float) number < (float) end)) {
                throw new IllegalArgumentException("must be a number " + range);
            }
            return number;
        });
    }

    /** A number of at least 0. */
    static Flag<Double> notNegative(String name, String description, double defaultValue) {
        return new Flag<>(name, "X", withDefault(description, "at least 0", defaultValue), defaultValue, value -> {
            double number = decimal(value);
            if (!(number >= 0 && number <= Float.MAX_VALUE)) {
                throw new IllegalArgumentException("must be a number of at least 0, such as 0.5");
            }
            return number;
        });
    }

    /** A positive number whose default depends on something else, which the description says. */
    static Flag<Double> positive(String name, String description) {
        Flag<Double> flag = positive(name, description, 1);
        return new Flag<>(name, "X", description, null, flag.reader());
    }

    /** A number in decimal digits, such as 0.5 or 1e-3; NaN where the text is none. */
    static double decimal(String text) {
        return text.matches("[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?")
                ? Double.parseDouble(text)
                : Double.NaN;
    }

    /** A value with a reader of its own. */
    static <T> Flag<T> parsed(String name, String argument, String description, T defaultValue, Reader<T> reader) {
        return new Flag<>(name, argument, withDefault(description, "", defaultValue), defaultValue, reader);
    }

    /** One of the constants of an enumeration, by the name that its {@code toString} gives. */
    static <E extends Enum<E>> Flag<E> oneOf(String name, String description, E defaultValue) {
        List<E> values = Arrays.asList(defaultValue.getDeclaringClass().getEnumConstants());
        String names = values.stream().map(E::toString).collect(Collectors.joining("|"));
        return new Flag<>(
                name,
                names,
                withDefault(description, "", defaultValue),
                defaultValue,
                value -> values.stream()
                        .filter(constant -> constant.toString().equals(value))
                        .findFirst()
                        .orElseThrow(() -> new IllegalArgumentException("must be one of " + names.replace("|", ", "))));
    }

    /** A file or directory. */
    static Flag<Path> path(String name, String argument, String description) {
        return new Flag<>(name, argument, description, null, Flag::toPath);
    }

    /** @throws IllegalArgumentException if it is none */
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

    /** A character encoding by its name. */
    static Flag<Charset> encoding(String name, String description, Charset defaultValue) {
        Flag<Charset> flag = encoding(name, withDefault(description, "", defaultValue));
        return new Flag<>(name, "NAME", flag.description(), defaultValue, flag.reader());
    }

    /** A character encoding whose default depends on something else, which the description says. */
    static Flag<Charset> encoding(String name, String description) {
        return new Flag<>(name, "NAME", description, null, value -> {
            try {
                return Charset.forName(value);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("must be an encoding that Java knows, such as UTF-8 or GB18030", e);
            }
        });
    }

    /** Texts, one for each time that the option is given; none of them empty. */
    static Flag<String> text(String name, String description) {
        return new Flag<>(name, "TEXT", description, null, value -> {
            if (value.isEmpty()) {
                throw new IllegalArgumentException("must be at least one character");
            }
            return value;
        });
    }

    private static String withDefault(String description, String range, Object defaultValue) {
        String value = defaultValue instanceof Double number ? shortest(number) : defaultValue.toString();
        return description + " (" + (range.isEmpty() ? "" : range + "; ") + "default " + value + ")";
    }

    static String shortest(double number) {
        return number == Math.rint(number) ? String.format(Locale.ROOT, "%.0f", number) : Double.toString(number);
    }

    /** What Commons CLI parses by. */
    Option toOption() {
        Option.Builder builder = Option.builder().longOpt(name).desc(description);
        return argument.isEmpty()
                ? builder.get()
                : builder.hasArg().argName(argument).get();
    }
}
