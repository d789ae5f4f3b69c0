package dev.libretto.device;

import java.time.Duration;
import java.util.Locale;
import java.util.function.BiFunction;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.VarHandleOp;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.types.TString;

/** A text in a variable on a worker's server, which the worker and its chief read and write. */
enum Notice {
    /** What the worker says of itself, {@link WorkerInfo}. */
    WORKER,
    /** The session for which the worker computes, a {@link Claim}; empty if there is none. */
    CHIEF;

    /**
     * Writes the text. In the worker's process this does not use the network, where connections may be filtered.
     *
     * @throws TensorFlowException if the server cannot be reached within the time
     */
    void write(HostAddress worker, String text, Duration timeout) {
        run(worker, timeout, (tf, variable) -> tf.assignVariableOp(variable, tf.constant(text)));
    }

    /**
     * Replaces the text if it is the given one.
     *
     * @throws TensorFlowException if the server cannot be reached within the time, or has none
     */
    void replace(HostAddress worker, String old, String text, Duration timeout) {
        run(worker, timeout, (tf, variable) -> {
            Operand<TString> current = tf.readVariableOp(variable, TString.class);
            return tf.assignVariableOp(
                    variable, tf.select(tf.math.equal(current, tf.constant(old)), tf.constant(text), current));
        });
    }

    /**
     * Returns the text.
     *
     * @throws TensorFlowException if the server cannot be reached within the time, or has none
     */
    String read(HostAddress worker, Duration timeout) {
        return run(worker, timeout, (tf, variable) -> tf.readVariableOp(variable, TString.class));
    }

    private String run(HostAddress worker, Duration timeout, BiFunction<Ops, VarHandleOp, Op> operation) {
        ConfigProto config = ConfigProto.newBuilder()
                .setOperationTimeoutInMs(timeout.toMillis())
                .build();
        try (Graph graph = Sessions.newGraph();
                Session session = TensorFlowInternals.openSession(graph, worker.target(), config)) {
            Ops tf = Ops.create(graph);
            VarHandleOp variable = tf.varHandleOp(
                    TString.class,
                    Shape.scalar(),
                    VarHandleOp.container("libretto"),
                    VarHandleOp.sharedName(name().toLowerCase(Locale.ROOT)));
            Op op = operation.apply(tf, variable);
            if (!(op instanceof Operand<?> text)) {
                session.run(op);
                return "";
            }
            try (Result result = session.runner().fetch(text).run()) {
                return ((TString) result.get(0)).getObject();
            }
        }
    }
}
