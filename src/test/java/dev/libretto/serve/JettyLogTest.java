package dev.libretto.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.eclipse.jetty.io.ByteBufferPool;
import org.eclipse.jetty.io.RetainableByteBuffer;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class JettyLogTest {
    private final List<String> log = new CopyOnWriteArrayList<>();

    private static void releaseTwice() {
        RetainableByteBuffer buffer = ByteBufferPool.NON_POOLING.acquire(1, false);
        buffer.release();
        buffer.release();
    }

    /** The exceptions and messages are Jetty's own, so a version with other words fails here. */
    @Test
    void onlyTheSecondReleaseOfABufferIsHidden() throws Exception {
        JettyLog.passTo(log::add);
        QueuedThreadPool threads = new QueuedThreadPool(1, 1);
        threads.setReservedThreads(0);
        threads.start();
        threads.execute(JettyLogTest::releaseTwice);
        threads.execute(() -> {
            throw new IllegalStateException("closed");
        });
        // The only thread runs one after the other.
        while (log.isEmpty()) {
            Thread.sleep(1);
        }
        threads.stop();
        assertThat(log).containsExactly("warning: Job failed: java.lang.IllegalStateException: closed");

        try {
            releaseTwice();
        } catch (IllegalStateException e) {
            Logger.getLogger("org.eclipse.jetty.io").log(Level.WARNING, "Could not select", e);
        }
        assertThat(log)
                .hasSize(2)
                .last()
                .asString()
                .startsWith("warning: Could not select: ")
                .contains("released");
    }
}
