package dev.libretto.export;

import dev.libretto.export.Layout.Conversion;
import dev.libretto.export.Layout.Spec;
import dev.libretto.model.CellSpec.Library;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.tensorflow.ndarray.Shape;

/** {@link Layout#PYTORCH}: transposed kernels, two biases, and PyTorch's order of gates. */
final class PyTorchLayout {
    private static final Pattern RECURRENT = Pattern.compile("layer_(\\d+)/(kernel|recurrent_kernel|bias)");

    private static final Pattern OF_RNN = Pattern.compile("(weight|bias)_(ih|hh)_l\\d+");

    private PyTorchLayout() {}

    /**
     * Returns arrays under this layout's names. A module may have given its members other names: an nn.RNN, nn.GRU or nn.LSTM
     * is known by the names within it, the nn.Linear by its bias, and an nn.Embedding has only a weight. Names that do not
     * tell are left as they are.
     */
    static List<NamedArray> canonical(List<NamedArray> arrays) {
        Map<String, Set<String>> modules = new LinkedHashMap<>();
        arrays.forEach(array -> modules.computeIfAbsent(module(array.name()), name -> new HashSet<>())
                .add(array.name().substring(array.name().lastIndexOf('.') + 1)));
        Map<String, String> names = new HashMap<>();
        alone(
                        modules,
                        members -> members.stream()
                                .anyMatch(name -> OF_RNN.matcher(name).matches()))
                .ifPresent(module -> names.put(module, "rnn."));
        alone(modules, Set.of("weight", "bias")::equals).ifPresent(module -> names.put(module, "dense."));
        alone(modules, Set.of("weight")::equals).ifPresent(module -> names.put(module, "embedding."));
        return arrays.stream()
                .map(array -> {
                    String module = module(array.name());
                    String member = array.name().substring(module.length());
                    return new NamedArray(names.getOrDefault(module, module) + member, array.shape(), array.values());
                })
                .toList();
    }

    /** Returns the name of an array's module, with its dot. */
    private static String module(String array) {
        return array.substring(0, array.lastIndexOf('.') + 1);
    }

    private static Optional<String> alone(Map<String, Set<String>> modules, Predicate<Set<String>> isWanted) {
        List<String> found = modules.keySet().stream()
                .filter(module -> isWanted.test(modules.get(module)))
                .toList();
        return found.size() == 1 ? Optional.of(found.get(0)) : Optional.empty();
    }

    static Conversion conversion(ModelConfig model, Parameter parameter) {
        Shape shape = parameter.shape();
        Matcher recurrent = RECURRENT.matcher(parameter.name());
        if (recurrent.matches()) {
            String layer = "_l" + recurrent.group(1);
            Gates gates = Gates.of(model.cell(), Library.PYTORCH, "use the keras layout");
            return switch (recurrent.group(2)) {
                case "kernel" -> matrix("rnn.weight_ih" + layer, shape, gates);
                case "recurrent_kernel" -> matrix("rnn.weight_hh" + layer, shape, gates);
                default -> biases(layer, shape, gates);
            };
        }
        return switch (parameter.name()) {
            case "embedding" ->
                model.tieEmbeddings() ? tied(shape) : Conversion.identity(new Spec("embedding.weight", shape));
            case "dense/kernel" -> matrix("dense.weight", shape, new Gates(0));
            case "dense/bias" -> Conversion.identity(new Spec("dense.bias", shape));
            default -> throw new IllegalArgumentException("PyTorch's layout has no " + parameter.name());
        };
    }

    /** @param shape {@code [I, G·H]} */
    private static Conversion matrix(String name, Shape shape, Gates gates) {
        int columns = Math.toIntExact(shape.get(1));
        return new Conversion(
                List.of(new Spec(name, Shape.of(columns, shape.get(0)))),
                kernel -> List.of(gates.toRows(kernel, columns)),
                weights -> gates.fromRows(weights.get(0), columns));
    }

    /**
     * @param shape {@code [G·H]}, the sum of PyTorch's two biases, of which the second is exported as zero; or
     *     {@code [2, G·H]}, one for the product of the input and one for that of the state
     */
    private static Conversion biases(String layer, Shape shape, Gates gates) {
        int columns = Math.toIntExact(shape.get(-1));
        boolean isSum = shape.numDimensions() == 1;
        return new Conversion(
                List.of(
                        new Spec("rnn.bias_ih" + layer, Shape.of(columns)),
                        new Spec("rnn.bias_hh" + layer, Shape.of(columns))),
                bias -> List.of(
                        gates.reorder(Arrays.copyOf(bias, columns)),
                        gates.reorder(isSum ? new float[columns] : Arrays.copyOfRange(bias, columns, 2 * columns))),
                biases -> {
                    float[] first = gates.restore(biases.get(0));
                    float[] second = gates.restore(biases.get(1));
                    float[] bias = Arrays.copyOf(first, isSum ? columns : 2 * columns);
                    for (int i = 0; i < columns; i++) {
                        bias[isSum ? i : columns + i] += second[i];
                    }
                    return bias;
                });
    }

    /** @param shape {@code [V, H]} of an embedding tied to the dense layer, which PyTorch stores under both names */
    private static Conversion tied(Shape shape) {
        return new Conversion(
                List.of(new Spec("embedding.weight", shape), new Spec("dense.weight", shape)),
                values -> List.of(values, values),
                both -> {
                    if (!Arrays.equals(both.get(0), both.get(1))) {
                        throw new IllegalArgumentException("embedding.weight and dense.weight differ; a model with"
                                + " tieEmbeddings has the same values in both");
                    }
                    return both.get(0);
                });
    }
}
