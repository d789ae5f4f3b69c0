package dev.libretto.train;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.op.Ops;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TType;

/**
 * Adds the gradients of the parameters to a graph. They are TensorFlow's, except for a kernel U used at every time step: there
 * TensorFlow sums one product per time step. The same sum is one product of stacked rows, which is faster:
 *
 * <pre>
 *     P_t = h_t · U
 *     d U = Σ_t h_tᵀ · d P_t = [h_1; …; h_T]ᵀ · [d P_1; …; d P_T]
 * </pre>
 */
final class Gradients {
    private final Graph graph;
    private final Ops tf;
    /** The products of each kernel used more than once, in the order of the time steps, and of the parts at each. */
    private final Map<Output<?>, List<GraphOperation>> products = new LinkedHashMap<>();

    private Gradients(Graph graph, Ops tf, List<Output<?>> parameters) {
        this.graph = graph;
        this.tf = tf;
        graph.operations().forEachRemaining(operation -> {
            if (operation.type().equals(MatMul.OP_NAME)) {
                products.computeIfAbsent(operation.input(1), kernel -> new ArrayList<>())
                        .add(operation);
            }
        });
        products.values().removeIf(ofOneKernel -> ofOneKernel.size() == 1);
        products.keySet().removeIf(kernel -> parameters.stream().noneMatch(parameter -> isOf(kernel, parameter)));
    }

    /**
     * Adds the gradients to a graph that has the forward pass and no other operations on the parameters.
     *
     * @param y the output to differentiate
     * @param dy the gradient of the loss with respect to {@code y}
     * @return the gradient of each parameter
     */
    static List<Operand<TFloat32>> of(
            Graph graph, Ops tf, Operand<TFloat32> y, Operand<TFloat32> dy, Output<?>[] parameters) {
        return new Gradients(graph, tf, List.of(parameters)).of(y, dy, List.of(parameters));
    }

    private List<Operand<TFloat32>> of(Operand<TFloat32> y, Operand<TFloat32> dy, List<Output<?>> parameters) {
        List<Output<?>> wanted = new ArrayList<>();
        products.values().forEach(ofOneKernel -> ofOneKernel.forEach(product -> wanted.add(product.output(0))));
        parameters.stream().filter(parameter -> kernelsOf(parameter).isEmpty()).forEach(wanted::add);
        Map<Output<?>, Operand<?>> found = derive(Map.of(y.asOutput(), dy), wanted);

        Map<Output<?>, Operand<?>> ofKernels = new LinkedHashMap<>();
        products.forEach((kernel, ofOneKernel) -> ofKernels.put(kernel, ofKernel(kernel.type(), ofOneKernel, found)));
        found.putAll(ofKernels);
        for (Output<?> parameter : parameters) {
            if (!found.containsKey(parameter)) {
                Map<Output<?>, Operand<?>> parts = new LinkedHashMap<>(ofKernels);
                parts.keySet().retainAll(kernelsOf(parameter));
                found.putAll(derive(parts, List.of(parameter)));
            }
        }
        return parameters.stream()
                .<Operand<TFloat32>>map(
                        parameter -> found.get(parameter).asOutput().expect(TFloat32.class))
                .toList();
    }

    /** Whether a kernel is a parameter, a slice of it, or its rounded value. */
    private static boolean isOf(Output<?> kernel, Output<?> parameter) {
        return kernel.equals(parameter)
                || ((GraphOperation) kernel.op())
                        .inputs().stream().anyMatch(input -> isOf(input.asOutput(), parameter));
    }

    private List<Output<?>> kernelsOf(Output<?> parameter) {
        return products.keySet().stream()
                .filter(kernel -> isOf(kernel, parameter))
                .<Output<?>>map(kernel -> kernel)
                .toList();
    }

    private <T extends TType> Operand<T> ofKernel(
            Class<T> type, List<GraphOperation> ofOneKernel, Map<Output<?>, Operand<?>> found) {
        List<Operand<T>> inputs = new ArrayList<>();
        List<Operand<T>> gradients = new ArrayList<>();
        for (GraphOperation product : ofOneKernel) {
            inputs.add(product.input(0).expect(type));
            gradients.add(found.get(product.output(0)).asOutput().expect(type));
        }
        Operand<T> h = tf.concat(inputs, tf.constant(0));
        Operand<T> dProducts = tf.concat(gradients, tf.constant(0));
        return tf.linalg.matMul(h, dProducts, MatMul.transposeA(true));
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
