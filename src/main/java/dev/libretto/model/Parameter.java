package dev.libretto.model;

import java.util.Arrays;
import org.tensorflow.ndarray.Shape;

/**
 * A trained array of a model: its name, shape and how it starts.
 *
 * @param name the name in graphs and checkpoints, e.g. {@code layer_0/recurrent_kernel}
 */
public record Parameter(String name, Shape shape, Initializer initializer) {
    /** How a parameter starts. */
    public enum Initializer {
        /** All zeros, for biases. */
        ZEROS,
        /** Zeros but for ones in the second quarter, an LSTM's forget gate (Jozefowicz, Zaremba and Sutskever, 2015). */
        UNIT_FORGET_BIAS,
        /** Uniform within ±√(6 / (rows + columns)), for kernels (Glorot and Bengio, 2010). */
        GLOROT_UNIFORM,
        /** Orthonormal rows or columns, for recurrent kernels (Saxe, McClelland and Ganguli, 2014). */
        ORTHOGONAL
    }

    /** The number of values. */
    public int size() {
        return Math.toIntExact(Arrays.stream(shape.asArray()).reduce(1, Math::multiplyExact));
    }
}
