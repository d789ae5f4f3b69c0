package dev.libretto.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.libretto.LibrettoException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.DoublePredicate;

/** The fields of a request. A field that is null counts as missing, as in OpenAI's API. */
final class Fields {
    private static final int SHOWN = 60;

    private final ObjectNode json;
    /** The names asked for. */
    private final Set<String> known = new HashSet<>();

    Fields(ObjectNode json) {
        this.json = json;
    }

    /** Returns a field; empty if it is missing or null. */
    Optional<JsonNode> find(String name) {
        known.add(name);
        return Optional.ofNullable(json.get(name)).filter(value -> !value.isNull());
    }

    /** Returns a text; null if it is missing. */
    String text(String name) throws ApiException {
        Optional<JsonNode> value = find(name);
        return value.isEmpty() ? null : text(name, value.get(), "a string");
    }

    private static String text(String name, JsonNode value, String expected) throws ApiException {
        if (!value.isTextual()) {
            throw wrong(name, expected, value);
        }
        return value.textValue();
    }

    /** Returns one text or several; empty if the field is missing. */
    List<String> texts(String name, int most) throws ApiException {
        Optional<JsonNode> value = find(name);
        String expected = "a string or an array of at most " + most + " strings";
        List<String> texts = new ArrayList<>();
        if (value.isPresent() && value.get().isArray()) {
            if (value.get().size() > most) {
                throw ApiException.badField(
                        name,
                        name + " must be " + expected + " (got " + value.get().size() + ")");
            }
            for (JsonNode each : value.get()) {
                texts.add(text(name, each, expected));
            }
        } else if (value.isPresent()) {
            texts.add(text(name, value.get(), expected));
        }
        return texts;
    }

    int integer(String name, int defaultValue, int min, int max) throws ApiException {
        return (int) integer(name, (long) defaultValue, min, max);
    }

    long integer(String name, long defaultValue, long min, long max) throws ApiException {
        Optional<JsonNode> value = find(name);
        if (value.isEmpty()) {
            return defaultValue;
        }
        JsonNode number = value.get();
        if (!number.isIntegralNumber()
                || !number.canConvertToLong()
                || number.longValue() < min
                || number.longValue() > max) {
            throw wrong(name, "an integer from " + min + " to " + max, number);
        }
        return number.longValue();
    }

    /** @param expected what follows "must be" */
    double number(String name, double defaultValue, DoublePredicate allowed, String expected) throws ApiException {
        Optional<JsonNode> value = find(name);
        if (value.isEmpty()) {
            return defaultValue;
        }
        JsonNode number = value.get();
        if (number.isNumber()) {
            requireFloat(name, "must be a number", number);
        }
        if (!number.isNumber() || !allowed.test(number.doubleValue())) {
            throw wrong(name, expected, number);
        }
        return number.doubleValue();
    }

    /**
     * Throws if a float cannot hold a number.
     *
     * @param requirement what follows the name in the message, without the range
     */
    static void requireFloat(String name, String requirement, JsonNode number) throws ApiException {
        // A number too large for a double becomes infinite.
        if (!(Math.abs(number.doubleValue()) <= Float.MAX_VALUE)) {
            throw ApiException.badField(
                    name, name + " " + requirement + " from -3.4e38 to 3.4e38 (got " + shown(number.toString()) + ")");
        }
    }

    boolean flag(String name) throws ApiException {
        Optional<JsonNode> value = find(name);
        if (value.isPresent() && !value.get().isBoolean()) {
            throw wrong(name, "true or false", value.get());
        }
        return value.isPresent() && value.get().booleanValue();
    }

    /** Returns an object's fields; none if it is missing. */
    Optional<ObjectNode> object(String name) throws ApiException {
        Optional<JsonNode> value = find(name);
        if (value.isPresent() && !value.get().isObject()) {
            throw wrong(name, "an object", value.get());
        }
        return value.map(ObjectNode.class::cast);
    }

    /** Throws for a field that nothing has asked for, so that a misspelt one is not overlooked. */
    void requireKnown() throws ApiException {
        for (Map.Entry<String, JsonNode> field : json.properties()) {
            if (!known.contains(field.getKey())) {
                String name = shown(field.getKey());
                throw new ApiException(400, "unknown field " + name + "; remove it", name, "unknown_field");
            }
        }
    }

    static ApiException wrong(String name, String expected, JsonNode got) {
        return ApiException.badField(name, name + " must be " + expected + " (got " + shown(got.toString()) + ")");
    }

    private static String shown(String text) {
        return LibrettoException.oneLine(text.length() > SHOWN ? text.substring(0, SHOWN) + "…" : text);
    }
}
