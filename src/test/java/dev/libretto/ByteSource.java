package dev.libretto;

import java.util.random.RandomGenerator;

/** Choices made by given bytes, so that a fuzzer that changes the bytes changes the choices; zeros after the last byte. */
public final class ByteSource implements RandomGenerator {
    private final byte[] bytes;
    private int next;

    public ByteSource(byte[] bytes) {
        this.bytes = bytes;
    }

    @Override
    public long nextLong() {
        return next(Long.BYTES);
    }

    @Override
    public int nextInt() {
        return (int) next(Integer.BYTES);
    }

    /** Takes only as many bytes as the bound needs, so that most choices are a byte each. */
    @Override
    public int nextInt(int bound) {
        int count = Integer.BYTES - Integer.numberOfLeadingZeros(bound - 1) / Byte.SIZE;
        return (int) (next(count) % bound);
    }

    private long next(int count) {
        long value = 0;
        for (int i = 0; i < count; i++) {
            value = value << Byte.SIZE | (next < bytes.length ? bytes[next++] & 0xff : 0);
        }
        return value;
    }
}
