package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.RunConfig;
import org.junit.jupiter.api.Test;

class MemoryEstimateTest {
    /** LSTM with V = 10, H = 4: 16 · (10 + 4 + 1) and 10 · (4 + 1) parameters; T = 5, B = 3. */
    private static final RunConfig SGD = TestModels.runConfig(new ModelConfig(CellType.LSTM, 10, 4, 1), 5, 3, 1);

    @Test
    void countsParametersSlotsAndActivations() {
        long parameters = 16 * 15 + 10 * 5;
        long activations = 5 * 3 * (4 * 8 + 2 * 10);
        assertThat(MemoryEstimate.of(SGD.model(), SGD.training()))
                .isEqualTo(
                        new MemoryEstimate(4 * (2 * parameters + Math.max(parameters, activations)), 4 * parameters));

        RunConfig adam = SGD.withTraining(SGD.training().withOptimizer(Optimizer.defaults(Optimizer.Kind.ADAM)));
        long withActivations = 6 * parameters + activations;
        assertThat(MemoryEstimate.of(adam.model(), adam.training()))
                .isEqualTo(new MemoryEstimate(4 * Math.max(9 * parameters, withActivations), 12 * parameters));
    }

    @Test
    void tooLittleMemoryIsRejected() {
        MemoryEstimate estimate = new MemoryEstimate(3L << 30, 1L << 30);
        assertThatCode(() -> estimate.requireFits(3L << 30, 1L << 30)).doesNotThrowAnyException();
        assertThatThrownBy(() -> estimate.requireFits((3L << 30) - 1, 1L << 30))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("training needs at least 3.0 GiB of memory, but only 3.0 GiB are available; lower"
                        + " --hidden-size, --layers, --batch-size or --seq-length");
        assertThatThrownBy(() -> estimate.requireFits(4L << 30, 1L << 29))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("1.0 GiB of Java heap, but at most 0.5 GiB are available")
                .hasMessageContaining("-Xmx2g");
    }
}
