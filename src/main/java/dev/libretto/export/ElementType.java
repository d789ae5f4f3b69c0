package dev.libretto.export;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.ndarray.buffer.ShortDataBuffer;
import org.tensorflow.ndarray.buffer.layout.DataLayouts;
import org.tensorflow.ndarray.buffer.layout.FloatDataLayout;

/** The types of numbers in weights files, all little-endian. All are read as float32; only float32 is written. */
enum ElementType {
    F32(4, "<f4") {
        @Override
        void decode(ByteBuffer bytes, float[] values, int from, int count) {
            bytes.asFloatBuffer().get(values, from, count);
        }
    },
    F64(8, "<f8") {
        @Override
        void decode(ByteBuffer bytes, float[] values, int from, int count) {
            for (int i = 0; i < count; i++) {
                values[from + i] = (float) bytes.getDouble();
            }
        }
    },
    F16(2, "<f2") {
        @Override
        void decode(ByteBuffer bytes, float[] values, int from, int count) {
            decodeHalf(DataLayouts.FLOAT16, bytes, values, from, count);
        }
    },
    BF16(2, null) { // NumPy has no bfloat16
        @Override
        void decode(ByteBuffer bytes, float[] values, int from, int count) {
            decodeHalf(DataLayouts.BFLOAT16, bytes, values, from, count);
        }
    };

    private static final int CHUNK = 1 << 16;

    private final int bytes;
    private final String numpyName;

    ElementType(int bytes, String numpyName) {
        this.bytes = bytes;
        this.numpyName = numpyName;
    }

    /** Returns the size of a number in bytes. */
    int bytes() {
        return bytes;
    }

    /** Returns the name in an npy header, such as {@code <f4}. */
    String numpyName() {
        return numpyName;
    }

    /** Returns the type with the given safetensors name, such as {@code F32}. */
    static Optional<ElementType> ofSafetensors(String name) {
        return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
    }

    /** Returns the type with the given name in an npy header. */
    static Optional<ElementType> ofNumpy(String name) {
        return Arrays.stream(values())
                .filter(type -> name.equals(type.numpyName))
                .findFirst();
    }

    /** Returns the supported names in npy headers, for messages. */
    static String numpyNames() {
        return Arrays.stream(values())
                .filter(type -> type.numpyName != null)
                .map(ElementType::numpyName)
                .collect(Collectors.joining(", "));
    }

    abstract void decode(ByteBuffer bytes, float[] values, int from, int count);

    private static void decodeHalf(
            FloatDataLayout<ShortDataBuffer> layout, ByteBuffer bytes, float[] values, int from, int count) {
        short[] halves = new short[count];
        bytes.asShortBuffer().get(halves);
        layout.applyTo(DataBuffers.of(halves, true, false)).read(values, from, count);
    }

    /**
     * Reads numbers.
     *
     * @param count how many; the caller must check the size of the file before
     * @throws EOFException if the file is too short
     */
    float[] read(InputStream input, int count) throws IOException {
        float[] values = new float[count];
        byte[] chunk = new byte[Math.min(CHUNK, Math.max(1, count)) * bytes];
        for (int from = 0; from < count; from += CHUNK) {
            int n = Math.min(CHUNK, count - from);
            if (input.readNBytes(chunk, 0, n * bytes) < n * bytes) {
                throw new EOFException();
            }
            decode(ByteBuffer.wrap(chunk).order(ByteOrder.LITTLE_ENDIAN), values, from, n);
        }
        return values;
    }

    /** Writes numbers as {@link #F32}. */
    static void write(OutputStream output, float[] values) throws IOException {
        ByteBuffer chunk = ByteBuffer.allocate(CHUNK * F32.bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int from = 0; from < values.length; from += CHUNK) {
            int n = Math.min(CHUNK, values.length - from);
            chunk.asFloatBuffer().put(values, from, n);
            output.write(chunk.array(), 0, n * F32.bytes);
        }
    }
}
