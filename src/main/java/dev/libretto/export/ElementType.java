package dev.libretto.export;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.ndarray.buffer.ShortDataBuffer;
import org.tensorflow.ndarray.buffer.layout.DataLayouts;
import org.tensorflow.ndarray.buffer.layout.FloatDataLayout;

/** The types of numbers in safetensors, all little-endian. All are read as float32; only float32 is written. */
enum ElementType {
    F16(2, halves(DataLayouts.FLOAT16)),
    BF16(2, halves(DataLayouts.BFLOAT16)),
    F32(4, (bytes, values) -> values.put(bytes.asFloatBuffer())),
    F64(8, (bytes, values) -> {
        while (bytes.hasRemaining()) {
            values.put((float) bytes.getDouble());
        }
    });

    private interface Decoder {
        void decode(ByteBuffer bytes, FloatBuffer values);
    }

    private static final int CHUNK = 1 << 16;

    private final int bytes;
    private final Decoder decoder;

    ElementType(int bytes, Decoder decoder) {
        this.bytes = bytes;
        this.decoder = decoder;
    }

    private static Decoder halves(FloatDataLayout<ShortDataBuffer> layout) {
        return (bytes, values) -> {
            short[] halves = new short[bytes.remaining() / Short.BYTES];
            bytes.asShortBuffer().get(halves);
            float[] decoded = new float[halves.length];
            layout.applyTo(DataBuffers.of(halves, true, false)).read(decoded);
            values.put(decoded);
        };
    }

    int bytes() {
        return bytes;
    }

    /** @param count how many; the caller must check the size of the file before */
    float[] read(InputStream input, int count) throws IOException {
        float[] values = new float[count];
        byte[] chunk = new byte[Math.min(CHUNK, count) * bytes];
        for (int from = 0; from < count; from += CHUNK) {
            int n = Math.min(CHUNK, count - from);
            if (input.readNBytes(chunk, 0, n * bytes) < n * bytes) {
                throw new EOFException();
            }
            ByteBuffer numbers = ByteBuffer.wrap(chunk, 0, n * bytes).order(ByteOrder.LITTLE_ENDIAN);
            decoder.decode(numbers, FloatBuffer.wrap(values, from, n));
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
