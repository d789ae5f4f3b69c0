package dev.libretto.export;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.ndarray.Shape;

/** The format is NEP 1 of NumPy. */
class NpyTest {
    private static byte[] bytes(Shape shape, float... values) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Npy.write(new NamedArray("array", shape, values), out);
        return out.toByteArray();
    }

    /** What numpy.lib.format writes of the same array. */
    @Test
    void fileIsThatOfNumPy() throws IOException {
        String header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
        ByteBuffer expected = ByteBuffer.allocate(128 + 24).order(ByteOrder.LITTLE_ENDIAN);
        expected.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0}).putShort((short) 118);
        expected.put((header + " ".repeat(117 - header.length()) + "\n").getBytes(StandardCharsets.US_ASCII));
        for (float value : new float[] {1, -2, 0.5f, Float.MIN_VALUE, 5, 6}) {
            expected.putFloat(value);
        }

        assertThat(bytes(Shape.of(2, 3), 1, -2, 0.5f, Float.MIN_VALUE, 5, 6)).isEqualTo(expected.array());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"3|(3,)", "3 1|(3, 1)", "0 4|(0, 4)", "100000|(100000,)"})
    void headerEndsAtAMultipleOf64AndHasATuple(String dimensions, String tuple) throws IOException {
        long[] shape = java.util.Arrays.stream(dimensions.split(" "))
                .mapToLong(Long::parseLong)
                .toArray();
        int size = NamedArray.sizeOf(shape);

        byte[] file = bytes(Shape.of(shape), new float[size]);

        int header = (file[8] & 0xFF) + 256 * (file[9] & 0xFF);
        assertThat((10 + header) % 64).isZero();
        assertThat(file).hasSize(10 + header + 4 * size);
        assertThat(new String(file, 10, header, StandardCharsets.US_ASCII))
                .contains("'shape': " + tuple + ", }")
                .endsWith("\n");
    }

    @Test
    void archiveHoldsTheFiles() throws IOException {
        byte[] archive = Npy.archive(List.of(
                new NamedArray("layer_0_h", Shape.of(1, 2), new float[] {1, 2}),
                new NamedArray("layer_0_c", Shape.of(1, 2), new float[] {3, 4})));

        try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(archive))) {
            assertThat(zip.getNextEntry().getName()).isEqualTo("layer_0_h.npy");
            assertThat(zip.readAllBytes()).isEqualTo(bytes(Shape.of(1, 2), 1, 2));
            assertThat(zip.getNextEntry().getName()).isEqualTo("layer_0_c.npy");
            assertThat(zip.readAllBytes()).isEqualTo(bytes(Shape.of(1, 2), 3, 4));
            assertThat(zip.getNextEntry()).isNull();
        }
    }
}
