package dev.libretto.serve;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/**
 * Closes connections whose client does not send a request, or does not accept what was written, in time. Jetty's own time-out
 * starts again with each byte.
 */
final class Connections implements Connection.Listener {
    /** The bytes that a client may take the whole time to accept; more bytes may take longer. */
    private static final int PART = 256 << 10;

    private final Duration most;
    /** When each connection that waits for its client is closed, by {@link System#nanoTime}. */
    private final Map<Connection, Long> deadlines = new ConcurrentHashMap<>();

    /** @param most how long a connection may wait */
    Connections(Duration most) {
        this.most = most;
    }

    @Override
    public void onOpened(Connection connection) {
        await(connection, 0);
    }

    @Override
    public void onClosed(Connection connection) {
        deadlines.remove(connection);
    }

    void requestBegan(Connection connection) {
        deadlines.remove(connection);
    }

    void requestEnded(Connection connection) {
        if (connection.getEndPoint().isOpen()) {
            await(connection, 0);
        }
    }

    private void await(Connection connection, int bytes) {
        deadlines.put(connection, System.nanoTime() + most.toNanos() * (1 + bytes / PART));
    }

    /** Returns a response each of whose writes must be accepted in time. */
    Response limited(Request request, Response response) {
        Connection connection = request.getConnectionMetaData().getConnection();
        return new Response.Wrapper(request, response) {
            @Override
            public void write(boolean last, ByteBuffer content, Callback callback) {
                await(connection, content == null ? 0 : content.remaining());
                super.write(last, content, Callback.from(() -> deadlines.remove(connection), callback));
            }
        };
    }

    /** Closes those that have waited for too long; called from time to time. */
    void closeLate() {
        long now = System.nanoTime();
        deadlines.forEach((connection, deadline) -> {
            if (now - deadline > 0 && deadlines.remove(connection, deadline)) {
                connection.getEndPoint().close(new TimeoutException("the client is too slow"));
            }
        });
    }
}
