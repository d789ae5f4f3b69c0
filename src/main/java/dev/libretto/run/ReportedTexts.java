package dev.libretto.run;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The texts that a run wrote in the report of an epoch.
 *
 * @param texts one for each prefix, the prefix included
 */
public record ReportedTexts(int epoch, List<String> texts) {
    /** Returns the reports of a run, the oldest first; none if it kept none. */
    public static List<ReportedTexts> read(Path run) throws IOException {
        return new SamplesFile(run.resolve(SamplesFile.NAME)).read();
    }

    /** Returns the report of a line; null if it is not one. */
    static ReportedTexts parse(String line) {
        JsonNode report = Json.peek(line);
        if (!report.path("epoch").isInt() || !report.path("texts").isArray()) {
            return null;
        }
        List<String> texts = new ArrayList<>();
        report.get("texts").forEach(text -> texts.add(text.asText()));
        return new ReportedTexts(report.get("epoch").intValue(), List.copyOf(texts));
    }

    /** Returns its line of {@code samples.jsonl}, without the line end. */
    String line() {
        return Json.tree(this).toString();
    }
}
