package dev.libretto.train;

/** What the numbers of a configuration are held to; each throws an {@code IllegalArgumentException} that names the value. */
public final class Require {
    private Require() {}

    public static void inRange(String name, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(name + " is " + value + "; it must be from " + min + " to " + max);
        }
    }

    /** A number that is neither 0 nor infinite in the 32 bits that TensorFlow has for it. */
    public static void positive(String name, double value) {
        if (!((float) value > 0 && (float) value <= Float.MAX_VALUE)) {
            throw new IllegalArgumentException(
                    name + " is " + value + "; it must be a number more than 0 that fits into 32 bits");
        }
    }

    public static void belowOne(String name, double value) {
        if (!(value >= 0 && (float) value < 1)) {
            throw new IllegalArgumentException(name + " is " + value + "; it must be from 0 up to, but not, 1");
        }
    }
}
