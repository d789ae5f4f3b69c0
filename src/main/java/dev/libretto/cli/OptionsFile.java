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
 * Options in a JSON file, such as {@code {"cell": "lstm", "layers": 2, "keep-newlines": true}}: a preset, or the file of
 * {@code --config}.
 */
final class OptionsFile {
    static final OptionsFile EMPTY = new OptionsFile(Map.of());

    /** The options that an option overrides besides itself; another optimizer has its own learning rate and clipping. */
    private static final Map<String, Set<String>> OVERRIDES = Map.of(
            "optimizer", Set.of("learning-rate", "clip-norm", "clip-value"),
            "clip-norm", Set.of("clip-value"),
            "clip-value", Set.of("clip-norm"),
            "validation-fraction", Set.of("validation-corpus"),
            "validation-corpus", Set.of("validation-fraction"));

    private record Entry(String value, String source, boolean isPreset) {}

    private final Map<String, Entry> entries;

    private OptionsFile(Map<String, Entry> entries) {
        this.entries = entries;
    }

    enum Preset {
        TEXTBOOK,
        SHAKESPEARE,
        SHAKESPEARE_QUICK,
        TINY;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        OptionsFile read(List<Flag<?>> allowed) throws IOException {
            String name = toString();
            try (InputStream input = OptionsFile.class.getResourceAsStream("presets/" + name + ".json")) {
                String content = new String(input.readAllBytes(), StandardCharsets.UTF_8);
                return of(
                        "preset " + name,
                        true,
                        Json.parse(content, Path.of(name + ".json"), new TypeReference<>() {}),
                        allowed);
            }
        }
    }

    /** @param allowed the options that the file may set */
    static OptionsFile read(Path file, List<Flag<?>> allowed) throws IOException {
        return of(file.toString(), false, Json.readHandwritten(file, new TypeReference<>() {}), allowed);
    }

    private static OptionsFile of(String source, boolean isPreset, Map<String, Object> options, List<Flag<?>> allowed) {
        Map<String, Entry> entries = new HashMap<>();
        options.forEach((name, value) -> {
            if (allowed.stream().noneMatch(flag -> flag.name().equals(name))) {
                throw new IllegalArgumentException(source + ": unknown setting \"" + name
                        + "\"; it must be an option of \"train --help\" that is not about the run");
            }
            if (!(value instanceof String || value instanceof Number || value instanceof Boolean)) {
                throw new IllegalArgumentException(
                        source + ": " + name + " must be a string, a number, true or false (got " + value + ")");
            }
            entries.put(name, new Entry(value.toString(), source, isPreset));
        });
        return new OptionsFile(entries);
    }

    /** Returns these options with those of another file as defaults. */
    OptionsFile over(OptionsFile other) {
        Map<String, Entry> all = new HashMap<>(other.behind(entries.keySet()).entries);
        all.putAll(entries);
        return new OptionsFile(all);
    }

    /** Returns a copy without the options that the given ones override. */
    OptionsFile behind(Set<String> given) {
        Map<String, Entry> left = new HashMap<>(entries);
        given.forEach(name -> left.keySet().removeAll(OVERRIDES.getOrDefault(name, Set.of())));
        return new OptionsFile(left);
    }

    boolean has(Flag<?> flag) {
        return entries.containsKey(flag.name());
    }

    /** Returns whether the option is set and not by a preset. */
    boolean isGiven(Flag<?> flag) {
        return has(flag) && !entries.get(flag.name()).isPreset();
    }

    <T> T get(Flag<T> flag) throws UsageException {
        Entry entry = entries.get(flag.name());
        if (entry == null) {
            return flag.defaultValue();
        }
        try {
            if (flag.argument().isEmpty()) {
                return toggle(flag, entry.value());
            }
            return flag.reader().apply(entry.value());
        } catch (IllegalArgumentException e) {
            throw new UsageException(entry.source() + ": " + flag.name() + " " + e.getMessage() + " (got "
                    + Shell.quote(entry.value()) + ")");
        }
    }

    private static <T> T toggle(Flag<T> flag, String value) {
        return switch (value) {
            case "true" -> flag.reader().apply("");
            case "false" -> flag.defaultValue();
            default -> throw new IllegalArgumentException("must be true or false");
        };
    }
}
