package dev.libretto.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
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
    private static final int HASHED_AT_ONCE = 1 << 14;

    private final Map<Parameter, float[]> values = new LinkedHashMap<>();
    /** Null until needed. */
    private String sha256;

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

    /** Returns the SHA-256 of the values, in hexadecimal, which tells models of the same size apart. */
    public String sha256() {
        sha256 = sha256 == null ? hash() : sha256;
        return sha256;
    }

    private String hash() {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
        ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * HASHED_AT_ONCE).order(ByteOrder.LITTLE_ENDIAN);
        FloatBuffer floats = bytes.asFloatBuffer();
        for (float[] array : values.values()) {
            for (int from = 0; from < array.length; from += HASHED_AT_ONCE) {
                int count = Math.min(HASHED_AT_ONCE, array.length - from);
                floats.put(0, array, from, count);
                digest.update(bytes.array(), 0, Float.BYTES * count);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
