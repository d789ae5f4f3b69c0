package dev.libretto.cli;

import dev.libretto.generate.GreedyDecoder;
import dev.libretto.run.RunDirectory;
import dev.libretto.text.Vocabulary;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** {@code libretto generate}: continues prefixes with a trained model. */
final class GenerateCommand implements Command {
    /** The textbook continues each prefix by 50 characters. */
    static final int DEFAULT_LENGTH = 50;

    static final int MAX_LENGTH = 1_000_000_000;

    /** What to do with a character that the model does not know. */
    enum Unknown {
        ERROR,
        SKIP;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static final Flag<Path> RUN = Flag.path("run", "DIR", "run to write with (default the latest, runs/latest)");
    static final Flag<String> PREFIX =
            Flag.text("prefix", "text to continue, at least one; each one given becomes a line");
    static final Flag<Integer> LENGTH =
            Flag.integer("length", "characters to write after each prefix", DEFAULT_LENGTH, 0, MAX_LENGTH);
    static final Flag<Unknown> UNKNOWN = Flag.oneOf(
            "unknown", "what to do with a character of a prefix that the model does not know", Unknown.ERROR);

    private final String name;

    /** @param name {@code generate}, or its other name {@code predict} */
    GenerateCommand(String name) {
        this.name = name;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String summary() {
        return name.equals("generate") ? "continue a text with a trained model" : "the same as generate";
    }

    @Override
    public List<Flag<?>> flags() {
        return List.of(RUN, PREFIX, LENGTH, UNKNOWN, DeviceFlags.DEVICE, DeviceFlags.PRECISION);
    }

    @Override
    public List<String> examples() {
        return List.of(name + " --prefix 分开", name + " --run runs/latest --prefix 分开 --prefix 不分开 --length 200");
    }

    @Override
    public int run(Arguments arguments, Console console) throws Exception {
        int length = arguments.get(LENGTH);
        Unknown unknown = arguments.get(UNKNOWN);
        List<String> prefixes = arguments.getAll(PREFIX);
        Path named = arguments.get(RUN);
        if (prefixes.isEmpty()) {
            throw new UsageException("there is nothing to continue; add --prefix TEXT, such as --prefix 分开");
        }
        RunDirectory run = RunDirectory.open(console.runPath(named));
        Vocabulary vocabulary = run.vocabulary();
        List<int[]> encoded = new ArrayList<>();
        for (String prefix : prefixes) {
            encoded.add(encode(vocabulary, prefix, unknown));
        }
        DeviceFlags.useQuietly(arguments, console);
        GreedyDecoder decoder = new GreedyDecoder(
                run.config().model(), run.newest(console::warn).weights());
        for (int[] prefix : encoded) {
            console.out().print(vocabulary.decode(prefix));
            console.out().flush();
            decoder.continueText(prefix, length, id -> {
                console.out().print(vocabulary.decode(id));
                console.out().flush();
            });
            console.out().println();
        }
        console.out().flush();
        return 0;
    }

    private static int[] encode(Vocabulary vocabulary, String prefix, Unknown unknown) {
        if (unknown == Unknown.SKIP) {
            int[] known = vocabulary.encodeKnown(prefix);
            if (known.length == 0) {
                throw new IllegalArgumentException(
                        "the model knows no character of the prefix \"" + prefix + "\"; give one of its own text");
            }
            return known;
        }
        return Prefix.encode(vocabulary, prefix, "--unknown skip leaves such characters out");
    }
}
