package dev.libretto.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
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
    void terminalGetsEscapedControlCharactersHoweverTheBytesAreSplit(int length) throws IOException {
        String expected = CONTROLS.codePoints()
                .mapToObj(c -> String.format("\\u%04x", c) + HARMLESS)
                .collect(Collectors.joining());
        String text = CONTROLS.codePoints()
                .mapToObj(c -> Character.toString(c) + HARMLESS)
                .collect(Collectors.joining());

        assertThat(written(text.getBytes(UTF_8), length, true)).isEqualTo(expected.getBytes(UTF_8));
        assertThat(written(CONTROLS.getBytes(UTF_8), length, true))
                .asString(UTF_8)
                .doesNotContainPattern("\\p{Cntrl}");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 1000})
    void fileGetsTheSameBytes(int length) throws IOException {
        byte[] bytes = (CONTROLS + HARMLESS + CONTROLS).getBytes(UTF_8);

        assertThat(written(bytes, length, false)).isEqualTo(bytes);
    }

    @Test
    void invalidUtf8IsPassedThrough() throws IOException {
        for (byte[] bytes :
                new byte[][] {{(byte) 0xC2}, {(byte) 0xE2, (byte) 0x80}, {(byte) 0xE2, 'a', (byte) 0xC2, 'b'}}) {
            assertThat(written(bytes, 1, true)).isEqualTo(bytes);
        }
        assertThat(written(new byte[] {(byte) 0xE2, 0x1b, (byte) 0xC2, (byte) 0xC2, (byte) 0x9b}, 1, true))
                .isEqualTo(new byte[] {
                    (byte) 0xE2, '\\', 'u', '0', '0', '1', 'b', (byte) 0xC2, '\\', 'u', '0', '0', '9', 'b'
                });
    }

    private static byte[] written(byte[] bytes, int length, boolean isTerminal) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream escaping = ControlCharacters.escaping(out, () -> isTerminal)) {
            for (int start = 0; start < bytes.length; start += length) {
                escaping.write(bytes, start, Math.min(length, bytes.length - start));
            }
        }
        return out.toByteArray();
    }
}
