package dev.libretto.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/**
 * The values of a model's parameters, in Java memory. The arrays are row-major and owned by this object; callers must not
 * modify them.
 */
public final class Weights {
    private final Map<Parameter, float[]> values = new LinkedHashMap<>();

    /**
     * @param parameters in the model's order
     * @param valuesOf returns the values of each parameter
     * @throws IllegalArgumentException if an array does not have its parameter's size
     */
    public Weights(List<Parameter> parameters, Function<Parameter, float[]> valuesOf) {
        for (Parameter parameter : parameters) {
            float[] array = valuesOf.apply(parameter);
            if (array.length != parameter.size()) {
                throw new IllegalArgumentException(String.format(
                        Locale.ROOT,
                        "%s has %d values; its shape %s needs %d",
                        parameter.name(),
                        array.length,
                        parameter.shape(),
                        parameter.size()));
            }
            values.put(parameter, array);
        }
    }

    public List<Parameter> parameters() {
        return List.copyOf(values.keySet());
    }

    /** Returns the values of a parameter, row-major. */
    public float[] of(Parameter parameter) {
        return values.get(parameter);
    }

    public long count() {
        return values.keySet().stream().mapToLong(Parameter::size).sum();
    }
}
