package dev.libretto.export;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.libretto.LibrettoException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.ndarray.Shape;

/** Compares the file formats with NumPy and safetensors, and tries invalid files. */
class WeightsFormatTest {
    private static final String RESOURCES = "src/test/resources/weights/";
    private static final float[] NUMBERS = {1.5f, -2, 0.25f, 3e-8f, 65504, -0.0f};
    private static final float[] HALVES = {1.5f, -2, 0.25f, 0x1p-24f * Math.round(3e-8 / 0x1p-24), 65504, -0.0f};

    @TempDir
    private Path folder;

    private static List<NamedArray> arrays() {
        Random random = new Random(1);
        float[] large = new float[300 * 301];
        for (int i = 0; i < large.length; i++) {
            large[i] = random.nextFloat() - 0.5f;
        }
        return List.of(
                new NamedArray("layer_0/kernel", Shape.of(2, 3), NUMBERS),
                new NamedArray("empty", Shape.of(0, 5), new float[0]),
                new NamedArray("scalar", Shape.of(), new float[] {Float.MIN_VALUE}),
                new NamedArray("β \"quoted\"", Shape.of(3), new float[] {Float.NaN, Float.MAX_VALUE, -0.0f}),
                new NamedArray("large", Shape.of(300, 301), large));
    }

    private static byte[] bytes(WeightsFormat format, List<NamedArray> arrays) throws IOException {
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        format.write(output, arrays);
        return output.toByteArray();
    }

    private Path file(byte[] content) throws IOException {
        return Files.write(folder.resolve("weights"), content);
    }

    private static void assertSame(List<NamedArray> actual, List<NamedArray> expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.size(); i++) {
            assertThat(actual.get(i).name()).isEqualTo(expected.get(i).name());
            assertThat(actual.get(i).shape()).isEqualTo(expected.get(i).shape());
            assertThat(actual.get(i).values()).containsExactly(expected.get(i).values());
        }
    }

    @ParameterizedTest
    @EnumSource
    void arraysRoundTrip(WeightsFormat format) throws IOException {
        assertSame(WeightsFormat.read(file(bytes(format, arrays()))), arrays());
        assertThat(bytes(format, arrays())).isEqualTo(bytes(format, arrays()));
        assertThat(WeightsFormat.read(file(bytes(format, List.of())))).isEmpty();
    }

    @Test
    void readsFilesOfNumpy() throws IOException {
        assertSame(
                WeightsFormat.read(Path.of(RESOURCES + "numpy.npz")),
                List.of(
                        new NamedArray("layer_0/kernel", Shape.of(2, 3), NUMBERS),
                        new NamedArray("f64", Shape.of(2, 3), NUMBERS),
                        new NamedArray("f16", Shape.of(2, 3), HALVES),
                        new NamedArray("fortran", Shape.of(2, 3), NUMBERS),
                        new NamedArray("vector", Shape.of(3), new float[] {0, 1, 2}),
                        new NamedArray("scalar", Shape.of(), new float[] {7})));
        assertSame(
                WeightsFormat.read(Path.of(RESOURCES + "numpy-compressed.npz")),
                List.of(new NamedArray("a", Shape.of(2, 3), NUMBERS)));
    }

    @Test
    void readsFilesOfPyTorch() throws IOException {
        Map<String, NamedArray> arrays = WeightsFormat.read(Path.of(RESOURCES + "torch.safetensors")).stream()
                .collect(Collectors.toMap(NamedArray::name, Function.identity()));
        assertThat(arrays).containsOnlyKeys("rnn.weight", "f64", "f16", "bf16", "vector", "scalar");
        assertThat(arrays.get("rnn.weight").shape()).isEqualTo(Shape.of(2, 3));
        assertThat(arrays.get("rnn.weight").values()).containsExactly(NUMBERS);
        assertThat(arrays.get("f64").values()).containsExactly(NUMBERS);
        assertThat(arrays.get("f16").values()).containsExactly(HALVES);
        assertThat(arrays.get("bf16").values()).containsExactly(1.5f, -2, 0.25f, 3.003515303134918e-08f, 65536, -0.0f);
        assertThat(arrays.get("vector").values()).containsExactly(0, 1, 2);
        assertThat(arrays.get("scalar").shape()).isEqualTo(Shape.scalar());
    }

    @Test
    void safetensorsBytesFollowTheSpecification() throws IOException {
        byte[] bytes = bytes(WeightsFormat.SAFETENSORS, List.of(new NamedArray("a", Shape.of(2), new float[] {1, -2})));
        String header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
        assertThat(bytes).startsWith(56, 0, 0, 0, 0, 0, 0, 0);
        assertThat(new String(bytes, 8, 56, UTF_8)).isEqualTo(header + " ".repeat(56 - header.length()));
        assertThat(Arrays.copyOfRange(bytes, 64, bytes.length)).containsExactly(0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0);
    }

    private static byte[] safetensors(String header, int dataSize) {
        byte[] json = header.getBytes(UTF_8);
        return ByteBuffer.allocate(8 + json.length + dataSize)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .array();
    }

    private static String entry(String name, String dtype, String shape, String offsets) {
        return String.format("\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}", name, dtype, shape, offsets);
    }

    static List<String[]> damagedSafetensorsAreRejected() {
        String good = entry("a", "F32", "[2]", "[0,8]");
        return List.of(
                damaged(entry("a", "F32", "[2]", "[0,9]"), "a has bytes 0 to 9, but its shape and type need 8"),
                damaged(entry("a", "F32", "[3]", "[0,12]"), "the arrays have 12 bytes, but the file has 8"),
                damaged(entry("a", "F32", "[1]", "[0,4]"), "the arrays have 4 bytes, but the file has 8"),
                damaged(entry("a", "F32", "[1]", "[4,8]"), "a begins at byte 4; the arrays before it end at byte 0"),
                damaged(good + "," + entry("b", "F32", "[1]", "[4,8]"), "b begins at byte 4; the arrays before it"),
                damaged(entry("a", "F32", "[2]", "[8,0]"), "a has bytes 8 to 0"),
                damaged(entry("a", "F32", "[2]", "[-8,0]"), "a has invalid data_offsets; expected a begin and an end"),
                damaged(entry("a", "F32", "[2]", "[0]"), "a has invalid data_offsets; expected a begin and an end"),
                damaged(
                        entry("a", "I64", "[1]", "[0,8]"),
                        "a has the type I64; only F16, BF16, F32 and F64 are supported"),
                damaged(entry("a", "F32", "[-2]", "[0,8]"), "the shape [-2] has a negative dimension"),
                damaged(entry("a", "F32", "[4294967296,4294967296]", "[0,8]"), "has more values than 2147483647"),
                damaged(entry("a", "F32", "[2147483648]", "[0,8]"), "has more values than 2147483647"),
                damaged(entry("a", "F32", "[99999999999999999999]", "[0,8]"), "the header is invalid"),
                damaged(entry("a", "F32", "[2.0]", "[0,8]"), "the header is invalid"),
                damaged(entry("a", "F32", "\"2\"", "[0,8]"), "the header is invalid"),
                damaged(entry("a", "F32", "null", "[0,8]"), "the header is invalid"),
                damaged(good + "," + good, "the header is invalid: \"a\" is given twice"),
                damaged("\"a\":{\"dtype\":\"F32\",\"shape\":[2]}", "the header is invalid"),
                damaged("\"a\":null", "a is null in the header"),
                damaged("\"a\":" + "[".repeat(100_000), "nested too deeply"),
                damaged(good + "}{", "the header is invalid"),
                damaged("\"a\\n\\u2028b\":{}", "the header is invalid"),
                damaged(entry("a\\nb", "F9", "[2]", "[0,8]"), "a?b has the type F9"),
                damaged(entry("a".repeat(9999), "F9", "[2]", "[0,8]"), "aaa…"));
    }

    private static String[] damaged(String entries, String message) {
        return new String[] {entries, message};
    }

    @ParameterizedTest
    @MethodSource
    void damagedSafetensorsAreRejected(String entries, String message) throws IOException {
        assertRejected(safetensors("{" + entries + "}", 8), message);
    }

    @Test
    void impossibleHeaderLengthsAreRejected() throws IOException {
        for (long length : new long[] {1L << 40, Long.MAX_VALUE, Long.MIN_VALUE, -1, 4}) {
            byte[] bytes = safetensors("{}", 0);
            ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
            assertRejected(bytes, "the header length is " + Long.toUnsignedString(length) + " bytes");
        }
        assertRejected(safetensors("{" + " ".repeat(1 << 20) + "}", 0), "at most 1048576 are supported");
        assertRejected(safetensors("{\u0000", 0), "the header is invalid");
        byte[] notUtf8 = safetensors("{\"a\":1}", 0);
        notUtf8[10] = (byte) 0xff;
        assertRejected(notUtf8, "the header is not UTF-8");
    }

    @Test
    void sparseFileOfManyGigabytesIsRejected() throws IOException {
        long values = Integer.MAX_VALUE;
        long count = Runtime.getRuntime().maxMemory() / values + 1;
        String header = IntStream.range(0, (int) count)
                .mapToObj(i -> entry(
                        "a" + i, "F32", "[" + values + "]", "[" + 4 * values * i + "," + 4 * values * (i + 1) + "]"))
                .collect(Collectors.joining(",", "{", "}"));
        Path file = file(safetensors(header, 0));
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(1), channel.size() + 4 * values * count - 1);
        }
        assertThatThrownBy(() -> WeightsFormat.read(file))
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining("raise the limit with LIBRETTO_JAVA_OPTS");
    }

    private static byte[] npy(String header, int dataSize) {
        return ByteBuffer.allocate(10 + header.length() + dataSize)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put("\u0093NUMPY\u0001\u0000".getBytes(ISO_8859_1))
                .putShort((short) header.length())
                .put(header.getBytes(ISO_8859_1))
                .array();
    }

    private static byte[] zip(String name, byte[] content) throws IOException {
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(output)) {
            zip.putNextEntry(new ZipEntry(name));
            zip.write(content);
        }
        return output.toByteArray();
    }

    private static String header(String descr, String fortran, String shape) {
        return "{'descr': " + descr + ", 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'descr':'<f4','fortran_order':False,'shape':(2,)}",
                "{'shape': (2,), 'fortran_order': True, 'descr': '<f4', }   \n",
                "{ 'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 1 , 2 ) , }\n"
            })
    void everyValidHeaderFormIsRead(String header) throws IOException {
        assertThat(WeightsFormat.read(file(zip("a.npy", npy(header, 8))))).hasSize(1);
    }

    @Test
    void npyVersionTwoIsRead() throws IOException {
        String header = header("'<f4'", "False", "(1,)");
        byte[] bytes = ByteBuffer.allocate(12 + header.length() + 4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put("\u0093NUMPY\u0002\u0000".getBytes(ISO_8859_1))
                .putInt(header.length())
                .put(header.getBytes(ISO_8859_1))
                .putFloat(3)
                .array();
        assertThat(WeightsFormat.read(file(zip("a.npy", bytes))).get(0).values())
                .containsExactly(3);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '%', quoteCharacter = '`', textBlock = """
                    '<f4'  % False % (3,)      % a has 8 bytes of data, but its shape and type need 12
                    '<f4'  % False % (1,)      % a has 8 bytes of data, but its shape and type need 4
                    '>f4'  % False % (2,)      % a has the type >f4; only <f4, <f8, <f2 are supported
                    '|O'   % False % (1,)      % a has the type |O
                    '<i8'  % False % (1,)      % a has the type <i8
                    '<f4'  % True  % (1, 1, 2) % a is in Fortran order
                    '<f4'  % False % (-2,)     % a is not a plain array
                    '<f4'  % False % (2L,)     % a is not a plain array
                    '<f4'  % False % (1 2)     % a has the invalid shape (1 2)
                    '<f4'  % False % (,)       % a has the invalid shape
                    '<f4'  % False % 2         % a is not a plain array
                    '<f4'  % 0     % (2,)      % a is not a plain array
                    [('x', '<f4')] % False % (2,) % a is not a plain array
                    '<f4'  % False % (4294967296, 4294967296) % has more values than 2147483647
                    '<f4'  % False % (99999999999999999999,)  % a has the invalid shape
                    '<f4', 'descr': '<f4' % False % (2,)      % a is not a plain array
                    """)
    void wrongNpyHeadersAreRejected(String descr, String fortran, String shape, String message) throws IOException {
        assertRejected(zip("a.npy", npy(header(descr, fortran, shape), 8)), message);
    }

    @Test
    void archivesNotFromNumpyAreRejected() throws IOException {
        byte[] good = npy(header("'<f4'", "False", "(2,)"), 8);
        assertRejected(
                zip("archive/data.pkl", good), "it is a PyTorch file; save its weights as safetensors or npz first");
        assertRejected(zip("a.npy", new byte[100]), "a is not an npy file");
        assertRejected(zip("a.npy", new byte[3]), "an array ends too early");
        assertRejected(zip("a.npy", npy("", 0)), "a is not a plain array");
        assertRejected(zip("a.npy", npy("{".repeat(9_999), 0)), "a is not a plain array");
        assertRejected(zip("a.npy", npy(" ".repeat(10_001), 0)), "at most 10000 are supported");
        byte[] version = good.clone();
        version[6] = 3;
        assertRejected(zip("a.npy", version), "a has npy version 3; only 1 and 2 are supported");
        byte[] shorter = good.clone();
        shorter[8] = (byte) 0xff;
        shorter[9] = (byte) 0x0f;
        assertRejected(zip("a.npy", shorter), "an array ends too early");
    }

    @Test
    void duplicateNameIsRejected() throws IOException {
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        byte[] good = npy(header("'<f4'", "False", "(2,)"), 8);
        try (ZipOutputStream zip = new ZipOutputStream(output)) {
            for (String name : List.of("a.npy", "b.npy")) {
                zip.putNextEntry(new ZipEntry(name));
                zip.write(good);
            }
        }
        String twice = new String(output.toByteArray(), ISO_8859_1).replace("b.npy", "a.npy");
        assertRejected(twice.getBytes(ISO_8859_1), "the archive contains a.npy twice");
    }

    @Test
    void zipBombIsRejectedBeforeUnpacking() throws IOException {
        assertRejected(
                zip("a.npy", npy(header("'<f4'", "False", "(5000000,)"), 20_000_000)),
                "the archive unpacks to more than 100 times its size");
    }

    @Test
    void changedNumberInArchiveIsDetected() throws IOException {
        byte[] bytes = bytes(WeightsFormat.NPZ, List.of(new NamedArray("a", Shape.of(2), new float[] {1, 2})));
        int at = new String(bytes, ISO_8859_1).indexOf("\u0000\u0000\u0080\u003f");
        bytes[at + 2]++;
        assertRejected(bytes, "a is damaged: its checksum does not match");
    }

    @Test
    void otherFilesAreNamed() throws IOException {
        assertThatThrownBy(() -> WeightsFormat.read(folder)).hasMessage(folder + ": it is not a file");
        assertThatThrownBy(() -> WeightsFormat.read(folder.resolve("no")))
                .hasMessage(folder.resolve("no") + ": there is no such file");
        for (String content : List.of("", "P", "PK", "a text", "{\"a\":1}")) {
            assertRejected(content.getBytes(ISO_8859_1), "it is neither a safetensors nor an npz file");
        }
        assertRejected("\u0089HDF\r\n\u001a\n".getBytes(ISO_8859_1), "it is a Keras file");
        assertRejected("PK\u0003\u0004 and no more".getBytes(ISO_8859_1), "the zip archive is damaged");
    }

    @ParameterizedTest
    @EnumSource
    void truncatedFileIsRejected(WeightsFormat format) throws IOException {
        byte[] whole = bytes(format, arrays().subList(0, 4));
        for (int length = 0; length < whole.length; length++) {
            assertRejected(Arrays.copyOf(whole, length), "");
        }
    }

    @ParameterizedTest
    @EnumSource
    void changedFileIsReadOrRejectedInOneLine(WeightsFormat format) throws IOException {
        byte[] whole = bytes(format, arrays().subList(0, 4));
        Random random = new Random(7);
        for (int i = 0; i < 1000; i++) {
            byte[] changed = whole.clone();
            for (int n = random.nextInt(4); n >= 0; n--) {
                changed[random.nextInt(changed.length)] = (byte) random.nextInt(256);
            }
            Path file = file(changed);
            Throwable failure = catchThrowable(() -> WeightsFormat.read(file));
            if (failure != null) {
                assertOneLine(file, failure);
            }
        }
    }

    private void assertRejected(byte[] content, String message) throws IOException {
        Path file = file(content);
        Throwable failure = catchThrowable(() -> WeightsFormat.read(file));
        assertOneLine(file, failure);
        assertThat(failure).hasMessageContaining(message);
    }

    private static void assertOneLine(Path file, Throwable failure) {
        assertThat(failure).isInstanceOf(LibrettoException.class);
        assertThat(failure.getMessage()).startsWith(file + ": ").hasLineCount(1).hasSizeLessThan(500);
    }
}
