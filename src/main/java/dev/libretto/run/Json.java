package dev.libretto.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.InjectableValues;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.type.LogicalType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.Collectors;

/** Reads and writes JSON files as records, strictly: nothing missing but what has a default, nothing unknown, nothing twice. */
public final class Json {
    /** A vocabulary of every character that there is takes 10 MiB. */
    static final int MAX_BYTES = 1 << 26;

    /**
     * The name of the default for the field that says whether U+FFFD stands for unknown characters. Before there was that
     * field, it always did.
     */
    public static final String UNKNOWN_CHARACTER = "unknownCharacter";

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(SerializationFeature.WRITE_ENUMS_USING_TO_STRING)
            .enable(DeserializationFeature.READ_ENUMS_USING_TO_STRING)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .withCoercionConfig(LogicalType.Textual, text -> {
                text.setCoercion(CoercionInputShape.Integer, CoercionAction.Fail);
                text.setCoercion(CoercionInputShape.Float, CoercionAction.Fail);
                text.setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail);
            })
            // Defaults of the fields that files of earlier versions lack, each marked with JacksonInject.
            .injectableValues(new InjectableValues.Std()
                    .addValue(ReportConfig.class, ReportConfig.DEFAULT)
                    .addValue(UNKNOWN_CHARACTER, true)
                    .addValue(TrainConfig.PARTS, TrainConfig.UNRECORDED_PARTS))
            .build();

    private Json() {}

    /** The JSON of a value, as the text of a file. */
    public static String write(Object value) throws IOException {
        return MAPPER.writeValueAsString(value) + "\n";
    }

    /** A record as its JSON object, the parts of it as trees, in their order. */
    public static JsonNode tree(Object value) {
        return MAPPER.valueToTree(value);
    }

    /** @throws RunException naming the file if it is missing or does not hold a {@code T} */
    public static <T> T read(Path file, TypeReference<T> type) throws IOException {
        return parse(Disk.readText(file, MAX_BYTES), file, type);
    }

    /**
     * The value of a JSON text.
     *
     * @param file where it comes from
     * @throws RunException naming the file if it is not a {@code T}
     */
    public static <T> T parse(String json, Path file, TypeReference<T> type) throws IOException {
        T value;
        try {
            value = MAPPER.readValue(json, type);
        } catch (JsonProcessingException e) {
            throw RunException.damaged(file, place(e) + problem(e), e);
        }
        if (value == null) {
            throw new RunException(file + " is damaged: it is null");
        }
        return value;
    }

    /** The field that is wrong, where it is known. */
    private static String place(JsonProcessingException e) {
        String place = e instanceof JsonMappingException mapping
                ? mapping.getPath().stream()
                        .map(step -> step.getFieldName() == null ? "" + step.getIndex() : step.getFieldName())
                        .collect(Collectors.joining("."))
                : "";
        return place.isEmpty() ? "" : place + ": ";
    }

    /** What a record says of its values, or else what Jackson says, without its advice to programmers. */
    private static String problem(JsonProcessingException e) {
        if (e.getCause() instanceof NullPointerException missing) {
            return missing.getMessage() + " is missing";
        }
        if (e.getCause() instanceof JsonProcessingException cause) {
            return problem(cause);
        }
        if (e.getCause() != null) {
            return e.getCause().getMessage();
        }
        return e.getOriginalMessage()
                .replaceFirst("(?s)(;|\\n|: disable | \\((index|class|set|but|token|although|start|for)\\b).*", "")
                .replaceAll("\\b(\\w+\\.)+(?=[A-Z])", "");
    }
}
