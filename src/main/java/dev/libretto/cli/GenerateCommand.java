package dev.libretto.cli;

import dev.libretto.CharModel;
import dev.libretto.Draft;
import dev.libretto.cli.CopyCheck.Found;
import dev.libretto.cli.GenerateFlags.DecoderType;
import dev.libretto.cli.GenerateFlags.Format;
import dev.libretto.cli.GenerateFlags.Unknown;
import dev.libretto.device.DeviceRequest;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.Precision;
import dev.libretto.device.TensorFlowSetup;
import dev.libretto.export.ExecutableModel;
import dev.libretto.generate.Decoder;
import dev.libretto.generate.TextModel;
import dev.libretto.run.RunDirectory;
import dev.libretto.text.Copies;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Ids;
import dev.libretto.text.Vocabulary;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.commons.lang3.ArrayUtils;

/** {@code libretto generate}: continues prefixes with a trained model. */
final class GenerateCommand {
    /** The textbook continues each prefix by 50 characters. */
    static final int DEFAULT_LENGTH = 50;

    /** The length of a document whose end the model does not find. */
    static final int DOCUMENT_LENGTH = 10_000;

    static final int MAX_LENGTH = 1_000_000_000;

    static final Command COMMAND = named("generate", "continue a text with a trained model");
    static final Command ALIAS = named("predict", "alias of generate");

    private GenerateCommand() {}

    private static Command named(String name, String summary) {
        return new Command(
                name,
                summary,
                "",
                GenerateFlags.ALL,
                List.of(
                        name + " --prefix 分开",
                        name + " --run runs/latest --prefix 分开 --prefix 不分开 --length 200",
                        name + " --prefix 分开 --temperature 0.8 --top-p 0.9 --num-samples 5",
                        name + " --prefix 分开 --length 200 --no-repeat 8",
                        name + " --prefixes titles.txt --decoder graph --format jsonl"),
                GenerateCommand::run);
    }

    private static int run(Arguments arguments, Console console) throws Exception {
        checkUsage(arguments);
        if (!isOnnx(arguments)) {
            TensorFlowSetup.loadInBackground();
        }
        if (arguments.has(GenerateFlags.MODEL)) {
            if (!isOnnx(arguments)) {
                DeviceFlags.choose(arguments, console).use();
            }
            try (ExecutableModel model = ExecutableModel.open(arguments.get(GenerateFlags.MODEL))) {
                requirePrefix(arguments, model.vocabulary());
                CorpusOptions reading = CorpusOptions.WHOLE_TEXT
                        .withKeepNewlines(model.settings().keepNewlines())
                        .withNormalization(model.settings().normalization());
                write(
                        model,
                        model.vocabulary(),
                        prefixes(arguments, console, model.vocabulary()),
                        copyCheck(arguments, reading, null, model.vocabulary(), console),
                        arguments,
                        console);
            }
            return 0;
        }
        // Read while TensorFlow's library is loading.
        RunDirectory run = RunDirectory.open(console.runPath(arguments.get(GenerateFlags.RUN)));
        requirePrefix(arguments, run.vocabulary());
        CopyCheck check = copyCheck(arguments, run.config().corpus().options(), run, run.vocabulary(), console);
        Choice device = DeviceFlags.choose(arguments, console);
        try (CharModel model = CharModel.open(run, arguments.get(GenerateFlags.CHECKPOINT), device, console::warn)) {
            Prefixes prefixes = prefixes(arguments, console, run.vocabulary());
            if (!arguments.has(GenerateFlags.ADAPT)) {
                write(model, prefixes, check, arguments, console);
                return 0;
            }
            int[] prefix = prefixes.next().get(0);
            try (CharModel adapted = adapted(model, prefix, arguments.get(GenerateFlags.ADAPT), console)) {
                write(adapted, Prefixes.of(prefix), check, arguments, console);
            }
        }
        return 0;
    }

    private static void write(CharModel model, Prefixes prefixes, CopyCheck check, Arguments arguments, Console console)
            throws Exception {
        boolean withGraph = arguments.get(GenerateFlags.DECODER) == DecoderType.GRAPH;
        write(model.decoding(withGraph), model.vocabulary(), prefixes, check, arguments, console);
    }

    private static CharModel adapted(CharModel model, int[] prefix, double rate, Console console) {
        int[] read = ArrayUtils.addAll(model.decoding(false).beginning(), prefix);
        try (WorkBar bar = console.workBar("learning")) {
            return model.adaptedTo(Ids.of(read), rate, position -> bar.at(position, read.length, () -> " characters"));
        }
    }

    /**
     * Returns what looks for copies; null if that is not wanted.
     *
     * @param reading how a named text is read
     * @param run whose training text is the default; null for an exported model
     */
    private static CopyCheck copyCheck(
            Arguments arguments, CorpusOptions reading, RunDirectory run, Vocabulary vocabulary, Console console)
            throws Exception {
        if (!arguments.get(GenerateFlags.CHECK_COPIES)) {
            return null;
        }
        List<Path> named = arguments.getAll(GenerateFlags.CORPUS);
        Corpus corpus = named.isEmpty()
                ? CorpusLoader.loadAgain(run.config().corpus(), run.path(), GenerateFlags.CORPUS, console)
                : CorpusLoader.load(named, reading.withMaxChars(0), console);
        return new CopyCheck(corpus, vocabulary, console);
    }

    /** @param check null if copies are not to be looked for */
    private static void write(
            TextModel model,
            Vocabulary vocabulary,
            Prefixes prefixes,
            CopyCheck check,
            Arguments arguments,
            Console console)
            throws Exception {
        try (prefixes) {
            int samples = arguments.get(GenerateFlags.NUM_SAMPLES);
            int beams = arguments.get(GenerateFlags.BEAMS);
            Path loaded = arguments.get(GenerateFlags.LOAD_STATE);
            Path saved = arguments.get(GenerateFlags.SAVE_STATE);
            Draft draft = loaded == null ? Draft.of(model, vocabulary) : Draft.read(loaded, model, vocabulary);
            if (saved != null) {
                Draft.requireReplaceable(saved);
            }
            Decoder decoder = new Decoder(draft.model());
            Decoder.Options options = GenerateFlags.options(arguments, vocabulary);
            if (check != null) {
                requireCopiesFit(arguments, options.length());
            }
            SampleWriter output = output(arguments, console, vocabulary);
            for (List<int[]> batch = prefixes.next(); !batch.isEmpty(); batch = prefixes.next()) {
                output.beginBatch(batch, samples);
                CopyCheck.Texts written = new CopyCheck.Texts(batch.size() * samples, output);
                Decoder.Listener listener = check == null && saved == null ? output : written;
                if (beams > 1) {
                    decoder.search(batch, beams, options, listener);
                } else {
                    decoder.write(batch, samples, options, listener);
                }
                List<int[]> texts = written.ids();
                if (saved != null) {
                    draft.with(batch.get(0)).with(texts.get(0)).save(saved);
                }
                List<Found> found = check == null ? List.of() : check.find(texts);
                output.endBatch(found);
                if (arguments.get(GenerateFlags.FORMAT) == Format.TEXT) {
                    found.forEach(copies -> console.note(
                            "copied from %s: %s; longest: %s%n", check.corpusName(), copies.share(), copies.longest()));
                }
            }
        }
    }

    /** Reads every option, so that an invalid one is reported before any work is done. */
    private static void checkUsage(Arguments arguments) throws UsageException {
        for (Flag<?> flag : GenerateFlags.ALL) {
            if (GenerateFlags.REPEATED.contains(flag)) {
                arguments.getAll(flag);
            } else {
                arguments.get(flag);
            }
        }
        GenerateFlags.checkDecoding(arguments);
        for (Flag<?> flag :
                List.of(GenerateFlags.RUN, GenerateFlags.CHECKPOINT, GenerateFlags.DECODER, GenerateFlags.ADAPT)) {
            if (arguments.has(GenerateFlags.MODEL) && arguments.has(flag)) {
                throw new UsageException("--" + flag.name() + " and --model are mutually exclusive");
            }
        }
        if (arguments.has(GenerateFlags.BATCH_SIZE) && !arguments.has(GenerateFlags.PREFIXES)) {
            throw new UsageException("--batch-size has no effect without --prefixes; add --prefixes, or remove it");
        }
        if (arguments.has(GenerateFlags.MODEL)) {
            checkDevice(arguments);
        }
        checkCopies(arguments);
        checkAdapt(arguments);
        if (arguments.has(GenerateFlags.SAVE_STATE)
                && (arguments.getAll(GenerateFlags.PREFIX).size() > 1
                        || arguments.has(GenerateFlags.PREFIXES)
                        || arguments.get(GenerateFlags.NUM_SAMPLES) > 1)) {
            throw new UsageException("--save-state saves the state of one text; use one prefix and one sample");
        }
        List<String> sources = sources(arguments);
        if (sources.size() > 1) {
            throw new UsageException(String.join(" and ", sources) + " are mutually exclusive");
        }
    }

    private static void checkAdapt(Arguments arguments) throws UsageException {
        if (!arguments.has(GenerateFlags.ADAPT)) {
            return;
        }
        for (Flag<?> flag : List.of(GenerateFlags.LOAD_STATE, GenerateFlags.SAVE_STATE)) {
            if (arguments.has(flag)) {
                throw new UsageException(
                        "--adapt changes the weights, which a saved state does not have; remove --adapt or --"
                                + flag.name());
            }
        }
        if (arguments.has(GenerateFlags.PREFIXES)
                || arguments.getAll(GenerateFlags.PREFIX).size() > 1) {
            throw new UsageException("--adapt learns from one text; use one prefix");
        }
        if (sources(arguments).isEmpty()) {
            throw new UsageException("--adapt learns from the prefix; add --prefix-file FILE");
        }
    }

    private static List<String> sources(Arguments arguments) {
        return Stream.of(GenerateFlags.PREFIX, GenerateFlags.PREFIX_FILE, GenerateFlags.PREFIXES)
                .filter(arguments::has)
                .map(flag -> "--" + flag.name())
                .toList();
    }

    private static void requirePrefix(Arguments arguments, Vocabulary vocabulary) throws UsageException {
        if (sources(arguments).isEmpty() && !vocabulary.hasEnd() && !arguments.has(GenerateFlags.LOAD_STATE)) {
            throw new UsageException("missing prefix; add --prefix TEXT, such as --prefix 分开");
        }
    }

    private static void checkCopies(Arguments arguments) throws UsageException {
        boolean isNamed = arguments.has(GenerateFlags.CORPUS);
        if (!arguments.get(GenerateFlags.CHECK_COPIES)) {
            if (isNamed) {
                throw new UsageException("--corpus has no effect without --check-copies; add it, or remove --corpus");
            }
            return;
        }
        if (arguments.has(GenerateFlags.MODEL) && !isNamed) {
            throw new UsageException(
                    "an exported model does not know its training text; add --corpus FILE to --check-copies");
        }
    }

    private static void requireCopiesFit(Arguments arguments, int length) throws UsageException {
        long prefixes = arguments.has(GenerateFlags.PREFIXES) ? arguments.get(GenerateFlags.BATCH_SIZE) : 1;
        long rows = prefixes * arguments.get(GenerateFlags.NUM_SAMPLES);
        if (rows * (length + 1L) > Copies.MAX_CHARACTERS) {
            throw new UsageException(String.format(
                    Locale.ROOT,
                    "--check-copies compares at most %,d characters at once, and this may be %d texts of %,d; use a smaller"
                            + " --length, --num-samples or --batch-size",
                    Copies.MAX_CHARACTERS,
                    rows,
                    length));
        }
    }

    /** An exported model fixes its own device and precision. */
    private static void checkDevice(Arguments arguments) throws UsageException {
        Precision precision = arguments.get(DeviceFlags.PRECISION);
        if (isOnnx(arguments)) {
            if (arguments.get(DeviceFlags.DEVICE).kind() == DeviceRequest.Kind.GPU) {
                throw new UsageException(
                        "ONNX models run on the CPU only; remove --device, or use --run or a SavedModel");
            }
            if (precision != Precision.FLOAT32) {
                throw new UsageException("ONNX models run in float32 only; remove --precision");
            }
        } else if (precision == Precision.BFLOAT16) {
            throw new UsageException("SavedModels do not support bfloat16; remove --precision, or use --run");
        }
    }

    private static boolean isOnnx(Arguments arguments) throws UsageException {
        return arguments.has(GenerateFlags.MODEL) && ExecutableModel.isOnnx(arguments.get(GenerateFlags.MODEL));
    }

    private static Prefixes prefixes(Arguments arguments, Console console, Vocabulary vocabulary)
            throws UsageException, IOException {
        Unknown unknown = arguments.get(GenerateFlags.UNKNOWN);
        Path file = arguments.get(GenerateFlags.PREFIX_FILE);
        Path lines = arguments.get(GenerateFlags.PREFIXES);
        if (lines != null) {
            return Prefixes.lines(lines, arguments.get(GenerateFlags.BATCH_SIZE), console, vocabulary, unknown);
        }
        if (file != null) {
            return Prefixes.file(file, console, vocabulary, unknown);
        }
        List<String> texts = arguments.getAll(GenerateFlags.PREFIX);
        return texts.isEmpty() ? Prefixes.empty() : Prefixes.given(texts, vocabulary, unknown);
    }

    private static SampleWriter output(Arguments arguments, Console console, Vocabulary vocabulary)
            throws UsageException {
        boolean logProbabilities = GenerateFlags.printsLogprobs(arguments);
        Long seed = arguments.get(SamplingFlags.TEMPERATURE) > 0 ? arguments.get(SamplingFlags.SEED) : null;
        return arguments.get(GenerateFlags.FORMAT) == Format.JSONL
                ? new JsonLinesWriter(
                        console.out(),
                        vocabulary,
                        seed,
                        logProbabilities,
                        arguments.get(GenerateFlags.TOP_LOGPROBS) > 0)
                : new PlainTextWriter(console.out(), vocabulary, logProbabilities);
    }
}
