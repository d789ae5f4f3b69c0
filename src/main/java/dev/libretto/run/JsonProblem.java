package dev.libretto.run;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonStreamContext;
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

/** Says what is wrong with a JSON text, and where, in the user's terms instead of Jackson's. */
public final class JsonProblem {
    private static final int MAX_QUOTE = 40;

    private static final Pattern AFTER_NAME = Pattern.compile("[{,]\\s*\"[^\"]*\"$");

    private static final Pattern LITERAL = Pattern.compile("true|false|null|-?(0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d+)?");

    private static final Pattern TOKEN = Pattern.compile("\"(?:[^\"\\\\\\n]|\\\\.){0,40}\"?|[\\w.+-]+|\\X");

    private JsonProblem() {}

    private static String at(String json, int offset, String description) {
        int line =
                (int) json.substring(0, offset).chars().filter(c -> c == '\n').count() + 1;
        int column = json.codePointCount(json.lastIndexOf('\n', offset - 1) + 1, offset) + 1;
        return "line " + line + ", column " + column + ": " + description;
    }

    /** Returns the problem of a text that is {@code null}. */
    static String ofNull(Class<?> expected) {
        return mustBe("", expected, "null");
    }

    /** Returns the problem that an exception reports about a text. */
    public static String of(JsonProcessingException e, String json) {
        return of(e, e instanceof JsonMappingException mapping ? field(mapping) : "", json);
    }

    private static String of(JsonProcessingException e, String field, String json) {
        if (e.getCause() instanceof JsonProcessingException cause) {
            return of(cause, field, json);
        }
        if (e instanceof ValueInstantiationException && e.getCause() != null) {
            // Jackson reports the end of the object.
            return (field.isEmpty() ? "" : field + ": ") + reason(e.getCause());
        }
        if (e instanceof StreamConstraintsException) {
            return "it is nested too deeply, or a number or a string in it is too long";
        }
        if (e instanceof UnrecognizedPropertyException unknown) {
            // Jackson reports a position somewhere after the field.
            String known = unknown.getKnownPropertyIds().stream()
                    .map(Object::toString)
                    .sorted()
                    .collect(Collectors.joining(", "));
            return field + " is not a known field; expected one of " + known;
        }
        int offset = e.getLocation() == null ? -1 : (int) e.getLocation().getCharOffset();
        if (json.isBlank() || offset < 0 || offset > json.length()) {
            return json.isBlank() ? "it is empty" : "it is not JSON";
        }
        if (e instanceof JsonEOFException) {
            return at(json, offset, "it ends too early: a brace, bracket or quote is not closed");
        }
        if (e instanceof InputCoercionException) {
            int start = startOfWord(json, Math.max(0, offset - 1));
            return at(json, start, field + " is out of range (got " + token(json, start) + ")");
        }
        return e instanceof MismatchedInputException mismatch
                ? at(json, offset, ofValue(mismatch, field, json, offset))
                : ofSyntax(e, json, offset);
    }

    private static String ofValue(MismatchedInputException e, String field, String json, int offset) {
        if (e.getPath().isEmpty() && !json.substring(0, offset).isBlank()) {
            return "expected the end of the file, found " + token(json, offset);
        }
        return switch (json.charAt(offset)) {
            // The end of the object that lacks the field.
            case '}' -> field + " is missing";
            case '{' -> mustBe(field, e.getTargetType(), "an object");
            case '[' -> mustBe(field, e.getTargetType(), "a list");
            default -> mustBe(field, e.getTargetType(), token(json, offset));
        };
    }

    private static String ofSyntax(JsonProcessingException e, String json, int offset) {
        // Jackson has no type for this exception. If an upgrade words it otherwise, JsonTest fails: see Jackson's
        // DupDetector.
        if (e.getOriginalMessage().startsWith("Duplicate ")) {
            int start = Math.max(0, json.lastIndexOf('"', offset - 2));
            return at(json, start, token(json, start) + " is given twice");
        }
        long quotes = json.substring(0, offset)
                .replaceAll("(?s)\\\\.", "")
                .chars()
                .filter(c -> c == '"')
                .count();
        if (quotes % 2 == 1) {
            return at(
                    json,
                    offset,
                    json.charAt(offset) < ' '
                            ? "a control character must be written with a backslash, such as \\n"
                            : "a backslash must be written as \\\\, unless it begins an escape such as \\n");
        }
        int start = startOfWord(json, offset);
        String found = token(json, start);
        return at(
                json,
                start,
                found.equals("/")
                        ? "JSON has no comments; remove this one"
                        : "expected "
                                + expected(
                                        (JsonParser) e.getProcessor(),
                                        json.substring(0, start).stripTrailing()) + ", found " + found);
    }

    /** Returns what may follow the text read so far. */
    private static String expected(JsonParser parser, String read) {
        char last = read.isEmpty() ? ',' : read.charAt(read.length() - 1);
        JsonStreamContext context = parser.getParsingContext();
        if (context.inRoot() && !read.isEmpty()) {
            return "the end of the file";
        }
        if (context.inObject() && last != ':') {
            if (last == '{' || last == ',') {
                return "a name in double quotes";
            }
            return AFTER_NAME.matcher(read).find() ? "a colon" : "a comma or }";
        }
        return context.inArray() && last != '[' && last != ','
                ? "a comma or ]"
                : "a string in double quotes, a number, true, false, null, a list or an object";
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
                        .anyMatch(method ->
                                method.isAnnotationPresent(JsonCreator.class) && method.getParameterCount() == 1)) {
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

    /** Jackson may report a position inside a number or other word, or after one that is incomplete. */
    private static int startOfWord(String json, int offset) {
        int start = offset;
        while (start > 0 && isInWord(json, start - 1)) {
            start--;
        }
        boolean isComplete = !isInWord(json, offset)
                && LITERAL.matcher(json).region(start, offset).matches();
        return isComplete ? offset : start;
    }

    private static boolean isInWord(String json, int offset) {
        return offset < json.length()
                && (Character.isLetterOrDigit(json.charAt(offset)) || "+-.".indexOf(json.charAt(offset)) >= 0);
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
