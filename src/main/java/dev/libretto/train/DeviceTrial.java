package dev.libretto.train;

import dev.libretto.device.Sessions;
import dev.libretto.model.CellType;
import dev.libretto.model.Initializers;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.text.Batches;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Ids;
import dev.libretto.text.Vocabulary;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.tensorflow.types.family.TFloating;

/**
 * A few training steps of the textbook's run. They show whether a device works, how fast it is, and whether it agrees with
 * another.
 */
public final class DeviceTrial {
    static final int STEPS = 5;

    /**
     * A tenth of the textbook's, so that the loss falls at each step. At the textbook's own, it jumps at the fourth step, which
     * amplifies rounding errors a thousandfold.
     */
    static final double LEARNING_RATE = 10;

    /**
     * The results of a trial.
     *
     * @param losses the loss of each step; from the second on, they depend on the updates
     * @param seconds the median time of a step, without the first, which includes setting up the device
     */
    public record Steps(List<Float> losses, double seconds) {
        /**
         * Returns the largest difference from the losses of another device, relative to the decrease of its loss. So a relative
         * error of the gradients shows in full, whatever the cell.
         */
        public double differenceFrom(Steps reference) {
            double learnt = reference.losses.get(0) - reference.losses.get(reference.losses.size() - 1);
            double largest = 0;
            for (int i = 0; i < losses.size(); i++) {
                double difference = Math.abs(losses.get(i) - reference.losses.get(i)) / learnt;
                largest = Double.isFinite(difference) ? Math.max(largest, difference) : Double.POSITIVE_INFINITY;
            }
            return largest;
        }
    }

    final ModelConfig model;
    final TrainConfig training = TrainConfig.TEXTBOOK;
    final Batches batches;
    final Checkpoint start;

    /** Creates a trial of the textbook's run with the given cell, on the built-in lyrics. */
    public DeviceTrial(CellType cell) throws IOException {
        Corpus lyrics = Corpus.builtIn(CorpusOptions.WHOLE_TEXT.withMaxChars(CorpusOptions.DEFAULT_MAX_CHARS));
        Vocabulary vocabulary = Vocabulary.of(lyrics);
        model = new ModelConfig(cell, vocabulary.size(), ModelConfig.DEFAULT_HIDDEN_SIZE, ModelConfig.DEFAULT_LAYERS);
        batches = TrainingData.of(training, vocabulary, lyrics, null).batches();
        start = Checkpoint.start(model, training, Initializers.draw(LanguageModel.parameters(model), training.seed()));
    }

    /** Runs the steps on the process's device, in its precision. */
    public Steps run() {
        return run(Sessions.factorType());
    }

    /** @param factors the type to which the factors of matrix products are rounded */
    Steps run(Class<? extends TFloating> factors) {
        Batches.Epoch epoch = batches.epoch(0);
        List<Float> losses = new ArrayList<>();
        double[] seconds = new double[STEPS];
        TrainConfig split = training.withBatches(training.seqLength(), training.batchSize(), training.sampling());
        ExecutionPlan plan =
                ExecutionPlan.of(model, split, Sessions.areOnGpu(), factors, 0).at(Sessions.places());
        try (TrainStep step = new TrainStep(model, split, start, Ids.of(), plan)) {
            for (int i = 0; i < STEPS; i++) {
                long before = System.nanoTime();
                losses.add(step.run(epoch.batch(i), LEARNING_RATE, i + 1).loss());
                seconds[i] = (System.nanoTime() - before) / 1e9;
            }
        }
        double[] warm = Arrays.copyOfRange(seconds, 1, STEPS);
        Arrays.sort(warm);
        return new Steps(List.copyOf(losses), (warm[1] + warm[2]) / 2);
    }
}
