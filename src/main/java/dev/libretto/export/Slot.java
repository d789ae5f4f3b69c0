package dev.libretto.export;

import org.tensorflow.ndarray.Shape;

/** The place of an array in a layout. */
record Slot(String name, Shape shape) {
    /** @throws IllegalArgumentException if an array is not of this shape, or has a value that is not finite */
    void requireFits(NamedArray array) {
        if (!array.shape().equals(shape)) {
            throw new IllegalArgumentException(name + " has the shape " + array.shape() + "; it must be " + shape);
        }
        for (int i = 0; i < array.values().length; i++) {
            if (!Float.isFinite(array.values()[i])) {
                throw new IllegalArgumentException(
                        name + " has the value " + array.values()[i] + " at place " + i + "; it must be finite");
            }
        }
    }

    NamedArray of(float[] values) {
        return new NamedArray(name, shape, values);
    }
}
