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
        MemoryEstimate sgd = MemoryEstimate.ofTraining(SGD.model(), SGD.training());
        MemoryEstimate model = MemoryEstimate.ofModel(SGD.model(), SGD.training());
        long base = model.bytes() - 8 * parameters;
        assertThat(base).isPositive();
        assertThat(sgd.bytes()).isEqualTo(base + 4 * (2 * parameters + Math.max(parameters, activations)));
        assertThat(sgd.heapBytes()).isEqualTo(4 * parameters);

        RunConfig adam =
                SGD.withTraining(SGD.training().with(c -> c.optimizer = Optimizer.defaults(Optimizer.Kind.ADAM)));
        long withActivations = 6 * parameters + activations;
        MemoryEstimate trained = MemoryEstimate.ofTraining(adam.model(), adam.training());
        assertThat(trained.bytes()).isEqualTo(base + 4 * Math.max(9 * parameters, withActivations));
        assertThat(trained.heapBytes()).isEqualTo(12 * parameters);
        assertThat(MemoryEstimate.ofModel(adam.model(), adam.training()).bytes())
                .isEqualTo(base + 16 * parameters);
    }

    @Test
    void fileIsHeldTwiceOnceInTheHeap() {
        MemoryEstimate estimate = MemoryEstimate.ofFile(1000);
        assertThat(estimate.heapBytes()).isEqualTo(1000);
        assertThat(estimate.bytes() - MemoryEstimate.ofFile(0).bytes()).isEqualTo(2000);
    }

    @Test
    void tooLittleMemoryIsRejected() {
        MemoryEstimate estimate = new MemoryEstimate("training", 3L << 30, 1L << 30);
        assertThatCode(() -> estimate.requireFits(3L << 30, 1L << 30)).doesNotThrowAnyException();
        assertThatThrownBy(() -> estimate.requireFits((3L << 30) - 1, 1L << 30))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("training needs at least 3.0 GiB of memory, but only 3.0 GiB are available; use a larger"
                        + " machine, a smaller model or smaller batches");
        assertThatThrownBy(() -> estimate.requireFits(4L << 30, 1L << 29))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("1.0 GiB of Java heap, but at most 0.5 GiB are available")
                .hasMessageContaining("-Xmx2g");
    }
}
