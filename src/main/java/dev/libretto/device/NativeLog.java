package dev.libretto.device;

import org.tensorflow.EagerSession;
import org.tensorflow.Graph;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;

/**
 * TensorFlow's own messages on stderr. They follow the environment variable {@code TF_CPP_MIN_LOG_LEVEL}, but for some that
 * come with the first run of a graph in a process whatever it says. One is "MLIR V1 optimization pass is not enabled", which
 * TensorFlow 2.18 writes through a private copy of a log library that no setting reaches. The CUDA build adds errors that
 * are none: factories "already registered", and where there is no driver, a "failed call to cuInit".
 */
public final class NativeLog {
    private static final int STDERR = 2;
    private static final int WRITE_ONLY = 1;

    static final String LEVEL = "TF_CPP_MIN_LOG_LEVEL";

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
     * Gets these messages over with: runs a graph of one constant on the CPU while stderr leads nowhere. Where messages are
     * wanted, nothing is done.
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
        try (Graph graph = Sessions.newGraph();
                Session session = Sessions.open(graph);
                EagerSession eager = Sessions.openEager()) {
            Ops.create(eager).constant(0);
            session.runner().fetch(Ops.create(graph).constant(0)).run().close();
        }
    }
}
