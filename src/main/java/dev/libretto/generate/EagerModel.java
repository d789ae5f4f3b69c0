package dev.libretto.generate;

import dev.libretto.device.Sessions;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.EagerSession;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * Runs a model in eager mode, operation by operation.
 *
 * <p>An eager session frees its tensors only when it is closed, so it is replaced after {@link #STEPS_PER_SESSION} steps. The
 * state carries over.
 */
public final class EagerModel implements TextModel {
    /** Time steps · rows per session: few enough to hold their tensors, enough to amortize loading the weights. */
    static final int STEPS_PER_SESSION = 1024;

    /** The shortest prefix read with a graph; building one takes as long as this many time steps. */
    private static final int MIN_GRAPH_STEPS = 1024;

    private final ModelConfig config;
    private final Weights weights;
    private EagerSession session;
    private Ops tf;
    private LanguageModel model;
    /** Rows of {@link LanguageModel#projections}, cached by character for a single row. */
    private final Map<Integer, Operand<TFloat32>> projections = new HashMap<>();
    /** Time steps · rows left in the session. */
    private int left;

    public EagerModel(ModelConfig config, Weights weights) {
        this.config = config;
        this.weights = weights;
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    @Override
    public Step step(int[] ids, List<float[]> state) {
        ensureSession(ids.length);
        LanguageModel.Output output = computeStep(ids, operands(state, ids.length));
        return new Step(FloatTensors.toArray(output.logits()), arrays(output.state()));
    }

    @Override
    public List<float[]> read(int[][] ids, List<float[]> state) {
        if (ids.length >= MIN_GRAPH_STEPS) {
            try (GraphModel graph = new GraphModel(config, weights)) {
                return graph.read(ids, state);
            }
        }
        List<float[]> current = state;
        for (int from = 0; from < ids.length; ) {
            int count = Math.min(ids.length - from, ensureSession(ids[from].length));
            List<Operand<TFloat32>> operands = operands(current, ids[from].length);
            for (int[] timeStep : Arrays.copyOfRange(ids, from, from + count)) {
                operands = computeStep(timeStep, operands).state();
            }
            current = arrays(operands);
            from += count;
        }
        return current;
    }

    @Override
    public List<float[]> writeGreedily(int[] ids, List<float[]> state, boolean logProbabilities, Sink sink) {
        if (logProbabilities) {
            return TextModel.super.writeGreedily(ids, state, true, sink);
        }
        int[] last = ids;
        List<float[]> current = state;
        boolean more = true;
        while (more) {
            int steps = ensureSession(ids.length);
            List<Operand<TFloat32>> operands = operands(current, ids.length);
            for (int i = 0; i < steps && more; i++) {
                LanguageModel.Output output = computeStep(last, operands);
                operands = output.state();
                last = mostLikely(FloatTensors.toArray(output.logits()), ids.length);
                more = sink.written(last, null);
            }
            current = arrays(operands);
        }
        return current;
    }

    private LanguageModel.Output computeStep(int[] ids, List<Operand<TFloat32>> state) {
        left -= ids.length;
        if (ids.length > 1 || !Sessions.canFuseProducts()) {
            return model.step(tf, tf.constant(ids), state);
        }
        Operand<TFloat32> projection = projections.computeIfAbsent(
                ids[0], id -> tf.gather(model.projections(), tf.constant(id), tf.constant(0)));
        return model.stepOneRow(tf, projection, state);
    }

    /** Ensures the session has steps left, and returns how many. */
    private int ensureSession(int rows) {
        if (left < rows) {
            close();
            session = Sessions.openEager();
            tf = Ops.create(session);
            model = new LanguageModel(
                    tf, config, p -> tf.constant(p.shape(), DataBuffers.of(weights.of(p))), Sessions.factorType());
            left = Math.max(STEPS_PER_SESSION, rows);
        }
        return left / rows;
    }

    /** Chosen in Java, because an eager operation takes longer than reading the logits. */
    private static int[] mostLikely(float[] logits, int rows) {
        int v = logits.length / rows;
        int[] ids = new int[rows];
        for (int row = 0; row < rows; row++) {
            ids[row] = Sampler.GREEDY.sample(Arrays.copyOfRange(logits, row * v, (row + 1) * v), 0);
        }
        return ids;
    }

    private List<Operand<TFloat32>> operands(List<float[]> state, int rows) {
        List<Shape> shapes = LanguageModel.stateShapes(config, rows);
        List<Operand<TFloat32>> operands = new ArrayList<>();
        for (int i = 0; i < state.size(); i++) {
            operands.add(tf.constant(shapes.get(i), DataBuffers.of(state.get(i))));
        }
        return operands;
    }

    private static List<float[]> arrays(List<Operand<TFloat32>> operands) {
        return operands.stream().map(FloatTensors::toArray).toList();
    }

    @Override
    public void close() {
        if (session != null) {
            projections.clear();
            session.close();
            session = null;
        }
        left = 0;
    }
}
