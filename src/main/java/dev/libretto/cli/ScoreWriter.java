package dev.libretto.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.libretto.TextScore;
import dev.libretto.generate.ScoredCharacter;
import dev.libretto.text.Vocabulary;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Prints a row for each scored line, or for each of its characters: tab-separated values with a header, or JSON objects with the
 * same fields. What does not exist is an empty value or null.
 */
final class ScoreWriter {
    private static final String OTHERS = "others";

    private final PrintWriter out;
    private final Vocabulary vocabulary;
    private final boolean isJson;
    private final boolean isEach;
    /** Columns of other characters. */
    private final int others;

    private long lines;
    private boolean hasHeader;

    /**
     * @param isEach whether each character has a row
     * @param others how many other characters that row has
     */
    ScoreWriter(PrintWriter out, Vocabulary vocabulary, boolean isJson, boolean isEach, int others) {
        this.out = out;
        this.vocabulary = vocabulary;
        this.isJson = isJson;
        this.isEach = isEach;
        this.others = Math.min(others, vocabulary.size() - 1);
    }

    void write(TextScore score) {
        lines++;
        if (isEach) {
            writeCharacters(score);
            return;
        }
        print(row().put("log_probability", score.logProbability())
                .put("characters", score.predicted())
                .put("unknown", score.unknown())
                .put("log_probability_per_character", existing(score.logProbabilityPerCharacter()))
                .put("bits_per_character", existing(score.bitsPerCharacter()))
                .put("bits_per_byte", existing(score.bitsPerByte()))
                .put("text", score.text()));
    }

    private static Double existing(double value) {
        return Double.isNaN(value) ? null : (Double) value;
    }

    private void writeCharacters(TextScore score) {
        int[] codePoints = score.text().codePoints().toArray();
        for (int i = 0; i < score.characters().size(); i++) {
            ScoredCharacter character = score.characters().get(i);
            float logProbability = character.logProbability();
            ObjectNode row = row().put("position", i + 1)
                    .put("log_probability", Float.isNaN(logProbability) ? null : (Float) logProbability)
                    .put("character", i < codePoints.length ? Character.toString(codePoints[i]) : "");
            ObjectNode likely = row.putObject(OTHERS);
            character.top().forEach(other -> likely.put(vocabulary.decode(other.id()), other.logProbability()));
            print(row);
        }
    }

    private ObjectNode row() {
        return JsonNodeFactory.instance.objectNode().put("line", lines);
    }

    private void print(ObjectNode row) {
        if (isJson) {
            out.print(ControlCharacters.escape(row.toString()) + "\n");
            return;
        }
        if (!hasHeader) {
            hasHeader = true;
            out.print(String.join("\t", header(row)) + "\n");
        }
        out.print(String.join("\t", cells(row)) + "\n");
    }

    private List<String> header(ObjectNode row) {
        List<String> header = new ArrayList<>();
        row.fieldNames().forEachRemaining(header::add);
        if (header.remove(OTHERS)) {
            for (int i = 1; i <= others; i++) {
                header.add("other_" + i);
                header.add("log_probability_" + i);
            }
        }
        return header;
    }

    private List<String> cells(ObjectNode row) {
        List<String> cells = new ArrayList<>();
        for (Map.Entry<String, JsonNode> field : row.properties()) {
            if (!field.getKey().equals(OTHERS)) {
                cells.add(cell(field.getValue()));
                continue;
            }
            for (Map.Entry<String, JsonNode> other : field.getValue().properties()) {
                cells.add(escaped(other.getKey()));
                cells.add(cell(other.getValue()));
            }
            cells.addAll(Collections.nCopies(2 * (others - field.getValue().size()), ""));
        }
        return cells;
    }

    private static String cell(JsonNode value) {
        if (value.isNull()) {
            return "";
        }
        return value.isFloatingPointNumber()
                ? String.format(Locale.ROOT, "%.6f", value.doubleValue())
                : escaped(value.asText());
    }

    private static String escaped(String text) {
        return ControlCharacters.escape(text.replace("\\", "\\\\")
                .replace("\t", "\\t")
                .replace("\n", "\\n")
                .replace("\r", "\\r"));
    }
}
