package dev.libretto.benchmark;

import dev.libretto.generate.Decoder;
import dev.libretto.generate.EagerModel;
import dev.libretto.model.CellType;
import dev.libretto.text.Batches;
import dev.libretto.text.Batches.Sampling;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.train.TrainConfig;
import dev.libretto.train.TrainStep;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Pointer;

/** Trains and generates for long with a small model while sampling the resident memory. */
public final class Soak {
    /** The allowed growth from the second quarter's mean to the last one's; the first quarter is warm-up. */
    public static final double ALLOWED_GROWTH = 0.02;

    private static final int SAMPLES = 200;
    private static final int HIDDEN_SIZE = 32;

    /**
     * Resident memory during work.
     *
     * @param mebibytes evenly spaced samples
     */
    public record Memory(String work, List<Double> mebibytes) {
        /** Returns the mean of quarter 0 to 3. */
        public double quarterMean(int quarter) {
            int size = mebibytes.size();
            return mebibytes.subList(size * quarter / 4, size * (quarter + 1) / 4).stream()
                    .mapToDouble(Double::doubleValue)
                    .average()
                    .orElseThrow();
        }

        /** Returns the relative growth from the second quarter's mean to the last one's. */
        public double growth() {
            return quarterMean(3) / quarterMean(1) - 1;
        }

        /** Returns whether the growth is at most {@link #ALLOWED_GROWTH}. */
        public boolean isFlat() {
            return growth() <= ALLOWED_GROWTH;
        }
    }

    private final Workload workload;

    /** Prepares a model with 32 hidden units, 16 time steps and 8 rows, on the built-in lyrics. */
    public Soak() throws IOException {
        Corpus lyrics = Corpus.builtIn(CorpusOptions.WHOLE_TEXT.withMaxChars(CorpusOptions.DEFAULT_MAX_CHARS));
        TrainConfig training = Workload.training(16, 8, Sampling.RANDOM);
        workload = Workload.of("soak", Corpus.BUILT_IN, lyrics, CellType.RNN, HIDDEN_SIZE, 1, training);
    }

    /** Trains for the given number of steps. */
    public Memory train(int steps) {
        Samples samples = new Samples(steps);
        try (TrainStep step = new TrainStep(
                workload.config().model(),
                workload.config().training(),
                workload.start(),
                workload.batches().ids())) {
            Batches.Epoch epoch = workload.batches().epoch(0);
            for (int i = 0; i < steps; i++) {
                if (i / epoch.count() != epoch.number()) {
                    epoch = workload.batches().epoch(i / epoch.count());
                }
                step.run(epoch.batch(i % epoch.count()), workload.learningRate(), i + 1L);
                samples.done(i + 1);
            }
        }
        return new Memory(steps + " training steps", samples.taken);
    }

    /** Generates the given number of characters. */
    public Memory generate(int characters) {
        Samples samples = new Samples(characters);
        int[] written = new int[1];
        try (EagerModel model = new EagerModel(workload.config().model(), workload.weights())) {
            new Decoder(model)
                    .write(
                            List.of(workload.vocabulary().encode("分开")),
                            1,
                            Decoder.Options.greedy(characters),
                            (row, character) -> samples.done(++written[0]));
        }
        return new Memory(characters + " generated characters", samples.taken);
    }

    /** Samples the memory evenly over the work. */
    private static final class Samples {
        private final int work;
        private final List<Double> taken = new ArrayList<>();

        Samples(int work) {
            this.work = work;
        }

        void done(int amount) {
            if ((long) amount * SAMPLES / work > taken.size()) {
                taken.add(Pointer.physicalBytes() / (double) (1 << 20));
            }
        }
    }
}
