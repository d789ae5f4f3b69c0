package dev.libretto.cli;

import com.fasterxml.jackson.core.type.TypeReference;
import dev.libretto.run.Json;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Options by their names in a JSON file, such as {@code {"cell": "lstm", "layers": 2, "keep-newlines": true}}: what a preset
 * is, and what {@code --config} reads.
 */
final class OptionsFile {
    /** No options. */
    static final OptionsFile EMPTY = new OptionsFile(Map.of());

    /** The options of a file that an option before it takes the place of; another optimizer has its own rate and clipping. */
    private static final Map<String, Set<String>> REPLACES = Map.of(
            "optimizer", Set.of("learning-rate", "clip-norm", "clip-value"),
            "clip-norm", Set.of("clip-value"),
            "clip-value", Set.of("clip-norm"),
            "validation-fraction", Set.of("validation-corpus"),
            "validation-corpus", Set.of("validation-fraction"));

    /**
     * An option.
     *
     * @param value as it would be typed
     * @param source the file it is from
     * @param isPreset whether that is a preset
     */
    private record Entry(String value, String source, boolean isPreset) {}

    private final Map<String, Entry> entries;

    private OptionsFile(Map<String, Entry> entries) {
        this.entries = entries;
    }

    /** The settings that Libretto ships with. */
    enum Preset {
        TEXTBOOK,
        SHAKESPEARE,
        TINY;

        /** The name on the command line. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }

        /** Reads its file. */
        OptionsFile read(List<Flag<?>> allowed) throws IOException {
            String name = this + ".json";
            try (InputStream input = OptionsFile.class.getResourceAsStream("presets/" + name)) {
                String content = new String(input.readAllBytes(), StandardCharsets.UTF_8);
                return of(
                        "preset " + this, true, Json.parse(content, Path.of(name), new TypeReference<>() {}), allowed);
            }
        }
    }

    /**
     * Reads a file.
     *
     * @param allowed the options that may stand in it
     * @throws IllegalArgumentException naming an option that may not, or whose value is no text, number or true or false
     * @throws IOException if it cannot be read
     */
    static OptionsFile read(Path file, List<Flag<?>> allowed) throws IOException {
        return of(file.toString(), false, Json.readHandwritten(file, new TypeReference<>() {}), allowed);
    }

    private static OptionsFile of(String source, boolean isPreset, Map<String, Object> options, List<Flag<?>> allowed) {
        Map<String, Entry> entries = new HashMap<>();
        options.forEach((name, value) -> {
            if (allowed.stream().noneMatch(flag -> flag.name().equals(name))) {
                throw new IllegalArgumentException(source + ": there is no option \"" + name
                        + "\" that a file can set; \"train --help\" lists them");
            }
            if (!(value instanceof String || value instanceof Number || value instanceof Boolean)) {
                throw new IllegalArgumentException(
                        source + ": " + name + " is " + value + "; it must be a text, a number, true or false");
            }
            entries.put(name, new Entry(value.toString(), source, isPreset));
        });
        return new OptionsFile(entries);
    }

    /** These options, and behind them those of another file. */
    OptionsFile over(OptionsFile other) {
        Map<String, Entry> all = new HashMap<>(other.behind(entries.keySet()).entries);
        all.putAll(entries);
        return new OptionsFile(all);
    }

    /** These options but for those that stand for something else once others, which count for more, are given. */
    OptionsFile behind(Set<String> given) {
        Map<String, Entry> left = new HashMap<>(entries);
        given.forEach(name -> left.keySet().removeAll(REPLACES.getOrDefault(name, Set.of())));
        return new OptionsFile(left);
    }

    /** Whether the option is there. */
    boolean has(Flag<?> flag) {
        return entries.containsKey(flag.name());
    }

    /** Whether the option is there, and not from a preset. */
    boolean isGiven(Flag<?> flag) {
        return has(flag) && !entries.get(flag.name()).isPreset();
    }

    /**
     * The value of an option, or its default.
     *
     * @throws UsageException if the value cannot be read or is out of range
     */
    <T> T get(Flag<T> flag) throws UsageException {
        Entry entry = entries.get(flag.name());
        if (entry == null) {
            return flag.defaultValue();
        }
        try {
            if (flag.argument().isEmpty()) {
                return toggle(flag, entry.value());
            }
            return flag.reader().read(entry.value());
        } catch (IllegalArgumentException e) {
            throw new UsageException(
                    entry.source() + ": " + flag.name() + " is \"" + entry.value() + "\"; it " + e.getMessage());
        }
    }

    private static <T> T toggle(Flag<T> flag, String value) {
        return switch (value) {
            case "true" -> flag.reader().read("");
            case "false" -> flag.defaultValue();
            default -> throw new IllegalArgumentException("must be true or false");
        };
    }
}
