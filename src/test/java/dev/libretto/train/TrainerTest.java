package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.BigramModel;
import dev.libretto.LibrettoException;
import dev.libretto.NativeMemory;
import dev.libretto.ReferenceModel;
import dev.libretto.Rounding;
import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.Initializers;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.RecurrenceType;
import dev.libretto.model.Weights;
import dev.libretto.run.RunConfig;
import dev.libretto.run.RunDirectory;
import dev.libretto.run.RunDirectory.Resumed;
import dev.libretto.text.Batches;
import dev.libretto.text.Batches.Batch;
import dev.libretto.text.Batches.Sampling;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Ids;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.Optimizer.Kind;
import dev.libretto.train.TrainStep.StepInput;
import dev.libretto.train.TrainStep.StepMetrics;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.types.TFloat32;

@Tag("numeric")
class TrainerTest {
    private static final int HIDDEN = 16;
    /** Above {@link #JUMP_FACTOR} times any loss at learning rate 1, below what counts as exploded. */
    private static final float JUMP = 100;

    private static final double JUMP_FACTOR = 10;

    private static final CheckpointPolicy.Every EVERY_EPOCH = CheckpointPolicy.Every.parse("1");

    @TempDir
    private Path folder;

    private final List<EpochMetrics> epochs = new ArrayList<>();
    private final List<String> rollbacks = new ArrayList<>();
    private final List<String> ofBatches = new ArrayList<>();
    private int batchesPerRun = 1;
    /** The batches whose loss is replaced by {@link #JUMP}, so that divergence does not depend on luck. */
    private Predicate<StepInput> jumps = input -> false;

    /** The position after the last whole epoch. */
    private Weights weightsOfEpoch;

    @Test
    void learnsMoreThanBigramsOfAShortText() throws IOException {
        Trained trained = train("learnt", config(60, 10, Sampling.CONSECUTIVE), () -> false);

        assertThat(epochs).hasSize(60);
        double bigrams = BigramModel.perplexity(vocabulary().encode(corpus()));
        assertThat(epochs.get(0).perplexity()).isGreaterThan(bigrams);
        assertThat(epochs.get(59).perplexity()).isLessThan(bigrams);
        assertThat(trained.progress()).satisfies(end -> {
            assertThat(end.epoch()).isEqualTo(60);
            assertThat(end.batch()).isZero();
            assertThat(end.step()).isEqualTo(60 * 16);
            assertThat(end.loss()).isEqualTo(epochs.get(59).loss());
        });
    }

    @Test
    void metricsHaveOneRowPerEpochWithAllDigits() throws IOException {
        train("metrics", config(3, 1, Sampling.CONSECUTIVE), () -> false);

        List<String> rows = Files.readAllLines(folder.resolve("metrics/metrics.csv"));
        assertThat(rows).hasSize(4);
        for (int i = 0; i < 3; i++) {
            String[] cells = rows.get(i + 1).split(",");
            assertThat(cells[0]).isEqualTo(Integer.toString(i + 1));
            assertThat(Double.parseDouble(cells[1])).isEqualTo(epochs.get(i).loss());
            assertThat(Double.parseDouble(cells[2]))
                    .isEqualTo(Math.exp(epochs.get(i).loss()));
            double seconds = Double.parseDouble(cells[3]);
            assertThat(Double.parseDouble(cells[4])).isEqualTo(16 * 4 * 10 / seconds);
        }
    }

    /** Training that fails in its first batch leaves no checkpoint. */
    @Test
    void nothingIsSavedBeforeTheFirstBatch() throws IOException {
        TrainConfig config = config(1, 1, Sampling.CONSECUTIVE);
        Path checkpoints = folder.resolve("run/checkpoints");
        List<List<String>> saved = new ArrayList<>();
        TrainingListener listener = new TrainingListener() {
            @Override
            public void firstBatchComputed() {
                saved.add(List.of(checkpoints.toFile().list()));
            }

            @Override
            public void trainingStarted() {
                saved.add(List.of(checkpoints.toFile().list()));
            }

            @Override
            public boolean stopRequested() {
                return true;
            }
        };
        try (RunDirectory run = RunDirectory.create(folder.resolve("run"), runConfig(config), vocabulary(), false);
                Trainer trainer = new Trainer(
                        model(), config, new TrainingData(batches(config), Ids.of()), start(config), run, listener)) {
            trainer.train();
        }
        assertThat(saved).containsExactly(List.of(), List.of("step-00000000"));
    }

    /** The steps are too small to change a weight. */
    @Test
    void lossOfAnEpochIsTheMeanOfItsBatches() throws IOException {
        TrainConfig config = config(1, 1e-30, Sampling.CONSECUTIVE);
        train("first", config, () -> false);

        ReferenceModel reference = new ReferenceModel(model(), start(config).weights());
        Batches.Epoch epoch = batches(config).epoch(0);
        double[][] states = new double[4][];
        double expected = 0;
        for (int i = 0; i < 16; i++) {
            if (!epoch.batch(i).continues()) {
                Arrays.fill(states, reference.zeroState());
            }
            expected += reference.loss(epoch.batch(i).inputs(), epoch.batch(i).targets(), states) / 16;
        }
        double error = Rounding.ofLoss(model(), 16 * 10, 4);
        assertThat(epochs.get(0).loss()).isCloseTo(expected, within(error * expected));
    }

    @ParameterizedTest
    @EnumSource
    void sameSeedGivesSameBits(Sampling sampling) throws IOException {
        Trained one = train("one", config(5, 10, sampling), () -> false);
        Trained two = train("two", config(5, 10, sampling), () -> false);

        assertSameBits(one.weights(), two.weights());
        assertThat(epochs.subList(0, 5).stream().map(EpochMetrics::loss))
                .isEqualTo(
                        epochs.subList(5, 10).stream().map(EpochMetrics::loss).toList());
    }

    /** With carried state, the loss of the second batch differs from that with a zero state. */
    @Test
    void consecutiveBatchesCarryState() {
        TrainConfig config = config(1, 1e-9, Sampling.CONSECUTIVE);
        Batches.Epoch epoch = batches(config).epoch(0);
        try (TrainStep step = new TrainStep(model(), config, start(config))) {
            step.run(epoch.batch(0), 1e-9, 1);
            float carried = step.run(epoch.batch(1), 1e-9, 2).loss();
            Batch alone = new Batch(epoch.batch(1).inputs(), epoch.batch(1).targets(), false, new long[0]);
            float fromZeros = step.run(alone, 1e-9, 2).loss();
            step.restore(start(config));
            step.run(epoch.batch(0), 1e-9, 1);
            float carriedAgain = step.run(epoch.batch(1), 1e-9, 2).loss();

            assertClearlyDifferent(carried, fromZeros);
            assertThat(carriedAgain).isEqualTo(carried);
        }
    }

    @Test
    void zeroEpochsSaveTheUntrainedModel() throws IOException {
        TrainConfig config = config(0, 1, Sampling.CONSECUTIVE);
        Trained trained = train("untrained", config, () -> false);

        assertThat(trained.progress()).isEqualTo(Progress.start());
        assertSameBits(trained.weights(), start(config).weights());
    }

    @Test
    void stopSavesACheckpointWithinTheEpoch() throws IOException {
        Trained stopped = train("stopped", config(5, 10, Sampling.CONSECUTIVE), stopAfter(20));

        assertThat(stopped.progress().epoch()).isEqualTo(1);
        assertThat(stopped.progress().batch()).isEqualTo(4);
        assertThat(stopped.progress().step()).isEqualTo(20);
        assertThat(Files.readAllLines(folder.resolve("stopped/metrics.csv"))).hasSize(2);
    }

    /** However often it is interrupted, a resumed run ends in the same bits and metrics. */
    @ParameterizedTest
    @EnumSource
    void resumedRunMatchesUninterruptedRun(Sampling sampling) throws IOException {
        TrainConfig config = config(5, 10, sampling);
        Trained whole = train("whole", config, () -> false);

        Progress progress = train("parts", config, stopAfter(1)).progress();
        for (int batches : new int[] {1, 13, 1, 16, 17}) {
            progress = resume("parts", config, stopAfter(batches)).progress();
        }
        assertThat(progress.step()).isEqualTo(49);
        Trained parts = resume("parts", config, () -> false);

        assertSameBits(parts.weights(), whole.weights());
        assertThat(untimed("parts")).isEqualTo(untimed("whole")).hasSize(6);
    }

    @Test
    void finishedRunResumesWithMoreEpochs() throws IOException {
        Trained whole = train("whole", config(5, 10, Sampling.CONSECUTIVE), () -> false);
        train("longer", config(3, 10, Sampling.CONSECUTIVE), () -> false);
        Trained longer = resume("longer", config(5, 10, Sampling.CONSECUTIVE), () -> false);

        assertSameBits(longer.weights(), whole.weights());
        assertThat(untimed("longer")).isEqualTo(untimed("whole"));
    }

    /** Slots, schedule, dropout, averages and validation are resumed, too. */
    @ParameterizedTest
    @EnumSource
    void everyOptimizerResumesToTheSameBits(Kind kind) throws IOException {
        Optimizer optimizer = Optimizer.defaults(kind)
                .withLearningRate(new LearningRate(0.01, LearningRate.Schedule.COSINE, 0.1, 4, 0.5));
        TrainConfig config = TestModels.withDropout(config(4, 10, Sampling.CONSECUTIVE), 0.3)
                .with(c -> c.optimizer = optimizer)
                .with(c -> c.emaDecay = 0.9)
                .with(c -> c.validation = new ValidationConfig(0.2, null, 0));
        Trained whole = train("whole", config, () -> false);
        train("parts", config, stopAfter(23));
        resume("parts", config, stopAfter(16));
        Trained parts = resume("parts", config, () -> false);

        assertSameBits(parts.weights(), whole.weights());
        assertThat(parts.progress().validation()).isEqualTo(whole.progress().validation());
        assertThat(untimed("parts")).isEqualTo(untimed("whole")).hasSize(5);
    }

    @Test
    void failedConstructionLeaksNoNativeMemory() throws IOException {
        TrainConfig config = config(1, 1, Sampling.CONSECUTIVE);
        Ids unreadable = new Ids() {
            @Override
            public long length() {
                throw new UncheckedIOException(new IOException("the text is gone"));
            }

            @Override
            public int at(long position) {
                return 0;
            }
        };
        try (RunDirectory run = RunDirectory.create(folder.resolve("run"), runConfig(config), vocabulary(), false)) {
            Batches batches = batches(config);
            Checkpoint start = start(config);
            NativeMemory.assertFreedByFailing(() -> new Trainer(
                    model(), config, new TrainingData(batches, unreadable), start, run, TrainingListener.NONE));
        }
    }

    /** Dropout affects training, depending on the seed, but not evaluation. */
    @Test
    void dropoutDependsOnSeedAndStep() {
        // So high that the mean loss changes clearly, though the model is small and a mask holds for all time steps.
        TrainConfig config = TestModels.withDropout(config(1, 1e-9, Sampling.CONSECUTIVE), 0.9);
        Batch batch = batches(config).epoch(0).batch(0);
        try (TrainStep step = new TrainStep(model(), config, start(config));
                TrainStep plain = new TrainStep(model(), TestModels.withDropout(config, 0), start(config))) {
            float first = step.run(batch, 1e-9, 1).loss();
            float second = step.run(batch, 1e-9, 2).loss();
            step.restore(start(config));
            float again = step.run(batch, 1e-9, 1).loss();
            float without = plain.run(batch, 1e-9, 1).loss();

            assertClearlyDifferent(first, second);
            assertClearlyDifferent(first, without);
            assertThat(again).isEqualTo(first);
        }
    }

    /** The rates of the metrics follow from their validation losses, and a resumed run counts on from the epochs before. */
    @Test
    void plateauScheduleResumesToTheSameBits() throws IOException {
        Optimizer optimizer =
                Optimizer.TEXTBOOK.withLearningRate(new LearningRate(10, LearningRate.Schedule.PLATEAU, 0.5, 2, 0));
        TrainConfig config = config(40, 10, Sampling.CONSECUTIVE)
                .with(c -> c.validation = new ValidationConfig(0.3, null, 0))
                .with(c -> c.optimizer = optimizer.withClipping(new Clipping(Clipping.By.NORM, 0.1)));
        Trained whole = train("whole", config, () -> false);
        List<EpochMetrics> uninterrupted = List.copyOf(epochs);

        double rate = 10;
        double lowest = Double.MAX_VALUE;
        int notLower = 0;
        for (EpochMetrics metrics : uninterrupted) {
            assertThat(metrics.learningRate()).isEqualTo(rate);
            notLower = metrics.validationLoss() < lowest ? 0 : notLower + 1;
            lowest = Math.min(lowest, metrics.validationLoss());
            rate = notLower > 0 && notLower % 2 == 0 ? rate / 2 : rate;
        }
        // Halved at least twice, so that two halvings in a row and the epochs between them are resumed.
        assertThat(rate).isLessThanOrEqualTo(2.5);
        assertThat(whole.progress().learningRateFactor()).isEqualTo(rate / 10);

        int batches = batches(config).count();
        train("parts", config, stopAfter(batches / 2));
        for (int epoch = 1; epoch <= config.epochs() - 5; epoch += 5) {
            resume("parts", config, stopAfter(5 * batches));
        }
        Trained parts = resume("parts", config, () -> false);
        assertSameBits(parts.weights(), whole.weights());
        assertThat(parts.progress().learningRateFactor()).isEqualTo(rate / 10);
        assertThat(untimed("parts")).isEqualTo(untimed("whole")).hasSize(41);
    }

    /** A model that memorizes a short text soon overfits: its validation loss rises. */
    @Test
    void patienceEndsTrainingAndKeepsTheBestWeights() throws IOException {
        TrainConfig config = config(200, 10, Sampling.CONSECUTIVE)
                .with(c -> c.validation = new ValidationConfig(0.3, null, 3))
                .with(c -> c.checkpoints = new CheckpointPolicy(CheckpointPolicy.Every.parse("1000"), 1));
        Trained trained = train("patient", config, () -> false);

        Progress.Validation validation = trained.progress().validation();
        assertThat(trained.progress().epoch())
                .isLessThan(200)
                .isEqualTo(validation.lowestEpoch() + 3)
                .isEqualTo(epochs.size());
        List<Double> losses = epochs.stream().map(EpochMetrics::validationLoss).toList();
        assertThat(validation.lowest())
                .isEqualTo(losses.stream().min(Double::compare).orElseThrow());
        assertThat(losses.get(validation.lowestEpoch() - 1)).isEqualTo(validation.lowest());

        RunDirectory run = RunDirectory.open(folder.resolve("patient"));
        Checkpoint best = run.checkpoint(RunDirectory.Which.BEST, this::noWarning);
        assertThat(best.progress().epoch()).isEqualTo(validation.lowestEpoch());
        try (Evaluator evaluator = new Evaluator(model(), config.batchSize())) {
            evaluator.load(best.weights());
            assertThat(evaluator.evaluate(validationIds(run.config())).loss()).isEqualTo(validation.lowest());
        }
        assertThat(run.checkpoint(RunDirectory.Which.LAST, this::noWarning).progress())
                .isEqualTo(trained.progress());
        assertThat(resume("patient", config, () -> false).progress()).isEqualTo(trained.progress());
    }

    @ParameterizedTest
    @CsvSource({"1, 2 3", "2, 2 3", "3, 0 3", "20b, 40 48", "16b, 32 48", "1000b, 0 48", "10m, 0 48"})
    void checkpointsFollowTheSchedule(String every, String expected) throws IOException {
        TrainConfig config = config(3, 1, Sampling.CONSECUTIVE)
                .with(c -> c.checkpoints = new CheckpointPolicy(CheckpointPolicy.Every.parse(every), 2));
        train("run", config, () -> false);

        boolean epochsExpected = !every.matches(".*[bm]");
        List<String> steps = new ArrayList<>();
        for (String step : expected.split(" ")) {
            steps.add(String.format("step-%08d", Integer.parseInt(step) * (epochsExpected ? 16 : 1)));
        }
        try (Stream<Path> saved = Files.list(folder.resolve("run/checkpoints"))) {
            assertThat(saved.map(path -> path.getFileName().toString()).sorted())
                    .containsAll(steps);
        }
    }

    /** One step of length 1e37. */
    @Test
    void divergenceStopsAndSavesTheLastGoodWeights() throws IOException {
        TrainConfig config = config(50, 1e38, Sampling.CONSECUTIVE);
        assertThatThrownBy(() -> train("diverged", config, () -> false))
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining("training diverged in epoch 1")
                .hasMessageContaining("; the initial weights were saved; try a lower learning rate");

        Weights kept = RunDirectory.open(folder.resolve("diverged"))
                .newest(this::noWarning)
                .weights();
        assertSameBits(kept, start(config).weights());
    }

    /**
     * Divergence within an epoch, possibly after checkpoints of the same epoch. The loss jumps in batch 9 of epoch 3, or explodes in
     * batch 2 of epoch 1 after a step of 1e5 times the gradient.
     */
    @ParameterizedTest
    @CsvSource({
        "1, JUMPS, 2",
        "2, JUMPS, 2",
        "1b, JUMPS, 2",
        "3b, JUMPS, 2",
        "7b, JUMPS, 2",
        "1000b, JUMPS, 2",
        "1m, JUMPS, 2",
        "1, EXPLODES, 0",
        "1b, EXPLODES, 0",
        "1m, EXPLODES, 0"
    })
    void divergenceRestoresTheEndOfTheLastWholeEpoch(String every, String what, int wholeEpochs) throws IOException {
        boolean jump = what.equals("JUMPS");
        jumps = input -> jump && input.step() == 2 * 16 + 9;
        TrainConfig config = withDivergence(
                        jump ? config(50, 1, Sampling.CONSECUTIVE) : exploding(),
                        new DivergencePolicy(DivergencePolicy.Action.STOP, jump ? JUMP_FACTOR : 0, 1))
                .with(c -> c.checkpoints = new CheckpointPolicy(CheckpointPolicy.Every.parse(every), 1));
        weightsOfEpoch = start(config).weights();
        assertThatThrownBy(() -> train("run", config, () -> false))
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining("training diverged");
        assertThat(epochs).hasSize(wholeEpochs);
        Weights left = weightsOfEpoch;
        assertKept("run", wholeEpochs, left);

        assertThatThrownBy(() -> resume("run", config, () -> false))
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining("training diverged");
        assertKept("run", wholeEpochs, left);

        // Repeated interruptions, so that training is resumed before and within the epoch that diverges.
        assertThatThrownBy(() -> {
                    train("parts", config, stopAfter(jump ? 2 * 16 - 2 : 1));
                    while (true) {
                        resume("parts", config, stopAfter(1));
                    }
                })
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining("training diverged");
        assertKept("parts", wholeEpochs, left);
    }

    private void assertKept(String name, int epoch, Weights weights) throws IOException {
        Checkpoint newest = RunDirectory.open(folder.resolve(name)).newest(this::noWarning);
        assertThat(newest.progress().epoch()).isEqualTo(epoch);
        assertThat(newest.progress().batch()).isZero();
        assertSameBits(newest.weights(), weights);
    }

    /** Unclipped steps of 1e5 times the gradient; the logits of the second batch are about that large. */
    private static TrainConfig exploding() {
        TrainConfig clipped = config(50, 1e5, Sampling.CONSECUTIVE);
        return clipped.with(c -> c.optimizer = clipped.optimizer().withClipping(new Clipping(Clipping.By.NORM, 1e9)));
    }

    /** The loss is finite, but the next characters have zero probability in float32. */
    @Test
    void explodedLossIsDivergence() {
        assertThatThrownBy(() -> train("exploded", exploding(), () -> false))
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining("training diverged in epoch 1")
                .hasMessageNotContaining("loss NaN")
                .hasMessageNotContaining("loss Infinity");
        assertThat(DivergencePolicy.isExploded(103.3)).isTrue();
        assertThat(DivergencePolicy.isExploded(103.2)).isFalse();
    }

    @Test
    void divergenceReportsTheLastPerplexity() {
        jumps = input -> input.step() == 3 * 16 + 5;
        DivergencePolicy jump = new DivergencePolicy(DivergencePolicy.Action.STOP, JUMP_FACTOR, 1);
        TrainConfig config = withDivergence(config(50, 1, Sampling.CONSECUTIVE), jump);
        Throwable thrown = catchThrowable(() -> train("jumped", config, () -> false));

        assertThat(epochs).hasSize(3);
        assertThat(thrown)
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining("training diverged in epoch 4: loss " + JUMP)
                .hasMessageContaining(
                        "the last perplexity was " + epochs.get(2).perplexity() + "; the last good weights were saved");
    }

    /** The learning rate is too high from epoch 3 on; it is halved until the loss no longer jumps. */
    @Test
    void rollbackHalvesTheLearningRateUntilTrainingIsStable() throws IOException {
        jumpsWhileTheLearningRateIsAbove(0.2);
        DivergencePolicy policy = new DivergencePolicy(DivergencePolicy.Action.ROLLBACK, JUMP_FACTOR, 20);
        TrainConfig config =
                withDivergence(config(12, 1, Sampling.CONSECUTIVE), policy).with(c -> c.emaDecay = 0.9);
        Trained trained = train("healed", config, () -> false);

        assertThat(rollbacks).hasSize(3);
        assertThat(rollbacks.get(0)).contains("training diverged in epoch 3: ").contains("(rollback 1 of 20)");
        assertThat(rollbacks.get(2)).contains("(rollback 3 of 20)");
        assertThat(trained.progress().rollbacks()).isEqualTo(3);
        assertThat(trained.progress().learningRateFactor()).isEqualTo(0.125);

        List<String> rows = Files.readAllLines(folder.resolve("healed/metrics.csv"));
        assertThat(rows).hasSize(13);
        for (int epoch = 1; epoch <= 12; epoch++) {
            assertThat(rows.get(epoch)).startsWith(epoch + ",");
        }
        assertThat(rows.get(2)).endsWith(",1.0,0,,");
        assertThat(rows.get(12)).endsWith(",0.125,3,,");

        // Repeated interruptions, most of them around the rollbacks.
        Trained parts = train("parts", config, stopAfter(30));
        for (int i = 0; i < 40 && parts.progress().epoch() < 12; i++) {
            parts = resume("parts", config, stopAfter(i < 8 ? 7 : 39));
        }
        assertSameBits(parts.weights(), trained.weights());
        assertThat(untimed("parts")).isEqualTo(untimed("healed"));
    }

    /** The 16 batches of an epoch are a multiple neither of five per run nor of 24. */
    @ParameterizedTest
    @CsvSource({"5, 1, 0", "5, 7b, 0", "24, 1, 0", "5, 7b, 3"})
    void severalBatchesPerRunMatchOne(int several, String every, int expectedRollbacks) throws IOException {
        jumpsWhileTheLearningRateIsAbove(expectedRollbacks == 0 ? 1 : 0.2);
        DivergencePolicy policy = new DivergencePolicy(DivergencePolicy.Action.ROLLBACK, JUMP_FACTOR, 20);
        TrainConfig config = withDivergence(config(6, 1, Sampling.CONSECUTIVE), policy)
                .with(c -> c.checkpoints = new CheckpointPolicy(CheckpointPolicy.Every.parse(every), 100));
        Trained one = train("one", config, () -> false);
        List<String> batchesOfOne = List.copyOf(ofBatches);
        List<String> rollbacksOfOne = List.copyOf(rollbacks);
        assertThat(rollbacksOfOne).hasSize(expectedRollbacks);
        ofBatches.clear();
        rollbacks.clear();

        batchesPerRun = several;
        Trained other = train("several", config, () -> false);

        assertSameBits(other.weights(), one.weights());
        assertThat(ofBatches).isEqualTo(batchesOfOne);
        assertThat(rollbacks).isEqualTo(rollbacksOfOne);
        assertThat(untimed("several")).isEqualTo(untimed("one"));
        assertThat(checkpoints("several")).isEqualTo(checkpoints("one"));
    }

    private void jumpsWhileTheLearningRateIsAbove(double learningRate) {
        jumps = input -> input.step() > 2 * 16 + 5 && input.learningRate() > learningRate;
    }

    private List<String> checkpoints(String name) throws IOException {
        try (Stream<Path> saved = Files.list(folder.resolve(name).resolve("checkpoints"))) {
            return saved.map(path -> path.getFileName().toString()).sorted().toList();
        }
    }

    /** A requested stop takes effect after the run of batches; resuming from there gives the same result. */
    @Test
    void stopWaitsForTheCurrentRunOfBatches() throws IOException {
        TrainConfig config = config(3, 10, Sampling.CONSECUTIVE);
        batchesPerRun = 5;
        Trained whole = train("whole", config, () -> false);
        // 5 + 5 + 5 + 1 in the first epoch, 5 in the second.
        assertThat(train("parts", config, stopAfter(5)).progress().step()).isEqualTo(21);
        Trained parts = resume("parts", config, () -> false);

        assertSameBits(parts.weights(), whole.weights());
        assertThat(untimed("parts")).isEqualTo(untimed("whole"));
    }

    /** The weights overflow after one step, even at an eighth of the learning rate. */
    @Test
    void rollbacksAreBounded() {
        DivergencePolicy policy = new DivergencePolicy(DivergencePolicy.Action.ROLLBACK, 0, 3);
        TrainConfig gentle = withDivergence(config(12, 3e38, Sampling.CONSECUTIVE), policy);
        TrainConfig config =
                gentle.with(c -> c.optimizer = gentle.optimizer().withClipping(new Clipping(Clipping.By.NORM, 1e30)));

        assertThatThrownBy(() -> train("hopeless", config, () -> false))
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining("after 3 rollbacks");
        assertThat(rollbacks).hasSize(3);
    }

    /**
     * Neither open native objects nor the heap grow over 80 epochs of eight batches. Between epochs 40 and 80, a leaked tensor per
     * epoch would be 40 objects, and leaked weights of 500 KiB would be 20 MiB. Half of that is allowed.
     */
    @Test
    void memoryStaysFlat() throws IOException {
        List<Long> open = new ArrayList<>();
        List<Long> heap = new ArrayList<>();
        ModelConfig wide = new ModelConfig(CellType.RNN, vocabulary().size(), 256, 1);
        TrainConfig config = config(80, 1, Sampling.CONSECUTIVE)
                .withBatches(2, 64, Sampling.CONSECUTIVE)
                .with(c -> c.checkpoints = new CheckpointPolicy(CheckpointPolicy.Every.parse("10"), 1));
        RunConfig runConfig = new RunConfig(CorpusInfo.of(corpus()), wide, config);
        Checkpoint start = Checkpoint.start(
                runConfig.model(),
                runConfig.training(),
                Initializers.draw(LanguageModel.parameters(wide), config.seed()));
        try (RunDirectory run = RunDirectory.create(folder.resolve("flat"), runConfig, vocabulary(), false)) {
            train(new Resumed(run, start), () -> false, metrics -> {
                if (metrics.epoch() % 40 == 0) {
                    open.add(Pointer.totalCount());
                    System.gc();
                    Runtime runtime = Runtime.getRuntime();
                    heap.add(runtime.totalMemory() - runtime.freeMemory());
                }
            });
        }
        assertThat(open.get(1) - open.get(0)).as("native objects left open").isLessThan(20);
        long weights = Float.BYTES * LanguageModel.countParameters(wide);
        assertThat(heap.get(1) - heap.get(0)).as("growth of the heap").isLessThan(20 * weights);
    }

    private record Trained(Progress progress, Weights weights) {}

    private Trained train(String name, TrainConfig config, BooleanSupplier stop) throws IOException {
        return train(name, config, stop, epochs::add);
    }

    private Trained train(String name, TrainConfig config, BooleanSupplier stop, Consumer<EpochMetrics> listener)
            throws IOException {
        try (RunDirectory run = RunDirectory.create(folder.resolve(name), runConfig(config), vocabulary(), false)) {
            return train(new Resumed(run, start(config)), stop, listener);
        }
    }

    private Trained resume(String name, TrainConfig config, BooleanSupplier stop) throws IOException {
        Resumed from = RunDirectory.resume(folder.resolve(name), runConfig(config), this::noWarning);
        try (RunDirectory ignored = from.run()) {
            assertThat(ignored.path()).exists();
            return train(from, stop, epochs::add);
        }
    }

    private Trained train(Resumed from, BooleanSupplier stop, Consumer<EpochMetrics> listener) throws IOException {
        TrainingListener both = new TrainingListener() {
            @Override
            public void epochEnded(EpochMetrics metrics, Supplier<Weights> weights) {
                listener.accept(metrics);
                weightsOfEpoch = weights.get();
            }

            @Override
            public void batchEnded(Progress progress, int count, StepMetrics metrics) {
                ofBatches.add(progress.step() + ", " + progress.batch() + " of " + count + ": " + metrics);
            }

            @Override
            public void rolledBack(String message) {
                rollbacks.add(message);
            }

            @Override
            public boolean stopRequested() {
                return stop.getAsBoolean();
            }
        };
        RunDirectory run = from.run();
        Batches batches = batches(run.config().training());
        Checkpoint start = from.checkpoint();
        TrainStep step =
                new TrainStep(
                        run.config().model(),
                        run.config().training(),
                        start,
                        Ids.of(),
                        new ExecutionPlan(
                                RecurrenceType.UNROLLED,
                                Parts.of(run.config().training().parts()),
                                TFloat32.class,
                                batchesPerRun,
                                0)) {
                    @Override
                    public List<StepMetrics> run(List<StepInput> inputs) {
                        List<StepMetrics> metrics = new ArrayList<>(super.run(inputs));
                        for (int i = 0; i < inputs.size(); i++) {
                            if (jumps.test(inputs.get(i))) {
                                metrics.set(
                                        i, new StepMetrics(JUMP, metrics.get(i).gradientNorm()));
                            }
                        }
                        return metrics;
                    }
                };
        try (Trainer trainer = new Trainer(
                step,
                run.config().model(),
                run.config().training(),
                new TrainingData(batches, validationIds(run.config())),
                start,
                run,
                both)) {
            Progress progress = trainer.train();
            Checkpoint newest = run.newest(this::noWarning);
            assertThat(newest.progress()).isEqualTo(progress);
            return new Trained(progress, newest.weights());
        }
    }

    private static Ids validationIds(RunConfig config) {
        Ids ids = vocabulary().encode(corpus());
        return ids.slice(trainingLength(config.training()), ids.length());
    }

    private static long trainingLength(TrainConfig config) {
        long length = corpus().length();
        return length - Math.round(config.validation().fraction() * length);
    }

    private void noWarning(String warning) {
        throw new AssertionError(warning);
    }

    private static BooleanSupplier stopAfter(int batches) {
        AtomicInteger asked = new AtomicInteger();
        return () -> asked.incrementAndGet() == batches;
    }

    /** Returns the rows of the metrics without the columns that measure time. */
    private List<String> untimed(String name) throws IOException {
        List<String> rows = new ArrayList<>();
        for (String row : Files.readAllLines(folder.resolve(name).resolve("metrics.csv"))) {
            String[] cells = row.split(",", -1);
            assertThat(cells).hasSize(9);
            rows.add(String.join(",", cells[0], cells[1], cells[2], cells[5], cells[6], cells[7], cells[8]));
        }
        return rows;
    }

    private static TrainConfig config(int epochs, double learningRate, Sampling sampling) {
        Optimizer optimizer = Optimizer.TEXTBOOK
                .withLearningRate(LearningRate.constant(learningRate))
                .withClipping(new Clipping(Clipping.By.NORM, 0.1));
        return TrainConfig.TEXTBOOK
                .withBatches(10, 4, sampling)
                .with(c -> c.parts = 2)
                .with(c -> c.epochs = epochs)
                .with(c -> c.optimizer = optimizer)
                .with(c -> c.checkpoints = new CheckpointPolicy(EVERY_EPOCH, 2));
    }

    private static TrainConfig withDivergence(TrainConfig config, DivergencePolicy divergence) {
        return config.with(c -> c.divergence = divergence);
    }

    private static RunConfig runConfig(TrainConfig config) {
        return new RunConfig(CorpusInfo.of(corpus()), model(), config);
    }

    private static Checkpoint start(TrainConfig config) {
        return Checkpoint.start(model(), config, Initializers.draw(LanguageModel.parameters(model()), config.seed()));
    }

    private static Corpus corpus() {
        try {
            return Corpus.builtIn(CorpusOptions.WHOLE_TEXT.withMaxChars(650));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static Vocabulary vocabulary() {
        return Vocabulary.of(corpus());
    }

    private static ModelConfig model() {
        return new ModelConfig(CellType.RNN, vocabulary().size(), HIDDEN, 1);
    }

    private static Batches batches(TrainConfig config) {
        Ids ids = vocabulary().encode(corpus()).slice(0, trainingLength(config));
        return new Batches(ids, config.batchSize(), config.seqLength(), config.sampling(), config.seed());
    }

    /** Ten times the difference that rounding and a learning rate of 1e-9 can cause. */
    private static void assertClearlyDifferent(float one, float two) {
        double rounding = 2 * Rounding.ofLoss(model(), 10, 4) * one;
        assertThat(Math.abs(one - two)).isGreaterThan((float) (10 * rounding));
    }

    private static void assertSameBits(Weights one, Weights two) {
        for (Parameter parameter : one.parameters()) {
            assertThat(one.of(parameter)).containsExactly(two.of(parameter));
        }
    }
}
