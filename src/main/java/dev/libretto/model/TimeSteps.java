package dev.libretto.model;

import dev.libretto.device.Sessions;
import dev.libretto.device.TensorFlowInternals;
import dev.libretto.model.Recurrence.Sequence;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.tensorflow.ConcreteFunction;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.OperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.TensorFlow;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Constant;
import org.tensorflow.op.core.IdentityN;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.ZerosLike;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;
import org.tensorflow.types.family.TType;

/**
 * The time steps of a layer as calls of functions, each the cell unrolled over K time steps. Layers and calls share the functions,
 * so building and starting a graph hardly depends on the number of time steps.
 *
 * <p>The gradient of a function is another. TensorFlow's own gradient of a call would compute the forward function again. Instead
 * the forward function also returns the values that its gradient needs, and an {@code IdentityN} follows the call. TensorFlow has no
 * gradient for it, and this class registers one:
 *
 * <pre>
 *     outputs, state', kept = forward(x, parameters, state)
 *     outputs, state', x, parameters, state = IdentityN(outputs, state', x, parameters, state)
 *     d x, d parameters, d state = backward(parameters, state, kept, d outputs, d state')
 * </pre>
 *
 * <p>In a text of documents, both functions also take factors of the state before each time step: 0 where a document begins, and 1
 * elsewhere.
 */
final class TimeSteps implements AutoCloseable {
    /** The most time steps that a layer computes in one call. */
    private static final int MAX_LENGTH = 64;
    /** The most time steps of each call of several. Shorter functions are built sooner, but values are copied between calls. */
    private static final int MAX_SHARED_LENGTH = 32;

    private static final String FORWARD = "time_steps";
    private static final String GRADIENT = "time_steps_gradient";

    /** The attribute of an {@code IdentityN} that has a gradient. */
    private static final String BACKWARD = "_backward";

    /**
     * @param kept the types of the values that the forward function returns after its results
     * @param backward null if no gradient is needed
     */
    private record Functions(ConcreteFunction forward, List<Class<? extends TType>> kept, ConcreteFunction backward) {}

    private final CellType cell;
    private final Class<? extends TFloating> factors;
    private final boolean isDifferentiable;
    private final Map<Long, Functions> ofLength = new HashMap<>();

    /**
     * @param factors the type that matrix products round their factors to
     * @param isDifferentiable whether gradients will be added
     */
    TimeSteps(CellType cell, Class<? extends TFloating> factors, boolean isDifferentiable) {
        this.cell = cell;
        this.factors = factors;
        this.isDifferentiable = isDifferentiable;
        // Further registrations do nothing.
        TensorFlow.registerCustomGradient(IdentityN.OP_NAME, TimeSteps::differentiate);
    }

    /**
     * Adds all time steps of a layer to a graph.
     *
     * @param projected x · W + b, {@code [T, B, G·H]}
     * @param recurrent the recurrent parameters
     * @param state the state before the first time step, each {@code [B, H]}
     * @param carry the factor of the state before each time step, {@code [T, B, 1]}; null for none
     */
    Sequence call(
            Ops tf,
            Operand<TFloat32> projected,
            Cell.Recurrent recurrent,
            List<Operand<TFloat32>> state,
            Operand<TFloat32> carry) {
        List<Operand<TFloat32>> parameters = recurrent.parameters();
        List<Operand<TFloat32>> current = concat(parameters, state);
        Shape ofX = projected.shape();
        List<Shape> shapes = current.stream().map(Operand::shape).toList();
        List<Operand<TFloat32>> outputs = new ArrayList<>();
        long[] lengths = lengths(Math.toIntExact(ofX.get(0)));
        List<Operand<TFloat32>> carries = carry == null ? List.of() : split(tf, carry, lengths);
        for (Operand<TFloat32> x : split(tf, projected, lengths)) {
            long length = lengths[outputs.size()];
            List<Operand<TFloat32>> ofCall = carry == null ? List.of() : List.of(carries.get(outputs.size()));
            Functions functions = ofLength.computeIfAbsent(
                    length,
                    k -> attach(
                            (Graph) tf.scope().env(),
                            build(
                                    concat(List.of(Shape.of(length, ofX.get(1), ofX.get(2))), shapes),
                                    parameters.size(),
                                    ofCall.stream().map(Operand::shape).toList())));
            List<Operand<TFloat32>> results = call(tf, functions, concat(List.of(x), current), ofCall);
            outputs.add(results.get(0));
            // The parameters come from the call before, so that their gradient is a sum in a fixed order.
            current = results.subList(1, results.size());
        }
        Operand<TFloat32> joined = outputs.size() == 1 ? outputs.get(0) : tf.concat(outputs, tf.constant(0));
        Shape ofState = state.get(0).shape();
        Operand<TFloat32> rows = tf.withName("outputs").reshape(joined, tf.constant(new long[] {
            ofX.get(0) * ofX.get(1), ofState.get(1)
        }));
        return new Sequence(rows, current.subList(parameters.size(), current.size()));
    }

    private static Functions attach(Graph graph, Functions functions) {
        graph.attachFunction(functions.forward());
        if (functions.backward() != null) {
            graph.attachFunction(functions.backward());
        }
        return functions;
    }

    /** Returns the number of time steps of each call: the same for all if T has such a divisor, else fewer for the last. */
    private static long[] lengths(int timeSteps) {
        int fewest = timeSteps <= MAX_LENGTH ? 1 : (timeSteps + MAX_SHARED_LENGTH - 1) / MAX_SHARED_LENGTH;
        int calls = IntStream.rangeClosed(fewest, 2 * fewest)
                .filter(n -> timeSteps % n == 0)
                .findFirst()
                .orElse(fewest);
        int length = (timeSteps + calls - 1) / calls;
        return IntStream.iterate(0, start -> start < timeSteps, start -> start + length)
                .mapToLong(start -> Math.min(length, timeSteps - start))
                .toArray();
    }

    private static List<Operand<TFloat32>> split(Ops tf, Operand<TFloat32> timeMajor, long[] lengths) {
        return lengths.length == 1
                ? List.of(timeMajor)
                : new ArrayList<>(tf.splitV(timeMajor, tf.constant(lengths), tf.constant(0), (long) lengths.length)
                        .output());
    }

    /**
     * Adds a call of the forward function.
     *
     * @param arguments x, the parameters and the state
     * @param carry the factors of the state, or nothing; they have no gradient
     * @return the outputs, the parameters and the next state
     */
    private List<Operand<TFloat32>> call(
            Ops tf, Functions functions, List<Operand<TFloat32>> arguments, List<Operand<TFloat32>> carry) {
        int results = 1 + cell.states();
        List<Class<? extends TType>> types = concat(Collections.nCopies(results, TFloat32.class), functions.kept());
        Operation call =
                TensorFlowInternals.call(tf, functions.forward().getDefinedName(), concat(arguments, carry), types);
        List<Operand<TFloat32>> values = concat(floats(call).subList(0, results), arguments);
        if (functions.backward() != null) {
            OperationBuilder identity = tf.scope().opBuilder(IdentityN.OP_NAME, IdentityN.OP_NAME);
            identity.addInputList(values.stream().map(Operand::asOutput).toArray(Output<?>[]::new));
            identity.setAttr(BACKWARD, functions.backward().getDefinedName());
            values = floats(identity.build());
        }
        List<Operand<TFloat32>> next = new ArrayList<>(List.of(values.get(0)));
        next.addAll(values.subList(results + 1, values.size() - cell.states()));
        next.addAll(values.subList(1, results));
        return next;
    }

    private static List<Operand<TFloat32>> floats(Operation operation) {
        return IntStream.range(0, operation.numOutputs())
                .<Operand<TFloat32>>mapToObj(operation::output)
                .toList();
    }

    /**
     * Adds the call of the backward function. TensorFlow calls this with the graph locked, so querying a shape here deadlocks.
     *
     * @param identity follows a call
     * @param dValues the gradients of its values
     */
    private static List<Operand<?>> differentiate(Ops tf, GraphOperation identity, List<Output<?>> dValues) {
        GraphOperation call = (GraphOperation) identity.input(0).op();
        int results = 0;
        while (identity.input(results).op().name().equals(call.name())) {
            results++;
        }
        int arguments = dValues.size() - results;
        List<Operand<?>> values = new ArrayList<>();
        for (int i = 1; i < call.numInputs(); i++) {
            values.add(call.input(i));
        }
        for (int i = results; i < call.numOutputs(); i++) {
            values.add(call.output(i));
        }
        values.addAll(dValues.subList(0, results));
        String backward = identity.attributes().getAttrString(BACKWARD);
        Operation gradients =
                TensorFlowInternals.call(tf, backward, values, Collections.nCopies(arguments, TFloat32.class));
        List<Operand<?>> dInputs =
                new ArrayList<>(Collections.nCopies(results, TensorFlowInternals.noGradient(identity.env())));
        for (int i = 0; i < arguments; i++) {
            Output<TFloat32> later = dValues.get(results + i).expect(TFloat32.class);
            Output<TFloat32> own = gradients.output(i);
            // TensorFlow passes zeros for a value that nothing uses.
            dInputs.add(later.op().type().equals(ZerosLike.OP_NAME) ? own : tf.math.add(later, own));
        }
        return dInputs;
    }

    /**
     * Returns the functions of K time steps.
     *
     * @param shapes of x, the parameters and the state
     * @param ofCarry the shape of the factors of the state, or nothing
     */
    private Functions build(List<Shape> shapes, int parameters, List<Shape> ofCarry) {
        try (Graph graph = Sessions.newGraph()) {
            Ops tf = Ops.create(graph);
            List<Operand<TFloat32>> arguments = placeholders(tf, "argument_", shapes);
            List<Operand<TFloat32>> state = arguments.subList(1 + parameters, arguments.size());
            Cell unrolled = cell.create(new Cell.Recurrent(
                    tf, arguments.get(1), parameters == 2 ? arguments.get(2) : null, factors, Blocks.NONE));
            List<Operand<TFloat32>> carry = placeholders(tf, "carry_", ofCarry);
            List<Operand<TFloat32>> inputs = concat(arguments, carry);
            long length = shapes.get(0).get(0);
            List<Output<TFloat32>> carries = carry.isEmpty()
                    ? List.of()
                    : tf.unstack(carry.get(0), length).output();
            List<Operand<TFloat32>> outputs = new ArrayList<>();
            for (Operand<TFloat32> x : tf.unstack(arguments.get(0), length)) {
                Ops ofStep = tf.withSubScope("step_" + outputs.size());
                if (!carries.isEmpty()) {
                    Operand<TFloat32> factor = carries.get(outputs.size());
                    state = state.stream()
                            .<Operand<TFloat32>>map(array -> ofStep.math.mul(array, factor))
                            .toList();
                }
                Cell.Step step = unrolled.step(ofStep, x, state);
                outputs.add(step.output());
                state = step.state();
            }
            // TensorFlow's gradients are wrong if an output is computed from another output.
            List<Operand<TFloat32>> results = concat(
                    List.of(tf.stack(outputs)),
                    state.stream().<Operand<TFloat32>>map(tf::identity).toList());
            if (!isDifferentiable) {
                return new Functions(
                        TensorFlowInternals.function(FORWARD, graph, names(inputs), names(results)), List.of(), null);
            }
            List<Operand<TFloat32>> dResults = placeholders(
                    tf, "gradient_", results.stream().map(Operand::shape).toList());
            List<Operand<TFloat32>> dArguments =
                    Gradients.of(graph, tf.withSubScope("kernel_gradients"), results, dResults, arguments);
            return split(graph, inputs, results, dResults, dArguments);
        }
    }

    private static List<Operand<TFloat32>> placeholders(Ops tf, String prefix, List<Shape> shapes) {
        return IntStream.range(0, shapes.size())
                .<Operand<TFloat32>>mapToObj(
                        i -> tf.withName(prefix + i).placeholder(TFloat32.class, Placeholder.shape(shapes.get(i))))
                .toList();
    }

    /** Splits a graph with gradients: what the results need is the forward function, the rest the backward function. */
    private static Functions split(
            Graph graph,
            List<Operand<TFloat32>> inputs,
            List<Operand<TFloat32>> results,
            List<Operand<TFloat32>> dResults,
            List<Operand<TFloat32>> dArguments) {
        Map<String, NodeDef> nodes =
                Simplifier.simplify(graph, concat(concat(inputs, results), concat(dResults, dArguments)));
        Set<String> ahead = Simplifier.ancestors(nodes, results);
        Predicate<NodeDef> isInBoth =
                node -> List.of(Placeholder.OP_NAME, Constant.OP_NAME).contains(node.getOp());
        Set<String> kept = new LinkedHashSet<>();
        GraphDef.Builder forward = GraphDef.newBuilder();
        GraphDef.Builder backward = GraphDef.newBuilder();
        for (NodeDef node : nodes.values()) {
            if (isInBoth.test(node) || ahead.contains(node.getName())) {
                forward.addNode(node);
            }
            if (isInBoth.test(node) || !ahead.contains(node.getName())) {
                NodeDef.Builder behind = node.toBuilder().clearInput();
                for (String input : node.getInputList()) {
                    NodeDef producer = nodes.get(Simplifier.producer(input));
                    boolean isBehind = isInBoth.test(producer) || !ahead.contains(producer.getName());
                    if (!isBehind) {
                        kept.add(input);
                    }
                    behind.addInput(isBehind ? input : placeholder(input));
                }
                backward.addNode(behind);
            }
        }
        List<String> before = names(inputs.subList(1, inputs.size()));
        for (String value : kept) {
            AttrValue type = AttrValue.newBuilder()
                    .setType(graph.output(value).dataType())
                    .build();
            backward.addNode(NodeDef.newBuilder()
                    .setName(placeholder(value))
                    .setOp(Placeholder.OP_NAME)
                    .putAttr("dtype", type));
            before.add(placeholder(value));
        }
        before.addAll(names(dResults));
        List<String> after = names(results);
        after.addAll(kept);
        ConcreteFunction first = function(FORWARD, forward, names(inputs), after);
        try {
            return new Functions(
                    first,
                    kept.stream()
                            .<Class<? extends TType>>map(
                                    value -> graph.output(value).type())
                            .toList(),
                    function(GRADIENT, backward, before, names(dArguments)));
        } catch (RuntimeException e) {
            first.close();
            throw e;
        }
    }

    private static ConcreteFunction function(
            String name, GraphDef.Builder nodes, List<String> arguments, List<String> results) {
        try (Graph graph = Sessions.newGraph()) {
            graph.importGraphDef(nodes.build());
            return TensorFlowInternals.function(name, graph, arguments, results);
        }
    }

    private static List<String> names(List<Operand<TFloat32>> operands) {
        return operands.stream()
                .map(operand -> operand.asOutput().name())
                .collect(Collectors.toCollection(ArrayList::new));
    }

    private static String placeholder(String value) {
        return "kept/" + value.replace(':', '/');
    }

    private static <T> List<T> concat(List<? extends T> first, List<? extends T> second) {
        List<T> both = new ArrayList<>(first);
        both.addAll(second);
        return both;
    }

    @Override
    public void close() {
        ofLength.values().forEach(functions -> {
            functions.forward().close();
            if (functions.backward() != null) {
                functions.backward().close();
            }
        });
    }
}
