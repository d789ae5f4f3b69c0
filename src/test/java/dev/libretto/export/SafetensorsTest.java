package dev.libretto.export;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.libretto.LibrettoException;
import dev.libretto.device.Host;
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
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.ndarray.Shape;

/** Compares files with those of the safetensors library, and tries invalid ones. */
class SafetensorsTest {
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

    private static byte[] bytes(List<NamedArray> arrays) throws IOException {
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        Safetensors.write(output, arrays);
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

    @Test
    void arraysRoundTrip() throws IOException {
        assertSame(Safetensors.read(file(bytes(arrays()))), arrays());
        assertThat(bytes(arrays())).isEqualTo(bytes(arrays()));
        assertThat(Safetensors.read(file(bytes(List.of())))).isEmpty();
    }

    @Test
    void readsFilesOfPyTorch() throws IOException {
        Map<String, NamedArray> arrays = Safetensors.read(Path.of(RESOURCES + "torch.safetensors")).stream()
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
        byte[] bytes = bytes(List.of(new NamedArray("a", Shape.of(2), new float[] {1, -2})));
        String header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
        assertThat(bytes).startsWith(56, 0, 0, 0, 0, 0, 0, 0);
        assertThat(new String(bytes, 8, 56, UTF_8)).isEqualTo(header + " ".repeat(56 - header.length()));
        assertThat(Arrays.copyOfRange(bytes, 64, bytes.length)).containsExactly(0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0);
    }

    /** A sparse file with more numbers than this machine has memory for. */
    @Test
    void weightsThatDoNotFitAreRefusedBeforeTheyAreRead() throws IOException {
        long bytes = 1L << 32;
        long count = Host.current().memory() / bytes + 1;
        String header = LongStream.range(0, count)
                .mapToObj(i -> String.format(
                        Locale.ROOT,
                        "\"%d\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[%d,%d]}",
                        i,
                        bytes / 4,
                        i * bytes,
                        (i + 1) * bytes))
                .collect(Collectors.joining(",", "{", "}"));
        Path file = file(safetensors(header, 0));
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(1), channel.size() + count * bytes - 1);
        }
        assertThatThrownBy(() -> Safetensors.read(file))
                .isInstanceOf(LibrettoException.class)
                .hasMessageStartingWith(file + ": the model needs at least ")
                .hasMessageNotContaining("\n");
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
                damaged(good + "," + good, "\"a\" is given twice"),
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

    /** Its first bytes, 80 02, are those of Python's pickles, too. */
    @Test
    void aHeaderOf640BytesIsNoPickle() throws IOException {
        String header = "{" + entry("a", "F32", "[2]", "[0,8]");
        Path file = Files.write(
                folder.resolve("weights"), safetensors(header + " ".repeat(639 - header.length()) + "}", 8));
        assertThat(FileKind.of(file)).isEqualTo(FileKind.SAFETENSORS);
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

    private static byte[] zip(String name) throws IOException {
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(output)) {
            zip.putNextEntry(new ZipEntry(name));
        }
        return output.toByteArray();
    }

    @Test
    void otherFilesAreNamed() throws IOException {
        assertThatThrownBy(() -> Safetensors.read(folder)).hasMessage(folder + ": it is not a file");
        assertThatThrownBy(() -> Safetensors.read(folder.resolve("no")))
                .hasMessage(folder.resolve("no") + ": there is no such file");
        for (String content : List.of("", "P", "PK", "a text", "{\"a\":1}")) {
            assertRejected(content.getBytes(ISO_8859_1), "it is not a safetensors file");
        }
        assertRejected(
                "\u0089HDF\r\n\u001a\n".getBytes(ISO_8859_1),
                "it is a Keras file; convert it with: python3 -c 'import keras, safetensors.numpy as s; w = ");
        assertRejected("PK\u0003\u0004 and no more".getBytes(ISO_8859_1), "it is not a safetensors file");
        assertRejected(
                zip("archive/data.pkl"),
                "it is a PyTorch file; convert it with: python3 -c 'import torch, safetensors.torch as s; w = torch.load(\""
                        + folder.resolve("weights") + "\", ");
        assertRejected(zip("dense/bias.npy"), "it is an npz file; convert it with: python3 -c 'import numpy, ");
    }

    /** The path is a string of Python in an argument of a shell. */
    @Test
    void conversionIsOneCommandWhateverThePath() throws IOException {
        Path file = Files.write(folder.resolve("it's \"my\" model\\.pt"), zip("archive/data.pkl"));
        assertThatThrownBy(() -> Safetensors.read(file))
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining("torch.load(\"" + folder + "/it\\x27s \\\"my\\\" model\\\\.pt\", ")
                .hasMessageEndingWith("items()}, \"" + folder + "/it\\x27s \\\"my\\\" model\\\\.safetensors\")'");
        Path weights = Files.write(folder.resolve("m.weights.h5"), "\u0089HDF\r\n\u001a\n".getBytes(ISO_8859_1));
        assertThatThrownBy(() -> Safetensors.read(weights))
                .hasMessageEndingWith(
                        "it is a Keras file; it has weights without their model; load them into the model,"
                                + " save that as .keras and convert it");
    }

    @Test
    void truncatedFileIsRejected() throws IOException {
        byte[] whole = bytes(arrays().subList(0, 4));
        for (int length = 0; length < whole.length; length++) {
            assertRejected(Arrays.copyOf(whole, length), "");
        }
    }

    @Test
    void changedFileIsReadOrRejectedInOneLine() throws IOException {
        byte[] whole = bytes(arrays().subList(0, 4));
        Random random = new Random(7);
        for (int i = 0; i < 1000; i++) {
            byte[] changed = whole.clone();
            for (int n = random.nextInt(4); n >= 0; n--) {
                changed[random.nextInt(changed.length)] = (byte) random.nextInt(256);
            }
            Path file = file(changed);
            Throwable failure = catchThrowable(() -> Safetensors.read(file));
            if (failure != null) {
                assertOneLine(file, failure);
            }
        }
    }

    private void assertRejected(byte[] content, String message) throws IOException {
        Path file = file(content);
        Throwable failure = catchThrowable(() -> Safetensors.read(file));
        assertOneLine(file, failure);
        assertThat(failure).hasMessageContaining(message);
    }

    private static void assertOneLine(Path file, Throwable failure) {
        assertThat(failure).isInstanceOf(LibrettoException.class);
        assertThat(failure.getMessage()).startsWith(file + ": ").hasLineCount(1).hasSizeLessThan(500);
    }
}
