package dev.libretto.export;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Writes arrays as NumPy reads them: format 1.0, little-endian float32, row-major. */
public final class Npy {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};

    /** The header's size is a multiple of this. */
    private static final int ALIGNMENT = 64;

    private static final int CHUNK = 1 << 14;

    private Npy() {}

    /** Writes an {@code .npy} file. */
    public static void write(NamedArray array, OutputStream out) throws IOException {
        long[] dimensions = array.shape().asArray();
        String shape = Arrays.stream(dimensions).mapToObj(n -> n + ",").collect(Collectors.joining(" "));
        // Python writes a tuple of several without the last comma.
        shape = dimensions.length > 1 ? shape.substring(0, shape.length() - 1) : shape;
        String header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }";
        int size = MAGIC.length + Short.BYTES + header.length() + 1;
        int padding = Math.floorMod(-size, ALIGNMENT);
        out.write(MAGIC);
        out.write(littleEndian(Short.BYTES)
                .putShort((short) (header.length() + padding + 1))
                .array());
        out.write((header + " ".repeat(padding) + "\n").getBytes(StandardCharsets.US_ASCII));
        float[] values = array.values();
        for (int from = 0; from < values.length; from += CHUNK) {
            int count = Math.min(CHUNK, values.length - from);
            ByteBuffer chunk = littleEndian(count * Float.BYTES);
            chunk.asFloatBuffer().put(values, from, count);
            out.write(chunk.array());
        }
    }

    private static ByteBuffer littleEndian(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Returns an {@code .npz} file: a zip file of {@code .npy} files. */
    public static byte[] archive(List<NamedArray> arrays) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(out)) {
            for (NamedArray array : arrays) {
                ZipEntry entry = new ZipEntry(array.name() + ".npy");
                // The same arrays give the same bytes.
                entry.setTimeLocal(LocalDateTime.of(1980, 1, 1, 0, 0));
                zip.putNextEntry(entry);
                write(array, zip);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }
}
