package dev.libretto.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.type.TypeReference;
import dev.libretto.LibrettoException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
    private static final TypeReference<Map<String, Object>> OBJECT = new TypeReference<>() {};
    private static final String VALUE =
            "a string in double quotes, a number, true, false, null, a list or an object, found ";

    /** Names of Java types and Jackson's wording, which no message may contain. */
    private static final String JARGON = "(?s).*(`|dev\\.libretto|JsonToken|START_|Cannot |Unexpected|Unrecognized"
            + "|LinkedHashMap|ArrayList|coerc|deserializ|REDACTED|CTRL-CHAR|\\(code ).*";

    @TempDir
    private Path folder;

    private Path write(String content) throws IOException {
        return Files.writeString(folder.resolve("a.json"), content);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            `  `                        | : it is empty
            null                        | : it must be an object in braces (got null)
            [1]                         | : line 1, column 1: it must be an object in braces (got a list)
            5                           | : line 1, column 1: it must be an object in braces (got 5)
            "x"                         | : line 1, column 1: it must be an object in braces (got "x")
            not JSON                    | : line 1, column 1: expected VALUE not
            {                           | : line 1, column 2: it ends too early: a brace, bracket or quote is not closed
            {"a": "x                    | : line 1, column 9: it ends too early: a brace, bracket or quote is not closed
            {\\n  "a": 1\\n  "b": 2\\n} | : line 3, column 3: expected a comma or }, found "b"
            {\\r\\n"分": 1 "😀": 2}     | : line 2, column 8: expected a comma or }, found "😀"
            {a: 1}                      | : line 1, column 2: expected a name in double quotes, found a
            {"a": 1,}                   | : line 1, column 9: expected a name in double quotes, found }
            {"a" 1}                     | : line 1, column 6: expected a colon, found 1
            {"a": }                     | : line 1, column 7: expected VALUE }
            {"a": tru}                  | : line 1, column 7: expected VALUE tru
            {"a": escape}               | : line 1, column 7: expected VALUE escape
            {"a": 'x'}                  | : line 1, column 7: expected VALUE '
            {"a": 01}                   | : line 1, column 7: expected VALUE 01
            {"a": 1e}                   | : line 1, column 7: expected VALUE 1e
            {"a": NaN}                  | : line 1, column 7: expected VALUE NaN
            // options                  | : line 1, column 1: JSON has no comments; remove this one
            {"a": [1 2]}                | : line 1, column 10: expected a comma or ], found 2
            {"a": [1}                   | : line 1, column 9: expected a comma or ], found }
            {"a": 1]                    | : line 1, column 8: expected a comma or }, found ]
            {"a": 1}}                   | : line 1, column 9: expected the end of the file, found }
            {"a": 1} {"b": 2}           | : line 1, column 10: expected the end of the file, found {
            {"a": 1} x                  | : line 1, column 10: expected the end of the file, found x
            {"a": 1,\\n "a": 2}         | : line 2, column 2: "a" is given twice
            {"a": "x\\ny"}              | : line 1, column 9: a control character must be written with a backslash, such as \\\\n
            {"a": "\\\\x"}              | : line 1, column 9: a backslash must be written as \\\\\\\\, unless it begins an escape such as \\\\n
            {"a": "\\\\u12"}            | : line 1, column 12: a backslash must be written as \\\\\\\\, unless it begins an escape such as \\\\n
            """)
    void handwrittenFileIsRejectedWithPosition(String content, String message) throws IOException {
        Path file = write(content.translateEscapes());
        String expected = file + message.translateEscapes().replace("VALUE ", VALUE);
        assertThatThrownBy(() -> Json.readHandwritten(file, OBJECT)).hasMessage(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"[", "{\"a\":", "1", "\"x", "{\"a\":1} ", "{\"", "[1 ", "\\", "\""})
    void longOrDeepTextGivesOneShortLine(String part) throws IOException {
        Path file = write("{\"a\": " + part.repeat(100_000));
        assertThatThrownBy(() -> Json.readHandwritten(file, OBJECT))
                .isInstanceOf(LibrettoException.class)
                .message()
                .hasSizeLessThan(500)
                .doesNotMatch(JARGON)
                .matches("[^\\p{Cntrl}]+");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            "hiddenSize" : 4    | "hiddenSize" : 4.5         | line L, column C: model.hiddenSize must be a whole number (got 4.5)
            "hiddenSize" : 4    | "hiddenSize" : [4]         | line L, column C: model.hiddenSize must be a whole number (got a list)
            "hiddenSize" : 4    | "hiddenSize" : 99999999999 | line L, column C: model.hiddenSize is out of range (got 99999999999)
            "hiddenSize" : 4    | "hiddenSize" : 0           | model: hidden size is 0; it must be from 1 to 16384
            "hiddenSize" : 4    | "hiddenSize" : 4, "x" : 1  | model.x is not a known field; expected one of cell,
            "rate" : 100.0      | "rate" : "x"               | training.optimizer.learningRate.rate must be a number (got "x")
            "UTF-8"             | 8                          | corpus.encoding must be a string in double quotes (got 8)
            "keepNewlines" : t  | "keepNewlines" : "no", "": t | corpus.keepNewlines must be true or false (got "no")
            "consecutive"       | "sideways"                 | training.sampling must be one of consecutive, shifted, random (got "sideways")
            "every" : "         | "every" : 5, "x" : "       | must be a string in double quotes (got 5)
            "prefixes" : [      | "prefixes" : 5, "x" : [    | report.prefixes must be a list in brackets (got 5)
            "prefixes" : [ ]    | "prefixes" : ["a", 1]      | report.prefixes[1] must be a string in double quotes (got 1)
            "model" : {         | "model" : 5, "x" : {       | line L, column C: model must be an object in braces (got 5)
            "optimizer" : {     | "optimizer" : 5, "x" : {   | training.optimizer must be an object in braces (got 5)
            """)
    void damagedFieldIsNamed(String good, String bad, String message) throws IOException {
        String json = Json.write(TestRun.CONFIG);
        assertThat(json).contains(good);
        int at = json.indexOf(good) + Math.max(0, bad.indexOf(" : ")) + 3;
        long line = json.substring(0, at).lines().count();
        int column = at - json.lastIndexOf('\n', at - 1);
        Path file = write(json.replace(good, bad));
        assertThatThrownBy(() -> Json.read(file, new TypeReference<RunConfig>() {}))
                .hasMessageStartingWith(file + " is damaged: ")
                .hasMessageContaining(message.replace("L", "" + line).replace("C", "" + column))
                .message()
                .doesNotMatch(JARGON);
    }

    @Test
    void missingFieldIsNamedAtTheEndOfItsObject() throws IOException {
        Path file = write("{\n}");
        assertThatThrownBy(() -> Json.read(file, new TypeReference<RunConfig>() {}))
                .hasMessage(file + " is damaged: line 2, column 1: corpus is missing");
    }

    @Test
    void byteOrderMarkIsAccepted() throws IOException {
        assertThat(Json.readHandwritten(write("\uFEFF{\"a\": [1]}"), OBJECT)).isEqualTo(Map.of("a", List.of(1)));
    }

    @Test
    void fileThatIsNotUtf8IsNamed() throws IOException {
        Path file = folder.resolve("a.json");
        assertThatThrownBy(() -> Json.readHandwritten(file, OBJECT)).isInstanceOf(NoSuchFileException.class);
        assertThatThrownBy(() -> Json.readHandwritten(folder, OBJECT))
                .hasMessage(folder + " is a directory; name a file");
        Files.write(file, new byte[] {'{', '"', (byte) 0xe9, '"', '}'});
        assertThatThrownBy(() -> Json.readHandwritten(file, OBJECT))
                .hasMessage(file + " is not UTF-8; save it as UTF-8");
    }
}
