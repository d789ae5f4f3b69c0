package dev.libretto.serve;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.jetty.io.Connection;

/**
 * Closes connections on which no request arrives in time, however slowly its header is sent. Jetty's own time-out starts again with
 * each byte.
 */
final class Connections implements Connection.Listener {
    private final Duration most;
    /** Since when each connection waits for a request, by {@link System#nanoTime}. */
    private final Map<Connection, Long> waiting = new ConcurrentHashMap<>();

    /** @param most how long a connection may wait */
    Connections(Duration most) {
        this.most = most;
    }

    @Override
    public void onOpened(Connection connection) {
        waiting.put(connection, System.nanoTime());
    }

    @Override
    public void onClosed(Connection connection) {
        waiting.remove(connection);
    }

    void requestBegan(Connection connection) {
        waiting.remove(connection);
    }

    void requestEnded(Connection connection) {
        if (connection.getEndPoint().isOpen()) {
            waiting.put(connection, System.nanoTime());
        }
    }

    /** Closes those that wait for too long; called from time to time. */
    void closeLate() {
        long now = System.nanoTime();
        waiting.forEach((connection, since) -> {
            if (now - since > most.toNanos() && waiting.remove(connection, since)) {
                connection.getEndPoint().close();
            }
        });
    }
}
