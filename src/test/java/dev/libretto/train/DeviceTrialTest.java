package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.model.CellType;
import dev.libretto.train.DeviceTrial.Steps;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("numeric")
class DeviceTrialTest {
    @Test
    void trialIsReproducible() throws IOException {
        Steps steps = new DeviceTrial(CellType.RNN).run();
        assertThat(steps.losses()).hasSize(5);
        // An untrained model predicts each of the 638 characters with about the same probability.
        assertThat(steps.losses().get(0)).isCloseTo((float) Math.log(638), within(0.1f));
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
