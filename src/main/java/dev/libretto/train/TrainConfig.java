package dev.libretto.train;

import com.fasterxml.jackson.annotation.JacksonInject;
import com.fasterxml.jackson.annotation.OptBoolean;
import dev.libretto.device.Sessions;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.text.Batches.Sampling;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * How a model is trained.
 *
 * @param seqLength T, time steps in a batch
 * @param batchSize B, rows in a batch
 * @param parts P, parts into which the rows of a batch are split, computed at the same time. The bits depend on it, so a run
 *     keeps it on every machine and device that resumes it
 * @param sampling how the text is cut into batches
 * @param epochs passes over the corpus; 0 saves the untrained model
 * @param optimizer how gradients become steps
 * @param frozen the layers whose parameters stay as they are, by {@link Parameter#layer}
 * @param dropout probability of dropping an element of a layer's output for a batch, never between time steps; in training only
 * @param emaDecay d of the {@link Ema}, whose averages are then the model's weights; 0 for none
 * @param seed random seed of the initial weights, the order of the batches and the dropout
 * @param validation the held-out text
 * @param divergence what to do when training diverges
 * @param checkpoints when checkpoints are written
 */
public record TrainConfig(
        int seqLength,
        int batchSize,

        @JacksonInject(value = PARTS, useInput = OptBoolean.TRUE)
        int parts,

        Sampling sampling,
        int epochs,
        Optimizer optimizer,

        @JacksonInject(value = FROZEN, useInput = OptBoolean.TRUE)
        List<String> frozen,

        double dropout,

        @JacksonInject(value = EMA_DECAY, useInput = OptBoolean.TRUE)
        double emaDecay,

        long seed,
        ValidationConfig validation,
        DivergencePolicy divergence,
        CheckpointPolicy checkpoints) {
    /** The settings of <em>Dive into Deep Learning</em>, section "Concise Implementation of Recurrent Neural Networks". */
    public static final TrainConfig TEXTBOOK = new TrainConfig(
            35,
            32,
            partsFor(32, 1, 0),
            Sampling.CONSECUTIVE,
            250,
            Optimizer.TEXTBOOK,
            List.of(),
            0,
            0,
            1,
            ValidationConfig.NONE,
            DivergencePolicy.DEFAULT,
            CheckpointPolicy.DEFAULT);

    /** The largest T: the graph is unrolled. */
    public static final int MAX_SEQ_LENGTH = 4096;

    /** The largest B. */
    public static final int MAX_BATCH_SIZE = 65_536;

    /** The name of the default for {@link #parts} in files of earlier versions, which lack them. */
    public static final String PARTS = "parts";

    /** That default: 2 if the batch size is even, else 1. */
    public static final int UNRECORDED_PARTS = Integer.MIN_VALUE;

    /** The name of the default for {@link #frozen} in files of earlier versions, which lack it: none. */
    public static final String FROZEN = "frozen";

    /** The name of the default for {@link #emaDecay} in files of earlier versions, which lack it: 0. */
    public static final String EMA_DECAY = "emaDecay";

    /** Fewer rows than a processor's registers hold would waste a part of each product: AVX2 multiplies 6 rows at once. */
    private static final int MIN_ROWS_OF_PART = 8;

    /** The most epochs. */
    public static final int MAX_EPOCHS = 10_000_000;

    /** @throws IllegalArgumentException naming the value that is out of range */
    public TrainConfig {
        if (parts == UNRECORDED_PARTS) {
            parts = batchSize % 2 == 0 ? 2 : 1;
        }
        Objects.requireNonNull(sampling, "sampling");
        Objects.requireNonNull(optimizer, "optimizer");
        Objects.requireNonNull(frozen, "frozen layers");
        for (String layer : frozen) {
            Objects.requireNonNull(layer, "one of the frozen layers");
        }
        frozen = frozen.stream().distinct().sorted().toList();
        Objects.requireNonNull(validation, "validation");
        Objects.requireNonNull(divergence, "divergence");
        Objects.requireNonNull(checkpoints, "checkpoints");
        Require.inRange("seq length", seqLength, 1, MAX_SEQ_LENGTH);
        Require.inRange("batch size", batchSize, 1, MAX_BATCH_SIZE);
        Require.inRange("parts", parts, 1, batchSize);
        Require.inRange("epochs", epochs, 0, MAX_EPOCHS);
        Require.belowOne("dropout", dropout);
        Require.belowOne("ema decay", emaDecay);
        if (optimizer.learningRate().schedule() == LearningRate.Schedule.PLATEAU) {
            requireValidation(optimizer.learningRate(), validation);
        }
    }

    /** Returns whether training changes a parameter. */
    public boolean trains(Parameter parameter) {
        return !frozen.contains(parameter.layer());
    }

    /** @throws IllegalArgumentException if a frozen layer is not in the model, or nothing is left to train */
    public void requireLayersOf(ModelConfig model) {
        List<Parameter> parameters = LanguageModel.parameters(model);
        List<String> layers =
                parameters.stream().map(Parameter::layer).distinct().toList();
        for (String layer : frozen) {
            if (!layers.contains(layer)) {
                throw new IllegalArgumentException(
                        "the model has no layer " + layer + " to freeze; it has " + String.join(", ", layers));
            }
        }
        if (model.tieEmbeddings() && frozen.contains("dense") && !frozen.contains("embedding")) {
            throw new IllegalArgumentException(
                    "the dense layer shares its kernel with the embedding, which is not frozen; freeze both");
        }
        if (parameters.stream().noneMatch(this::trains)) {
            throw new IllegalArgumentException("all layers are frozen, which leaves nothing to train; freeze fewer of "
                    + String.join(", ", layers));
        }
    }

    /**
     * The number of parts that suits a batch on several hosts like this one: one for each GPU or, without GPUs, for each core,
     * unless they would have too few rows; but at least one for each host.
     *
     * @param batchSize B
     * @param gpus of each host
     */
    public static int partsFor(int batchSize, int hosts, int gpus) {
        return partsFor(batchSize, hosts, gpus, Runtime.getRuntime().availableProcessors());
    }

    static int partsFor(int batchSize, int hosts, int gpus, int cores) {
        return gpus > 0
                ? Math.min(hosts * gpus, batchSize)
                : Math.max(Math.min(hosts, batchSize), Math.min(hosts * cores, batchSize / MIN_ROWS_OF_PART));
    }

    private static void requireValidation(LearningRate plateau, ValidationConfig validation) {
        if (!validation.wanted()) {
            throw new IllegalArgumentException(
                    "a plateau schedule requires a validation loss; add a validation fraction or corpus");
        }
        if (validation.patience() > 0 && validation.patience() <= plateau.decayEpochs()) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "with a plateau schedule patience must be greater than the decay epochs, %.0f, or training ends before the"
                            + " learning rate decays (got %d)",
                    plateau.decayEpochs(),
                    validation.patience()));
        }
    }

    /** Returns a copy with the given batches, in as many parts as suits them on the process's device. */
    public TrainConfig withBatches(int seqLength, int batchSize, Sampling sampling) {
        return with(c -> {
            c.seqLength = seqLength;
            c.batchSize = batchSize;
            c.parts = partsFor(batchSize, 1, Sessions.countGpus());
            c.sampling = sampling;
        });
    }

    /** Returns a copy with changes, such as {@code config.with(c -> c.epochs = 10)}. */
    public TrainConfig with(Consumer<Builder> changes) {
        Builder builder = new Builder(this);
        changes.accept(builder);
        return builder.build();
    }

    /** The components of a {@link TrainConfig}, to be changed. */
    public static final class Builder {
        public int seqLength;
        public int batchSize;
        public int parts;
        public Sampling sampling;
        public int epochs;
        public Optimizer optimizer;
        public List<String> frozen;
        public double dropout;
        public double emaDecay;
        public long seed;
        public ValidationConfig validation;
        public DivergencePolicy divergence;
        public CheckpointPolicy checkpoints;

        /** Starts with the given settings. */
        public Builder(TrainConfig config) {
            seqLength = config.seqLength;
            batchSize = config.batchSize;
            parts = config.parts;
            sampling = config.sampling;
            epochs = config.epochs;
            optimizer = config.optimizer;
            frozen = config.frozen;
            dropout = config.dropout;
            emaDecay = config.emaDecay;
            seed = config.seed;
            validation = config.validation;
            divergence = config.divergence;
            checkpoints = config.checkpoints;
        }

        /** @throws IllegalArgumentException naming the value that is out of range */
        public TrainConfig build() {
            return new TrainConfig(
                    seqLength,
                    batchSize,
                    parts,
                    sampling,
                    epochs,
                    optimizer,
                    frozen,
                    dropout,
                    emaDecay,
                    seed,
                    validation,
                    divergence,
                    checkpoints);
        }
    }
}
