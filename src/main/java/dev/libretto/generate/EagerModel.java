package dev.libretto.generate;

import dev.libretto.device.Sessions;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import java.util.AbstractList;
import java.util.ArrayList;
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

    /** A state that stays in TensorFlow from step to step; an array is copied when it is read. */
    private static final class TensorState extends AbstractList<float[]> {
        private final EagerSession session;
        private final List<Operand<TFloat32>> tensors;

        TensorState(EagerSession session, List<Operand<TFloat32>> tensors) {
            this.session = session;
            this.tensors = tensors;
        }

        @Override
        public float[] get(int index) {
            return FloatTensors.toArray(tensors.get(index));
        }

        @Override
        public int size() {
            return tensors.size();
        }
    }

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
    public String weightsHash() {
        return weights.sha256();
    }

    @Override
    public Step step(int[] ids, List<float[]> state) {
        LanguageModel.Output output = compute(ids, state);
        return new Step(FloatTensors.toArray(output.logits()), new TensorState(session, output.state()));
    }

    @Override
    public List<float[]> read(int[][] ids, List<float[]> state) {
        if (ids.length >= MIN_GRAPH_STEPS && GraphModel.fits(config)) {
            try (GraphModel graph = new GraphModel(config, weights)) {
                return graph.read(ids, state);
            }
        }
        List<float[]> current = state;
        for (int[] timeStep : ids) {
            List<Operand<TFloat32>> next = compute(timeStep, current).state();
            current = new TensorState(session, next);
        }
        return current;
    }

    private LanguageModel.Output compute(int[] ids, List<float[]> state) {
        List<float[]> before = state;
        if (left < ids.length) {
            before = List.copyOf(state);
            openSession();
            left = Math.max(STEPS_PER_SESSION, ids.length);
        }
        left -= ids.length;
        List<Operand<TFloat32>> tensors = tensors(before, ids.length);
        if (ids.length > 1 || !Sessions.canFuseProducts()) {
            return model.step(tf, tf.constant(ids), tensors);
        }
        Operand<TFloat32> projection = projections.computeIfAbsent(
                ids[0], id -> tf.gather(model.projections(), tf.constant(id), tf.constant(0)));
        return model.stepOneRow(tf, projection, tensors);
    }

    private void openSession() {
        close();
        session = Sessions.openEager();
        tf = Ops.create(session);
        model = new LanguageModel(
                tf, config, p -> tf.constant(p.shape(), DataBuffers.of(weights.of(p))), Sessions.factorType());
    }

    private List<Operand<TFloat32>> tensors(List<float[]> state, int rows) {
        if (state instanceof TensorState known && known.session == session) {
            return known.tensors;
        }
        List<Shape> shapes = LanguageModel.stateShapes(config, rows);
        List<Operand<TFloat32>> tensors = new ArrayList<>();
        for (int i = 0; i < state.size(); i++) {
            tensors.add(tf.constant(shapes.get(i), DataBuffers.of(state.get(i))));
        }
        return tensors;
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
