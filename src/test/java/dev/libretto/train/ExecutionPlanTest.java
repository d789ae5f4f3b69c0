package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.RecurrenceType;
import dev.libretto.run.RunConfig;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.DeviceSpec;
import org.tensorflow.DeviceSpec.DeviceType;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;

class ExecutionPlanTest {
    /** 2²⁴ characters: 128 MiB as int64. */
    private static final long LONGEST = 16_777_216;

    private static final RunConfig LSTM = config(CellType.LSTM);

    @Test
    void gpuStoresTheTextUnlessItIsTooLong() {
        assertThat(ExecutionPlan.of(LSTM.model(), LSTM.training(), true, TFloat32.class, LONGEST))
                .isEqualTo(new ExecutionPlan(RecurrenceType.CUDNN, Parts.of(3), TFloat32.class, 8, LONGEST));
        assertThat(ExecutionPlan.of(LSTM.model(), LSTM.training(), true, TFloat32.class, LONGEST + 1))
                .isEqualTo(new ExecutionPlan(RecurrenceType.CUDNN, Parts.of(3), TFloat32.class, 8, 0));
    }

    @Test
    void gpuUnrollsWhatCudnnLacks() {
        RunConfig gru = config(CellType.GRU_RESET_BEFORE);
        assertThat(ExecutionPlan.of(gru.model(), gru.training(), true, TFloat32.class, 100))
                .isEqualTo(new ExecutionPlan(RecurrenceType.UNROLLED, Parts.of(3), TFloat32.class, 1, 100));
        assertThat(ExecutionPlan.of(LSTM.model(), LSTM.training(), true, TBfloat16.class, 100))
                .isEqualTo(new ExecutionPlan(RecurrenceType.UNROLLED, Parts.of(3), TBfloat16.class, 1, 100));
    }

    /** The bits depend on the parts, so they are the same on one GPU, several, and a CPU. */
    @Test
    void everyGpuComputesAtLeastOnePart() {
        ExecutionPlan plan = ExecutionPlan.of(LSTM.model(), LSTM.training(), true, TFloat32.class, 100);
        DeviceSpec first = gpu(0);
        DeviceSpec second = gpu(1);
        assertThat(plan.at(List.of(first, second)).parts().places()).containsExactly(first, first, second);
        assertThatThrownBy(() -> plan.at(List.of(first, second, gpu(2), gpu(3))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a batch has 3 parts, too few for 4 GPUs; use fewer GPUs, or start a run with more parts");
    }

    private static DeviceSpec gpu(int index) {
        return DeviceSpec.newBuilder()
                .deviceType(DeviceType.GPU)
                .deviceIndex(index)
                .build();
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
