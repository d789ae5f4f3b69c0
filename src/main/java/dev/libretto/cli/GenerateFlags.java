package dev.libretto.cli;

import dev.libretto.generate.Decoder;
import dev.libretto.generate.RandomSampler;
import dev.libretto.generate.Sampler;
import dev.libretto.run.RunDirectory.Which;
import dev.libretto.text.Vocabulary;
import java.nio.file.Path;
import java.util.List;

final class GenerateFlags {
    enum Unknown {
        ERROR,
        SKIP
    }

    enum DecoderType {
        EAGER,
        GRAPH
    }

    enum Format {
        TEXT,
        JSONL
    }

    static final Flag<Path> RUN = Flag.path("run", "DIR", "run to generate with (default the latest, runs/latest)");
    static final Flag<Which> CHECKPOINT = Flag.oneOf(
            "checkpoint", "weights to use: best (lowest validation loss, if the run has one) or last", Which.BEST);
    static final Flag<Path> MODEL = Flag.path(
            "model", "PATH", "exported model to generate with instead: an ONNX file, or the directory of a SavedModel");
    static final Flag<String> PREFIX = Flag.text(
            "prefix", "text to continue; repeat it for several; without one, a model of documents writes whole ones");
    static final Flag<Path> PREFIX_FILE = Flag.path(
            "prefix-file", "FILE", "file whose whole text is continued, without its last line end; - for stdin");
    static final Flag<Path> PREFIXES =
            Flag.path("prefixes", "FILE", "file with one text to continue per line; - for stdin");
    static final Flag<Integer> BATCH_SIZE = Flag.integer("batch-size", "lines of --prefixes per batch", 64, 1, 65_536);
    static final Flag<Integer> LENGTH = Flag.integer(
            "length",
            "the most characters to generate after each prefix (default " + GenerateCommand.DEFAULT_LENGTH + "; "
                    + GenerateCommand.DOCUMENT_LENGTH + " for a model of documents, which ends them itself)",
            null,
            0,
            GenerateCommand.MAX_LENGTH);
    static final Flag<String> STOP = Flag.text("stop", "stop early when this text is produced; it is not printed");
    static final Flag<Double> TEMPERATURE = Flag.notNegative(
            "temperature", "sampling temperature: below 1 sharper, above 1 flatter; 0 decodes greedily", 0);
    static final Flag<Integer> TOP_K =
            Flag.integer("top-k", "sample from the N most likely characters, 0 for all", 0, 0, 10_000_000);
    static final Flag<Double> TOP_P = Flag.parsed(
            "top-p",
            "P",
            "nucleus sampling: keep the smallest set of characters whose total probability is at least P",
            1.0,
            Flag.number(p -> p > 0 && p <= 1, "must be greater than 0 and at most 1"));
    static final Flag<Long> SEED = Flag.atLeast(Long.MIN_VALUE, "seed", "random seed of the samples", 1);
    static final Flag<Integer> NUM_SAMPLES =
            Flag.integer("num-samples", "samples per prefix, computed in one batch", 1, 1, 65_536);
    static final Flag<Boolean> LOGPROBS = Flag.toggle("logprobs", "print the log-probability of each character");
    static final Flag<Format> FORMAT = Flag.oneOf("format", "text, or jsonl: one JSON object per line", Format.TEXT);
    static final Flag<DecoderType> DECODER =
            Flag.oneOf("decoder", "eager runs one operation at a time, graph many steps at once", DecoderType.EAGER);
    static final Flag<Unknown> UNKNOWN =
            Flag.oneOf("unknown", "what to do with prefix characters that the model does not know", Unknown.ERROR);

    private static final List<Flag<?>> SOURCES =
            List.of(RUN, CHECKPOINT, MODEL, PREFIX, PREFIX_FILE, PREFIXES, BATCH_SIZE);
    private static final List<Flag<?>> DECODING =
            List.of(LENGTH, STOP, TEMPERATURE, TOP_K, TOP_P, SEED, NUM_SAMPLES, LOGPROBS, FORMAT, DECODER, UNKNOWN);

    static final List<Flag<?>> ALL = Flag.joined(SOURCES, DECODING, DeviceFlags.ONE);

    private GenerateFlags() {}

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
                        "--" + flag.name() + " has no effect on greedy decoding; add --temperature X, such as 1");
            }
        }
        return Sampler.GREEDY;
    }

    static Decoder.Options options(Arguments arguments, Vocabulary vocabulary) throws UsageException {
        String stop = arguments.get(STOP);
        int[] stopIds = stop == null
                ? new int[0]
                : Prefix.encode(vocabulary, stop, "--stop", "the model never produces it, so remove --stop");
        boolean scored = arguments.get(LOGPROBS) || arguments.get(FORMAT) == Format.JSONL;
        int length = arguments.getOr(
                LENGTH, vocabulary.hasEnd() ? GenerateCommand.DOCUMENT_LENGTH : GenerateCommand.DEFAULT_LENGTH);
        return new Decoder.Options(length, sampler(arguments), arguments.get(SEED), stopIds, scored);
    }
}
