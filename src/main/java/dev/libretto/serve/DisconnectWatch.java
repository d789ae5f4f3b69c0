package dev.libretto.serve;

import dev.libretto.serve.Metrics.Cancellation;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.eclipse.jetty.io.AbstractEndPoint;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.QuietException;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.Callback;

/**
 * Notices that a client closes its connection while its answer is computed. Jetty itself notices only when it reads or writes, so
 * this reads in the meantime. What a client sends before its answer is complete is dropped, and its connection is closed after the
 * answer.
 */
final class DisconnectWatch implements Callback {
    private static final int BUFFER = 1024;

    private final Request request;
    private final EndPoint endPoint;
    private final Consumer<Cancellation> onClosed;
    private boolean isStopped;
    private boolean hasDropped;

    /** @param onClosed called at most once, by a thread of the server */
    DisconnectWatch(Request request, Consumer<Cancellation> onClosed) {
        this.request = request;
        this.endPoint = request.getConnectionMetaData().getConnection().getEndPoint();
        this.onClosed = onClosed;
    }

    void start() {
        // Nothing is sent or received while the answer is computed.
        request.addIdleTimeoutListener(timeout -> false);
        watch();
    }

    private void watch() {
        endPoint.tryFillInterested(this);
    }

    /**
     * Ends the watch, before the last of the answer is written.
     *
     * @return whether the connection can be used for another request
     */
    boolean stop() {
        synchronized (this) {
            isStopped = true;
        }
        if (endPoint instanceof AbstractEndPoint registered) {
            registered.getFillInterest().onFail(new QuietException.Exception("answered"));
        }
        synchronized (this) {
            return !hasDropped;
        }
    }

    /** Called when there is something to read. */
    @Override
    public void succeeded() {
        boolean isClosed;
        synchronized (this) {
            if (isStopped) {
                return;
            }
            isClosed = isAtEnd();
            isStopped = isClosed;
            if (!isClosed) {
                // Under the lock: after stop(), it would be in the way of the connection's next read.
                watch();
            }
        }
        if (isClosed) {
            onClosed.accept(Cancellation.DISCONNECTED);
        }
    }

    private boolean isAtEnd() {
        ByteBuffer buffer = BufferUtil.allocate(BUFFER);
        try {
            int filled = endPoint.fill(buffer);
            hasDropped |= filled > 0;
            return filled < 0;
        } catch (IOException e) {
            return true;
        }
    }

    @Override
    public void failed(Throwable cause) {
        synchronized (this) {
            if (isStopped) {
                return;
            }
            isStopped = true;
        }
        onClosed.accept(Cancellation.of(cause));
    }
}
