package dev.libretto.serve;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.libretto.LibrettoException;
import dev.libretto.run.Disk;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Reads and writes the JSON of requests and answers. */
final class JsonBody {
    private static final int MAX_DEPTH = 16;

    private static final JsonMapper MAPPER = mapper();

    private JsonBody() {}

    private static JsonMapper mapper() {
        JsonMapper mapper = JsonMapper.builder()
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .build();
        // The body's size is limited already.
        mapper.getFactory()
                .setStreamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(MAX_DEPTH)
                        .maxStringLength(Integer.MAX_VALUE)
                        .build());
        return mapper;
    }

    /** Returns a JSON object in UTF-8. */
    static ObjectNode parse(byte[] body) throws ApiException {
        JsonNode json;
        try {
            json = MAPPER.readTree(Disk.decodeUtf8(body));
        } catch (CharacterCodingException e) {
            throw ApiException.badRequest("the body is not UTF-8; send JSON in UTF-8");
        } catch (JsonProcessingException e) {
            throw ApiException.badRequest("the body is not JSON: " + LibrettoException.oneLine(e.getOriginalMessage()));
        }
        if (!(json instanceof ObjectNode object)) {
            throw ApiException.badRequest("the body is not a JSON object; send one, such as {\"prompt\": \"Once\"}");
        }
        return object;
    }

    /** Returns JSON in UTF-8; half of a surrogate pair becomes a question mark. */
    static byte[] write(JsonNode json) {
        // Jackson writes other characters than ASCII as they are, and a string may hold half a surrogate pair.
        return json.toString().getBytes(StandardCharsets.UTF_8);
    }
}
