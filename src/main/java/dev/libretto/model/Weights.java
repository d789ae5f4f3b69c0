package dev.libretto.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/**
 * The values of every parameter of a model, in Java memory: what is initialised, trained, saved and decoded with.
 *
 * <p>The arrays are row-major and belong to this object; whoever reads them leaves them as they are.
 */
public final class Weights {
    private final Map<Parameter, float[]> values = new LinkedHashMap<>();

    /**
     * @param parameters the parameters, in the model's order
     * @param valuesOf the values of each, as many as its shape has
     * @throws IllegalArgumentException if an array is not of its parameter's size
     */
    public Weights(List<Parameter> parameters, Function<Parameter, float[]> valuesOf) {
        for (Parameter parameter : parameters) {
            float[] array = valuesOf.apply(parameter);
            if (array.length != parameter.size()) {
                throw new IllegalArgumentException(String.format(
                        Locale.ROOT,
                        "%s has %d values; its shape %s takes %d",
                        parameter.name(),
                        array.length,
                        parameter.shape(),
                        parameter.size()));
            }
            values.put(parameter, array);
        }
    }

    /** The parameters, in the model's order. */
    public List<Parameter> parameters() {
        return List.copyOf(values.keySet());
    }

    /** The values of a parameter, row-major. */
    public float[] of(Parameter parameter) {
        return values.get(parameter);
    }

    /** The number of values of all parameters together. */
    public long count() {
        return values.keySet().stream().mapToLong(Parameter::size).sum();
    }
}
