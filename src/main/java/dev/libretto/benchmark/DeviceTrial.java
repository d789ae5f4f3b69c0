package dev.libretto.benchmark;

import dev.libretto.model.CellType;
import dev.libretto.model.Initializers;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.Checkpoint;
import dev.libretto.run.RunConfig;
import dev.libretto.run.RunConfig.CorpusInfo;
import dev.libretto.run.TrainConfig;
import dev.libretto.text.Batches;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.TrainStep;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The first steps of the textbook's training, with its cell or another, to see whether a device computes, how fast, and the same as another. */
public final class DeviceTrial {
    private static final int STEPS = 5;

    /**
     * What the steps gave.
     *
     * @param losses the loss of each step; the second is the first that depends on an update
     * @param seconds the median time of the steps after the first, which also sets the device up
     */
    public record Steps(List<Float> losses, double seconds) {
        /** How far the losses are from those of another device: the largest difference as a part of the loss. */
        public double differenceFrom(Steps reference) {
            double largest = 0;
            for (int i = 0; i < losses.size(); i++) {
                double expected = reference.losses.get(i);
                double difference = Math.abs(losses.get(i) - expected) / expected;
                // Math.max would keep a NaN too, but not an infinity over a NaN.
                largest = Double.isFinite(difference) ? Math.max(largest, difference) : Double.POSITIVE_INFINITY;
            }
            return largest;
        }
    }

    private DeviceTrial() {}

    /** Trains a model of a cell for a few steps on the device that sessions are opened on now. */
    public static Steps run(CellType cell) throws IOException {
        CorpusOptions options = CorpusOptions.WHOLE_TEXT.withMaxChars(CorpusOptions.DEFAULT_MAX_CHARS);
        Corpus corpus = Corpus.builtIn(options);
        Vocabulary vocabulary = Vocabulary.of(corpus);
        TrainConfig training = TrainConfig.TEXTBOOK;
        ModelConfig model =
                new ModelConfig(cell, vocabulary.size(), ModelConfig.DEFAULT_HIDDEN_SIZE, ModelConfig.DEFAULT_LAYERS);
        RunConfig config = new RunConfig(CorpusInfo.of(List.of(), options, corpus), model, training);
        Batches.Epoch epoch = new Batches(
                        vocabulary.encode(corpus),
                        training.batchSize(),
                        training.seqLength(),
                        training.sampling(),
                        training.seed())
                .epoch(0);
        Checkpoint start =
                Checkpoint.start(config, Initializers.draw(LanguageModel.parameters(model), training.seed()));
        List<Float> losses = new ArrayList<>();
        double[] seconds = new double[STEPS];
        double learningRate = training.optimizer().learningRate().rate();
        try (TrainStep step = new TrainStep(config, start)) {
            for (int i = 0; i < STEPS; i++) {
                long before = System.nanoTime();
                losses.add(step.run(epoch.batch(i), learningRate, i + 1).loss());
                seconds[i] = (System.nanoTime() - before) / 1e9;
            }
        }
        double[] warm = Arrays.copyOfRange(seconds, 1, STEPS);
        Arrays.sort(warm);
        return new Steps(List.copyOf(losses), (warm[1] + warm[2]) / 2);
    }
}
