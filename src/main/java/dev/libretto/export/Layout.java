package dev.libretto.export;

import dev.libretto.model.CellType;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.tensorflow.ndarray.Shape;

/**
 * The names, shapes and order of a model's weights in a framework: recurrent layers 0, 1, ... and a dense layer.
 *
 * <p>I is a layer's input size (V for layer 0, H above it) and G its number of gates: 1 for the RNN, 3 for the GRU, 4 for
 * the LSTM.
 */
public enum Layout {
    /**
     * The layout of Keras's {@code get_weights()}, which is also Libretto's own: {@code layer_0/kernel [I, G·H]},
     * {@code layer_0/recurrent_kernel [H, G·H]}, {@code layer_0/bias [G·H]} ({@code [2, 3·H]} for a GRU that resets after the
     * product), and so on for each layer, {@code dense/kernel [H, V]}, {@code dense/bias [V]}.
     */
    KERAS((model, parameter) -> Conversion.identity(new Spec(parameter.name(), parameter.shape())), arrays -> arrays),
    /**
     * The {@code state_dict} of a PyTorch module with the members {@code rnn}, an {@code nn.RNN}, {@code nn.GRU} or {@code
     * nn.LSTM}, and {@code dense}, an {@code nn.Linear}: {@code rnn.weight_ih_l0 [G·H, I]}, {@code rnn.weight_hh_l0 [G·H,
     * H]}, {@code rnn.bias_ih_l0 [G·H]}, {@code rnn.bias_hh_l0 [G·H]}, and so on for each layer, {@code dense.weight [V,
     * H]}, {@code dense.bias [V]}. With an embedding, {@code embedding.weight [V, E]} of an {@code nn.Embedding} comes first.
     * Members with other names are known by what they hold.
     */
    PYTORCH(PyTorchLayout::conversion, PyTorchLayout::canonical);

    record Spec(String name, Shape shape) {
        /** @throws IllegalArgumentException if an array has another shape */
        void requireShape(NamedArray array) {
            if (!array.shape().equals(shape)) {
                throw new IllegalArgumentException(
                        name + " must have the shape " + shape + " (got " + array.shape() + ")");
            }
        }

        /** @throws IllegalArgumentException if an array has a value that is not finite */
        void requireFinite(NamedArray array) {
            float[] values = array.values();
            for (int i = 0; i < values.length; i++) {
                if (!Float.isFinite(values[i])) {
                    throw new IllegalArgumentException(
                            name + " must be finite (got " + values[i] + " at position " + i + ")");
                }
            }
        }
    }

    /**
     * How a layout stores a parameter.
     *
     * @param arrays in one or more arrays
     * @param toLayout returns the values of each array from the parameter's, all row-major
     * @param toNative returns the parameter's values from those of each array
     */
    record Conversion(
            List<Spec> arrays, Function<float[], List<float[]>> toLayout, Function<List<float[]>, float[]> toNative) {
        static Conversion identity(Spec array) {
            return new Conversion(List.of(array), List::of, values -> values.get(0));
        }
    }

    private final BiFunction<ModelConfig, Parameter, Conversion> conversion;
    private final UnaryOperator<List<NamedArray>> canonical;

    /** @param canonical returns arrays under the layout's names */
    Layout(BiFunction<ModelConfig, Parameter, Conversion> conversion, UnaryOperator<List<NamedArray>> canonical) {
        this.conversion = conversion;
        this.canonical = canonical;
    }

    /** Converts a model's weights to this layout, in the library's order. */
    public List<NamedArray> arrays(ModelConfig model, Weights weights) {
        List<NamedArray> arrays = new ArrayList<>();
        for (Parameter parameter : weights.parameters()) {
            Conversion stored = conversion.apply(model, parameter);
            List<float[]> values = stored.toLayout().apply(weights.of(parameter));
            for (int i = 0; i < values.size(); i++) {
                Spec spec = stored.arrays().get(i);
                arrays.add(new NamedArray(spec.name(), spec.shape(), values.get(i)));
            }
        }
        return arrays;
    }

    /**
     * Returns the weights of a model.
     *
     * @param arrays the arrays of a file, in any order
     * @throws IllegalArgumentException if they are not those of the model, saying which cell and layout they have if any fits
     */
    public Weights weights(ModelConfig model, List<NamedArray> arrays) {
        Map<String, NamedArray> byName = byName(arrays);
        List<Parameter> parameters = LanguageModel.parameters(model);
        try {
            requireSameArrays(specs(model), byName);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    fitting(model, arrays)
                            .map(found -> "the arrays are those of " + found + ", but cell is " + model.cell()
                                    + " and layout is " + this + "; correct the description")
                            .orElse(e.getMessage()),
                    e);
        }
        specs(model).forEach(spec -> spec.requireFinite(byName.get(spec.name())));
        return new Weights(parameters, parameter -> {
            Conversion stored = conversion.apply(model, parameter);
            return stored.toNative()
                    .apply(stored.arrays().stream()
                            .map(spec -> byName.get(spec.name()).values())
                            .toList());
        });
    }

    private Map<String, NamedArray> byName(List<NamedArray> arrays) {
        Map<String, NamedArray> byName = new HashMap<>();
        canonical.apply(arrays).forEach(array -> byName.put(array.name(), array));
        return byName;
    }

    private List<Spec> specs(ModelConfig model) {
        return LanguageModel.parameters(model).stream()
                .flatMap(parameter -> conversion.apply(model, parameter).arrays().stream())
                .toList();
    }

    /** Returns the cell and the layout that arrays have: names tell the layout, shapes the gates and the second bias. */
    private static Optional<String> fitting(ModelConfig model, List<NamedArray> arrays) {
        for (Layout layout : values()) {
            for (CellType cell : CellType.values()) {
                try {
                    layout.requireSameArrays(layout.specs(model.withCell(cell)), layout.byName(arrays));
                    return Optional.of("cell " + cell + " in the " + layout + " layout");
                } catch (IllegalArgumentException e) {
                    // Another one may fit.
                }
            }
        }
        return Optional.empty();
    }

    /** Throws if arrays are missing or unknown, or have another shape. */
    private void requireSameArrays(List<Spec> specs, Map<String, NamedArray> byName) {
        requireSameNames(specs, byName);
        specs.forEach(spec -> spec.requireShape(byName.get(spec.name())));
    }

    private void requireSameNames(List<Spec> specs, Map<String, NamedArray> byName) {
        for (Spec spec : specs) {
            if (!byName.containsKey(spec.name())) {
                throw new IllegalArgumentException(spec.name() + " " + spec.shape() + " is missing; the " + this
                        + " layout of this model has " + names(specs));
            }
        }
        List<String> known = specs.stream().map(Spec::name).toList();
        for (String name : byName.keySet()) {
            if (!known.contains(name)) {
                throw new IllegalArgumentException(
                        name + " is unknown; the " + this + " layout of this model has " + names(specs));
            }
        }
    }

    private static String names(List<Spec> specs) {
        return specs.stream().map(Spec::name).collect(Collectors.joining(", "));
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
