package dev.libretto.export;

import dev.libretto.export.NamedArray.Spec;
import dev.libretto.model.Parameter;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.tensorflow.ndarray.Shape;

/** PyTorch's layout of a model: transposed kernels, two biases, and another order of a GRU's gates. */
final class PyTorchConversions {
    private static final Pattern RECURRENT = Pattern.compile("layer_(\\d+)/(kernel|recurrent_kernel|bias)");
    private static final String EMBEDDING = "embedding";
    private static final String DENSE_KERNEL = "dense/kernel";
    private static final String DENSE_BIAS = "dense/bias";

    private final int hiddenSize;
    /** Whether the dense layer's kernel is the embedding. */
    private final boolean isTied;

    /** @param parameters all parameters of a model */
    PyTorchConversions(List<Parameter> parameters) {
        hiddenSize = parameters.stream()
                .filter(parameter -> parameter.name().equals("layer_0/recurrent_kernel"))
                .mapToInt(kernel -> Math.toIntExact(kernel.shape().get(0)))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("the model has no layer_0/recurrent_kernel"));
        isTied = parameters.stream().noneMatch(parameter -> parameter.name().equals(DENSE_KERNEL));
    }

    /** @throws IllegalArgumentException if PyTorch has no such parameter */
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
            case EMBEDDING -> isTied ? new Tied(shape) : Conversion.identity(new Spec("embedding.weight", shape));
            case DENSE_KERNEL -> matrix("dense.weight", shape, Gates.ofPyTorch(1, Math.toIntExact(shape.get(1))));
            case DENSE_BIAS -> Conversion.identity(new Spec("dense.bias", shape));
            default -> throw new IllegalArgumentException("PyTorch's layout has no " + parameter.name());
        };
    }

    /** @param shape {@code [I, G·H]} */
    private static Conversion matrix(String name, Shape shape, Gates gates) {
        return new Conversion.OneToOne(
                new Spec(name, Shape.of(shape.get(1), shape.get(0))), gates::toRows, gates::fromRows);
    }

    private static Conversion biases(Parameter bias, String layer, Gates gates) {
        Shape one = Shape.of(bias.shape().get(-1));
        Spec input = new Spec("rnn.bias_ih" + layer, one);
        Spec recurrent = new Spec("rnn.bias_hh" + layer, one);
        if (bias.shape().numDimensions() == 2) {
            return new Stacked(input, recurrent, gates);
        }
        if (gates.count() == 3) {
            throw new IllegalArgumentException(bias.name() + " has the shape " + bias.shape()
                    + ", so the GRU resets before the product, which PyTorch does not support; use the keras layout");
        }
        return new Summed(input, recurrent);
    }

    /** An embedding {@code [V, H]} tied to the dense layer: PyTorch stores it under both names. */
    private record Tied(Spec embedding, Spec dense) implements Conversion {
        Tied(Shape shape) {
            this(new Spec("embedding.weight", shape), new Spec("dense.weight", shape));
        }

        @Override
        public List<Spec> specs() {
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

    /** A bias {@code [G·H]}, which is the sum of PyTorch's two. The second is exported as zero. */
    private record Summed(Spec input, Spec recurrent) implements Conversion {
        @Override
        public List<Spec> specs() {
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

    /** A GRU's biases {@code [2, 3·H]}: row 0 is added to the product of the input, row 1 to that of the state. */
    private record Stacked(Spec input, Spec recurrent, Gates gates) implements Conversion {
        @Override
        public List<Spec> specs() {
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
