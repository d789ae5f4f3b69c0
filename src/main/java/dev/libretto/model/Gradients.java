package dev.libretto.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.op.Ops;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.op.nn.BiasAdd;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TType;

/**
 * Adds the gradients of the parameters to a graph. They are TensorFlow's, except for a kernel U or bias d used at every time
 * step: there TensorFlow adds up one gradient per time step, in an order that differs from process to process. The same sums
 * over stacked rows are faster, and always in the same order:
 *
 * <pre>
 *     P_t = h_t · U + d
 *     d U = Σ_t h_tᵀ · d P_t = [h_1; …; h_T]ᵀ · [d P_1; …; d P_T]
 *     d d = Σ_t Σ_b d P_t[b] = the column sums of [d P_1; …; d P_T]
 * </pre>
 */
final class Gradients {
    private final Graph graph;
    private final Ops tf;
    /**
     * The products of each kernel, and sums with each bias, used more than once; in the order of the time steps.
     */
    private final Map<Output<?>, List<GraphOperation>> repeated = new LinkedHashMap<>();
    /** {@code [d P_1; …; d P_T]}, which a kernel and a bias share. */
    private final Map<List<Operand<?>>, Operand<?>> stacked = new HashMap<>();

    private Gradients(Graph graph, Ops tf, List<Output<?>> parameters) {
        this.graph = graph;
        this.tf = tf;
        graph.operations().forEachRemaining(operation -> {
            if (List.of(MatMul.OP_NAME, BiasAdd.OP_NAME).contains(operation.type())) {
                repeated.computeIfAbsent(operation.input(1), factor -> new ArrayList<>())
                        .add(operation);
            }
        });
        repeated.values().removeIf(uses -> uses.size() == 1);
        repeated.keySet().removeIf(value -> parameters.stream().noneMatch(parameter -> isOf(value, parameter)));
    }

    /**
     * Adds the gradients to a graph that has the forward pass and no other operations on the parameters.
     *
     * @param ys the outputs to differentiate
     * @param dys the gradients of the loss with respect to {@code ys}
     * @return the gradient of each parameter
     */
    static List<Operand<TFloat32>> of(
            Graph graph,
            Ops tf,
            List<Operand<TFloat32>> ys,
            List<Operand<TFloat32>> dys,
            List<Operand<TFloat32>> parameters) {
        List<Output<?>> outputs =
                parameters.stream().<Output<?>>map(Operand::asOutput).toList();
        Map<Output<?>, Operand<?>> known = new LinkedHashMap<>();
        for (int i = 0; i < ys.size(); i++) {
            known.put(ys.get(i).asOutput(), dys.get(i));
        }
        return new Gradients(graph, tf, outputs).of(known, outputs);
    }

    private List<Operand<TFloat32>> of(Map<Output<?>, Operand<?>> known, List<Output<?>> parameters) {
        List<Output<?>> others = otherSlices();
        List<Output<?>> wanted = new ArrayList<>(others);
        repeated.values().forEach(uses -> uses.forEach(use -> wanted.add(use.output(0))));
        parameters.stream()
                .filter(parameter -> repeated.keySet().stream().noneMatch(value -> isOf(value, parameter)))
                .forEach(wanted::add);
        Map<Output<?>, Operand<?>> found = derive(known, wanted);

        Map<Output<?>, Operand<?>> slices = new LinkedHashMap<>();
        repeated.forEach((value, uses) -> slices.put(value, sum(value.type(), uses, found)));
        others.forEach(slice -> slices.put(slice, found.get(slice)));
        found.putAll(slices);
        for (Output<?> parameter : parameters) {
            if (!found.containsKey(parameter)) {
                Map<Output<?>, Operand<?>> own = new LinkedHashMap<>(slices);
                own.keySet().removeIf(slice -> !isOf(slice, parameter));
                found.putAll(derive(own, List.of(parameter)));
            }
        }
        return parameters.stream()
                .<Operand<TFloat32>>map(
                        parameter -> found.get(parameter).asOutput().expect(TFloat32.class))
                .toList();
    }

    /** Whether a value is a parameter, a slice of it, or its rounded value. */
    private static boolean isOf(Output<?> value, Output<?> parameter) {
        return value.equals(parameter)
                || ((GraphOperation) value.op()).inputs().stream().anyMatch(input -> isOf(input.asOutput(), parameter));
    }

    /** Returns the slices of a parameter of which another slice is used at every time step. */
    private List<Output<?>> otherSlices() {
        return repeated.keySet().stream()
                .map(value -> (GraphOperation) value.op())
                .distinct()
                .flatMap(slicing -> IntStream.range(0, slicing.numOutputs()).<Output<?>>mapToObj(slicing::output))
                .filter(slice -> !repeated.containsKey(slice))
                .toList();
    }

    /** Returns the gradient of a kernel, or of a bias, used in the given products or sums. */
    private <T extends TType> Operand<T> sum(
            Class<T> type, List<GraphOperation> uses, Map<Output<?>, Operand<?>> found) {
        boolean isBias = uses.get(0).type().equals(BiasAdd.OP_NAME);
        // The gradient of a sum is that of the product that it adds a bias to.
        List<Operand<?>> gradients = uses.stream()
                .<Operand<?>>map(
                        use -> found.get(isBias && found.containsKey(use.input(0)) ? use.input(0) : use.output(0)))
                .toList();
        if (isBias) {
            return tf.nn.biasAddGrad(stack(type, gradients));
        }
        Operand<T> h =
                stack(type, uses.stream().<Operand<?>>map(use -> use.input(0)).toList());
        return tf.linalg.matMul(h, stack(type, gradients), MatMul.transposeA(true));
    }

    private <T extends TType> Operand<T> stack(Class<T> type, List<Operand<?>> rows) {
        return stacked.computeIfAbsent(
                        rows,
                        key -> tf.concat(
                                rows.stream()
                                        .<Operand<T>>map(each -> each.asOutput().expect(type))
                                        .toList(),
                                tf.constant(0)))
                .asOutput()
                .expect(type);
    }

    /** Returns TensorFlow's gradients with respect to {@code xs}, given those with respect to the keys of {@code dys}. */
    private Map<Output<?>, Operand<?>> derive(Map<Output<?>, ? extends Operand<?>> dys, List<Output<?>> xs) {
        Output<?>[] derived = graph.addGradients(
                null,
                dys.keySet().toArray(new Output<?>[0]),
                xs.toArray(new Output<?>[0]),
                dys.values().stream().map(Operand::asOutput).toArray(Output<?>[]::new));
        Map<Output<?>, Operand<?>> gradients = new HashMap<>();
        for (int i = 0; i < derived.length; i++) {
            gradients.put(xs.get(i), derived[i]);
        }
        return gradients;
    }
}
