package dev.libretto.cli;

import dev.libretto.CharModel;
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
import dev.libretto.text.Vocabulary;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

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
                write(model, model.vocabulary(), arguments, console);
            }
            return 0;
        }
        // Read while TensorFlow's library is loading, which only the checkpoint needs.
        RunDirectory run = RunDirectory.open(console.runPath(arguments.get(GenerateFlags.RUN)));
        requirePrefix(arguments, run.vocabulary());
        Choice device = DeviceFlags.choose(arguments, console);
        try (CharModel model = CharModel.open(run, arguments.get(GenerateFlags.CHECKPOINT), device, console::warn)) {
            boolean withGraph = arguments.get(GenerateFlags.DECODER) == DecoderType.GRAPH;
            write(model.decoding(withGraph), model.vocabulary(), arguments, console);
        }
        return 0;
    }

    private static void write(TextModel model, Vocabulary vocabulary, Arguments arguments, Console console)
            throws Exception {
        int samples = arguments.get(GenerateFlags.NUM_SAMPLES);
        int beams = arguments.get(GenerateFlags.BEAMS);
        Decoder decoder = new Decoder(model);
        try (Prefixes prefixes = prefixes(arguments, console, vocabulary)) {
            Decoder.Options options = GenerateFlags.options(arguments, vocabulary);
            SampleWriter output = output(arguments, console, vocabulary);
            for (List<int[]> batch = prefixes.next(); !batch.isEmpty(); batch = prefixes.next()) {
                output.beginBatch(batch, samples);
                if (beams > 1) {
                    decoder.search(batch, beams, options, output);
                } else {
                    decoder.write(batch, samples, options, output);
                }
                output.endBatch();
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
        List<String> sources = sources(arguments);
        if (sources.size() > 1) {
            throw new UsageException(String.join(" and ", sources) + " are mutually exclusive");
        }
    }

    private static List<String> sources(Arguments arguments) {
        return Stream.of(GenerateFlags.PREFIX, GenerateFlags.PREFIX_FILE, GenerateFlags.PREFIXES)
                .filter(arguments::has)
                .map(flag -> "--" + flag.name())
                .toList();
    }

    private static void requirePrefix(Arguments arguments, Vocabulary vocabulary) throws UsageException {
        if (sources(arguments).isEmpty() && !vocabulary.hasEnd()) {
            throw new UsageException("missing prefix; add --prefix TEXT, such as --prefix 分开");
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
