package dev.libretto.cli;

import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.ReportConfig;
import dev.libretto.run.RunConfig;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Sampling;
import dev.libretto.train.CheckpointPolicy;
import dev.libretto.train.CorpusInfo;
import dev.libretto.train.DivergencePolicy;
import dev.libretto.train.TrainConfig;
import dev.libretto.train.ValidationConfig;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The options of {@code libretto train}, with their defaults from the records that they end in. */
final class TrainFlags {
    static final List<String> TEXTBOOK_PREFIXES = List.of("分开", "不分开");

    private static final TrainConfig TEXTBOOK = TrainConfig.TEXTBOOK;

    static final Flag<Path> CORPUS = Flag.path(
            "corpus",
            "FILE",
            "text to learn from: plain, .txt.gz or .txt.zip, or a directory of such; several are joined"
                    + " (default the built-in lyrics)");
    static final Flag<Long> MAX_CHARS = Flag.atLeast(
            0, "max-chars", "characters to use from the start of the text, 0 for all", CorpusOptions.DEFAULT_MAX_CHARS);
    static final Flag<Boolean> KEEP_NEWLINES =
            Flag.toggle("keep-newlines", "keep newlines and carriage returns instead of reading them as spaces");
    static final Flag<Charset> ENCODING =
            Flag.encoding("encoding", "character encoding of the text", StandardCharsets.UTF_8);
    static final Flag<Long> MAX_BYTES = Flag.atLeast(
            1, "max-bytes", "bytes that the text may have once it is unpacked", CorpusOptions.DEFAULT_MAX_BYTES);
    static final Flag<Integer> MIN_COUNT = Flag.integer(
            "min-count",
            "how often a character must occur in the text to be known; rarer ones are one unknown character",
            CorpusOptions.WHOLE_TEXT.minCount(),
            1,
            Integer.MAX_VALUE);
    static final Flag<Path> RUN = Flag.path("run", "DIR", "run directory to write (default runs/ and the time)");
    static final Flag<Boolean> OVERWRITE = Flag.toggle("overwrite", "replace the run that --run names");
    static final Flag<Path> RESUME = Flag.path("resume", "DIR", "run to go on with, from its newest checkpoint");
    static final Flag<CellType> CELL = Flag.oneOf("cell", "recurrent cell", ModelConfig.DEFAULT_CELL);
    static final Flag<Integer> LAYERS =
            Flag.integer("layers", "cells on top of each other", ModelConfig.DEFAULT_LAYERS, 1, ModelConfig.MAX_LAYERS);
    static final Flag<Integer> HIDDEN_SIZE = Flag.integer(
            "hidden-size",
            "hidden units of each layer",
            ModelConfig.DEFAULT_HIDDEN_SIZE,
            1,
            ModelConfig.MAX_HIDDEN_SIZE);
    static final Flag<Integer> EMBEDDING_SIZE = Flag.integer(
            "embedding-size",
            "size of the vector that stands for a character, 0 for one-hot vectors",
            0,
            0,
            ModelConfig.MAX_EMBEDDING_SIZE);
    static final Flag<Boolean> TIE_EMBEDDINGS =
            Flag.toggle("tie-embeddings", "the dense layer uses the embedding, whose size is then the hidden size");
    static final Flag<Double> DROPOUT = Flag.below(
            "dropout", "probability of dropping an element of a layer's output in training", TEXTBOOK.dropout(), 0, 1);
    static final Flag<Integer> SEQ_LENGTH =
            Flag.integer("seq-length", "time steps in a batch", TEXTBOOK.seqLength(), 1, TrainConfig.MAX_SEQ_LENGTH);
    static final Flag<Integer> BATCH_SIZE =
            Flag.integer("batch-size", "rows in a batch", TEXTBOOK.batchSize(), 1, TrainConfig.MAX_BATCH_SIZE);
    static final Flag<Integer> PARTS = Flag.integer(
            "parts",
            "parts that the rows of a batch are split into, to compute them at the same time on a CPU"
                    + " (default one for each core, of at least 8 rows)",
            1,
            TrainConfig.MAX_BATCH_SIZE);
    static final Flag<Integer> EPOCHS = Flag.integer(
            "epochs",
            "passes over the text, 0 saves the untrained model",
            TEXTBOOK.epochs(),
            0,
            TrainConfig.MAX_EPOCHS);
    static final Flag<Sampling> SAMPLING =
            Flag.oneOf("sampling", "how the text is cut into batches", TEXTBOOK.sampling());
    static final Flag<Long> SEED = Flag.seed("seed", "what is random follows from it", TEXTBOOK.seed());
    static final Flag<Double> VALIDATION_FRACTION = Flag.below(
            "validation-fraction",
            "part of the text, from its end, that is not learnt from but measured on after each epoch",
            TEXTBOOK.validation().fraction(),
            0,
            1);
    static final Flag<Path> VALIDATION_CORPUS =
            Flag.path("validation-corpus", "FILE", "another text to measure on after each epoch");
    static final Flag<Integer> PATIENCE = Flag.integer(
            "patience",
            "epochs without a lower validation loss after which training ends, 0 for never",
            TEXTBOOK.validation().patience(),
            0,
            TrainConfig.MAX_EPOCHS);
    static final Flag<OptionsFile.Preset> PRESET = Flag.oneOf(
            "preset", "options to start from, which others on the command line change", OptionsFile.Preset.TEXTBOOK);
    static final Flag<Path> CONFIG =
            Flag.path("config", "FILE", "JSON file of options to start from, such as {\"cell\": \"lstm\"}");
    static final Flag<CheckpointPolicy.Every> CHECKPOINT_EVERY = Flag.parsed(
            "checkpoint-every",
            "WORK",
            "work between two checkpoints: epochs like 5, batches like 200b, minutes like 10m",
            TEXTBOOK.checkpoints().every(),
            CheckpointPolicy.Every::parse);
    static final Flag<Integer> KEEP = Flag.integer(
            "keep",
            "newest checkpoints that stay, beside the best by training loss and the best by validation loss",
            TEXTBOOK.checkpoints().keep(),
            1,
            CheckpointPolicy.MAX_KEEP);
    static final Flag<DivergencePolicy.Action> ON_DIVERGENCE = Flag.oneOf(
            "on-divergence",
            "stop, or go back to the best checkpoint with half the learning rate, when the loss is lost",
            TEXTBOOK.divergence().action());
    static final Flag<Double> DIVERGENCE_FACTOR = Flag.parsed(
            "divergence-factor",
            "X",
            "a batch with more than X times the lowest loss of an epoch is a divergence too; 0 for none",
            TEXTBOOK.divergence().factor(),
            TrainFlags::divergenceFactor);
    static final Flag<Integer> MAX_ROLLBACKS = Flag.integer(
            "max-rollbacks",
            "times to go back before stopping",
            TEXTBOOK.divergence().maxRollbacks(),
            1,
            DivergencePolicy.MAX_ROLLBACKS);
    static final Flag<Integer> REPORT_EVERY = Flag.integer(
            "report-every", "epochs between two reports", ReportConfig.DEFAULT.every(), 1, TrainConfig.MAX_EPOCHS);
    static final Flag<Boolean> TENSORBOARD =
            Flag.toggle("tensorboard", "write event files for TensorBoard into the run directory");
    static final Flag<String> PREFIX = Flag.text(
            "prefix",
            "text to continue in reports, can be given several times (default "
                    + String.join(" and ", TEXTBOOK_PREFIXES)
                    + " where the text has these characters, or else how it begins)");
    static final Flag<Integer> LENGTH = Flag.integer(
            "length",
            "characters to write after each prefix",
            ReportConfig.DEFAULT.length(),
            1,
            ReportConfig.MAX_LENGTH);

    /** Those that a file of options can set, in the order of the help. */
    static final List<Flag<?>> SETTINGS = Stream.of(
                    List.<Flag<?>>of(
                            CORPUS,
                            MAX_CHARS,
                            KEEP_NEWLINES,
                            ENCODING,
                            MAX_BYTES,
                            MIN_COUNT,
                            CELL,
                            LAYERS,
                            HIDDEN_SIZE,
                            EMBEDDING_SIZE,
                            TIE_EMBEDDINGS,
                            DROPOUT,
                            SEQ_LENGTH,
                            BATCH_SIZE,
                            PARTS,
                            SAMPLING,
                            EPOCHS,
                            SEED),
                    OptimizerFlags.ALL,
                    List.of(
                            VALIDATION_FRACTION,
                            VALIDATION_CORPUS,
                            PATIENCE,
                            CHECKPOINT_EVERY,
                            KEEP,
                            ON_DIVERGENCE,
                            DIVERGENCE_FACTOR,
                            MAX_ROLLBACKS,
                            REPORT_EVERY,
                            TENSORBOARD,
                            PREFIX,
                            LENGTH))
            .<Flag<?>>flatMap(List::stream)
            .toList();

    /** All of them, in the order of the help. */
    static final List<Flag<?>> ALL = Stream.of(
                    List.of(RUN, OVERWRITE, RESUME, PRESET, CONFIG),
                    SETTINGS,
                    List.of(DeviceFlags.DEVICE, DeviceFlags.PRECISION))
            .<Flag<?>>flatMap(List::stream)
            .toList();

    private TrainFlags() {}

    private static double divergenceFactor(String value) {
        double factor = Flag.decimal(value);
        if (factor != 0 && !(factor > 1 && factor <= Float.MAX_VALUE)) {
            throw new IllegalArgumentException("must be 0 or a number more than 1");
        }
        return factor;
    }

    /** How the corpus is read. */
    static CorpusOptions corpusOptions(Arguments arguments) throws UsageException {
        return new CorpusOptions(
                arguments.get(MAX_CHARS),
                arguments.get(KEEP_NEWLINES),
                arguments.get(ENCODING),
                arguments.get(MAX_BYTES),
                arguments.get(MIN_COUNT));
    }

    /** The sizes of a new run's model. */
    static ModelConfig modelConfig(Arguments arguments, int vocabularySize) throws UsageException {
        return new ModelConfig(
                arguments.get(CELL),
                vocabularySize,
                arguments.get(HIDDEN_SIZE),
                arguments.get(LAYERS),
                arguments.get(EMBEDDING_SIZE),
                arguments.get(TIE_EMBEDDINGS));
    }

    /**
     * The options with those of the preset and the file behind them that were named.
     *
     * @throws IOException if the file cannot be read
     */
    static Arguments withFiles(Arguments arguments) throws UsageException, IOException {
        Path config = arguments.get(CONFIG);
        OptionsFile preset = arguments.get(PRESET).read(SETTINGS);
        return arguments.with(
                config == null ? preset : OptionsFile.read(config, SETTINGS).over(preset));
    }

    /**
     * What is kept from training.
     *
     * @param corpus the other text that was read for it; null for none
     */
    private static ValidationConfig validationConfig(Arguments arguments, CorpusInfo corpus) throws UsageException {
        double fraction = corpus == null ? arguments.get(VALIDATION_FRACTION) : 0;
        int patience = arguments.get(PATIENCE);
        if (patience > 0 && fraction == 0 && corpus == null) {
            throw new UsageException(
                    "--patience needs a validation loss; add --validation-fraction X or --validation-corpus FILE");
        }
        return new ValidationConfig(fraction, corpus, patience);
    }

    /** The other text to measure on; null where there is none. */
    static Path validationCorpus(Arguments arguments) throws UsageException {
        return arguments.either(VALIDATION_FRACTION, VALIDATION_CORPUS) == VALIDATION_CORPUS
                ? arguments.get(VALIDATION_CORPUS)
                : null;
    }

    /**
     * How a new run is trained.
     *
     * @param validationCorpus the other text that was read to measure on; null for none
     */
    static TrainConfig trainConfig(Arguments arguments, CorpusInfo validationCorpus) throws UsageException {
        int epochs = arguments.get(EPOCHS);
        int batchSize = arguments.get(BATCH_SIZE);
        if (arguments.has(PARTS) && arguments.get(PARTS) > batchSize) {
            throw new UsageException("--parts is " + arguments.get(PARTS) + ", more than the " + batchSize
                    + " rows of a batch; it must be at most --batch-size");
        }
        arguments.requireEffect(MAX_ROLLBACKS, ON_DIVERGENCE, List.of(DivergencePolicy.Action.ROLLBACK));
        return new TrainConfig(
                arguments.get(SEQ_LENGTH),
                batchSize,
                arguments.has(PARTS) ? arguments.get(PARTS) : TrainConfig.partsFor(batchSize),
                arguments.get(SAMPLING),
                epochs,
                OptimizerFlags.config(arguments, epochs),
                arguments.get(DROPOUT),
                arguments.get(SEED),
                validationConfig(arguments, validationCorpus),
                new DivergencePolicy(
                        arguments.get(ON_DIVERGENCE), arguments.get(DIVERGENCE_FACTOR), arguments.get(MAX_ROLLBACKS)),
                new CheckpointPolicy(arguments.get(CHECKPOINT_EVERY), arguments.get(KEEP)));
    }

    /**
     * How a run is trained further: as it was, but for more epochs and other checkpoints.
     *
     * @throws UsageException if an option is given that would change what the run computes
     */
    static TrainConfig resumedConfig(Arguments arguments, RunConfig stored) throws UsageException {
        TrainConfig training = stored.training();
        requireSame(arguments, CELL, stored.model().cell());
        requireSame(arguments, LAYERS, stored.model().layers());
        requireSame(arguments, HIDDEN_SIZE, stored.model().hiddenSize());
        requireSame(arguments, SEQ_LENGTH, training.seqLength());
        requireSame(arguments, BATCH_SIZE, training.batchSize());
        requireSame(arguments, PARTS, training.parts());
        requireSame(arguments, EMBEDDING_SIZE, stored.model().embeddingSize());
        requireSame(arguments, TIE_EMBEDDINGS, stored.model().tieEmbeddings());
        requireSame(arguments, DROPOUT, training.dropout());
        requireSame(arguments, VALIDATION_FRACTION, training.validation().fraction());
        OptimizerFlags.requireSame(arguments, training);
        requireSame(arguments, SAMPLING, training.sampling());
        requireSame(arguments, SEED, training.seed());
        requireSame(arguments, ON_DIVERGENCE, training.divergence().action());
        requireSame(arguments, DIVERGENCE_FACTOR, training.divergence().factor());
        requireSame(arguments, MAX_ROLLBACKS, training.divergence().maxRollbacks());
        requireSame(arguments, MAX_CHARS, stored.corpus().maxChars());
        requireSame(arguments, KEEP_NEWLINES, stored.corpus().keepNewlines());
        requireSame(arguments, MIN_COUNT, stored.corpus().minCount());
        CheckpointPolicy checkpoints = training.checkpoints();
        ValidationConfig validation = training.validation();
        return training.withEpochs(arguments.has(EPOCHS) ? arguments.get(EPOCHS) : training.epochs())
                .withValidation(arguments.has(PATIENCE) ? validation.withPatience(arguments.get(PATIENCE)) : validation)
                .withCheckpoints(new CheckpointPolicy(
                        arguments.has(CHECKPOINT_EVERY) ? arguments.get(CHECKPOINT_EVERY) : checkpoints.every(),
                        arguments.has(KEEP) ? arguments.get(KEEP) : checkpoints.keep()));
    }

    /** What a new run reports. */
    static ReportConfig reportConfig(Arguments arguments) throws UsageException {
        return new ReportConfig(
                arguments.get(REPORT_EVERY),
                arguments.get(LENGTH),
                arguments.getAll(PREFIX),
                arguments.get(TENSORBOARD));
    }

    /** What a resumed run reports: as before, except for the options given. */
    static ReportConfig resumedReportConfig(Arguments arguments, ReportConfig stored) throws UsageException {
        return new ReportConfig(
                arguments.has(REPORT_EVERY) ? arguments.get(REPORT_EVERY) : stored.every(),
                arguments.has(LENGTH) ? arguments.get(LENGTH) : stored.length(),
                arguments.has(PREFIX) ? arguments.getAll(PREFIX) : stored.prefixes(),
                arguments.get(TENSORBOARD) || stored.tensorBoard());
    }

    /** @param stored null where the run has no such value */
    static <T> void requireSame(Arguments arguments, Flag<T> flag, T stored) throws UsageException {
        if (arguments.has(flag) && !arguments.get(flag).equals(stored)) {
            throw new UsageException("--" + flag.name() + " is " + (stored == null ? "not set" : stored)
                    + " in this run and cannot change in it; leave the option out, or start a new run");
        }
    }
}
