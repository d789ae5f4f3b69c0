package dev.libretto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.javacpp.Pointer;

/** What is held outside of Java's heap, by the objects that have to free it. */
public final class NativeMemory {
    private NativeMemory() {}

    /** Holds work that fails to freeing all that it had taken by then, at once and not when Java collects its garbage. */
    public static void assertFreedByFailing(ThrowingCallable work) {
        long before = Pointer.totalCount();
        assertThatThrownBy(work).isInstanceOf(RuntimeException.class);
        assertThat(Pointer.totalCount()).isLessThanOrEqualTo(before);
    }
}
