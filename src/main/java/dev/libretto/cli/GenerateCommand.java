package dev.libretto.cli;

import dev.libretto.cli.GenerateFlags.Format;
import dev.libretto.cli.GenerateFlags.Unknown;
import dev.libretto.device.DeviceRequest;
import dev.libretto.device.Precision;
import dev.libretto.device.TensorFlowSetup;
import dev.libretto.export.ExecutableModel;
import dev.libretto.generate.Decoder;
import dev.libretto.generate.TextModel;
import dev.libretto.model.Weights;
import dev.libretto.run.RunDirectory;
import dev.libretto.text.Vocabulary;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** {@code libretto generate}: continues prefixes with a trained model. */
final class GenerateCommand implements Command {
    /** The textbook continues each prefix by 50 characters. */
    static final int DEFAULT_LENGTH = 50;

    static final int MAX_LENGTH = 1_000_000_000;

    private final String name;

    /** @param name {@code generate} or its alias {@code predict} */
    GenerateCommand(String name) {
        this.name = name;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String summary() {
        return name.equals("generate") ? "continue a text with a trained model" : "alias of generate";
    }

    @Override
    public List<Flag<?>> flags() {
        return GenerateFlags.ALL;
    }

    @Override
    public List<String> examples() {
        return List.of(
                name + " --prefix 分开",
                name + " --run runs/latest --prefix 分开 --prefix 不分开 --length 200",
                name + " --prefix 分开 --temperature 0.8 --top-p 0.9 --num-samples 5",
                name + " --prefixes titles.txt --decoder graph --format jsonl");
    }

    @Override
    public int run(Arguments arguments, Console console) throws Exception {
        checkUsage(arguments);
        int samples = arguments.get(GenerateFlags.NUM_SAMPLES);
        if (!isOnnx(arguments)) {
            TensorFlowSetup.loadInBackground();
        }
        Source source = open(arguments, console);
        try (TextModel model = source.model();
                Prefixes prefixes = prefixes(arguments, console, source.vocabulary())) {
            Decoder decoder = new Decoder(model);
            Decoder.Options options = GenerateFlags.options(arguments, source.vocabulary());
            SampleWriter output = output(arguments, console, source.vocabulary());
            for (List<int[]> batch = prefixes.next(); !batch.isEmpty(); batch = prefixes.next()) {
                output.beginBatch(batch, samples);
                decoder.write(batch, samples, options, output);
                output.endBatch();
            }
        }
        return 0;
    }

    private record Source(TextModel model, Vocabulary vocabulary) {}

    /** Opens the run while TensorFlow's library is loading; only reading the checkpoint needs the library. */
    private static Source open(Arguments arguments, Console console) throws Exception {
        Path exported = arguments.get(GenerateFlags.MODEL);
        if (exported != null) {
            if (!isOnnx(arguments)) {
                DeviceFlags.useQuietly(arguments, console);
            }
            ExecutableModel model = ExecutableModel.open(exported);
            return new Source(model, model.vocabulary());
        }
        RunDirectory run = RunDirectory.open(console.runPath(arguments.get(GenerateFlags.RUN)));
        DeviceFlags.useQuietly(arguments, console);
        Weights weights = run.checkpoint(arguments.get(GenerateFlags.CHECKPOINT), console::warn)
                .weights();
        return new Source(arguments.get(GenerateFlags.DECODER).open(run.config().model(), weights), run.vocabulary());
    }

    /** Reads every option, so that an invalid one is reported before any work is done. */
    private static void checkUsage(Arguments arguments) throws UsageException {
        for (Flag<?> flag : GenerateFlags.ALL) {
            if (flag == GenerateFlags.PREFIX) {
                arguments.getAll(flag);
            } else {
                arguments.get(flag);
            }
        }
        GenerateFlags.sampler(arguments);
        for (Flag<?> flag : List.of(GenerateFlags.RUN, GenerateFlags.CHECKPOINT, GenerateFlags.DECODER)) {
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
        List<String> sources = Stream.of(GenerateFlags.PREFIX, GenerateFlags.PREFIX_FILE, GenerateFlags.PREFIXES)
                .filter(arguments::has)
                .map(flag -> "--" + flag.name())
                .toList();
        if (sources.isEmpty()) {
            throw new UsageException("missing prefix; add --prefix TEXT, such as --prefix 分开");
        }
        if (sources.size() > 1) {
            throw new UsageException(String.join(" and ", sources) + " are mutually exclusive");
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
        return file != null
                ? Prefixes.file(file, console, vocabulary, unknown)
                : Prefixes.given(arguments.getAll(GenerateFlags.PREFIX), vocabulary, unknown);
    }

    private static SampleWriter output(Arguments arguments, Console console, Vocabulary vocabulary)
            throws UsageException {
        boolean logProbabilities = arguments.get(GenerateFlags.LOGPROBS);
        Long seed = arguments.get(GenerateFlags.TEMPERATURE) > 0 ? arguments.get(GenerateFlags.SEED) : null;
        return arguments.get(GenerateFlags.FORMAT) == Format.JSONL
                ? new JsonLinesWriter(console.out(), vocabulary, seed, logProbabilities)
                : new PlainTextWriter(console.out(), vocabulary, logProbabilities);
    }
}
