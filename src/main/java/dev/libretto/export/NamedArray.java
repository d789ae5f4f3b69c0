package dev.libretto.export;

import java.util.Arrays;
import org.tensorflow.ndarray.Shape;

/**
 * An array of a weights file.
 *
 * @param shape every dimension is known
 * @param values row-major; not copied
 */
public record NamedArray(String name, Shape shape, float[] values) {
    public NamedArray {
        long size = sizeOf(shape.asArray());
        if (values.length != size) {
            throw new IllegalArgumentException(
                    name + " has " + values.length + " values, but its shape " + shape + " needs " + size);
        }
    }

    static int sizeOf(long... dimensions) {
        try {
            if (Arrays.stream(dimensions).allMatch(dimension -> dimension >= 0)) {
                return Math.toIntExact(Arrays.stream(dimensions).reduce(1, Math::multiplyExact));
            }
            throw new IllegalArgumentException(
                    "the shape " + Arrays.toString(dimensions) + " has a negative dimension");
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException(
                    "the shape " + Arrays.toString(dimensions) + " has more values than " + Integer.MAX_VALUE, e);
        }
    }
}
