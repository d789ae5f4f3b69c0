package dev.libretto;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.types.TFloat32;

class NativeMemoryTest {
    @Test
    void leakOfFailingWorkIsFound() {
        assertThatThrownBy(() -> NativeMemory.assertFreedByFailing(() -> failAfter(TFloat32.scalarOf(1))))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("native objects left open");
    }

    /** The garbage collector frees what an earlier call forgot, while the next one forgets as much. */
    @Test
    void leakIsFoundWhileGarbageIsCollected() {
        assertThatThrownBy(() -> NativeMemory.assertFreedByFailing(() -> {
                    collectGarbage();
                    failAfter(TFloat32.scalarOf(1));
                }))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("native objects left open");
    }

    @Test
    void leakOfRepeatedWorkIsFound() {
        List<TFloat32> leaked = new ArrayList<>();
        assertThatThrownBy(() -> NativeMemory.assertFlat(20, () -> leaked.add(TFloat32.scalarOf(1))))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("native objects left open");
        leaked.forEach(TFloat32::close);
    }

    @Test
    void workThatClosesIsAccepted() {
        assertThatCode(() -> {
                    NativeMemory.assertFreedByFailing(() -> {
                        try (TFloat32 closed = TFloat32.scalarOf(1)) {
                            failAfter(closed);
                        }
                    });
                    NativeMemory.assertFlat(20, () -> TFloat32.scalarOf(1).close());
                })
                .doesNotThrowAnyException();
    }

    /** Leaves JavaCPP's thread the time to free what was collected. */
    private static void collectGarbage() {
        System.gc();
        try {
            Thread.sleep(50);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void failAfter(TFloat32 opened) {
        throw new IllegalStateException("failed after opening " + opened);
    }
}
