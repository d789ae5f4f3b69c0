package dev.libretto.benchmark;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.model.CellType;
import dev.libretto.model.Weights;
import dev.libretto.run.RunConfig;
import dev.libretto.run.RunDirectory;
import dev.libretto.text.Batches.Sampling;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Ids;
import dev.libretto.train.EpochMetrics;
import dev.libretto.train.Trainer;
import dev.libretto.train.TrainingData;
import dev.libretto.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("numeric")
class TrainingSpeedTest {
    @TempDir
    private Path folder;

    @Test
    void lossesEqualTheTrainersBitForBit() throws IOException {
        Corpus corpus = Corpus.builtIn(CorpusOptions.WHOLE_TEXT.withMaxChars(1000));
        Workload workload =
                Workload.of("small", "", corpus, CellType.LSTM, 16, 2, Workload.training(10, 4, Sampling.CONSECUTIVE));
        List<Double> losses = new ArrayList<>();
        try (TrainingSpeed speed = new TrainingSpeed(workload)) {
            for (int epoch = 0; epoch < 3; epoch++) {
                assertThat(speed.epoch()).isPositive();
                losses.add(speed.loss());
            }
        }

        assertThat(losses).isEqualTo(trained(workload, 3)).isSortedAccordingTo((a, b) -> Double.compare(b, a));
    }

    private List<Double> trained(Workload workload, int epochs) throws IOException {
        RunConfig config = workload.config();
        RunConfig forEpochs = config.withTraining(config.training().with(c -> c.epochs = epochs));
        List<Double> losses = new ArrayList<>();
        try (RunDirectory run = RunDirectory.create(folder.resolve("run"), forEpochs, workload.vocabulary(), false);
                Trainer trainer = new Trainer(
                        forEpochs.model(),
                        forEpochs.training(),
                        new TrainingData(workload.batches(), Ids.of()),
                        workload.start(),
                        run,
                        listener(losses))) {
            trainer.train();
        }
        return losses;
    }

    private static TrainingListener listener(List<Double> losses) {
        return new TrainingListener() {
            @Override
            public void epochEnded(EpochMetrics metrics, Supplier<Weights> weights) {
                losses.add(metrics.loss());
            }

            @Override
            public void rolledBack(String message) {
                throw new AssertionError(message);
            }
        };
    }
}
