package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.ReferenceModel;
import dev.libretto.Rounding;
import dev.libretto.model.CellType;
import dev.libretto.text.Batches.Batch;
import dev.libretto.train.DeviceTrial.Steps;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("numeric")
class DeviceTrialTest {
    @Test
    void trialIsReproducible() throws IOException {
        DeviceTrial trial = new DeviceTrial(CellType.RNN);
        Steps steps = trial.run();
        assertThat(steps.losses()).hasSize(5);
        ReferenceModel reference = new ReferenceModel(trial.model, trial.start.weights());
        double[][] states = new double[trial.training.batchSize()][];
        Arrays.fill(states, reference.zeroState());
        Batch first = trial.batches.epoch(0).batch(0);
        double expected = reference.loss(first.inputs(), first.targets(), states);
        double error = Rounding.ofLoss(trial.model, trial.training.seqLength(), trial.training.batchSize());
        assertThat((double) steps.losses().get(0)).isCloseTo(expected, within(error * expected));
        assertThat(steps.losses().get(4)).isLessThan(steps.losses().get(0));
        assertThat(steps.differenceFrom(new DeviceTrial(CellType.RNN).run())).isZero();
    }

    @Test
    void differenceIsTheLargestOfAllSteps() {
        Steps expected = new Steps(List.of(4f, 2f), 1);
        assertThat(new Steps(List.of(4f, 2.5f), 1).differenceFrom(expected)).isEqualTo(0.25);
        assertThat(new Steps(List.of(3f, 2f), 1).differenceFrom(expected)).isEqualTo(0.5);
        assertThat(new Steps(List.of(Float.NaN, 2f), 1).differenceFrom(expected))
                .isInfinite();
        assertThat(new Steps(List.of(4f, Float.POSITIVE_INFINITY), 1).differenceFrom(expected))
                .isInfinite();
    }
}
