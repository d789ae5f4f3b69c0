package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.libretto.generate.ScoredCharacter;
import dev.libretto.text.Corpus;
import dev.libretto.text.Vocabulary;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Characters that some programs take for the end of a line. */
class SampleWriterTest {
    private static final String LINE_ENDS = "a\n\r\u000b\f\u001c\u0085\u2028\u2029\t\\b";

    private final Vocabulary vocabulary =
            Vocabulary.of(new Corpus("test", LINE_ENDS.codePoints().toArray()));
    private final StringWriter out = new StringWriter();

    @Test
    void jsonLineHasNoOtherLineEnd() throws Exception {
        write(new JsonLinesWriter(new PrintWriter(out), vocabulary, null, false, false));

        assertThat(out.toString()).matches("[^\\p{Cc}\\u2028\\u2029]+\n");
        assertThat(new JsonMapper().readTree(out.toString()).get("text").asText())
                .isEqualTo(LINE_ENDS);
    }

    @Test
    void logProbabilityOfEachCharacterIsOneLine() {
        write(new PlainTextWriter(new PrintWriter(out), vocabulary, true));

        assertThat(out.toString().split("\n"))
                .hasSize(1 + LINE_ENDS.length())
                .allMatch(line -> line.matches("a|-1\\.000000\t[^\\p{Cc}\\u2028\\u2029]+"));
        assertThat(out.toString())
                .contains("\t\\n\n", "\t\\\\\n", "\t\\u0009\n", "\t\\u000d\n", "\t\\u0085\n", "\t\\u2028\n", "\tb\n");
    }

    private void write(SampleWriter writer) {
        writer.beginBatch(List.of(vocabulary.encode("a")), 1);
        for (int id : vocabulary.encode(LINE_ENDS)) {
            writer.written(0, new ScoredCharacter(id, -1, List.of()));
        }
        writer.endBatch(List.of());
    }
}
