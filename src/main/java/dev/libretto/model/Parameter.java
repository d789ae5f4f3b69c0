package dev.libretto.model;

import java.util.Arrays;
import org.tensorflow.ndarray.Shape;

/**
 * A trained array of a model.
 *
 * @param name the name in graphs and checkpoints, such as {@code layer_0/recurrent_kernel}
 */
public record Parameter(String name, Shape shape, Initializer initializer) {
    /** The distribution of a parameter's initial values. */
    public enum Initializer {
        /** All zeros, for biases. */
        ZEROS,
        /** Ones for the second quarter, an LSTM's forget gate, and zeros (Jozefowicz, Zaremba and Sutskever, 2015). */
        UNIT_FORGET_BIAS,
        /** Uniform within ±√(6 / (rows + columns)), for kernels (Glorot and Bengio, 2010). */
        GLOROT_UNIFORM,
        /**
         * Uniform within ±1, for embeddings and kernels of one-hot vectors: a time step reads one row, but Glorot's bound counts
         * all.
         */
        UNIT_UNIFORM,
        /** Orthonormal rows or columns, for recurrent kernels (Saxe, McClelland and Ganguli, 2014). */
        ORTHOGONAL
    }

    /** Returns the name of its layer: {@code embedding}, {@code layer_0}, ..., {@code dense}. */
    public String layer() {
        int slash = name.indexOf('/');
        return slash < 0 ? name : name.substring(0, slash);
    }

    /** Returns the number of values. */
    public int size() {
        return Math.toIntExact(Arrays.stream(shape.asArray()).reduce(1, Math::multiplyExact));
    }
}
