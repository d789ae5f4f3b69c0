package dev.libretto.train;

import dev.libretto.device.TensorFlowInternals;
import dev.libretto.model.Dropout;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.tensorflow.ConcreteFunction;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/**
 * The graph of one part of a batch: the model unrolled over T time steps, and the part's share of the mean softmax cross entropy
 * and of its gradients. A {@link TrainingGraph} calls it as a function, once for each part. For a part of R rows:
 *
 * <pre>
 *     loss = Σ over t, r of shares[r] · −log softmax(logits[t·R + r])[targets[t, r]]
 *     g    = d loss / d w               for every trained parameter w
 * </pre>
 */
final class PartGraph {
    /**
     * The function's arguments.
     *
     * @param inputs the character ids, {@code [T, R]}
     * @param targets the next character of each, {@code [T, R]}
     * @param shares the weight of a row's losses in the mean, {@code [R]}: 1 / (T·B), or 0 if the row is padding
     * @param step the number of the step, counted from 1, a scalar
     * @param part the index of the part, a scalar
     * @param parameters in their order
     * @param before the state before the first time step, each {@code [R, H]}
     */
    record Arguments(
            Operand<? extends TNumber> inputs,
            Operand<? extends TNumber> targets,
            Operand<TFloat32> shares,
            Operand<TInt64> step,
            Operand<TInt64> part,
            List<Operand<TFloat32>> parameters,
            List<Operand<TFloat32>> before) {
        private List<Operand<?>> all() {
            List<Operand<?>> all = new ArrayList<>(List.of(inputs, targets, shares, step, part));
            all.addAll(parameters);
            all.addAll(before);
            return all;
        }
    }

    /**
     * The function's results.
     *
     * @param loss a scalar
     * @param gradients of the trained parameters, in their order
     * @param after the state after the last time step, each {@code [R, H]}
     */
    record Results(Operand<TFloat32> loss, List<Operand<TFloat32>> gradients, List<Operand<TFloat32>> after) {
        private List<Operand<TFloat32>> all() {
            List<Operand<TFloat32>> all = new ArrayList<>(List.of(loss));
            all.addAll(gradients);
            all.addAll(after);
            return all;
        }
    }

    private final Graph graph;
    final Arguments arguments;
    final Results results;
    /** {@code [T·R, V]}. */
    final Operand<TFloat32> logits;

    /** @param graph an empty graph */
    PartGraph(Graph graph, ModelConfig model, TrainConfig training, ExecutionPlan plan) {
        this.graph = graph;
        Ops tf = Ops.create(graph);
        int rows = plan.parts().rows(training.batchSize());
        Shape ids = Shape.of(training.seqLength(), rows);
        Class<? extends TNumber> idType = plan.textLength() == 0 ? TInt32.class : TInt64.class;
        Map<Parameter, Operand<TFloat32>> values = new LinkedHashMap<>();
        for (Parameter parameter : LanguageModel.parameters(model)) {
            values.put(parameter, placeholder(tf, Variables.name(parameter), TFloat32.class, parameter.shape()));
        }
        List<Operand<TFloat32>> before = new ArrayList<>();
        for (Shape shape : LanguageModel.stateShapes(model, rows)) {
            before.add(placeholder(tf, "state_" + before.size(), TFloat32.class, shape));
        }
        arguments = new Arguments(
                placeholder(tf, "inputs", idType, ids),
                placeholder(tf, "targets", idType, ids),
                placeholder(tf, "shares", TFloat32.class, Shape.of(rows)),
                placeholder(tf, "step", TInt64.class, Shape.scalar()),
                placeholder(tf, "part", TInt64.class, Shape.scalar()),
                List.copyOf(values.values()),
                before);

        Dropout dropout = new Dropout(training.dropout(), training.seed(), arguments.step(), arguments.part());
        LanguageModel.Output output = new LanguageModel(tf, model, values::get, plan.recurrence(), plan.factors())
                .unroll(tf, arguments.inputs(), before, dropout);
        logits = output.logits();
        Ops losses = tf.withSubScope("cross_entropy");
        CrossEntropy crossEntropy = CrossEntropy.of(losses, logits, arguments.targets());
        Operand<TFloat32> weights = losses.tile(arguments.shares(), losses.constant(new int[] {training.seqLength()}));
        Ops summing = tf.withSubScope("loss");
        Operand<TFloat32> loss = summing.sum(summing.math.mul(crossEntropy.losses(), weights), summing.constant(0));
        Output<?>[] gradients = graph.addGradients(
                "gradients",
                new Output<?>[] {logits.asOutput()},
                values.entrySet().stream()
                        .filter(value -> training.trains(value.getKey()))
                        .map(value -> value.getValue().asOutput())
                        .toArray(Output<?>[]::new),
                new Output<?>[] {crossEntropy.gradient(losses, weights).asOutput()});
        results = new Results(loss, floats(List.of(gradients)), output.state());
    }

    private static List<Operand<TFloat32>> floats(List<Output<?>> outputs) {
        return outputs.stream()
                .<Operand<TFloat32>>map(output -> output.expect(TFloat32.class))
                .toList();
    }

    private static <T extends TType> Operand<T> placeholder(Ops tf, String name, Class<T> type, Shape shape) {
        return tf.withName(name).placeholder(type, Placeholder.shape(shape));
    }

    /** Returns the graph as a function, which the caller closes. */
    ConcreteFunction toFunction() {
        return TensorFlowInternals.function("part", graph, names(arguments.all()), names(results.all()));
    }

    private static List<String> names(List<? extends Operand<?>> operands) {
        return operands.stream().map(operand -> operand.asOutput().name()).toList();
    }

    /**
     * Adds a call to another graph.
     *
     * @param function the name of {@link #toFunction}, which is attached to the graph
     * @param isInlined whether computing starts before all values are there
     */
    Results call(Ops tf, String function, Arguments values, boolean isInlined) {
        int gradients = results.gradients().size();
        Ops named = tf.withName("part");
        List<Class<TFloat32>> types = Collections.nCopies(results.all().size(), TFloat32.class);
        Operation call = isInlined
                ? TensorFlowInternals.inlinedCall(named, function, values.all(), types)
                : TensorFlowInternals.call(named, function, values.all(), types);
        List<Operand<TFloat32>> all = IntStream.range(0, call.numOutputs())
                .<Operand<TFloat32>>mapToObj(call::output)
                .toList();
        return new Results(all.get(0), all.subList(1, 1 + gradients), all.subList(1 + gradients, all.size()));
    }
}
