package dev.libretto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.javacpp.Pointer;

/**
 * Native objects (tensors, results, sessions, graphs) that nobody has closed, counted one by one. The memory of the process
 * says nothing about them: an allocator keeps what was freed, differently on every machine.
 */
public final class NativeMemory {
    private static final int MAX_TRIES = 10;

    private NativeMemory() {}

    /** Asserts that failing work has closed whatever it opened, at once and not when Java collects its garbage. */
    public static void assertFreedByFailing(ThrowingCallable work) {
        // The first call may also load TensorFlow, which keeps objects of its own.
        assertThatThrownBy(work).isInstanceOf(RuntimeException.class);
        long opened = leftOpenBy(() -> assertThatThrownBy(work).isInstanceOf(RuntimeException.class));
        assertThat(opened).as("native objects left open").isNotPositive();
    }

    /**
     * Asserts that rounds of work, the first of which are to warm up, do not leave one more object open each. What Java's
     * garbage collector frees does not count, as an eager session leaves that to it.
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
        long opened = Pointer.totalCount() - before;
        assertThat(opened).as("native objects left open by %d rounds", rounds).isLessThan(rounds / 2);
    }

    /**
     * Returns how many more native objects are open after some work. Objects that it forgets count, too, although Java's garbage
     * collector would free them: JavaCPP's thread, which does so, is kept waiting. What an eager session has opened is not freed
     * by closing it if it was collected before, so the work is repeated in the hope that the collector does not run; what it
     * forgets itself counts each time.
     */
    private static long leftOpenBy(Runnable work) {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < MAX_TRIES && least > 0; i++) {
            least = Math.min(least, leftOpenOnceBy(work));
        }
        return least;
    }

    private static long leftOpenOnceBy(Runnable work) {
        CountDownLatch waits = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        forget(waits, ended);
        try {
            do {
                System.gc();
            } while (!waits.await(1, TimeUnit.SECONDS));
            long before = Pointer.totalCount();
            work.run();
            return Pointer.totalCount() - before;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        } finally {
            ended.countDown();
        }
    }

    private static void forget(CountDownLatch waits, CountDownLatch ended) {
        new SlowToFree(waits, ended);
    }

    private static final class SlowToFree extends Pointer {
        SlowToFree(CountDownLatch waits, CountDownLatch ended) {
            deallocator(() -> {
                waits.countDown();
                try {
                    ended.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
        }
    }
}
