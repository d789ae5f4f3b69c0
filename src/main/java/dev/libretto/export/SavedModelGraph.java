package dev.libretto.export;

import static dev.libretto.export.ExecutableModel.IDS;
import static dev.libretto.export.ExecutableModel.LOGITS;
import static dev.libretto.export.ExecutableModel.LOG_PROBABILITIES;
import static dev.libretto.export.ExecutableModel.state;

import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import org.tensorflow.ConcreteFunction;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Signature;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Unstack;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TType;

/**
 * The graph of a SavedModel: the model with its weights as constants, and two signatures.
 *
 * <pre>
 *     step    ids [B], state_0 … [B, H]   →  logits [B, V], state_0 … [B, H]
 *     score   ids [B, T]                  →  log_probabilities [B, T − 1]
 * </pre>
 *
 * <p>{@code score} starts from a zero state; column t of its result is log p(ids[t + 1] | ids[0] … ids[t]), in nats. Both use
 * {@link LanguageModel#step}. {@code score} calls it in a loop of the graph, so T can be any length.
 *
 * <p>The batch is the first dimension, as TensorFlow Serving requires: each row of a request is a text.
 */
final class SavedModelGraph {
    static final String STEP = "step";
    static final String SCORE = "score";

    /** Time steps per round of the loop; a round computes time-invariant values once. */
    static final int ROUND = 16;

    /** TensorFlow Serving's name for a signature that is neither a classifier nor a regressor. */
    private static final String METHOD = "tensorflow/serving/predict";

    private final Ops tf;
    private final ModelConfig config;
    private final List<Parameter> parameters;
    private final List<Operand<TFloat32>> weights = new ArrayList<>();

    SavedModelGraph(Graph graph, ModelConfig config, Weights values) {
        this.tf = Ops.create(graph);
        this.config = config;
        this.parameters = values.parameters();
        for (Parameter parameter : parameters) {
            weights.add(tf.withName(parameter.name().replace('/', '_'))
                    .constant(parameter.shape(), DataBuffers.of(values.of(parameter))));
        }
    }

    Signature step() {
        Ops scope = tf.withSubScope(STEP);
        Signature.Builder signature = Signature.builder(STEP).methodName(METHOD);
        Placeholder<TInt32> ids =
                scope.withName(IDS).placeholder(TInt32.class, Placeholder.shape(Shape.of(Shape.UNKNOWN_SIZE)));
        signature.input(IDS, ids);
        List<Operand<TFloat32>> state = new ArrayList<>();
        for (int i = 0; i < config.states(); i++) {
            state.add(scope.withName(state(i)).placeholder(TFloat32.class, Placeholder.shape(stateShape())));
            signature.input(state(i), state.get(i));
        }
        LanguageModel.Output output = model(scope, weights).step(scope, ids, state);
        signature.output(LOGITS, output.logits());
        for (int i = 0; i < state.size(); i++) {
            signature.output(state(i), output.state().get(i));
        }
        return signature.build();
    }

    private Shape stateShape() {
        return Shape.of(Shape.UNKNOWN_SIZE, config.hiddenSize());
    }

    private LanguageModel model(Ops scope, List<? extends Operand<TFloat32>> values) {
        Function<Parameter, Operand<TFloat32>> valueOf = parameter -> values.get(parameters.indexOf(parameter));
        return new LanguageModel(scope, config, valueOf, TFloat32.class);
    }

    /** Builds the signature that scores the characters of whole texts. */
    Signature score() {
        Ops scope = tf.withSubScope(SCORE);
        Placeholder<TInt32> ids = scope.withName(IDS)
                .placeholder(TInt32.class, Placeholder.shape(Shape.of(Shape.UNKNOWN_SIZE, Shape.UNKNOWN_SIZE)));
        // The last round may exceed the text, so it is padded; the results for the padding are cut off.
        Operand<TInt32> padded = scope.pad(ids, scope.constant(new int[][] {{0, 0}, {0, ROUND}}), scope.constant(0));
        Operand<TInt32> batch = scope.stridedSlice(scope.shape(ids), Indices.at(0));
        Operand<TInt32> times = scope.stridedSlice(scope.shape(padded), Indices.at(1));
        Operand<TFloat32> none = scope.fill(scope.stack(List.of(times, batch)), scope.constant(0f));
        Operand<TFloat32> zero =
                scope.fill(scope.stack(List.of(batch, scope.constant(config.hiddenSize()))), scope.constant(0f));

        List<Operand<?>> variables = new ArrayList<>(List.of(scope.constant(0), padded, none));
        variables.addAll(Collections.nCopies(config.states(), zero));
        variables.addAll(weights);
        try (ConcreteFunction goesOn = ConcreteFunction.create(ops -> new Round(ops).goesOn());
                ConcreteFunction next = ConcreteFunction.create(ops -> new Round(ops).next())) {
            List<Output<?>> ended =
                    scope.statelessWhile(variables, goesOn, next).output();
            Operand<TFloat32> rows = ended.get(2).expect(TFloat32.class);
            // Without the last ROUND + 1 rows: one row for each character except the first.
            Operand<TFloat32> predicted = scope.stridedSlice(rows, Indices.sliceTo(-ROUND - 1));
            return Signature.builder(SCORE)
                    .methodName(METHOD)
                    .input(IDS, ids)
                    .output(LOG_PROBABILITIES, scope.linalg.transpose(predicted, scope.constant(new int[] {1, 0})))
                    .build();
        }
    }

    /**
     * The variables of the loop: the time t, the ids {@code [B, T + ROUND]}, the log-probabilities
     * {@code [T + ROUND, B]} with t rows done, the state after t time steps, and the weights.
     */
    private final class Round {
        private final Ops ops;
        private final Signature.Builder signature = Signature.builder();
        private final Placeholder<TInt32> t;
        private final Placeholder<TInt32> ids;
        private final Placeholder<TFloat32> done;
        private final List<Operand<TFloat32>> state = new ArrayList<>();
        private final List<Operand<TFloat32>> values = new ArrayList<>();

        Round(Ops ops) {
            Shape matrix = Shape.of(Shape.UNKNOWN_SIZE, Shape.UNKNOWN_SIZE);
            this.ops = ops;
            t = variable("t", TInt32.class, Shape.scalar());
            ids = variable("ids", TInt32.class, matrix);
            done = variable("done", TFloat32.class, matrix);
            for (int i = 0; i < config.states(); i++) {
                state.add(variable(state(i), TFloat32.class, stateShape()));
            }
            for (Parameter parameter : parameters) {
                values.add(variable("weights_" + values.size(), TFloat32.class, parameter.shape()));
            }
        }

        private <T extends TType> Placeholder<T> variable(String name, Class<T> type, Shape shape) {
            Placeholder<T> variable = ops.placeholder(type, Placeholder.shape(shape));
            signature.input(name, variable);
            return variable;
        }

        /** Returns the loop's condition: whether a character is left to predict. */
        Signature goesOn() {
            Operand<TInt32> times = ops.stridedSlice(ops.shape(ids), Indices.at(1));
            return signature
                    .output("goes_on", ops.math.less(t, ops.math.sub(times, ops.constant(ROUND + 1))))
                    .build();
        }

        /** Returns the loop's body: the variables after the next {@link #ROUND} time steps. */
        Signature next() {
            LanguageModel model = model(ops, values);
            Operand<TInt32> begin = ops.stack(List.of(ops.constant(0), t));
            List<Output<TInt32>> characters = ops.unstack(
                            ops.slice(ids, begin, ops.constant(new int[] {-1, ROUND + 1})),
                            ROUND + 1L,
                            Unstack.axis(1L))
                    .output();
            List<Operand<TFloat32>> current = state;
            List<Operand<TFloat32>> rows = new ArrayList<>();
            for (int i = 0; i < ROUND; i++) {
                LanguageModel.Output output = model.step(ops, characters.get(i), current);
                rows.add(ops.math.neg(ops.nn
                        .sparseSoftmaxCrossEntropyWithLogits(output.logits(), characters.get(i + 1))
                        .loss()));
                current = output.state();
            }
            Operand<TInt32> after = ops.math.add(t, ops.constant(ROUND));
            Operand<TInt32> places = ops.expandDims(ops.range(t, after, ops.constant(1)), ops.constant(1));

            signature
                    .output("t", after)
                    .output("ids", ops.identity(ids))
                    .output("done", ops.tensorScatterNdUpdate(done, places, ops.stack(rows)));
            for (int i = 0; i < current.size(); i++) {
                signature.output(state(i), current.get(i));
            }
            for (int i = 0; i < values.size(); i++) {
                signature.output("weights_" + i, ops.identity(values.get(i)));
            }
            return signature.build();
        }
    }
}
