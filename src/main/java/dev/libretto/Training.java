package dev.libretto;

import dev.libretto.device.Cluster;
import dev.libretto.device.DeviceRequest;
import dev.libretto.device.Devices;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.Precision;
import dev.libretto.device.Sessions;
import dev.libretto.model.CellType;
import dev.libretto.model.Initializers;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.WarmStart;
import dev.libretto.model.Weights;
import dev.libretto.run.Origin;
import dev.libretto.run.ReportConfig;
import dev.libretto.run.RunConfig;
import dev.libretto.run.RunDirectory;
import dev.libretto.run.RunDirectory.Resumed;
import dev.libretto.text.Batches.Sampling;
import dev.libretto.text.Corpus;
import dev.libretto.text.Vocabulary;
import dev.libretto.text.VocabularyChoice;
import dev.libretto.train.Checkpoint;
import dev.libretto.train.CheckpointStore;
import dev.libretto.train.CorpusInfo;
import dev.libretto.train.EpochMetrics;
import dev.libretto.train.MemoryEstimate;
import dev.libretto.train.MemoryStore;
import dev.libretto.train.Optimizer;
import dev.libretto.train.TrainConfig;
import dev.libretto.train.Trainer;
import dev.libretto.train.TrainingData;
import dev.libretto.train.TrainingListener;
import dev.libretto.train.ValidationConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import org.tensorflow.exceptions.TensorFlowException;

/**
 * Fits character models to texts.
 *
 * <pre>{@code
 * Training training = Training.builder()
 *         .cell(CellType.LSTM)
 *         .layers(2)
 *         .optimizer(Optimizer.adam(0.002))
 *         .epochs(10)
 *         .build();
 * try (CharModel model = training.fit(Corpus.read(Path.of("novel.txt")))) {
 *     System.out.println(model.write("Once upon", 200));
 * }
 * }</pre>
 *
 * <p>Settings that the builder is not given are the textbook's (<em>Dive into Deep Learning</em>): an RNN of 256 units,
 * sequences of 35 characters, 32 at a time, and 250 epochs of gradient descent at a learning rate of 100, clipped to a
 * norm of 0.01. The same settings, corpus and seed give the same weights on the same processor, as they do on the
 * command line.
 */
public final class Training {
    private static final System.Logger LOGGER = System.getLogger("dev.libretto");

    private final ModelConfig model;
    private final TrainConfig config;
    private final DeviceRequest device;
    private final Precision precision;
    /** Null if this host computes alone. */
    private final Cluster cluster;

    private final TrainingListener listener;
    /** The model to start from; null to draw the first weights. */
    private final CharModel initial;

    private final VocabularyChoice characters;

    private Training(
            ModelConfig model,
            TrainConfig config,
            DeviceRequest device,
            Precision precision,
            Cluster cluster,
            TrainingListener listener,
            CharModel initial,
            VocabularyChoice characters) {
        this.model = model;
        this.config = config;
        this.device = device;
        this.precision = precision;
        this.cluster = cluster;
        this.listener = listener;
        this.initial = initial;
        this.characters = characters;
    }

    /** Returns a builder with the textbook's settings. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Returns a builder with the settings of a run, to {@link #resume} it.
     *
     * @throws IOException in one line, if there is no run, or it is damaged
     */
    public static Builder builder(Path run) throws IOException {
        RunConfig stored = RunDirectory.open(run).config();
        return new Builder().model(stored.model()).settings(stored.training());
    }

    /**
     * Fits a model to a text, in memory.
     *
     * @return the weights of the lowest validation loss if there is validation, else those of the end; the caller closes it
     * @throws IllegalArgumentException if the text is too short for a batch, or to validate on, or memory does not suffice
     * @throws LibrettoException if training diverged, or another host fails
     * @throws IOException in one line, if the device cannot be used
     */
    public CharModel fit(Corpus corpus) throws IOException {
        Vocabulary vocabulary = vocabulary(corpus);
        Training sized = withVocabulary(vocabulary);
        Choice chosen = sized.chooseDevice();
        MemoryStore store = new MemoryStore(config.checkpoints());
        sized.fit(corpus, vocabulary, chosen, store);
        return new CharModel(sized.model, vocabulary, store.bestValidated().weights(), corpus.options(), "", chosen);
    }

    /**
     * Fits a model to a text and keeps a run, with checkpoints and metrics, that the command line can resume.
     *
     * @param run the directory to create
     * @return the weights of the lowest validation loss if there is validation, else those of the end; the caller closes it
     * @throws IllegalArgumentException if the text is too short for a batch, or to validate on, or memory does not suffice
     * @throws LibrettoException if training diverged, or another host fails; the run keeps the last good weights
     * @throws IOException in one line, if there is a run already, it cannot be written, or the device cannot be used
     */
    public CharModel fit(Corpus corpus, Path run) throws IOException {
        Vocabulary vocabulary = vocabulary(corpus);
        Training sized = withVocabulary(vocabulary);
        Choice chosen = sized.chooseDevice();
        Origin origin = initial == null
                ? null
                : Origin.of(initial.source(), characters, initial.vocabulary(), vocabulary, corpus);
        RunConfig runConfig = new RunConfig(CorpusInfo.of(corpus), sized.model, config, ReportConfig.DEFAULT, origin);
        try (RunDirectory directory = RunDirectory.create(run, runConfig, vocabulary, false)) {
            try {
                sized.fit(corpus, vocabulary, chosen, directory);
            } finally {
                directory.discardIfNeverBegun();
            }
        }
        return CharModel.open(run, chosen);
    }

    private Vocabulary vocabulary(Corpus corpus) {
        return initial == null
                ? Vocabulary.of(corpus, corpus.options().minCount())
                : characters.of(initial.vocabulary(), corpus);
    }

    private Training withVocabulary(Vocabulary vocabulary) {
        return new Training(
                model.withVocabulary(vocabulary), config, device, precision, cluster, listener, initial, characters);
    }

    /** Returns a copy that computes on other hosts, too, with the same parts. */
    public Training on(Cluster hosts) {
        return new Training(model, config, device, precision, hosts, listener, initial, characters);
    }

    /**
     * Continues a run from its newest checkpoint, to the same bits as if it had not ended. Build this with {@link #builder(Path)}.
     *
     * @param corpus the run's text
     * @return as {@link #fit(Corpus, Path)}
     * @throws IllegalArgumentException if the text or the settings are not those of the run; its epochs, learning rate, patience
     *     and checkpoints may change
     * @throws IOException in one line, if there is no intact run, it is in use or cannot be written, or the device cannot be used
     */
    public CharModel resume(Corpus corpus, Path run) throws IOException {
        RunConfig stored = RunDirectory.open(run).config();
        requireResumable(stored, run);
        if (!corpus.sha256().equals(stored.corpus().sha256())) {
            throw new IllegalArgumentException(corpus.name() + " is not the training text of " + run
                    + " (SHA-256 mismatch); resume with that text");
        }
        Choice chosen = chooseDevice();
        Resumed resumed = RunDirectory.resume(
                run, stored.withTraining(config), warning -> LOGGER.log(System.Logger.Level.WARNING, warning));
        try (RunDirectory directory = resumed.run()) {
            fit(corpus, directory.vocabulary(), resumed.checkpoint(), chosen, directory);
        }
        return CharModel.open(run, chosen);
    }

    private void requireResumable(RunConfig stored, Path run) {
        TrainConfig before = stored.training();
        TrainConfig same = config.with(c -> {
            c.epochs = before.epochs();
            c.optimizer = config.optimizer().withLearningRate(before.optimizer().learningRate());
            c.validation = config.validation().withPatience(before.validation().patience());
            c.checkpoints = before.checkpoints();
        });
        if (!model.equals(stored.model()) || !same.equals(before)) {
            throw new IllegalArgumentException(
                    "the settings are not those of " + run
                            + "; begin with Training.builder(run) and change only epochs, learning rate, patience and checkpoints");
        }
        if (before.validation().corpus() != null) {
            throw new IllegalArgumentException(run + " validates on a text of its own; resume it on the command line");
        }
    }

    private void fit(Corpus corpus, Vocabulary vocabulary, Choice chosen, CheckpointStore store) throws IOException {
        fit(
                corpus,
                vocabulary,
                initial == null ? firstCheckpoint(index -> {}) : firstCheckpoint(initial, vocabulary, index -> {}),
                chosen,
                store);
    }

    private void fit(Corpus corpus, Vocabulary vocabulary, Checkpoint start, Choice chosen, CheckpointStore store)
            throws IOException {
        TrainingData data = TrainingData.of(config, vocabulary, corpus, null);
        try (Trainer trainer = trainer(chosen, data, start, store, listener)) {
            trainer.train();
        } finally {
            // What the model computes later, this host computes alone.
            Sessions.use((Cluster) null);
        }
    }

    /**
     * Returns the device that was asked for; the first of the steps of {@link #fit}, for callers that report each.
     *
     * @throws LibrettoException if it cannot be used
     * @throws IllegalArgumentException if memory does not suffice
     */
    public Choice chooseDevice() throws LibrettoException {
        Choice choice = new Devices().choose(device, precision);
        if (!choice.device().isGpu()) {
            MemoryEstimate.ofTraining(model, config).requireFits();
        }
        return choice;
    }

    /**
     * Returns a new model's checkpoint, with weights drawn by the seed.
     *
     * @param progress receives each parameter's index before it is drawn
     */
    public Checkpoint firstCheckpoint(IntConsumer progress) {
        Weights weights = Initializers.draw(LanguageModel.parameters(model), config.seed(), progress);
        return Checkpoint.start(model, config, weights);
    }

    /**
     * Returns a new model's checkpoint, with the weights of a trained model, mapped by character. Those of new characters are
     * drawn by the seed.
     *
     * @param trained a model of the same cell and sizes
     * @param vocabulary of the new model
     * @param progress receives each parameter's index before it is mapped
     */
    public Checkpoint firstCheckpoint(CharModel trained, Vocabulary vocabulary, IntConsumer progress) {
        Weights weights =
                WarmStart.of(model, trained.weights(), vocabulary.idsIn(trained.vocabulary()), config.seed(), progress);
        return Checkpoint.start(model, config, weights);
    }

    /**
     * Returns the loop over epochs, which {@link Trainer#train} runs; the caller closes it.
     *
     * @param start the {@link #firstCheckpoint}, or one to resume from
     * @param receivers receive the events; those of the builder are for {@link #fit}
     * @throws LibrettoException if another host fails
     */
    public Trainer trainer(
            Choice chosen, TrainingData data, Checkpoint start, CheckpointStore store, TrainingListener... receivers)
            throws LibrettoException {
        chosen.use();
        if (cluster != null) {
            cluster.requireLikeWorkers();
        }
        Sessions.use(cluster);
        try {
            return new Trainer(model, config, data, start, store, receivers);
        } catch (TensorFlowException e) {
            Sessions.explain(e);
            throw e;
        }
    }

    /** Settings of a {@link Training}; {@link #build} checks them. */
    public static final class Builder {
        private TrainConfig.Builder config = new TrainConfig.Builder(TrainConfig.TEXTBOOK);
        /** Whether the parts are those of a run, and not those that suit the device. */
        private boolean keepsParts;

        private int vocabularySize = 1;
        private boolean endSymbol;
        private CellType cell = ModelConfig.DEFAULT_CELL;
        private int layers = ModelConfig.DEFAULT_LAYERS;
        private int hiddenSize = ModelConfig.DEFAULT_HIDDEN_SIZE;
        private int embeddingSize;
        private boolean tieEmbeddings;
        private double fraction;
        private CorpusInfo validationCorpus;
        private int patience;
        private DeviceRequest device = DeviceRequest.AUTO;
        private Precision precision = Precision.FLOAT32;
        private Cluster cluster;
        private CharModel initial;
        private VocabularyChoice characters = VocabularyChoice.UNION;
        private Consumer<EpochMetrics> onEpoch = metrics -> {};
        private BooleanSupplier stopRequested = () -> false;

        private Builder() {}

        /** The cell and the sizes, such as those of a run. {@link #fit} takes the vocabulary from the corpus. */
        public Builder model(ModelConfig value) {
            vocabularySize = value.vocabularySize();
            endSymbol = value.endSymbol();
            return cell(value.cell())
                    .layers(value.layers())
                    .hiddenSize(value.hiddenSize())
                    .embeddingSize(value.embeddingSize())
                    .tieEmbeddings(value.tieEmbeddings());
        }

        /**
         * Everything about training, such as the settings of a run. {@link #fit} does not support a separate validation
         * corpus.
         */
        public Builder settings(TrainConfig value) {
            config = new TrainConfig.Builder(value);
            keepsParts = true;
            fraction = value.validation().fraction();
            validationCorpus = value.validation().corpus();
            patience = value.validation().patience();
            return this;
        }

        /** Starts from a trained model's weights, with its characters and those of the text. */
        public Builder initFrom(CharModel trained) {
            return initFrom(trained, VocabularyChoice.UNION);
        }

        /**
         * Starts from a trained model's weights, mapped by character, instead of drawing them. The cell and the sizes are the
         * model's. It may be closed once the training has fitted.
         *
         * @param vocabulary whose characters the new model knows
         */
        public Builder initFrom(CharModel trained, VocabularyChoice vocabulary) {
            initial = trained;
            characters = vocabulary;
            return model(trained.config());
        }

        /**
         * Leaves layers as they are.
         *
         * @param layers {@code embedding}, {@code layer_0} and so on, or {@code dense}
         */
        public Builder freeze(String... layers) {
            config.frozen = List.of(layers);
            return this;
        }

        public Builder cell(CellType value) {
            cell = value;
            return this;
        }

        public Builder layers(int value) {
            layers = value;
            return this;
        }

        /** H, hidden units of each layer. */
        public Builder hiddenSize(int value) {
            hiddenSize = value;
            return this;
        }

        /** Size of the vector that stands for a character; 0 for one-hot vectors. */
        public Builder embeddingSize(int value) {
            embeddingSize = value;
            return this;
        }

        /** Whether the dense layer uses the embedding, whose size is then the hidden size. */
        public Builder tieEmbeddings(boolean value) {
            tieEmbeddings = value;
            return this;
        }

        /** Probability of dropping an element of a layer's output, in training only. */
        public Builder dropout(double value) {
            config.dropout = value;
            return this;
        }

        /**
         * Decay of an exponential moving average of the weights over batches, such as 0.998. The average is validated
         * and becomes the model's weights. 0 for none.
         */
        public Builder emaDecay(double value) {
            config.emaDecay = value;
            return this;
        }

        /**
         * The batches: B rows of T characters.
         *
         * @param batchSize B
         * @param seqLength T
         */
        public Builder batches(int batchSize, int seqLength) {
            config.batchSize = batchSize;
            config.seqLength = seqLength;
            keepsParts = false;
            return this;
        }

        public Builder sampling(Sampling value) {
            config.sampling = value;
            return this;
        }

        public Builder epochs(int value) {
            config.epochs = value;
            return this;
        }

        public Builder optimizer(Optimizer value) {
            config.optimizer = value;
            return this;
        }

        /** Random seed of the first weights, the order of the batches and the dropout. */
        public Builder seed(long value) {
            config.seed = value;
            return this;
        }

        /** Fraction of the text, from its end, to validate on after each epoch instead of learning from it. */
        public Builder validationFraction(double value) {
            fraction = value;
            return this;
        }

        /** Epochs without a lower validation loss after which training ends; 0 for never. */
        public Builder patience(int value) {
            patience = value;
            return this;
        }

        /** Where to compute; by default a GPU if one can be used. {@link CharModel} says what cannot differ in a process. */
        public Builder device(DeviceRequest value) {
            device = value;
            return this;
        }

        public Builder precision(Precision value) {
            precision = value;
            return this;
        }

        /** Hosts that compute with this one, such as those of {@link Cluster#join}. */
        public Builder cluster(Cluster value) {
            cluster = value;
            return this;
        }

        /** Receives what was measured of each epoch. */
        public Builder onEpoch(Consumer<EpochMetrics> value) {
            onEpoch = value;
            return this;
        }

        /** Asked after each batch; once it is true, training saves a checkpoint and ends. */
        public Builder stopWhen(BooleanSupplier value) {
            stopRequested = value;
            return this;
        }

        private TrainingListener listener() {
            Consumer<EpochMetrics> receiver = onEpoch;
            BooleanSupplier stop = stopRequested;
            return new TrainingListener() {
                @Override
                public void epochEnded(EpochMetrics metrics, Supplier<Weights> weights) {
                    receiver.accept(metrics);
                }

                @Override
                public boolean stopRequested() {
                    return stop.getAsBoolean();
                }
            };
        }

        /** @throws IllegalArgumentException naming the value that is out of range */
        public Training build() {
            config.validation = new ValidationConfig(fraction, validationCorpus, patience);
            if (!keepsParts) {
                int hosts = cluster == null ? 1 : 1 + cluster.workers().size();
                config.parts = TrainConfig.partsFor(config.batchSize, hosts, new Devices().countGpus(device));
            }
            ModelConfig model =
                    new ModelConfig(cell, vocabularySize, hiddenSize, layers, embeddingSize, tieEmbeddings, endSymbol);
            if (initial != null && !model.equals(initial.config())) {
                throw new IllegalArgumentException(
                        "the model to start from decides the cell and the sizes; do not set others");
            }
            TrainConfig training = config.build();
            training.requireLayersOf(model);
            return new Training(model, training, device, precision, cluster, listener(), initial, characters);
        }
    }
}
