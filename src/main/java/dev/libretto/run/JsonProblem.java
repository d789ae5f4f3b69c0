package dev.libretto.run;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.exc.InputCoercionException;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import java.util.Arrays;
import java.util.Collection;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What is wrong with a JSON text, in the user's terms instead of Jackson's.
 *
 * @param position such as {@code line 3, column 5}; empty if unknown
 * @param description what was expected and what was found
 */
public record JsonProblem(String position, String description) {
    private static final int MAX_QUOTE = 40;

    private static final Pattern TOKEN = Pattern.compile("\"(?:[^\"\\\\\\n]|\\\\.){0,40}\"?|[\\w.+-]+|\\X");

    private static JsonProblem at(String json, int offset, String description) {
        int line =
                (int) json.substring(0, offset).chars().filter(c -> c == '\n').count() + 1;
        int column = json.codePointCount(json.lastIndexOf('\n', offset - 1) + 1, offset) + 1;
        return new JsonProblem("line " + line + ", column " + column, description);
    }

    /** Returns the problem of a text that is {@code null}. */
    static JsonProblem ofNull(Class<?> expected) {
        return new JsonProblem("", mustBe("", expected, "null"));
    }

    /** Returns the problem that an exception reports about a text. */
    public static JsonProblem of(JsonProcessingException e, String json) {
        return of(e, e instanceof JsonMappingException mapping ? field(mapping) : "", json);
    }

    private static JsonProblem of(JsonProcessingException e, String field, String json) {
        if (e.getCause() instanceof JsonProcessingException cause) {
            return of(cause, field, json);
        }
        if (e instanceof ValueInstantiationException && e.getCause() != null) {
            // Jackson reports the end of the object.
            return new JsonProblem("", (field.isEmpty() ? "" : field + ": ") + reason(e.getCause()));
        }
        if (e instanceof StreamConstraintsException) {
            return new JsonProblem("", "it is nested too deeply, or a number or a string in it is too long");
        }
        int offset = e.getLocation() == null ? -1 : (int) e.getLocation().getCharOffset();
        if (json.isBlank() || offset < 0 || offset > json.length()) {
            return new JsonProblem("", json.isBlank() ? "it is empty" : "it is not JSON");
        }
        if (e instanceof JsonEOFException) {
            return at(json, offset, "it ends too early: a brace, bracket or quote is not closed");
        }
        if (e instanceof InputCoercionException) {
            int start = startOfNumber(json, offset);
            return at(json, start, field + " is out of range (got " + token(json, start) + ")");
        }
        return e instanceof MismatchedInputException mismatch
                ? ofValue(mismatch, field, json, offset)
                : ofSyntax(e, json, offset);
    }

    private static JsonProblem ofValue(MismatchedInputException e, String field, String json, int offset) {
        if (e instanceof UnrecognizedPropertyException unknown) {
            // Jackson reports a position somewhere after the field.
            String known = unknown.getKnownPropertyIds().stream()
                    .map(Object::toString)
                    .sorted()
                    .collect(Collectors.joining(", "));
            return new JsonProblem("", field + " is not a known field; expected one of " + known);
        }
        String message = e.getOriginalMessage();
        if (message.startsWith("Missing ")) {
            return at(json, offset, field + " is missing");
        }
        if (message.startsWith("Trailing ")) {
            return at(json, offset, "expected the end of the file, found " + token(json, offset));
        }
        String found = switch (json.charAt(offset)) {
            case '{' -> "an object";
            case '[' -> "a list";
            default -> token(json, offset);
        };
        return at(json, offset, mustBe(field, e.getTargetType(), found));
    }

    private static JsonProblem ofSyntax(JsonProcessingException e, String json, int offset) {
        String message = e.getOriginalMessage();
        if (message.startsWith("Duplicate field ")) {
            int start = Math.max(0, json.lastIndexOf('"', offset - 2));
            return at(json, start, token(json, start) + " is given twice");
        }
        boolean isNumber = message.contains("umeric value") || message.startsWith("Non-standard token");
        int start = isNumber ? startOfNumber(json, offset) : offset;
        String advice = advice(message);
        if (advice != null) {
            return at(json, start, advice);
        }
        boolean isAfterEnd = e.getProcessor() instanceof JsonParser parser
                && parser.getParsingContext().inRoot()
                && !json.substring(0, start).isBlank();
        String expected = isAfterEnd ? "the end of the file" : expected(message);
        return at(json, start, "expected " + expected + ", found " + token(json, start));
    }

    /** Returns advice on text that is almost JSON; null if there is none. */
    private static String advice(String message) {
        if (message.contains("ALLOW_COMMENTS")) {
            return "JSON has no comments; remove this one";
        }
        if (message.contains("(CTRL-CHAR")) {
            return "a control character must be written with a backslash, such as \\n";
        }
        if (message.startsWith("Unrecognized character escape") || message.contains("hex-digit")) {
            return "a backslash must be written as \\\\, unless it begins an escape such as \\n";
        }
        return null;
    }

    private static String expected(String message) {
        if (message.contains("to start field name")) {
            return "a name in double quotes";
        }
        if (message.contains("expecting a colon")) {
            return "a colon";
        }
        if (message.contains("comma to separate Object") || message.contains("expected '}'")) {
            return "a comma or }";
        }
        if (message.contains("comma to separate Array") || message.contains("expected ']'")) {
            return "a comma or ]";
        }
        return "a string in double quotes, a number, true, false, null, a list or an object";
    }

    private static String mustBe(String field, Class<?> expected, String found) {
        return (field.isEmpty() ? "it" : field) + " must be " + name(expected) + " (got " + found + ")";
    }

    private static String name(Class<?> type) {
        if (type == null) {
            return "another value";
        }
        if (type.isEnum()) {
            return Arrays.stream(type.getEnumConstants())
                    .map(Object::toString)
                    .collect(Collectors.joining(", ", "one of ", ""));
        }
        if (type == int.class || type == Integer.class || type == long.class || type == Long.class) {
            return "a whole number";
        }
        if (type == double.class || type == Double.class) {
            return "a number";
        }
        if (type == boolean.class || type == Boolean.class) {
            return "true or false";
        }
        if (type == String.class
                || Arrays.stream(type.getDeclaredMethods())
                        .anyMatch(method -> method.isAnnotationPresent(JsonCreator.class))) {
            return "a string in double quotes";
        }
        return type.isArray() || Collection.class.isAssignableFrom(type) ? "a list in brackets" : "an object in braces";
    }

    /** Returns the field at fault, such as {@code model.layers} or {@code vocabulary[3]}. */
    private static String field(JsonMappingException e) {
        StringBuilder field = new StringBuilder();
        for (JsonMappingException.Reference step : e.getPath()) {
            if (step.getFieldName() == null) {
                field.append('[').append(step.getIndex()).append(']');
            } else {
                field.append(field.isEmpty() ? "" : ".").append(step.getFieldName());
            }
        }
        return field.toString();
    }

    private static String reason(Throwable cause) {
        return cause instanceof NullPointerException ? cause.getMessage() + " is missing" : cause.getMessage();
    }

    private static int startOfNumber(String json, int offset) {
        int start = offset;
        while (start > 0
                && (Character.isLetterOrDigit(json.charAt(start - 1)) || "+-.".indexOf(json.charAt(start - 1)) >= 0)) {
            start--;
        }
        return start;
    }

    private static String token(String json, int offset) {
        Matcher token = TOKEN.matcher(json).region(offset, json.length());
        if (!token.lookingAt()) {
            return "the end of the file";
        }
        String text = token.group();
        return text.length() > MAX_QUOTE ? text.substring(0, MAX_QUOTE) + "…" : text;
    }
}
