package dev.libretto.device;

import org.tensorflow.Graph;
import org.tensorflow.Session;

/** A session for a graph with parts that are computed at the same time, with the graph. */
public final class PartsSession implements AutoCloseable {
    private final Session session;
    private final Graph graph;
    /** The hosts that compute; null if this host computes alone. */
    private final Cluster cluster;

    private final Claim claim;

    /** Opens a session on this host. */
    PartsSession(Graph graph, int parts, Device device) {
        this.session = new Session(graph, Sessions.configForParts(device, parts));
        this.graph = graph;
        this.cluster = null;
        this.claim = null;
    }

    /** Opens a session on the hosts of a cluster. */
    PartsSession(Graph graph, Cluster cluster) {
        this.graph = graph;
        this.cluster = cluster;
        this.claim = Claim.of(cluster.chief());
        try {
            cluster.claim(claim);
            this.session =
                    TensorFlowInternals.openSession(graph, cluster.chief().target(), cluster.config());
        } catch (RuntimeException e) {
            cluster.release(claim);
            throw e;
        }
    }

    public Session session() {
        return session;
    }

    /**
     * Closes the session and its graph. TensorFlow waits for a lost host as long as for a batch; after a few seconds this leaves
     * it waiting in the background.
     */
    @Override
    public void close() {
        if (cluster == null) {
            session.close();
            graph.close();
            return;
        }
        Thread closing = new Thread(
                () -> {
                    cluster.release(claim);
                    session.close();
                    graph.close();
                },
                "closing session");
        closing.setDaemon(true);
        closing.start();
        try {
            closing.join(cluster.answerTimeout().toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
