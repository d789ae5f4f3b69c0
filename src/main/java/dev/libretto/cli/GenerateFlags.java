package dev.libretto.cli;

import dev.libretto.generate.Decoder;
import dev.libretto.generate.EagerModel;
import dev.libretto.generate.GraphModel;
import dev.libretto.generate.RandomSampler;
import dev.libretto.generate.Sampler;
import dev.libretto.generate.TextModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import dev.libretto.run.RunDirectory.Which;
import dev.libretto.text.Vocabulary;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** The options of {@code generate}, and what they say about decoding. */
final class GenerateFlags {
    /** What to do with a character that the model does not know. */
    enum Unknown {
        ERROR,
        SKIP;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What computes the model. */
    enum DecoderType {
        EAGER {
            @Override
            TextModel open(ModelConfig config, Weights weights) {
                return new EagerModel(config, weights);
            }
        },
        GRAPH {
            @Override
            TextModel open(ModelConfig config, Weights weights) {
                return new GraphModel(config, weights);
            }
        };

        /** The model, which the caller closes. */
        abstract TextModel open(ModelConfig config, Weights weights);

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What the output looks like. */
    enum Format {
        TEXT,
        JSONL;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static final Flag<Path> RUN = Flag.path("run", "DIR", "run to write with (default the latest, runs/latest)");
    static final Flag<Which> CHECKPOINT = Flag.oneOf(
            "checkpoint",
            "weights to use: those of the lowest validation loss, if there is one, or the last",
            Which.BEST);
    static final Flag<Path> MODEL = Flag.path(
            "model", "PATH", "exported model to write with instead: an ONNX file, or the directory of a SavedModel");
    static final Flag<String> PREFIX =
            Flag.text("prefix", "text to continue, at least one; each one given becomes a line");
    static final Flag<Path> PREFIX_FILE = Flag.path(
            "prefix-file",
            "FILE",
            "file, or - for stdin, whose whole text is the one to continue; the last line end is not");
    static final Flag<Path> PREFIXES = Flag.path(
            "prefixes", "FILE", "file, or - for stdin, with a text to continue on each line, computed in batches");
    static final Flag<Integer> BATCH_SIZE =
            Flag.integer("batch-size", "lines of --prefixes that are computed at once", 64, 1, 65_536);
    static final Flag<Integer> LENGTH = Flag.integer(
            "length",
            "characters to write after each prefix",
            GenerateCommand.DEFAULT_LENGTH,
            0,
            GenerateCommand.MAX_LENGTH);
    static final Flag<String> STOP =
            Flag.text("stop", "text that ends a continuation before --length does; it is not printed");
    static final Flag<Double> TEMPERATURE = Flag.parsed(
            "temperature",
            "X",
            "draw from the model's distribution, sharper below 1 and flatter above; 0 takes the most likely character",
            0.0,
            GenerateFlags::temperature);
    static final Flag<Integer> TOP_K =
            Flag.integer("top-k", "draw from the N most likely characters, 0 for all", 0, 0, 10_000_000);
    static final Flag<Double> TOP_P = Flag.parsed(
            "top-p",
            "P",
            "draw from the fewest likely characters that have the part P of the probability, at most 1",
            1.0,
            GenerateFlags::topP);
    static final Flag<Long> SEED = Flag.seed("seed", "what is drawn follows from it", 1);
    static final Flag<Integer> NUM_SAMPLES =
            Flag.integer("num-samples", "texts to draw for each prefix, computed at once", 1, 1, 65_536);
    static final Flag<Boolean> LOGPROBS = Flag.toggle(
            "logprobs", "show the log-probability of each character: as text, a line for each; in jsonl, a list");
    static final Flag<Format> FORMAT =
            Flag.oneOf("format", "text, or jsonl for a JSON object on each line", Format.TEXT);
    static final Flag<DecoderType> DECODER = Flag.oneOf(
            "decoder", "compute operation by operation, or by a graph of many steps for bulk work", DecoderType.EAGER);
    static final Flag<Unknown> UNKNOWN = Flag.oneOf(
            "unknown", "what to do with a character of a prefix that the model does not know", Unknown.ERROR);

    static final List<Flag<?>> ALL = List.of(
            RUN,
            CHECKPOINT,
            MODEL,
            PREFIX,
            PREFIX_FILE,
            PREFIXES,
            BATCH_SIZE,
            LENGTH,
            STOP,
            TEMPERATURE,
            TOP_K,
            TOP_P,
            SEED,
            NUM_SAMPLES,
            LOGPROBS,
            FORMAT,
            DECODER,
            UNKNOWN,
            DeviceFlags.DEVICE,
            DeviceFlags.PRECISION);

    private GenerateFlags() {}

    private static double temperature(String value) {
        double number = Flag.decimal(value);
        if (!(number >= 0 && number <= Float.MAX_VALUE)) {
            throw new IllegalArgumentException("must be 0 or a number more than 0, such as 0.8");
        }
        return number;
    }

    private static double topP(String value) {
        double number = Flag.decimal(value);
        if (!(number > 0 && number <= 1)) {
            throw new IllegalArgumentException("must be a number more than 0 and at most 1, such as 0.9");
        }
        return number;
    }

    /**
     * How texts are continued.
     *
     * @throws UsageException if options are given that only drawing takes, and nothing is drawn
     */
    static Sampler sampler(Arguments arguments) throws UsageException {
        double temperature = arguments.get(TEMPERATURE);
        int topK = arguments.get(TOP_K);
        double topP = arguments.get(TOP_P);
        if (temperature > 0) {
            return new RandomSampler(temperature, topK == 0 ? RandomSampler.ALL : topK, topP);
        }
        for (Flag<?> flag : List.of(TOP_K, TOP_P, SEED, NUM_SAMPLES)) {
            if (arguments.has(flag)) {
                throw new UsageException(
                        "--" + flag.name()
                                + " is for drawing, and without a temperature nothing is drawn; add --temperature X, such as 1");
            }
        }
        return Sampler.GREEDY;
    }

    /**
     * All that decoding is told.
     *
     * @throws IllegalArgumentException if the model does not know a character of the text that ends continuations
     */
    static Decoder.Options options(Arguments arguments, Vocabulary vocabulary) throws UsageException {
        boolean logProbabilities = arguments.get(LOGPROBS) || arguments.get(FORMAT) == Format.JSONL;
        return new Decoder.Options(
                arguments.get(LENGTH),
                sampler(arguments),
                arguments.get(SEED),
                stop(vocabulary, arguments.get(STOP)),
                logProbabilities);
    }

    private static int[] stop(Vocabulary vocabulary, String text) {
        return text == null
                ? new int[0]
                : Prefix.encode(vocabulary, text, "the text of --stop", "the model never writes it; leave it out");
    }
}
