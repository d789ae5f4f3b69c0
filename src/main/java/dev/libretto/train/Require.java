package dev.libretto.train;

/** Range checks for configurations. Each throws an {@code IllegalArgumentException} that names the value. */
public final class Require {
    private Require() {}

    public static void inRange(String name, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(name + " must be from " + min + " to " + max + " (got " + value + ")");
        }
    }

    /** Throws unless a value is positive and finite as a float32. */
    public static void positive(String name, double value) {
        if (!((float) value > 0 && (float) value <= Float.MAX_VALUE)) {
            throw new IllegalArgumentException(
                    name + " must be a number greater than 0 that fits into float32 (got " + value + ")");
        }
    }

    public static void belowOne(String name, double value) {
        if (!(value >= 0 && (float) value < 1)) {
            throw new IllegalArgumentException(name + " must be at least 0 and less than 1 (got " + value + ")");
        }
    }
}
