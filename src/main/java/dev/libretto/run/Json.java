package dev.libretto.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.InjectableValues;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.type.LogicalType;
import dev.libretto.LibrettoException;
import dev.libretto.model.ModelConfig;
import dev.libretto.text.BadBytes;
import dev.libretto.text.Documents;
import dev.libretto.text.Normalization;
import dev.libretto.train.CorpusInfo;
import dev.libretto.train.TrainConfig;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Reads and writes records as JSON. Missing, unknown and duplicate fields are errors. */
public final class Json {
    /** The name of the default for the hash of an exported model's weights, which earlier versions did not write. */
    public static final String WEIGHTS_HASH = "weightsHash";

    /** A vocabulary of all Unicode characters takes 10 MiB. */
    static final int MAX_BYTES = 1 << 26;

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
            // Defaults of fields that files of earlier versions lack, marked with JacksonInject.
            .injectableValues(new InjectableValues.Std()
                    .addValue(ReportConfig.class, ReportConfig.DEFAULT)
                    .addValue(CorpusInfo.UNKNOWN_CHARACTER, true)
                    .addValue(CorpusInfo.DOCUMENTS, Documents.NONE)
                    .addValue(ModelConfig.END_SYMBOL, false)
                    .addValue(CorpusInfo.INCLUDE, List.of())
                    .addValue(CorpusInfo.BAD_BYTES, BadBytes.ERROR)
                    .addValue(CorpusInfo.NORMALIZATION, Normalization.NONE)
                    .addValue(TrainConfig.PARTS, TrainConfig.UNRECORDED_PARTS)
                    .addValue(TrainConfig.FROZEN, List.of())
                    .addValue(TrainConfig.EMA_DECAY, 0.0)
                    .addValue(WEIGHTS_HASH, "")
                    .addValue(Origin.class, null))
            .build();

    private Json() {}

    /** Returns a value as JSON text with a final newline. */
    public static String write(Object value) throws IOException {
        return MAPPER.writeValueAsString(value) + "\n";
    }

    public static JsonNode tree(Object value) {
        return MAPPER.valueToTree(value);
    }

    /** Parses JSON without binding it to a record; returns a missing node if it is not JSON. */
    public static JsonNode peek(String json) {
        try {
            return MAPPER.readTree(json);
        } catch (JsonProcessingException e) {
            return MAPPER.missingNode();
        }
    }

    /** Reads a file that Libretto wrote. */
    public static <T> T read(Path file, TypeReference<T> type) throws IOException {
        return parse(Disk.readText(file, MAX_BYTES), file, type);
    }

    /** @param file the file that the text comes from, for messages */
    public static <T> T parse(String json, Path file, TypeReference<T> type) throws LibrettoException {
        return parse(json, type, file + " is damaged: ");
    }

    /** Reads a file that a user may have written. */
    public static <T> T readHandwritten(Path file, TypeReference<T> type) throws IOException {
        return parse(handwrittenText(file), type, file + ": ");
    }

    private static String handwrittenText(Path file) throws IOException {
        if (Files.isDirectory(file)) {
            throw new LibrettoException(file + " is a directory; name a file");
        }
        byte[] content;
        try (InputStream input = Files.newInputStream(file)) {
            content = input.readNBytes(MAX_BYTES + 1);
        }
        if (content.length > MAX_BYTES) {
            throw new LibrettoException(file + " has more than " + MAX_BYTES + " bytes; name a smaller file");
        }
        try {
            return Disk.decodeUtf8(content);
        } catch (CharacterCodingException e) {
            throw new LibrettoException(file + " is not UTF-8; save it as UTF-8", e);
        }
    }

    private static <T> T parse(String json, TypeReference<T> type, String subject) throws LibrettoException {
        try {
            T value = MAPPER.readValue(json, type);
            if (value == null) {
                throw new LibrettoException(
                        subject + JsonProblem.ofNull(MAPPER.constructType(type).getRawClass()));
            }
            return value;
        } catch (JsonProcessingException e) {
            throw new LibrettoException(subject + LibrettoException.oneLine(JsonProblem.of(e, json)), e);
        }
    }
}
