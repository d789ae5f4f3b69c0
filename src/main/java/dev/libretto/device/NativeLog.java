package dev.libretto.device;

import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import org.tensorflow.EagerSession;
import org.tensorflow.Graph;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;

/**
 * TensorFlow's messages on stderr. {@code TF_CPP_MIN_LOG_LEVEL} controls them, except for those of a private copy of a log library
 * in TensorFlow 2.18, which no setting reaches: "MLIR V1 optimization pass is not enabled" at the first run of a graph, and
 * several lines when a host is lost. The CUDA build adds spurious errors: factories "already registered" and, without a driver,
 * "failed call to cuInit".
 *
 * <p>Native code writes to the C library's variable {@code stderr}. Suppressing messages changes this variable, so Java's
 * stderr, which is the descriptor, is not redirected.
 */
public final class NativeLog {
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
            Pointer stderr = suppress();
            try {
                runOnce();
            } finally {
                restore(stderr);
            }
        }
    }

    /**
     * Redirects native messages to /dev/null, unless they are shown or the C library cannot be loaded.
     *
     * @return where they went until now; null if they are not redirected
     */
    static Pointer suppress() {
        LibC libc = verbose ? null : LibC.load();
        Pointer variable = libc == null ? null : stderr();
        if (variable == null) {
            return null;
        }
        Pointer before = variable.getPointer(0);
        variable.setPointer(0, libc.fopen("/dev/null", "w"));
        return before;
    }

    /** Undoes {@link #suppress}. */
    private static void restore(Pointer before) {
        if (before != null) {
            stderr().setPointer(0, before);
        }
    }

    /** Returns the address of the C library's variable; null where it has another name. */
    private static Pointer stderr() {
        try {
            return NativeLibrary.getProcess().getGlobalVariableAddress(Platform.isMac() ? "__stderrp" : "stderr");
        } catch (UnsatisfiedLinkError e) {
            return null;
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
