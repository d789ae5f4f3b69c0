package dev.libretto.export;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.libretto.LibrettoException;
import dev.libretto.run.JsonProblem;
import dev.libretto.train.MemoryEstimate;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.ndarray.Shape;

/**
 * The safetensors format: the length of the header in eight bytes, the header as JSON, and the numbers of all arrays
 * without gaps (<a href="https://huggingface.co/docs/safetensors">specification</a>).
 */
final class Safetensors {
    /** The largest header in bytes, enough for ten thousand arrays. */
    private static final long MAX_HEADER = 1 << 20;

    private static final String METADATA = "__metadata__";

    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(
                            StreamReadConstraints.builder().maxNestingDepth(8).build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .build();

    private Safetensors() {}

    /** An array in the header; the offsets are relative to the end of the header. */
    private record Entry(
            String dtype,
            long[] shape,
            @JsonProperty("data_offsets") long[] offsets) {}

    private record Placed(String name, ElementType type, long[] shape, long begin, long end) {}

    static void write(OutputStream output, List<NamedArray> arrays) throws IOException {
        Map<String, Entry> entries = new LinkedHashMap<>();
        long offset = 0;
        for (NamedArray array : arrays) {
            long end = offset + (long) array.values().length * ElementType.F32.bytes();
            entries.put(
                    array.name(),
                    new Entry(ElementType.F32.name(), array.shape().asArray(), new long[] {offset, end}));
            offset = end;
        }
        byte[] header = MAPPER.writeValueAsBytes(entries);
        // Spaces, so that the numbers start at a multiple of eight bytes.
        byte[] padding = " ".repeat(Math.floorMod(-header.length, Long.BYTES)).getBytes(StandardCharsets.UTF_8);
        output.write(ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length + padding.length)
                .array());
        output.write(header);
        output.write(padding);
        for (NamedArray array : arrays) {
            ElementType.write(output, array.values());
        }
    }

    /** Throws if a file is not of this format, saying how to make one of it. */
    static void requireReadable(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw LibrettoException.in(file, Files.exists(file) ? "it is not a file" : "there is no such file");
        }
        FileKind kind = FileKind.of(file);
        switch (kind) {
            case SAFETENSORS -> {}
            case KERAS, PYTORCH, NPZ ->
                throw new LibrettoException(file + ": it is " + kind + "; " + kind.conversion(file));
            case ONNX ->
                throw LibrettoException.in(
                        file, "it is " + kind + ", which generate can use, but its weights are needed as safetensors");
            case OTHER -> throw LibrettoException.in(file, "it is not a safetensors file");
        }
    }

    /** Reads arrays, in the order of their data. */
    static List<NamedArray> read(Path file) throws IOException {
        requireReadable(file);
        try (InputStream input = new BufferedInputStream(Files.newInputStream(file))) {
            long size = Files.size(file);
            byte[] header = readHeader(input, size);
            long dataSize = size - Long.BYTES - header.length;
            List<Placed> all = placed(header, dataSize);
            MemoryEstimate.ofFile(all.stream()
                            .mapToLong(array -> (long) Float.BYTES * NamedArray.sizeOf(array.shape()))
                            .sum())
                    .requireFits();
            List<NamedArray> arrays = new ArrayList<>();
            for (Placed array : all) {
                float[] values = array.type().read(input, NamedArray.sizeOf(array.shape()));
                arrays.add(new NamedArray(array.name(), Shape.of(array.shape()), values));
            }
            return arrays;
        } catch (EOFException e) {
            throw LibrettoException.in(file, "the file ends too early", e);
        } catch (CharacterCodingException e) {
            throw LibrettoException.in(file, "the header is not UTF-8", e);
        } catch (IllegalArgumentException e) {
            throw LibrettoException.in(file, e.getMessage(), e);
        }
    }

    private static byte[] readHeader(InputStream input, long fileSize) throws IOException {
        byte[] prefix = input.readNBytes(Long.BYTES);
        if (prefix.length < Long.BYTES) {
            throw new EOFException();
        }
        long length = ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getLong();
        if (length < 0 || length > fileSize - Long.BYTES) {
            throw new IllegalArgumentException(
                    "the header length is " + Long.toUnsignedString(length) + " bytes, but the file has " + fileSize);
        }
        if (length > MAX_HEADER) {
            throw new IllegalArgumentException(
                    "the header has " + length + " bytes; at most " + MAX_HEADER + " are supported");
        }
        return input.readNBytes((int) length);
    }

    /** Returns the arrays by position, after checking that they fill the file without gaps or overlaps. */
    private static List<Placed> placed(byte[] header, long dataSize) throws IOException {
        List<Placed> arrays = entries(header);
        arrays.sort(Comparator.comparingLong(Placed::begin).thenComparingLong(Placed::end));
        long position = 0;
        for (Placed array : arrays) {
            if (array.begin() != position) {
                throw new IllegalArgumentException(array.name() + " begins at byte " + array.begin()
                        + "; the arrays before it end at byte " + position);
            }
            position = array.end();
        }
        if (position != dataSize) {
            throw new IllegalArgumentException(
                    "the arrays have " + position + " bytes, but the file has " + dataSize + " bytes of data");
        }
        return arrays;
    }

    private static List<Placed> entries(byte[] header) throws IOException {
        String json = StandardCharsets.UTF_8
                .newDecoder()
                .decode(ByteBuffer.wrap(header))
                .toString();
        try {
            JsonNode root = MAPPER.readTree(json);
            if (!json.startsWith("{") || !root.isObject()) {
                throw new IllegalArgumentException("the header is not a JSON object");
            }
            List<Placed> arrays = new ArrayList<>();
            for (Map.Entry<String, JsonNode> property : root.properties()) {
                if (!property.getKey().equals(METADATA)) {
                    arrays.add(placed(property.getKey(), MAPPER.treeToValue(property.getValue(), Entry.class)));
                }
            }
            return arrays;
        } catch (JsonProcessingException e) {
            String problem = e instanceof JsonMappingException
                    ? "each array needs dtype, shape and data_offsets"
                    : JsonProblem.of(e, json);
            throw new IllegalArgumentException("the header is invalid: " + problem, e);
        }
    }

    private static Placed placed(String name, Entry entry) {
        if (entry == null) {
            throw new IllegalArgumentException(name + " is null in the header");
        }
        ElementType type = Arrays.stream(ElementType.values())
                .filter(supported -> supported.name().equals(entry.dtype()))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        name + " has the type " + entry.dtype() + "; only F16, BF16, F32 and F64 are supported"));
        if (entry.offsets().length != 2 || entry.offsets()[0] < 0) {
            throw new IllegalArgumentException(name + " has invalid data_offsets; expected a begin and an end");
        }
        long begin = entry.offsets()[0];
        long end = entry.offsets()[1];
        long bytes = (long) NamedArray.sizeOf(entry.shape()) * type.bytes();
        if (end - begin != bytes) {
            throw new IllegalArgumentException(
                    name + " has bytes " + begin + " to " + end + ", but its shape and type need " + bytes);
        }
        return new Placed(name, type, entry.shape(), begin, end);
    }
}
