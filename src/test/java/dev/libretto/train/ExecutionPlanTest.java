package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.RecurrenceType;
import dev.libretto.run.RunConfig;
import org.junit.jupiter.api.Test;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;

class ExecutionPlanTest {
    /** 2²⁴ characters: 128 MiB as int64. */
    private static final long LONGEST = 16_777_216;

    private static final RunConfig LSTM = config(CellType.LSTM);

    @Test
    void gpuStoresTheTextUnlessItIsTooLong() {
        assertThat(ExecutionPlan.of(LSTM.model(), LSTM.training(), true, TFloat32.class, LONGEST))
                .isEqualTo(new ExecutionPlan(RecurrenceType.CUDNN, Parts.of(1), TFloat32.class, 8, LONGEST));
        assertThat(ExecutionPlan.of(LSTM.model(), LSTM.training(), true, TFloat32.class, LONGEST + 1))
                .isEqualTo(new ExecutionPlan(RecurrenceType.CUDNN, Parts.of(1), TFloat32.class, 8, 0));
    }

    @Test
    void gpuUnrollsWhatCudnnLacks() {
        RunConfig gru = config(CellType.GRU_RESET_BEFORE);
        assertThat(ExecutionPlan.of(gru.model(), gru.training(), true, TFloat32.class, 100))
                .isEqualTo(new ExecutionPlan(RecurrenceType.UNROLLED, Parts.of(1), TFloat32.class, 1, 100));
        assertThat(ExecutionPlan.of(LSTM.model(), LSTM.training(), true, TBfloat16.class, 100))
                .isEqualTo(new ExecutionPlan(RecurrenceType.UNROLLED, Parts.of(1), TBfloat16.class, 1, 100));
    }

    @Test
    void cpuIsFedOneBatchPerRun() {
        assertThat(ExecutionPlan.of(LSTM.model(), LSTM.training(), false, TFloat32.class, 100))
                .isEqualTo(new ExecutionPlan(RecurrenceType.UNROLLED, Parts.of(3), TFloat32.class, 1, 0));
    }

    private static RunConfig config(CellType cell) {
        RunConfig config = TestModels.runConfig(new ModelConfig(cell, 5, 4, 1), 2, 4, 1);
        return config.withTraining(config.training().with(c -> c.parts = 3));
    }
}
