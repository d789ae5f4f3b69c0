package dev.libretto.train;

import dev.libretto.device.Sessions;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.nn.TopK;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/** How well a model predicts the characters of T time steps of B rows; {@link #load} the weights first. */
final class PredictionGraph implements AutoCloseable {
    private final Graph graph = Sessions.newGraph();
    private final Session session;
    private final Shape idShape;
    private final List<Shape> stateShapes;
    private final Variables variables;
    private final Placeholder<TInt32> inputs;
    private final Placeholder<TInt32> targets;
    private final List<Placeholder<TFloat32>> state = new ArrayList<>();
    /** What a run computes: losses, the states after it, then the most likely characters. */
    private final List<Operand<?>> outputs = new ArrayList<>();

    /** @param top of how many most likely characters in each one's place the log-probabilities are computed */
    PredictionGraph(ModelConfig config, int seqLength, int rows, int top) {
        idShape = Shape.of(seqLength, rows);
        stateShapes = LanguageModel.stateShapes(config, rows);
        try {
            Ops tf = Ops.create(graph);
            inputs = tf.placeholder(TInt32.class, Placeholder.shape(idShape));
            targets = tf.placeholder(TInt32.class, Placeholder.shape(idShape));
            for (Shape shape : stateShapes) {
                state.add(tf.placeholder(TFloat32.class, Placeholder.shape(shape)));
            }
            variables = new Variables(tf, LanguageModel.parameters(config));
            Map<Parameter, Operand<TFloat32>> values = variables.after(tf, null);
            LanguageModel.Output output = new LanguageModel(tf, config, values::get, Sessions.factorType())
                    .unroll(tf, inputs, new ArrayList<>(state));
            CrossEntropy crossEntropy = CrossEntropy.of(tf, output.logits(), targets);
            outputs.add(crossEntropy.losses());
            outputs.addAll(output.state());
            if (top > 0) {
                TopK<TFloat32, TInt32> likely = tf.nn.topK(output.logits(), tf.constant(top), TInt32.class);
                outputs.add(likely.indices());
                outputs.add(tf.math.sub(likely.values(), tf.expandDims(crossEntropy.logSum(), tf.constant(1))));
            }
            session = Sessions.open(graph);
        } catch (RuntimeException e) {
            graph.close();
            throw e;
        }
    }

    void load(Weights weights) {
        variables.load(session, weights);
    }

    /** Returns a state of zeros, which the caller closes. */
    List<TFloat32> zeroState() {
        return stateShapes.stream().map(FloatTensors::zeros).toList();
    }

    /**
     * Runs the graph.
     *
     * @param inputIds characters {@code [T, B]}
     * @param targetIds the characters after them, {@code [T, B]}
     * @param before the state before them
     * @return the losses {@code [T·B]}, the states after them and, if requested, the ids of the most likely characters and their
     *     log-probabilities, both {@code [T·B, top]}
     */
    Result run(int[] inputIds, int[] targetIds, List<? extends Tensor> before) {
        try (TInt32 input = TInt32.tensorOf(idShape, DataBuffers.of(inputIds));
                TInt32 target = TInt32.tensorOf(idShape, DataBuffers.of(targetIds))) {
            Session.Runner runner = session.runner().feed(inputs, input).feed(targets, target);
            for (int i = 0; i < state.size(); i++) {
                runner.feed(state.get(i), before.get(i));
            }
            outputs.forEach(runner::fetch);
            return runner.run();
        }
    }

    /** Returns the states of a result, which stays their owner. */
    List<Tensor> states(Result result) {
        return IntStream.rangeClosed(1, state.size()).mapToObj(result::get).toList();
    }

    @Override
    public void close() {
        session.close();
        graph.close();
    }
}
