package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.StringWriter;
import java.io.Writer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ControlCharactersTest {
    /** C0 except newline and tab, DEL, C1, and the direction overrides and isolates. */
    private static final String CONTROLS = IntStream.of(0, 0x7f, 0x202a, 0x2066)
            .flatMap(start ->
                    IntStream.range(start, start + (start == 0 ? 32 : start == 0x7f ? 33 : start == 0x202a ? 5 : 4)))
            .filter(c -> c != '\n' && c != '\t')
            .mapToObj(Character::toString)
            .collect(Collectors.joining());

    private static final String HARMLESS = "\t\n ~aé\u00a0分‘’…\u2027\u202f\u2065\u206a😀\u3042";

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 1000})
    void terminalGetsEscapedControlCharactersHoweverTheTextIsSplit(int length) throws IOException {
        String expected = CONTROLS.codePoints()
                .mapToObj(c -> String.format("\\u%04x", c) + HARMLESS)
                .collect(Collectors.joining());
        String text = CONTROLS.codePoints()
                .mapToObj(c -> Character.toString(c) + HARMLESS)
                .collect(Collectors.joining());

        assertThat(written(text, length, true)).isEqualTo(expected);
        assertThat(written(CONTROLS, length, true)).doesNotContainPattern("\\p{Cntrl}");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 1000})
    void fileGetsTheSameText(int length) throws IOException {
        String text = CONTROLS + HARMLESS + CONTROLS;

        assertThat(written(text, length, false)).isEqualTo(text);
    }

    @Test
    void everyWayToWriteEscapes() throws IOException {
        StringWriter out = new StringWriter();
        try (Writer escaping = ControlCharacters.escaping(out, () -> true)) {
            escaping.write("\u001b");
            escaping.write(new char[] {'a', 0x9b}, 1, 1);
            escaping.write('\u202e');
        }
        assertThat(out).hasToString("\\u001b\\u009b\\u202e");
    }

    private static String written(String text, int length, boolean isTerminal) throws IOException {
        StringWriter out = new StringWriter();
        try (Writer escaping = ControlCharacters.escaping(out, () -> isTerminal)) {
            for (int start = 0; start < text.length(); start += length) {
                escaping.write(text, start, Math.min(length, text.length() - start));
            }
        }
        return out.toString();
    }
}
