package dev.libretto.cli;

import dev.libretto.generate.Decoder;
import dev.libretto.run.RunDirectory.Which;
import dev.libretto.text.Vocabulary;
import java.nio.file.Path;
import java.util.ArrayList;
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
    static final Flag<String> STOP =
            Flag.text("stop", "stop early when this text is produced; it is not printed; repeat it for several");
    static final Flag<Integer> NUM_SAMPLES =
            Flag.integer("num-samples", "samples per prefix, computed in one batch", 1, 1, 65_536);
    static final Flag<Integer> BEAMS = Flag.integer(
            "beams", "beam search: keep the N likeliest beginnings, and write the likeliest text", 1, 1, 1024);
    static final Flag<Boolean> LOGPROBS =
            Flag.toggle("logprobs", "print the log-probability of each character, the prefix's included");
    static final Flag<Integer> TOP_LOGPROBS = Flag.integer(
            "top-logprobs",
            "with --format jsonl: also the N most likely characters in each one's place; implies --logprobs",
            0,
            0,
            1000);
    static final Flag<Format> FORMAT = Flag.oneOf("format", "text, or jsonl: one JSON object per line", Format.TEXT);
    static final Flag<DecoderType> DECODER =
            Flag.oneOf("decoder", "eager runs one operation at a time, graph many steps at once", DecoderType.EAGER);
    static final Flag<Unknown> UNKNOWN =
            Flag.oneOf("unknown", "what to do with prefix characters that the model does not know", Unknown.ERROR);

    static final Flag<Boolean> CHECK_COPIES =
            Flag.toggle("check-copies", "say how much of each text stands in the training text");
    static final Flag<Path> CORPUS =
            Flag.path("corpus", "FILE", "text for --check-copies to look in (default the run's training text)");
    static final Flag<Double> ADAPT =
            Flag.positive("adapt", "learn from the prefix while reading it, at this learning rate, such as 0.1");
    static final Flag<Path> LOAD_STATE = Flag.path(
            "load-state", "FILE", "continue the text whose state --save-state saved, without reading it again");
    static final Flag<Path> SAVE_STATE =
            Flag.path("save-state", "FILE", "save the model's state after the text, for --load-state");

    private static final List<Flag<?>> SOURCES =
            List.of(RUN, CHECKPOINT, MODEL, PREFIX, PREFIX_FILE, PREFIXES, BATCH_SIZE, ADAPT, LOAD_STATE, SAVE_STATE);
    private static final List<Flag<?>> DECODING = List.of(LENGTH, STOP, NUM_SAMPLES, BEAMS);
    private static final List<Flag<?>> OUTPUT = List.of(LOGPROBS, TOP_LOGPROBS, FORMAT, DECODER, UNKNOWN);

    private static final List<Flag<?>> COPIES = List.of(CHECK_COPIES, CORPUS);

    /** Those that may be given several times. */
    static final List<Flag<?>> REPEATED = List.of(PREFIX, CORPUS, STOP, SamplingFlags.BIAS);

    static final List<Flag<?>> ALL = Flag.joined(SOURCES, DECODING, SamplingFlags.ALL, OUTPUT, COPIES, DeviceFlags.ONE);

    private GenerateFlags() {}

    /** Throws if an option of the decoding has no effect. */
    static void checkDecoding(Arguments arguments) throws UsageException {
        SamplingFlags.check(arguments);
        boolean isRandom = arguments.get(SamplingFlags.TEMPERATURE) > 0;
        if (arguments.has(NUM_SAMPLES) && !isRandom) {
            throw SamplingFlags.withoutEffect(NUM_SAMPLES);
        }
        if (arguments.get(BEAMS) > 1 && isRandom) {
            throw new UsageException("--beams and --temperature are mutually exclusive");
        }
        if (arguments.get(TOP_LOGPROBS) > 0 && arguments.get(FORMAT) != Format.JSONL) {
            throw new UsageException("--top-logprobs requires --format jsonl; add it, or use --logprobs");
        }
    }

    /** Returns whether log-probabilities are printed for each character. */
    static boolean printsLogprobs(Arguments arguments) throws UsageException {
        return arguments.get(LOGPROBS) || arguments.get(TOP_LOGPROBS) > 0;
    }

    static Decoder.Options options(Arguments arguments, Vocabulary vocabulary) throws UsageException {
        List<int[]> stop = new ArrayList<>();
        for (String text : arguments.getAll(STOP)) {
            stop.add(Prefix.encode(
                    vocabulary::encodeWritten, text, "--stop", "the model never produces it, so remove --stop"));
        }
        boolean isEach = printsLogprobs(arguments);
        Decoder.Scoring scoring = new Decoder.Scoring(
                isEach, isEach || arguments.get(FORMAT) == Format.JSONL, arguments.get(TOP_LOGPROBS));
        int length = arguments.getOr(
                LENGTH, vocabulary.hasEnd() ? GenerateCommand.DOCUMENT_LENGTH : GenerateCommand.DEFAULT_LENGTH);
        return new Decoder.Options(
                length, SamplingFlags.sampler(arguments, vocabulary), arguments.get(SamplingFlags.SEED), stop, scoring);
    }
}
