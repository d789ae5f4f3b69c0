package dev.libretto.export;

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
 * How a framework names, shapes and orders the weights of a model: recurrent layers 0, 1, ... and a dense layer.
 *
 * <p>I is a layer's input size (V for layer 0, H above it) and G its number of gates: 1 for the RNN, 3 for the GRU, 4 for
 * the LSTM.
 */
public enum Layout {
    /**
     * The weights that the layers of a Keras model have in {@code get_weights()}, in that order: {@code layer_0/kernel [I,
     * G·H]}, {@code layer_0/recurrent_kernel [H, G·H]}, {@code layer_0/bias [G·H]} ({@code [2, 3·H]} for a GRU that resets
     * after the product), and so on for each layer, {@code dense/kernel [H, V]}, {@code dense/bias [V]}. They are
     * Libretto's own.
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
     * H]}, {@code dense.bias [V]}. Where characters are embedded, {@code embedding.weight [V, E]} of an {@code nn.Embedding}
     * comes first.
     */
    PYTORCH {
        @Override
        Function<Parameter, Conversion> conversions(List<Parameter> parameters) {
            return new PyTorchConversions(parameters)::of;
        }
    };

    /** The conversion of each parameter of a model. */
    abstract Function<Parameter, Conversion> conversions(List<Parameter> parameters);

    /**
     * Weights in this layout, in the framework's order.
     *
     * @throws IllegalArgumentException if the framework has no place for one of them
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
     * Weights from this layout.
     *
     * @param parameters those of the model that the weights are for, in its order
     * @param arrays the arrays of a file, in any order
     * @throws IllegalArgumentException naming an array that is missing, unknown, of another shape or not finite
     */
    public Weights weights(List<Parameter> parameters, List<NamedArray> arrays) {
        Function<Parameter, Conversion> conversions = conversions(parameters);
        Map<String, NamedArray> byName = new HashMap<>();
        arrays.forEach(array -> byName.put(array.name(), array));
        List<Slot> slots = parameters.stream()
                .flatMap(parameter -> conversions.apply(parameter).slots().stream())
                .toList();
        requireSameNames(slots, byName);
        slots.forEach(slot -> slot.requireFits(byName.get(slot.name())));
        return new Weights(parameters, parameter -> conversions.apply(parameter).toNative(byName));
    }

    private void requireSameNames(List<Slot> slots, Map<String, NamedArray> byName) {
        for (Slot slot : slots) {
            if (!byName.containsKey(slot.name())) {
                throw new IllegalArgumentException("there is no " + slot.name() + " " + slot.shape() + "; the " + this
                        + " layout of this model has " + names(slots));
            }
        }
        List<String> known = slots.stream().map(Slot::name).toList();
        for (String name : byName.keySet()) {
            if (!known.contains(name)) {
                throw new IllegalArgumentException(
                        name + " has no place; the " + this + " layout of this model has " + names(slots));
            }
        }
    }

    private static String names(List<Slot> slots) {
        return slots.stream().map(Slot::name).collect(Collectors.joining(", "));
    }

    /** The name on the command line and in descriptions. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
