package dev.libretto.device;

import org.tensorflow.EagerSession;
import org.tensorflow.Graph;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;

/**
 * TensorFlow's messages on stderr. {@code TF_CPP_MIN_LOG_LEVEL} controls them, except for some at the first run of a
 * graph. TensorFlow 2.18 writes "MLIR V1 optimization pass is not enabled" through a private copy of a log library that
 * no setting reaches. The CUDA build adds spurious errors: factories "already registered" and, without a driver,
 * "failed call to cuInit".
 */
public final class NativeLog {
    private static final int STDERR = 2;
    private static final int WRITE_ONLY = 1;

    static final String LEVEL = "TF_CPP_MIN_LOG_LEVEL";

    private static boolean verbose = "0".equals(System.getenv(LEVEL));

    private NativeLog() {}

    /** Shows all messages; call before using TensorFlow. */
    public static void show() {
        verbose = true;
        LibC libc = LibC.load();
        if (libc != null) {
            libc.setenv(LEVEL, "0", 1);
        }
    }

    /** Triggers the one-time messages with stderr redirected, by running a graph of one constant on the CPU. */
    public static void suppressFirstRunMessages() {
        if (!verbose) {
            suppress(NativeLog::runOnce);
        }
    }

    /**
     * Does some work with stderr redirected to /dev/null. Does not redirect it if messages are shown or the C library cannot be
     * loaded.
     */
    static void suppress(Runnable work) {
        LibC libc = verbose ? null : LibC.load();
        if (libc == null) {
            work.run();
            return;
        }
        int stderr = libc.dup(STDERR);
        int devNull = libc.open("/dev/null", WRITE_ONLY);
        if (stderr >= 0 && devNull >= 0) {
            libc.dup2(devNull, STDERR);
        }
        try {
            work.run();
        } finally {
            if (stderr >= 0) {
                libc.dup2(stderr, STDERR);
            }
            libc.close(devNull);
            libc.close(stderr);
        }
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
