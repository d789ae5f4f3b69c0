package dev.libretto.cli;

import dev.libretto.CharModel;
import dev.libretto.Draft;
import dev.libretto.device.Devices.Choice;
import dev.libretto.generate.RandomSampler;
import dev.libretto.run.RunDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.stream.IntStream;

/** {@code libretto write}: writes a text together with a model, which offers continuations. */
final class WriteCommand {
    static final Flag<String> PREFIX = Flag.text("prefix", "text to begin with");
    static final Flag<Integer> OFFERS = Flag.integer("offers", "continuations to choose from", 3, 1, 9);
    static final Flag<Integer> LENGTH =
            Flag.integer("length", "characters of each continuation", 20, 1, GenerateCommand.MAX_LENGTH);
    static final Flag<Double> TEMPERATURE =
            Flag.positive("temperature", "sampling temperature: below 1 sharper, above 1 flatter", 0.8);

    /** Characters of the text that are shown before the continuations. */
    private static final int SHOWN = 300;

    private static final int CTRL_D = 4;

    static final Command COMMAND = new Command(
            "write",
            "write a text together with a trained model, which offers continuations",
            "",
            Flag.joined(
                    List.of(GenerateFlags.RUN, GenerateFlags.CHECKPOINT, PREFIX, GenerateFlags.LOAD_STATE),
                    List.of(GenerateFlags.SAVE_STATE, OFFERS, LENGTH, TEMPERATURE, SamplingFlags.TOP_K),
                    List.of(SamplingFlags.TOP_P, SamplingFlags.SEED),
                    DeviceFlags.ONE),
            List.of("write --prefix 分开", "write --load-state song.state --save-state song.state --offers 5"),
            WriteCommand::run);

    private final Console console;
    private final Keys keys;
    private final int offers;
    private final int length;
    private final RandomSampler sampler;
    private final Path saved;
    private final Deque<Draft> earlier = new ArrayDeque<>();
    private Draft draft;
    private long seed;

    private WriteCommand(Arguments arguments, Draft draft, Keys keys, Console console) throws UsageException {
        this.console = console;
        this.keys = keys;
        this.draft = draft;
        offers = arguments.get(OFFERS);
        length = arguments.get(LENGTH);
        sampler = SamplingFlags.random(arguments, arguments.get(TEMPERATURE));
        saved = arguments.get(GenerateFlags.SAVE_STATE);
        seed = arguments.get(SamplingFlags.SEED);
    }

    private static int run(Arguments arguments, Console console) throws Exception {
        for (Flag<?> flag : COMMAND.flags()) {
            arguments.get(flag);
        }
        Path saved = arguments.get(GenerateFlags.SAVE_STATE);
        if (saved != null) {
            Draft.requireReplaceable(saved);
        }
        RunDirectory run = RunDirectory.open(console.runPath(arguments.get(GenerateFlags.RUN)));
        Choice device = DeviceFlags.choose(arguments, console);
        try (CharModel model = CharModel.open(run, arguments.get(GenerateFlags.CHECKPOINT), device, console::warn);
                Keys keys = Keys.of(console.in())) {
            Path state = arguments.get(GenerateFlags.LOAD_STATE);
            Draft draft = state == null ? model.draft() : Draft.read(state, model.decoding(false), model.vocabulary());
            String prefix = arguments.get(PREFIX);
            if (prefix != null) {
                int[] ids =
                        Prefix.encode(model.vocabulary(), prefix, Prefix.quoted(prefix), GenerateFlags.Unknown.ERROR);
                draft = draft.with(ids);
            }
            new WriteCommand(arguments, draft, keys, console).write();
        }
        return 0;
    }

    /** Writes until the user ends it, then prints the text. */
    private void write() throws IOException {
        boolean isRunning = true;
        while (isRunning) {
            List<String> choices = choices();
            show(choices);
            isRunning = act(keys.key(), choices);
        }
        console.print("%s%n", draft.text());
    }

    /** Without a character there is nothing to continue, except for a model of documents. */
    private List<String> choices() {
        return draft.model().beginning().length == 0
                ? List.of()
                : draft.offers(offers, length, sampler, seed).stream()
                        .distinct()
                        .toList();
    }

    private void show(List<String> choices) {
        String text = draft.text();
        int start = text.offsetByCodePoints(text.length(), -Math.min(SHOWN, text.codePointCount(0, text.length())));
        console.err().println("\n" + (start > 0 ? "…" : "") + text.substring(start));
        IntStream.range(0, choices.size())
                .forEach(i -> console.err().println("  " + (i + 1) + "  " + shown(choices.get(i))));
        String digits = choices.size() > 1 ? "1 to " + choices.size() : "1";
        console.note(
                "%s%n",
                choices.isEmpty() ? "Enter type, q end" : digits + " take, Enter type, Space others, u undo, q end");
    }

    /** A document may end here, and then the session does. */
    private static String shown(String choice) {
        return choice.isEmpty() ? "(the end)" : ControlCharacters.escape(choice.replace("\n", "↵"));
    }

    /** Returns whether the session continues. */
    private boolean act(int key, List<String> choices) throws IOException {
        switch (key) {
            case '\n' -> type();
            case ' ' -> seed++;
            case 'u' -> {
                if (!earlier.isEmpty()) {
                    replace(earlier.pop());
                }
            }
            case 'q', CTRL_D -> {
                return false;
            }
            default -> {
                if (key < 0) {
                    return false;
                }
                int chosen = key - '1';
                if (chosen >= 0 && chosen < choices.size()) {
                    add(draft.withOffer(choices.get(chosen)));
                    return !choices.get(chosen).isEmpty();
                }
            }
        }
        return true;
    }

    private void type() throws IOException {
        console.err().print("> ");
        console.err().flush();
        String line = keys.line();
        try {
            add(draft.with(line.isEmpty() ? "\n" : line));
        } catch (IllegalArgumentException e) {
            console.complain(e.getMessage() + "; type other characters");
        }
    }

    private void add(Draft longer) throws IOException {
        earlier.push(draft);
        replace(longer);
    }

    private void replace(Draft other) throws IOException {
        draft = other;
        if (saved != null) {
            draft.save(saved);
        }
    }
}
