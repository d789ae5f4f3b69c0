package dev.libretto.export;

import dev.libretto.export.NamedArray.Spec;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

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
    KERAS {
        @Override
        Function<Parameter, Conversion> conversions(List<Parameter> parameters) {
            return Conversion::identity;
        }
    },
    /**
     * The {@code state_dict} of a PyTorch module with the members {@code rnn}, an {@code nn.RNN}, {@code nn.GRU} or {@code
     * nn.LSTM}, and {@code dense}, an {@code nn.Linear}: {@code rnn.weight_ih_l0 [G·H, I]}, {@code rnn.weight_hh_l0 [G·H,
     * H]}, {@code rnn.bias_ih_l0 [G·H]}, {@code rnn.bias_hh_l0 [G·H]}, and so on for each layer, {@code dense.weight [V,
     * H]}, {@code dense.bias [V]}. With an embedding, {@code embedding.weight [V, E]} of an {@code nn.Embedding} comes first.
     */
    PYTORCH {
        @Override
        Function<Parameter, Conversion> conversions(List<Parameter> parameters) {
            return new PyTorchConversions(parameters)::of;
        }
    };

    /** Returns the conversion of each parameter of a model. */
    abstract Function<Parameter, Conversion> conversions(List<Parameter> parameters);

    /**
     * Converts weights to this layout, in the framework's order.
     *
     * @throws IllegalArgumentException if the layout cannot represent one of them
     */
    public List<NamedArray> arrays(Weights weights) {
        Function<Parameter, Conversion> conversions = conversions(weights.parameters());
        List<NamedArray> arrays = new ArrayList<>();
        for (Parameter parameter : weights.parameters()) {
            arrays.addAll(conversions.apply(parameter).toLayout(weights.of(parameter)));
        }
        return arrays;
    }

    /**
     * Converts weights from this layout.
     *
     * @param parameters the parameters of the model, in its order
     * @param arrays the arrays of a file, in any order
     * @throws IllegalArgumentException naming an array that is missing, unknown, not finite or of the wrong shape
     */
    public Weights weights(List<Parameter> parameters, List<NamedArray> arrays) {
        Function<Parameter, Conversion> conversions = conversions(parameters);
        Map<String, NamedArray> byName = new HashMap<>();
        arrays.forEach(array -> byName.put(array.name(), array));
        List<Spec> specs = parameters.stream()
                .flatMap(parameter -> conversions.apply(parameter).specs().stream())
                .toList();
        requireSameNames(specs, byName);
        specs.forEach(spec -> spec.requireFits(byName.get(spec.name())));
        return new Weights(parameters, parameter -> conversions.apply(parameter).toNative(byName));
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

    /** Returns the name on the command line and in descriptions. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
