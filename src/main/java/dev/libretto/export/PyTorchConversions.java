package dev.libretto.export;

import dev.libretto.model.Parameter;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.tensorflow.ndarray.Shape;

/** The parameters of a model as PyTorch has them: transposed, with two biases, and a GRU's gates in another order. */
final class PyTorchConversions {
    private static final Pattern RECURRENT = Pattern.compile("layer_(\\d+)/(kernel|recurrent_kernel|bias)");
    private static final String EMBEDDING = "embedding";
    private static final String DENSE_KERNEL = "dense/kernel";
    private static final String DENSE_BIAS = "dense/bias";

    private final int hiddenSize;
    /** Whether the dense layer has no kernel of its own but uses the embedding. */
    private final boolean isTied;

    /** @param parameters all of a model */
    PyTorchConversions(List<Parameter> parameters) {
        hiddenSize = parameters.stream()
                .filter(parameter -> parameter.name().equals("layer_0/recurrent_kernel"))
                .mapToInt(kernel -> Math.toIntExact(kernel.shape().get(0)))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("the model has no layer_0/recurrent_kernel"));
        isTied = parameters.stream().noneMatch(parameter -> parameter.name().equals(DENSE_KERNEL));
    }

    /** @throws IllegalArgumentException if PyTorch has no place for the parameter */
    Conversion of(Parameter parameter) {
        Shape shape = parameter.shape();
        Matcher recurrent = RECURRENT.matcher(parameter.name());
        if (recurrent.matches()) {
            String layer = "_l" + recurrent.group(1);
            Gates gates = Gates.ofPyTorch(Math.toIntExact(shape.get(-1)) / hiddenSize, hiddenSize);
            return switch (recurrent.group(2)) {
                case "kernel" -> matrix("rnn.weight_ih" + layer, shape, gates);
                case "recurrent_kernel" -> matrix("rnn.weight_hh" + layer, shape, gates);
                default -> biases(parameter, layer, gates);
            };
        }
        return switch (parameter.name()) {
            case EMBEDDING -> isTied ? new Tied(shape) : Conversion.identity(new Slot("embedding.weight", shape));
            case DENSE_KERNEL -> matrix("dense.weight", shape, Gates.ofPyTorch(1, Math.toIntExact(shape.get(1))));
            case DENSE_BIAS -> Conversion.identity(new Slot("dense.bias", shape));
            default -> throw new IllegalArgumentException(parameter.name() + " has no place in PyTorch's layout");
        };
    }

    /** @param shape {@code [I, G·H]} */
    private static Conversion matrix(String name, Shape shape, Gates gates) {
        return new One(new Slot(name, Shape.of(shape.get(1), shape.get(0))), gates::toRows, gates::fromRows);
    }

    private static Conversion biases(Parameter bias, String layer, Gates gates) {
        Shape one = Shape.of(bias.shape().get(-1));
        Slot input = new Slot("rnn.bias_ih" + layer, one);
        Slot recurrent = new Slot("rnn.bias_hh" + layer, one);
        if (bias.shape().numDimensions() == 2) {
            return new Stacked(input, recurrent, gates);
        }
        if (gates.count() == 3) {
            throw new IllegalArgumentException(bias.name() + " has the shape " + bias.shape()
                    + ", that of a GRU that resets before the product; PyTorch has no such GRU, use the keras layout");
        }
        return new Summed(input, recurrent);
    }

    /** One array of PyTorch for one of Libretto. */
    private record One(Slot slot, UnaryOperator<float[]> forth, UnaryOperator<float[]> back) implements Conversion {
        @Override
        public List<Slot> slots() {
            return List.of(slot);
        }

        @Override
        public List<NamedArray> toLayout(float[] values) {
            return List.of(slot.of(forth.apply(values)));
        }

        @Override
        public float[] toNative(Map<String, NamedArray> arrays) {
            return back.apply(arrays.get(slot.name()).values());
        }
    }

    /** An embedding {@code [V, H]} that is the dense layer's weight as well: a tied module has it under both names. */
    private record Tied(Slot embedding, Slot dense) implements Conversion {
        Tied(Shape shape) {
            this(new Slot("embedding.weight", shape), new Slot("dense.weight", shape));
        }

        @Override
        public List<Slot> slots() {
            return List.of(embedding, dense);
        }

        @Override
        public List<NamedArray> toLayout(float[] values) {
            return List.of(embedding.of(values), dense.of(values));
        }

        @Override
        public float[] toNative(Map<String, NamedArray> arrays) {
            float[] values = arrays.get(embedding.name()).values();
            if (!Arrays.equals(values, arrays.get(dense.name()).values())) {
                throw new IllegalArgumentException(embedding.name() + " and " + dense.name()
                        + " differ; a model with tieEmbeddings has the same values in both");
            }
            return values;
        }
    }

    /** A bias {@code [G·H]}, which PyTorch has as the sum of two: the second of them is zero on the way out. */
    private record Summed(Slot input, Slot recurrent) implements Conversion {
        @Override
        public List<Slot> slots() {
            return List.of(input, recurrent);
        }

        @Override
        public List<NamedArray> toLayout(float[] values) {
            return List.of(input.of(values), recurrent.of(new float[values.length]));
        }

        @Override
        public float[] toNative(Map<String, NamedArray> arrays) {
            float[] sum = arrays.get(input.name()).values().clone();
            float[] second = arrays.get(recurrent.name()).values();
            for (int i = 0; i < sum.length; i++) {
                sum[i] += second[i];
            }
            return sum;
        }
    }

    /** A GRU's biases {@code [2, 3·H]}: row 0 is added to the input's product, row 1 to the state's. */
    private record Stacked(Slot input, Slot recurrent, Gates gates) implements Conversion {
        @Override
        public List<Slot> slots() {
            return List.of(input, recurrent);
        }

        @Override
        public List<NamedArray> toLayout(float[] values) {
            int half = values.length / 2;
            return List.of(
                    input.of(gates.reorder(Arrays.copyOf(values, half))),
                    recurrent.of(gates.reorder(Arrays.copyOfRange(values, half, values.length))));
        }

        @Override
        public float[] toNative(Map<String, NamedArray> arrays) {
            float[] first = gates.reorder(arrays.get(input.name()).values());
            float[] second = gates.reorder(arrays.get(recurrent.name()).values());
            float[] stacked = Arrays.copyOf(first, first.length + second.length);
            System.arraycopy(second, 0, stacked, first.length, second.length);
            return stacked;
        }
    }
}
