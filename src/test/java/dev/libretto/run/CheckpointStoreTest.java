package dev.libretto.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.model.LanguageModel;
import dev.libretto.model.Weights;
import dev.libretto.run.RunDirectory.Which;
import dev.libretto.train.Checkpoint;
import dev.libretto.train.CheckpointPolicy;
import dev.libretto.train.CheckpointPolicy.Every;
import dev.libretto.train.EpochMetrics;
import dev.libretto.train.MemoryStore;
import dev.libretto.train.Progress;
import dev.libretto.train.ValidationConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The stores in memory and on disk keep and return the same checkpoints and metrics. */
class CheckpointStoreTest {
    private static final int BATCHES_OF_EPOCH = 3;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "1, 3, 2", "2, 2, 3", "2b, 1, 4", "4b, 2, 5", "1m, 2, 6"})
    void memoryMatchesDisk(String every, int keep, long seed) throws IOException {
        CheckpointPolicy policy = new CheckpointPolicy(Every.parse(every), keep);
        RunConfig config = TestRun.CONFIG.withTraining(TestRun.CONFIG
                .training()
                .with(c -> c.checkpoints = policy)
                .with(c -> c.validation = new ValidationConfig(0.5, null, 0)));
        MemoryStore memory = new MemoryStore(policy);
        Random random = new Random(seed);
        Progress progress = Progress.start();
        Progress lastGood = progress;
        try (RunDirectory disk = RunDirectory.create(folder.resolve("run"), config, TestRun.VOCABULARY, false)) {
            memory.begin(checkpoint(progress));
            disk.begin(checkpoint(progress));
            for (int step = 0; step < 40; step++) {
                progress = progress.afterBatch(random.nextInt(1, 5), 0);
                if (progress.batch() == BATCHES_OF_EPOCH) {
                    progress = progress.afterEpoch().afterValidation(random.nextInt(1, 5));
                    EpochMetrics row = new EpochMetrics(progress.epoch(), 1, 1, 1, 1, progress.rollbacks(), 2.0);
                    memory.append(row);
                    disk.append(row);
                    lastGood = progress;
                }
                if (progress.batch() == 0 || random.nextInt(3) == 0) {
                    if (progress.batch() > 0) {
                        memory.save(checkpoint(lastGood));
                        disk.save(checkpoint(lastGood));
                    }
                    memory.save(checkpoint(progress));
                    disk.save(checkpoint(progress));
                    assertSame(memory, disk, progress);
                }
                if (random.nextInt(12) == 0) {
                    Progress back =
                            disk.best(CheckpointStoreTest::noWarning).progress().afterRollback(progress);
                    assertThat(memory.best(CheckpointStoreTest::noWarning)
                                    .progress()
                                    .afterRollback(progress))
                            .isEqualTo(back);
                    memory.rollBack(checkpoint(back));
                    disk.rollBack(checkpoint(back));
                    progress = back;
                    lastGood = back;
                    assertSame(memory, disk, progress);
                }
            }
            memory.discardAfter(lastGood);
            disk.discardAfter(lastGood);
            assertSame(memory, disk, lastGood);
        }
    }

    private void assertSame(MemoryStore memory, RunDirectory disk, Progress now) throws IOException {
        assertThat(memory.newest().progress())
                .isEqualTo(disk.newest(CheckpointStoreTest::noWarning).progress());
        assertThat(memory.best(CheckpointStoreTest::noWarning).progress())
                .isEqualTo(disk.best(CheckpointStoreTest::noWarning).progress());
        assertThat(memory.bestValidated().progress())
                .isEqualTo(disk.checkpoint(Which.BEST, CheckpointStoreTest::noWarning)
                        .progress());
        assertThat(memory.epochStart(now)).isEqualTo(disk.epochStart(now));
        // Skips the header.
        assertThat(Files.readAllLines(folder.resolve("run/metrics.csv")))
                .hasSize(1 + memory.metrics().size());
    }

    private static Checkpoint checkpoint(Progress progress) {
        Checkpoint start = Checkpoint.start(
                TestRun.MODEL,
                TestRun.CONFIG.training(),
                new Weights(LanguageModel.parameters(TestRun.MODEL), p -> new float[p.size()]));
        return new Checkpoint(start.weights(), start.slots(), start.state(), progress);
    }

    private static void noWarning(String warning) {
        throw new AssertionError(warning);
    }
}
