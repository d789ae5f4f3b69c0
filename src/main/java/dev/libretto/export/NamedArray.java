package dev.libretto.export;

import java.util.Arrays;
import org.tensorflow.ndarray.Shape;

/**
 * An array of a weights file.
 *
 * @param name its name in the file
 * @param shape its shape; every dimension is known
 * @param values the values, row-major; they belong to this object
 */
public record NamedArray(String name, Shape shape, float[] values) {
    /** @throws IllegalArgumentException if there are not as many values as the shape takes */
    public NamedArray {
        long size = sizeOf(shape.asArray());
        if (values.length != size) {
            throw new IllegalArgumentException(
                    name + " has " + values.length + " values; its shape " + shape + " takes " + size);
        }
    }

    /**
     * The number of values of a shape.
     *
     * @throws IllegalArgumentException if a dimension is negative, or they are more values than a Java array holds
     */
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
