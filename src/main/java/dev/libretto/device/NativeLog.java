package dev.libretto.device;

import org.tensorflow.Graph;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;

/**
 * TensorFlow's own messages on stderr. They follow the environment variable {@code TF_CPP_MIN_LOG_LEVEL}, but for one that
 * the first run of a graph in a process always prints ("MLIR V1 optimization pass is not enabled"): TensorFlow 2.18 writes
 * it through a private copy of a log library that no setting reaches.
 */
public final class NativeLog {
    private static final int STDERR = 2;
    private static final int WRITE_ONLY = 1;

    private static final String LEVEL = "TF_CPP_MIN_LOG_LEVEL";

    private static boolean wanted = "0".equals(System.getenv(LEVEL));

    private NativeLog() {}

    /** Lets all messages be seen; to be called before TensorFlow is used. */
    public static void show() {
        wanted = true;
        try {
            LibC.load().setenv(LEVEL, "0", 1);
        } catch (LinkageError e) {
            // Without a place to unpack JNA's library they stay as the environment has them.
            return;
        }
    }

    /**
     * Gets that message over with: runs a graph of one constant while stderr leads nowhere. Where messages are wanted,
     * nothing is done.
     */
    public static void passOverFirstRun() {
        if (wanted) {
            return;
        }
        LibC libc;
        try {
            libc = LibC.load();
        } catch (LinkageError e) {
            // Without a place to unpack JNA's library the message is seen; nothing else is lost.
            return;
        }
        int stderr = libc.dup(STDERR);
        int nowhere = libc.open("/dev/null", WRITE_ONLY);
        if (stderr >= 0 && nowhere >= 0) {
            libc.dup2(nowhere, STDERR);
            try {
                runOnce();
            } finally {
                libc.dup2(stderr, STDERR);
            }
        }
        libc.close(nowhere);
        libc.close(stderr);
    }

    private static void runOnce() {
        try (Graph graph = new Graph();
                Session session = Sessions.open(graph)) {
            session.runner().fetch(Ops.create(graph).constant(0)).run().close();
        }
    }
}
