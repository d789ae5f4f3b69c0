package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.model.CellType;
import dev.libretto.model.RecurrenceType;
import org.junit.jupiter.api.Test;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;

class ExecutionTest {
    /** Two to the power of 24 characters: 128 MiB of int64. */
    private static final long LONGEST = 16_777_216;

    @Test
    void aGpuKeepsTheTextUnlessItIsTooLong() {
        assertThat(Execution.of(CellType.LSTM, true, TFloat32.class, LONGEST))
                .isEqualTo(new Execution(RecurrenceType.CUDNN, TFloat32.class, 8, LONGEST));
        assertThat(Execution.of(CellType.LSTM, true, TFloat32.class, LONGEST + 1))
                .isEqualTo(new Execution(RecurrenceType.CUDNN, TFloat32.class, 8, 0));
    }

    @Test
    void whatCudnnDoesNotHaveIsUnrolledOnAGpuABatchARun() {
        assertThat(Execution.of(CellType.GRU_RESET_BEFORE, true, TFloat32.class, 100))
                .isEqualTo(new Execution(RecurrenceType.UNROLLED, TFloat32.class, 1, 100));
        assertThat(Execution.of(CellType.LSTM, true, TBfloat16.class, 100))
                .isEqualTo(new Execution(RecurrenceType.UNROLLED, TBfloat16.class, 1, 100));
    }

    @Test
    void aCpuIsFedABatchARun() {
        assertThat(Execution.of(CellType.LSTM, false, TFloat32.class, 100))
                .isEqualTo(new Execution(RecurrenceType.UNROLLED_IN_HALVES, TFloat32.class, 1, 0));
    }
}
