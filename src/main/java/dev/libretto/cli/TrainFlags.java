package dev.libretto.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.Json;
import dev.libretto.run.ReportConfig;
import dev.libretto.run.RunConfig;
import dev.libretto.text.BadBytes;
import dev.libretto.text.Batches.Sampling;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Documents;
import dev.libretto.text.Normalization;
import dev.libretto.text.VocabularyChoice;
import dev.libretto.train.CheckpointPolicy;
import dev.libretto.train.CorpusInfo;
import dev.libretto.train.DivergencePolicy;
import dev.libretto.train.Progress;
import dev.libretto.train.TrainConfig;
import dev.libretto.train.ValidationConfig;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

final class TrainFlags {
    static final List<String> TEXTBOOK_PREFIXES = List.of("分开", "不分开");

    private static final TrainConfig TEXTBOOK = TrainConfig.TEXTBOOK;

    static final Flag<Path> CORPUS = Flag.path(
            "corpus",
            "FILE",
            "text to train on, packed or not, or a directory of texts, or - for stdin; repeat it to concatenate several"
                    + " (default the built-in lyrics)");
    static final Flag<String> INCLUDE = Flag.text(
            "include",
            "PATTERN",
            "files of a directory or archive to read, such as '*.md'; repeat it for several (default '*.txt')");
    static final Flag<Long> MAX_CHARS = Flag.atLeast(
            0, "max-chars", "characters to use from the start of the text, 0 for all", CorpusOptions.DEFAULT_MAX_CHARS);
    static final Flag<Boolean> KEEP_NEWLINES =
            Flag.toggle("keep-newlines", "keep newlines instead of reading them as spaces");
    static final Flag<Documents> DOCUMENTS = Flag.oneOf(
            "documents",
            "what of the text is a document, with an end that the model learns and a state of its own: nothing, each line, each"
                    + " file, or what is between blank lines",
            CorpusOptions.WHOLE_TEXT.documents());
    static final Flag<Charset> ENCODING =
            Flag.encoding("encoding", "character encoding of the text", StandardCharsets.UTF_8);
    static final Flag<BadBytes> BAD_BYTES = Flag.oneOf(
            "bad-bytes", "what to do with bytes that are not in the encoding; replace by U+FFFD", BadBytes.ERROR);
    static final Flag<Normalization> NORMALIZE = Flag.oneOf(
            "normalize", "Unicode normalization form of this text and of all that the model reads", Normalization.NONE);
    static final Flag<Long> MAX_BYTES =
            Flag.atLeast(1, "max-bytes", "maximum size of the unpacked text in bytes", CorpusOptions.DEFAULT_MAX_BYTES);
    static final Flag<Integer> MIN_COUNT = Flag.integer(
            "min-count",
            "how often a character must occur to enter the vocabulary; rarer ones become one unknown character",
            CorpusOptions.WHOLE_TEXT.minCount(),
            1,
            Integer.MAX_VALUE);
    static final Flag<Path> RUN = Flag.path("run", "DIR", "run directory to write (default runs/ and the time)");
    static final Flag<Boolean> OVERWRITE = Flag.toggle("overwrite", "replace the run at --run");
    static final Flag<Path> RESUME = Flag.path("resume", "DIR", "resume this run from its newest checkpoint");
    static final Flag<Boolean> EXTEND_SCHEDULE = Flag.toggle(
            "extend-schedule", "with --resume: let the learning rate decay over all epochs, --epochs included");
    static final Flag<Path> INIT_FROM = Flag.path(
            "init-from",
            "RUN|FILE",
            "start from the weights of this run or safetensors file, which decide the cell and the sizes");
    static final Flag<VocabularyChoice> VOCABULARY = Flag.oneOf(
            "vocabulary",
            "with --init-from: characters of that model and of the text, of the text, or of that model",
            VocabularyChoice.UNION);
    static final Flag<List<String>> FREEZE = new Flag<>(
            "freeze",
            "LAYER,...",
            "layers that training leaves as they are: embedding, layer_0 or just 0, and so on, dense",
            null,
            TrainFlags::layers);
    static final Flag<CellType> CELL = Flag.oneOf("cell", "recurrent cell", ModelConfig.DEFAULT_CELL);
    static final Flag<Integer> LAYERS =
            Flag.integer("layers", "stacked layers", ModelConfig.DEFAULT_LAYERS, 1, ModelConfig.MAX_LAYERS);
    static final Flag<Integer> HIDDEN_SIZE = Flag.integer(
            "hidden-size", "hidden units per layer", ModelConfig.DEFAULT_HIDDEN_SIZE, 1, ModelConfig.MAX_HIDDEN_SIZE);
    static final Flag<Integer> EMBEDDING_SIZE = Flag.integer(
            "embedding-size",
            "size of the character embeddings, 0 for one-hot vectors",
            0,
            0,
            ModelConfig.MAX_EMBEDDING_SIZE);
    static final Flag<Boolean> TIE_EMBEDDINGS = Flag.toggle(
            "tie-embeddings", "share the embedding with the output layer; its size is then the hidden size");
    static final Flag<Double> DROPOUT = Flag.fraction(
            "dropout",
            "dropout probability of each layer's output, in training only; one mask per row and batch for all time steps,"
                    + " never on recurrent connections",
            TEXTBOOK.dropout());
    static final Flag<Double> EMA_DECAY = Flag.fraction(
            "ema-decay",
            "decay of an exponential moving average of the weights over batches, such as 0.998; the average becomes the model;"
                    + " 0 for none",
            TEXTBOOK.emaDecay());
    static final Flag<Integer> SEQ_LENGTH =
            Flag.integer("seq-length", "time steps per batch", TEXTBOOK.seqLength(), 1, TrainConfig.MAX_SEQ_LENGTH);
    static final Flag<Integer> BATCH_SIZE =
            Flag.integer("batch-size", "rows per batch", TEXTBOOK.batchSize(), 1, TrainConfig.MAX_BATCH_SIZE);
    static final Flag<Integer> PARTS = Flag.integer(
            "parts",
            "parts that a batch's rows are split into, computed in parallel by the cores, GPUs and hosts; fixed for a run"
                    + " (default one per GPU or else core of all hosts, on CPUs of at least 8 rows)",
            null,
            1,
            TrainConfig.MAX_BATCH_SIZE);
    static final Flag<Integer> EPOCHS = Flag.integer(
            "epochs",
            "passes over the text; 0 saves the untrained model",
            TEXTBOOK.epochs(),
            0,
            TrainConfig.MAX_EPOCHS);
    static final Flag<Sampling> SAMPLING = Flag.oneOf(
            "sampling",
            "how the text is cut into batches; shifted: consecutive, but from another position in each epoch",
            TEXTBOOK.sampling());
    static final Flag<Long> SEED = Flag.atLeast(Long.MIN_VALUE, "seed", "random seed", TEXTBOOK.seed());
    static final Flag<Double> VALIDATION_FRACTION = Flag.fraction(
            "validation-fraction",
            "fraction of the text, from its end, held out for validation after each epoch",
            TEXTBOOK.validation().fraction());
    static final Flag<Path> VALIDATION_CORPUS = Flag.path("validation-corpus", "FILE", "another text to validate on");
    static final Flag<Integer> PATIENCE = Flag.integer(
            "patience",
            "stop after this many epochs without a lower validation loss, 0 for never",
            TEXTBOOK.validation().patience(),
            0,
            TrainConfig.MAX_EPOCHS);
    static final Flag<OptionsFile.Preset> PRESET =
            Flag.oneOf("preset", "options to start from; the command line overrides them", OptionsFile.Preset.TEXTBOOK);
    static final Flag<Path> CONFIG =
            Flag.path("config", "FILE", "JSON file of options to start from, such as {\"cell\": \"lstm\"}");
    static final Flag<CheckpointPolicy.Every> CHECKPOINT_EVERY = Flag.parsed(
            "checkpoint-every",
            "WORK",
            "work between checkpoints: epochs (5), batches (200b) or minutes (10m)",
            TEXTBOOK.checkpoints().every(),
            CheckpointPolicy.Every::parse);
    static final Flag<Integer> KEEP = Flag.integer(
            "keep",
            "newest checkpoints to keep, besides the best by training loss and the best by validation loss",
            TEXTBOOK.checkpoints().keep(),
            1,
            CheckpointPolicy.MAX_KEEP);
    static final Flag<DivergencePolicy.Action> ON_DIVERGENCE = Flag.oneOf(
            "on-divergence",
            "stop, or rollback: return to the best checkpoint with half the learning rate",
            TEXTBOOK.divergence().action());
    static final Flag<Double> DIVERGENCE_FACTOR = Flag.parsed(
            "divergence-factor",
            "X",
            "a batch loss above X times the lowest epoch loss also counts as divergence; 0 disables this",
            TEXTBOOK.divergence().factor(),
            Flag.number(factor -> factor == 0 || factor > 1, "must be 0 or a number greater than 1"));
    static final Flag<Integer> MAX_ROLLBACKS = Flag.integer(
            "max-rollbacks",
            "rollbacks before stopping",
            TEXTBOOK.divergence().maxRollbacks(),
            1,
            DivergencePolicy.MAX_ROLLBACKS);
    static final Flag<Integer> REPORT_EVERY = Flag.integer(
            "report-every", "epochs between reports", ReportConfig.DEFAULT.every(), 1, TrainConfig.MAX_EPOCHS);
    static final Flag<Boolean> TENSORBOARD =
            Flag.toggle("tensorboard", "write TensorBoard event files into the run directory");
    static final Flag<String> PREFIX = Flag.text(
            "prefix",
            "text to continue in reports; repeat it for several (default "
                    + String.join(" and ", TEXTBOOK_PREFIXES)
                    + ", or the beginning of a corpus that lacks these characters;"
                    + " a whole document with --documents)");
    static final Flag<Integer> LENGTH = Flag.integer(
            "length",
            "characters to generate after each prefix",
            ReportConfig.DEFAULT.length(),
            1,
            ReportConfig.MAX_LENGTH);

    private static final List<Flag<?>> TEXT = List.of(
            CORPUS, INCLUDE, MAX_CHARS, KEEP_NEWLINES, DOCUMENTS, ENCODING, BAD_BYTES, NORMALIZE, MAX_BYTES, MIN_COUNT);
    /** What the weights of {@link #INIT_FROM} decide. */
    private static final List<Flag<?>> MODEL = List.of(CELL, LAYERS, HIDDEN_SIZE, EMBEDDING_SIZE, TIE_EMBEDDINGS);

    private static final List<Flag<?>> START = List.of(INIT_FROM, VOCABULARY, FREEZE);
    private static final List<Flag<?>> BATCHES =
            List.of(DROPOUT, EMA_DECAY, SEQ_LENGTH, BATCH_SIZE, PARTS, SAMPLING, EPOCHS, SEED);
    private static final List<Flag<?>> VALIDATION = List.of(VALIDATION_FRACTION, VALIDATION_CORPUS, PATIENCE);
    private static final List<Flag<?>> CHECKPOINTS =
            List.of(CHECKPOINT_EVERY, KEEP, ON_DIVERGENCE, DIVERGENCE_FACTOR, MAX_ROLLBACKS);
    private static final List<Flag<?>> REPORTS = List.of(REPORT_EVERY, TENSORBOARD, PREFIX, LENGTH);

    /** The options that a file can set, in the order of the help. */
    static final List<Flag<?>> SETTINGS =
            Flag.joined(TEXT, MODEL, START, BATCHES, OptimizerFlags.ALL, VALIDATION, CHECKPOINTS, REPORTS);

    /** The options that may change when a run is resumed; all others must be as before. */
    static final List<Flag<?>> CHANGEABLE = Flag.joined(
            List.of(
                    CORPUS,
                    INCLUDE,
                    ENCODING,
                    MAX_BYTES,
                    EPOCHS,
                    OptimizerFlags.LEARNING_RATE,
                    VALIDATION_CORPUS,
                    PATIENCE,
                    CHECKPOINT_EVERY,
                    KEEP),
            REPORTS);

    /** The options whose value has another name in a run's configuration. */
    private static final Map<String, String> OTHER_NAMES = Map.of(
            "init-from", "source",
            "freeze", "frozen",
            "optimizer", "kind",
            "normalize", "normalization",
            "learning-rate", "rate",
            "validation-fraction", "fraction",
            "on-divergence", "action",
            "divergence-factor", "factor");

    static final List<Flag<?>> ALL = Flag.joined(
            List.of(RUN, OVERWRITE, RESUME, EXTEND_SCHEDULE, PRESET, CONFIG), SETTINGS, DeviceFlags.ALL, HostFlags.ALL);

    private TrainFlags() {}

    private static List<String> layers(String value) {
        List<String> layers = new ArrayList<>();
        for (String layer : value.split(",", -1)) {
            if (!layer.matches("embedding|dense|(layer_)?[0-9]{1,3}")) {
                throw new IllegalArgumentException(
                        "must be layers separated by commas, each embedding, dense or a number from 0");
            }
            layers.add(layer.matches(".*[0-9]") ? "layer_" + Integer.parseInt(layer.replace("layer_", "")) : layer);
        }
        return layers;
    }

    /**
     * @param initial the model to start from, whose newlines are kept, too, and whose documents and normalization are the default;
     *     null for none
     */
    static CorpusOptions corpusOptions(Arguments arguments, InitialModel initial) throws UsageException {
        return new CorpusOptions(
                arguments.get(MAX_CHARS),
                arguments.get(KEEP_NEWLINES) || initial != null && initial.keepsNewlines(),
                initial == null ? arguments.get(DOCUMENTS) : arguments.getOr(DOCUMENTS, initial.documents()),
                arguments.get(ENCODING),
                arguments.get(BAD_BYTES),
                arguments.getOr(NORMALIZE, initial == null ? Normalization.NONE : initial.normalization()),
                arguments.get(MAX_BYTES),
                arguments.get(MIN_COUNT),
                arguments.getAll(INCLUDE));
    }

    /** Returns the model to start from; null for none. */
    static InitialModel initialModel(Arguments arguments) throws UsageException, IOException {
        Path named = arguments.getOr(INIT_FROM, null);
        if (named == null) {
            if (arguments.isGiven(VOCABULARY)) {
                throw new UsageException("--vocabulary has no effect without another model; add --init-from RUN");
            }
            return null;
        }
        arguments.requireEffect(MIN_COUNT, VOCABULARY, List.of(VocabularyChoice.UNION, VocabularyChoice.CORPUS));
        InitialModel initial = InitialModel.of(named);
        JsonNode settings = Json.tree(initial.config());
        for (Flag<?> flag : MODEL) {
            String kept = settings.get(componentOf(flag)).asText();
            if (arguments.isGiven(flag) && !kept.equals(arguments.get(flag).toString())) {
                throw new UsageException("--" + flag.name() + " is " + kept + " in " + named
                        + ", whose weights decide it; remove the option, or train without --init-from");
            }
        }
        return initial;
    }

    /**
     * Returns the sizes of a model, whose vocabulary is not decided yet.
     *
     * @param initial the model to start from; null for none
     */
    static ModelConfig modelConfig(Arguments arguments, InitialModel initial) throws UsageException {
        if (initial != null) {
            return initial.config();
        }
        return new ModelConfig(
                arguments.get(CELL),
                1,
                arguments.get(HIDDEN_SIZE),
                arguments.get(LAYERS),
                arguments.get(EMBEDDING_SIZE),
                arguments.get(TIE_EMBEDDINGS));
    }

    /** Returns a copy that falls back to {@code --config} and then to the preset. */
    static Arguments withFiles(Arguments arguments) throws UsageException, IOException {
        Path config = arguments.get(CONFIG);
        OptionsFile preset = arguments.get(PRESET).read(SETTINGS);
        return arguments.with(
                config == null ? preset : OptionsFile.read(config, SETTINGS).over(preset));
    }

    private static ValidationConfig validationConfig(Arguments arguments, CorpusInfo corpus) throws UsageException {
        double fraction = corpus == null ? arguments.get(VALIDATION_FRACTION) : 0;
        int patience = arguments.get(PATIENCE);
        if (patience > 0 && fraction == 0 && corpus == null) {
            throw new UsageException(
                    "--patience requires a validation loss; add --validation-fraction X or --validation-corpus FILE");
        }
        return new ValidationConfig(fraction, corpus, patience);
    }

    static Path validationCorpus(Arguments arguments) throws UsageException {
        return arguments.either(VALIDATION_FRACTION, VALIDATION_CORPUS) == VALIDATION_CORPUS
                ? arguments.get(VALIDATION_CORPUS)
                : null;
    }

    /** @param hosts the number of hosts that compute parts */
    static TrainConfig trainConfig(Arguments arguments, int hosts, CorpusInfo validationCorpus) throws UsageException {
        int epochs = arguments.get(EPOCHS);
        int batchSize = arguments.get(BATCH_SIZE);
        Integer parts = arguments.get(PARTS);
        if (parts != null && parts > batchSize) {
            throw new UsageException("--parts must be at most the batch size of " + batchSize + " (got " + parts + ")");
        }
        if (hosts > batchSize) {
            throw new UsageException(
                    "--batch-size must be at least " + hosts + ", a row for each host (got " + batchSize + ")");
        }
        if (parts != null && parts < hosts) {
            throw new UsageException("--parts must be at least " + hosts + ", one for each host (got " + parts + ")");
        }
        arguments.requireEffect(MAX_ROLLBACKS, ON_DIVERGENCE, List.of(DivergencePolicy.Action.ROLLBACK));
        TrainConfig.Builder config = new TrainConfig.Builder(TEXTBOOK);
        config.seqLength = arguments.get(SEQ_LENGTH);
        config.batchSize = batchSize;
        config.sampling = arguments.get(SAMPLING);
        config.epochs = epochs;
        config.optimizer = OptimizerFlags.config(arguments, epochs);
        config.frozen = arguments.getOr(FREEZE, List.of());
        config.dropout = arguments.get(DROPOUT);
        config.emaDecay = arguments.get(EMA_DECAY);
        config.seed = arguments.get(SEED);
        config.validation = validationConfig(arguments, validationCorpus);
        config.divergence = new DivergencePolicy(
                arguments.get(ON_DIVERGENCE), arguments.get(DIVERGENCE_FACTOR), arguments.get(MAX_ROLLBACKS));
        config.checkpoints = new CheckpointPolicy(arguments.get(CHECKPOINT_EVERY), arguments.get(KEEP));
        // Last, as it may have to look for GPUs.
        config.parts = parts != null ? parts : TrainConfig.partsFor(batchSize, hosts, DeviceFlags.countGpus(arguments));
        return config.build();
    }

    /**
     * Returns how a resumed run is trained: as before, except for epochs, learning rate, patience and checkpoints.
     *
     * @param progress where it continues
     */
    static TrainConfig resumedConfig(Arguments arguments, RunConfig stored, Progress progress) throws UsageException {
        requireSame(arguments, stored);
        TrainConfig training = stored.training();
        CheckpointPolicy checkpoints = training.checkpoints();
        TrainConfig.Builder config = new TrainConfig.Builder(training);
        config.epochs = arguments.getOr(EPOCHS, training.epochs());
        config.optimizer = training.optimizer()
                .withLearningRate(OptimizerFlags.resumed(
                        arguments, training.optimizer().learningRate(), config.epochs, progress));
        config.validation = training.validation()
                .withPatience(arguments.getOr(PATIENCE, training.validation().patience()));
        config.checkpoints = new CheckpointPolicy(
                arguments.getOr(CHECKPOINT_EVERY, checkpoints.every()), arguments.getOr(KEEP, checkpoints.keep()));
        return config.build();
    }

    /** Returns what a run reports: as before, or by default, except for the given options. */
    static ReportConfig reportConfig(Arguments arguments, ReportConfig before) throws UsageException {
        List<String> prefixes = arguments.getAll(PREFIX);
        return new ReportConfig(
                arguments.getOr(REPORT_EVERY, before.every()),
                arguments.getOr(LENGTH, before.length()),
                prefixes.isEmpty() ? before.prefixes() : prefixes,
                arguments.get(TENSORBOARD) || before.tensorBoard());
    }

    private static void requireSame(Arguments arguments, RunConfig stored) throws UsageException {
        JsonNode settings = Json.tree(stored);
        JsonNode clipping = settings.findValue("clipping");
        for (Flag<?> flag : SETTINGS) {
            if (!arguments.has(flag) || CHANGEABLE.contains(flag)) {
                continue;
            }
            JsonNode kept = flag == OptimizerFlags.CLIP_NORM || flag == OptimizerFlags.CLIP_VALUE
                    ? flag.name().equals("clip-" + clipping.get("by").asText()) ? clipping.get("limit") : null
                    : settings.findValue(componentOf(flag));
            String shown = kept == null ? "" : asText(kept);
            Object given = flag == INIT_FROM
                    ? arguments.get(INIT_FROM).toAbsolutePath().normalize()
                    : arguments.get(flag);
            if (!shown.equals(given instanceof List<?> list ? asText(Json.tree(list)) : given.toString())) {
                throw new UsageException("--" + flag.name() + " is " + (shown.isEmpty() ? "not set" : shown)
                        + " in this run and cannot be changed; remove the option, or start a new run");
            }
        }
    }

    /** Returns a value as text, and a list as its values separated by commas. */
    static String asText(JsonNode value) {
        return value.isArray()
                ? StreamSupport.stream(value.spliterator(), false)
                        .map(JsonNode::asText)
                        .collect(Collectors.joining(", "))
                : value.asText();
    }

    /** Returns the name of an option's value in a run's configuration. */
    static String componentOf(Flag<?> flag) {
        String camelCase = Pattern.compile("-(.)")
                .matcher(flag.name())
                .replaceAll(letter -> letter.group(1).toUpperCase(Locale.ROOT));
        return OTHER_NAMES.getOrDefault(flag.name(), camelCase);
    }
}
