package dev.libretto.export;

import dev.libretto.export.NamedArray.Spec;
import dev.libretto.model.Parameter;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** Converts a parameter of a model to and from the arrays of a layout. */
interface Conversion {
    /** Returns the names and shapes of the parameter's arrays in the layout. */
    List<Spec> specs();

    /**
     * Converts a parameter to the layout.
     *
     * @param values row-major
     * @return an array for each of {@link #specs}
     */
    List<NamedArray> toLayout(float[] values);

    /**
     * Converts a parameter from the layout.
     *
     * @param arrays the arrays of a file by name, including all of {@link #specs}
     * @return the parameter's values, row-major
     */
    float[] toNative(Map<String, NamedArray> arrays);

    /** Keeps the values and the name. */
    static Conversion identity(Parameter parameter) {
        return identity(new Spec(parameter.name(), parameter.shape()));
    }

    /** Keeps the values under another name. */
    static Conversion identity(Spec spec) {
        return new OneToOne(spec, UnaryOperator.identity(), UnaryOperator.identity());
    }

    /** Converts the values of a parameter that is one array in the layout. */
    record OneToOne(Spec spec, UnaryOperator<float[]> forward, UnaryOperator<float[]> backward) implements Conversion {
        @Override
        public List<Spec> specs() {
            return List.of(spec);
        }

        @Override
        public List<NamedArray> toLayout(float[] values) {
            return List.of(spec.of(forward.apply(values)));
        }

        @Override
        public float[] toNative(Map<String, NamedArray> arrays) {
            return backward.apply(arrays.get(spec.name()).values());
        }
    }
}
