package dev.libretto.export;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.tensorflow.ndarray.Shape;

/**
 * NumPy's npy format: a magic string, the length of the header, the header as a Python dictionary, and the numbers (<a
 * href="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html">specification</a>). Reads versions 1.0 and 2.0,
 * writes 1.0.
 */
final class Npy {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};

    /** The largest header in bytes, as in NumPy. */
    private static final int MAX_HEADER = 10_000;

    /** The numbers start at a multiple of this many bytes. */
    private static final int ALIGNMENT = 64;

    private static final String TYPE = "descr";
    private static final String COLUMN_MAJOR = "fortran_order";
    private static final String SHAPE = "shape";

    /** A key, a value, and the comma or brace after them. */
    private static final Pattern ITEM =
            Pattern.compile("\\G\\s*'(\\w++)'\\s*+:\\s*+('[^']*+'|True|False|\\([0-9,\\s]*+\\))\\s*+(,|(?=\\}))");

    private Npy() {}

    /** Writes a float32 array. */
    static void write(OutputStream output, NamedArray array) throws IOException {
        String header = String.format(
                Locale.ROOT,
                "{'%s': '%s', '%s': False, '%s': %s, }",
                TYPE,
                ElementType.F32.numpyName(),
                COLUMN_MAJOR,
                SHAPE,
                tuple(array.shape()));
        int before = MAGIC.length + 4;
        int padding = Math.floorMod(-(before + header.length() + 1), ALIGNMENT);
        byte[] padded = (header + " ".repeat(padding) + "\n").getBytes(StandardCharsets.ISO_8859_1);
        output.write(MAGIC);
        output.write(new byte[] {1, 0, (byte) padded.length, (byte) (padded.length >> 8)});
        output.write(padded);
        ElementType.write(output, array.values());
    }

    private static String tuple(Shape shape) {
        String dimensions =
                Arrays.stream(shape.asArray()).mapToObj(Long::toString).collect(Collectors.joining(", "));
        return "(" + dimensions + (shape.numDimensions() == 1 ? ",)" : ")");
    }

    /**
     * Reads an array.
     *
     * @param size the size of the file in bytes
     * @throws IllegalArgumentException saying what is wrong
     * @throws EOFException if the file is shorter
     */
    static NamedArray read(String name, InputStream input, long size) throws IOException {
        int before = MAGIC.length + 2;
        byte[] start = readExactly(input, before);
        if (!Arrays.equals(start, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
            throw new IllegalArgumentException(name + " is not an npy file: it does not start with \\x93NUMPY");
        }
        int version = start[MAGIC.length];
        if (version != 1 && version != 2) {
            throw new IllegalArgumentException(name + " has npy version " + version + "; only 1 and 2 are supported");
        }
        int lengthBytes = version == 1 ? Short.BYTES : Integer.BYTES;
        long length = littleEndian(readExactly(input, lengthBytes));
        if (length > MAX_HEADER) {
            throw new IllegalArgumentException(
                    name + " has a header of " + length + " bytes; at most " + MAX_HEADER + " are supported");
        }
        String header = new String(readExactly(input, (int) length), StandardCharsets.ISO_8859_1);
        NamedArray array = read(name, header, input, size - before - lengthBytes - length);
        if (input.read() >= 0) {
            throw new IllegalArgumentException(name + " has more bytes than the archive says");
        }
        return array;
    }

    private static byte[] readExactly(InputStream input, int count) throws IOException {
        byte[] bytes = input.readNBytes(count);
        if (bytes.length < count) {
            throw new EOFException();
        }
        return bytes;
    }

    private static long littleEndian(byte[] bytes) {
        return ByteBuffer.wrap(Arrays.copyOf(bytes, Long.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
    }

    private static NamedArray read(String name, String header, InputStream input, long dataSize) throws IOException {
        Map<String, String> items = items(name, header);
        String typeName = items.get(TYPE).replace("'", "");
        ElementType type = ElementType.ofNumpy(typeName)
                .orElseThrow(() -> new IllegalArgumentException(name + " has the type " + typeName + "; only "
                        + ElementType.numpyNames() + " are supported (numpy.float32, float64 and float16)"));
        long[] dimensions = dimensions(name, items.get(SHAPE));
        int count = NamedArray.sizeOf(dimensions);
        long bytes = (long) count * type.bytes();
        if (bytes != dataSize) {
            throw new IllegalArgumentException(
                    name + " has " + dataSize + " bytes of data, but its shape and type need " + bytes);
        }
        boolean columnMajor = items.get(COLUMN_MAJOR).equals("True") && dimensions.length > 1;
        if (columnMajor && dimensions.length > 2) {
            throw new IllegalArgumentException(
                    name + " is in Fortran order; apply numpy.ascontiguousarray before saving");
        }
        float[] values = type.read(input, count);
        float[] rowMajor = columnMajor ? Gates.transpose(values, (int) dimensions[1], (int) dimensions[0]) : values;
        return new NamedArray(name, Shape.of(dimensions), rowMajor);
    }

    private static Map<String, String> items(String name, String header) {
        Map<String, String> items = new HashMap<>();
        Matcher matcher = ITEM.matcher(header);
        int end = 1;
        boolean once = header.startsWith("{");
        matcher.region(Math.min(1, header.length()), header.length());
        while (matcher.find()) {
            once &= items.put(matcher.group(1), matcher.group(2)) == null;
            end = matcher.end();
        }
        boolean closed = once && header.substring(end).strip().equals("}");
        if (!closed
                || !items.keySet().equals(Set.of(TYPE, COLUMN_MAJOR, SHAPE))
                || !items.get(TYPE).startsWith("'")
                || !items.get(COLUMN_MAJOR).matches("True|False")
                || !items.get(SHAPE).startsWith("(")) {
            throw new IllegalArgumentException(name + " is not a plain array; its header is " + header.strip());
        }
        return items;
    }

    private static long[] dimensions(String name, String tuple) {
        String inner = tuple.substring(1, tuple.length() - 1).strip();
        if (inner.isEmpty()) {
            return new long[0];
        }
        try {
            String[] parts = inner.replaceFirst(",$", "").split(",", -1);
            return Arrays.stream(parts)
                    .map(String::strip)
                    .mapToLong(Long::parseLong)
                    .toArray();
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + " has the invalid shape " + tuple, e);
        }
    }
}
