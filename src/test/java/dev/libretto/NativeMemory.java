package dev.libretto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.javacpp.Pointer;

/**
 * Native objects (tensors, results, sessions, graphs) that nobody has closed, counted one by one. The memory of the process
 * says nothing about them: an allocator keeps what was freed, differently on every machine.
 */
public final class NativeMemory {
    private NativeMemory() {}

    /** Asserts that failing work has closed whatever it opened, at once and not when Java collects its garbage. */
    public static void assertFreedByFailing(ThrowingCallable work) {
        // The first call may also load TensorFlow, which keeps objects of its own.
        assertThatThrownBy(work).isInstanceOf(RuntimeException.class);
        long before = Pointer.totalCount();
        assertThatThrownBy(work).isInstanceOf(RuntimeException.class);
        assertThat(Pointer.totalCount()).isLessThanOrEqualTo(before);
    }

    /**
     * Asserts that rounds of work, the first of which are to warm up, do not leave one more object open each.
     *
     * @param rounds at least 20, so that a few objects held for longer than a round do not count
     */
    public static void assertFlat(int rounds, Runnable round) {
        for (int i = 0; i < rounds; i++) {
            round.run();
        }
        long before = Pointer.totalCount();
        for (int i = 0; i < rounds; i++) {
            round.run();
        }
        assertThat(Pointer.totalCount() - before)
                .as("native objects left open by %d rounds", rounds)
                .isLessThan(rounds / 2);
    }
}
